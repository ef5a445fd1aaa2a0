/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with the raw values that bench/decision/decide_world.c has put into its dictionary. */
#include "bench/hosts/dpdk_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench/decision/decide_world.h"
#include "plugin/dpdk/message.h"
#include "plugin/dpdk/pack.h"

#define LG_EVENTS 12

struct broker *dpdk_world_broker(unsigned candidates)
{
    static struct broker broker;
    const struct bench_world *world = bench_world_get(candidates);
    void *image = mmap(NULL, world->image_bytes, PROT_READ, MAP_SHARED, world->image_fd[0], 0);
    if (image == MAP_FAILED) {
        perror("bench: image");
        exit(1);
    }
    broker_start_shape(&broker, image, world->image_bytes, LG_EVENTS,
                       (struct qbid_live_shape){BENCH_LINE_ITEMS, BENCH_BUDGETS, BROKER_WORKERS});
    munmap(image, world->image_bytes);
    return &broker;
}

static uint8_t *put_value(uint8_t *at, uint32_t number)
{
    char name[BENCH_NAME_LEN];
    bench_value_name(number, name);
    return qbid_pack_put_str(at, name, BENCH_NAME_LEN);
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
    return qbid_pack_put_str(at, text, (uint8_t)strlen(text));
}

static uint8_t *put_names(uint8_t *at, unsigned key, const char *const *names, unsigned cnt)
{
    at = qbid_pack_put_uint(at, key);
    *at++ = (uint8_t)(0x90 | cnt);
    for (unsigned i = 0; i < cnt; i++)
        at = put_text(at, names[i]);
    return at;
}

static uint8_t *put_segments(uint8_t *at, uint64_t random)
{
    at = qbid_pack_put_uint(at, QBID_MESSAGE_SEGMENTS);
    *at++ = 0x95;
    for (unsigned i = 0; i < 3; i++)
        at = put_value(at, (uint32_t)(random >> (8 + 5 * i)) & 31);
    at = put_text(at, "travel-and-leisure-77");
    return put_text(at, "home-and-garden-3");
}

static uint8_t *put_deals(uint8_t *at)
{
    static const char *const name[] = {"DX-100231", "DX-100877"};
    at = qbid_pack_put_uint(at, QBID_MESSAGE_DEALS);
    *at++ = 0x92;
    for (unsigned i = 0; i < 2; i++) {
        *at++ = 0x92;
        at = put_text(at, name[i]);
        at = qbid_pack_put_uint(at, 2500000 + i);
    }
    return at;
}

size_t dpdk_world_message(unsigned candidates, uint64_t number, uint8_t *out)
{
    static const char *const badv[] = {"casino.example", "loans.example", "rival.example"};
    static const char *const bcat[] = {"IAB7-39", "IAB8-5", "IAB9-9", "IAB23", "IAB25", "IAB26"};
    const struct bench_world *world = bench_world_get(candidates);
    struct bench_context c = bench_context_of(world->order[number & (BENCH_ORDER - 1)]);
    uint64_t random = qbid_mix64(number);
    char id[40];
    uint8_t *at = out;
    snprintf(id, sizeof id, "%08x-9d8e-4f60-a1b2-%012lx", (unsigned)random, number);
    *at++ = 0xde;
    at = qbid_bytes_put16(at, QBID_MESSAGE_KEY_CNT - 1); /* all but the hour, which is UTC's then */
    at = qbid_pack_put_uint(qbid_pack_put_uint(at, QBID_MESSAGE_VERSION_KEY), 1);
    at = put_text(qbid_pack_put_uint(at, QBID_MESSAGE_ID), id);
    at = put_text(qbid_pack_put_uint(at, QBID_MESSAGE_IMP), "1");
    at = put_value(qbid_pack_put_uint(at, QBID_MESSAGE_EXCHANGE), c.exchange);
    at = qbid_pack_put_uint(at, QBID_MESSAGE_SLOTS);
    *at++ = 0x92;
    at = put_text(put_value(at, c.slot), "banner:336x280");
    at = put_value(qbid_pack_put_uint(at, QBID_MESSAGE_POSITION), random >> 3 & 3);
    at = put_value(qbid_pack_put_uint(at, QBID_MESSAGE_DEVICE), random & 7);
    at = put_value(qbid_pack_put_uint(at, QBID_MESSAGE_GEO), c.geo);
    at = put_value(qbid_pack_put_uint(at, QBID_MESSAGE_SITE), c.site);
    at = put_segments(at, random);
    at = qbid_pack_put_uint(qbid_pack_put_uint(at, QBID_MESSAGE_FLOOR), 120000);
    at = qbid_pack_put_uint(qbid_pack_put_uint(at, QBID_MESSAGE_AUCTION), 1);
    at = qbid_pack_put_uint(qbid_pack_put_uint(at, QBID_MESSAGE_FLAGS), QBID_REQUEST_SECURE);
    at = put_deals(at);
    at = put_names(at, QBID_MESSAGE_BADV, badv, 3);
    at = put_names(at, QBID_MESSAGE_BCAT, bcat, 6);
    return (size_t)(at - out);
}
