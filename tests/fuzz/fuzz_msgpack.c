/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a MessagePack request, against the reader over libmsgpack's tree; and as the text in
 * which an id is looked for. */
#include <stdlib.h>
#include <string.h>

#include "plugin/dpdk/json_id.h"
#include "plugin/dpdk/message.h"
#include "tests/fuzz/fuzz.h"
#include "tests/plugin/dpdk/message_oracle.h"
#include "tests/plugin/dpdk/message_random.h"

#define HOUR 4711
#define SEEDS 24

const unsigned fuzz_replays = 100000;

static void must(int good)
{
    if (!good)
        abort();
}

static void check_request(const struct qbid_request *request, const struct qbid_message *message)
{
    static const char token[QBID_NOTICE_TOKEN_CHARS];
    const struct qbid_decision most = {.bid_micros = INT64_MAX,
                                       .nonce = UINT64_MAX,
                                       .gen = UINT64_MAX,
                                       .creative_id = UINT32_MAX,
                                       .line_item_id = UINT32_MAX,
                                       .campaign_id = UINT32_MAX,
                                       .deal = 16};
    char out[QBID_MESSAGE_ANSWER_MAX];
    must(message->id_len > 0 && message->id_len <= QBID_MESSAGE_ID_MAX);
    must(request->slot_cnt <= QBID_REQUEST_SLOTS_MAX && request->floor_micros >= 0);
    must(qbid_message_bid(message, &most, token, out) <= sizeof out);
    must(qbid_message_nobid(message, QBID_NOBID_TIMEOUT, out) <= sizeof out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct qbid_request request, want_request;
    static struct qbid_message message, want_message;
    const char *at;
    uint8_t *copy = malloc(size + !size); /* of its own, so that a byte too far is seen */
    memcpy(copy, data, size);
    int err = qbid_message_decode(copy, size, HOUR, &request, &message);
    must(message.id_len <= QBID_MESSAGE_ID_MAX && message.imp_len <= QBID_MESSAGE_IMP_MAX);
    if (err == 0)
        check_request(&request, &message);
    if (message_oracle_can_read(copy, size)) {
        bool good = message_oracle_read(copy, size, HOUR, &want_request, &want_message);
        must(good == (err == 0));
        must(!good ||
             message_oracle_differ(&request, &message, &want_request, &want_message) == NULL);
    }
    must(qbid_json_id((const char *)copy, size, &at) <= QBID_JSON_ID_MAX);
    free(copy);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    static uint8_t bytes[MESSAGE_RANDOM_MAX];
    struct rng r = rng_init(11);
    for (unsigned i = 0; i < SEEDS; i++)
        fn(context, bytes, message_random(&r, bytes));
    fn(context, "{\"imp\":[{\"id\":\"1\"}],\"id\":\"r\\\"\"}", 31);
}
