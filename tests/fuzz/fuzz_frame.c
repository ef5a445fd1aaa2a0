/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a frame: nothing behind its end is read, and what is answered is well formed. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/plugin/dpdk/frames.h"

const unsigned fuzz_replays = 300000;

static void must(int good)
{
    if (!good)
        abort();
}

/* An answer goes where its request came from, whoever that was. */
static void check_answer(const struct qbid_station *self, const uint8_t *asked, uint8_t *frame,
                         uint32_t len)
{
    const uint8_t *payload;
    size_t payload_len;
    memset(frame + QBID_FRAME_HEADERS, 'a', len);
    uint32_t bytes = qbid_frame_answer(self, frame, len, 0);
    must(memcmp(frame, asked + 6, 6) == 0 && memcmp(frame + 30, asked + 26, 4) == 0);
    must(memcmp(frame + 36, asked + 34, 2) == 0);
    must(frames_checksum(frame + 14, 20, 0) == 0);
    if (memcmp(asked + 6, "\2\0\0\0\0\1", 6) == 0 && memcmp(asked + 26, "\12\11\0\1", 4) == 0 &&
        memcmp(asked + 34, "\234\100", 2) == 0)
        must(frames_is_answer(frame, bytes, &payload, &payload_len) && payload_len == len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t frame[FRAMES_MAX + 64];
    struct qbid_station self = frames_station();
    if (size == 0 || size > FRAMES_MAX)
        return 0;
    unsigned offload = data[0] % 16;
    const uint8_t *bytes = data + 1;
    uint32_t len = (uint32_t)size - 1, payload_len = 0;
    uint8_t *copy = malloc(len + !len);
    memcpy(copy, bytes, len);
    enum qbid_frame_kind kind = qbid_frame_classify(&self, copy, len, offload, &payload_len);
    must(kind < QBID_FRAME_KIND_CNT);
    memcpy(frame, copy, len);
    if (kind == QBID_FRAME_REQUEST) {
        must(payload_len + QBID_FRAME_HEADERS <= len);
        check_answer(&self, copy, frame, payload_len);
    } else if (kind == QBID_FRAME_ECHO) {
        uint32_t out = qbid_frame_answer_echo(&self, frame);
        must(out <= len || out == QBID_FRAME_MIN);
    } else if (kind == QBID_FRAME_ARP) {
        must(qbid_frame_answer_arp(&self, frame) == QBID_FRAME_MIN);
    }
    free(copy);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    uint8_t seed[FRAMES_MAX + 1];
    for (unsigned offload = 0; offload < 4; offload++) {
        seed[0] = (uint8_t)offload;
        fn(context, seed, 1 + frames_udp(seed + 1, "abcdefgh", offload * 2));
        fn(context, seed, 1 + frames_echo(seed + 1, 10 * offload));
    }
    fn(context, seed, 1 + frames_arp(seed + 1));
}
