/* SPDX-License-Identifier: Apache-2.0 */
/* Fields in random order, lengths and numbers around their limits, unknown fields in between. */
#include "tests/plugin/dpdk/message_random.h"

#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "plugin/dpdk/message.h"

static void pack_name(msgpack_packer *p, struct rng *r, uint32_t max)
{
    static const uint32_t lens[] = {0, 1, 7, 8, 9, 16, 31, 32, 33, 64, 65, 255, 256};
    char text[300];
    uint32_t len = rng_below(r, 4) ? rng_below(r, 24) : lens[rng_below(r, 13)];
    if (rng_below(r, 64)) /* else it may be too long */
        len = len < max ? len : max;
    for (uint32_t i = 0; i < len; i++)
        text[i] = (char)(rng_below(r, 8) ? 'A' + rng_below(r, 58) : rng_below(r, 256));
    msgpack_pack_str(p, len);
    msgpack_pack_str_body(p, text, len);
}

static void pack_number(msgpack_packer *p, struct rng *r, uint64_t value)
{
    switch (rng_below(r, 8)) {
    case 0:
        msgpack_pack_fix_uint64(p, value);
        break;
    case 1:
        msgpack_pack_fix_uint32(p, (uint32_t)value);
        break;
    case 2:
        msgpack_pack_int64(p, (int64_t)value);
        break;
    default:
        msgpack_pack_uint64(p, value);
    }
}

static uint64_t near(struct rng *r, uint64_t limit)
{
    return rng_below(r, 16) ? rng_next(r) % (limit + 1) : limit + rng_below(r, 3) - 1;
}

static void pack_list(msgpack_packer *p, struct rng *r, uint32_t max)
{
    uint32_t cnt = rng_below(r, 8) ? rng_below(r, 6) : (uint32_t)near(r, max);
    msgpack_pack_array(p, cnt);
    for (uint32_t i = 0; i < cnt; i++)
        pack_name(p, r, 255);
}

static void pack_anything(msgpack_packer *p, struct rng *r, unsigned depth)
{
    uint32_t kind = rng_below(r, depth > 18 ? 7 : 10), n = rng_below(r, 4);
    char bytes[16] = "";
    if (kind == 0)
        msgpack_pack_nil(p);
    else if (kind == 1)
        msgpack_pack_true(p);
    else if (kind == 2)
        msgpack_pack_double(p, 0.5);
    else if (kind == 3)
        msgpack_pack_int64(p, (int64_t)rng_next(r));
    else if (kind == 4)
        pack_name(p, r, 300);
    else if (kind == 5)
        msgpack_pack_bin_with_body(p, bytes, n);
    else if (kind == 6)
        msgpack_pack_ext_with_body(p, bytes, n + 1, 5);
    else if (kind == 7)
        msgpack_pack_map(p, n);
    else
        msgpack_pack_array(p, n);
    for (uint32_t i = 0; kind >= 7 && i < (kind == 7 ? 2 * n : n); i++)
        pack_anything(p, r, depth + 1);
}

static void pack_deals(msgpack_packer *p, struct rng *r)
{
    uint32_t cnt = rng_below(r, 8) ? rng_below(r, 4) : (uint32_t)near(r, 16);
    msgpack_pack_array(p, cnt);
    for (uint32_t i = 0; i < cnt; i++) {
        uint32_t fields = rng_below(r, 8) ? 2 : rng_below(r, 18);
        msgpack_pack_array(p, fields);
        if (fields > 0)
            pack_name(p, r, 255);
        if (fields > 1)
            pack_number(p, r, near(r, QBID_MESSAGE_FLOOR_MAX - 1));
        for (uint32_t j = 2; j < fields; j++)
            pack_anything(p, r, 8);
    }
}

static void pack_value(msgpack_packer *p, struct rng *r, unsigned key)
{
    if (rng_below(r, 128) == 0) { /* some other type */
        pack_anything(p, r, 15);
        return;
    }
    switch (key) {
    case QBID_MESSAGE_VERSION_KEY:
        pack_number(p, r, rng_below(r, 64) ? 1 : rng_below(r, 4));
        break;
    case QBID_MESSAGE_HOUR:
        pack_number(p, r, near(r, 167));
        break;
    case QBID_MESSAGE_FLOOR:
        pack_number(p, r, near(r, QBID_MESSAGE_FLOOR_MAX - 1));
        break;
    case QBID_MESSAGE_AUCTION:
        pack_number(p, r, rng_below(r, 32) ? 1 + rng_below(r, 2) : rng_below(r, 5));
        break;
    case QBID_MESSAGE_FLAGS:
        pack_number(p, r, near(r, 15));
        break;
    case QBID_MESSAGE_SLOTS:
        pack_list(p, r, QBID_REQUEST_SLOTS_MAX);
        break;
    case QBID_MESSAGE_SEGMENTS:
        pack_list(p, r, QBID_REQUEST_SEGMENTS_MAX);
        break;
    case QBID_MESSAGE_BADV:
    case QBID_MESSAGE_BCAT:
        pack_list(p, r, QBID_MESSAGE_BLOCKS_MAX);
        break;
    case QBID_MESSAGE_DEALS:
        pack_deals(p, r);
        break;
    case QBID_MESSAGE_POSITION:
        if (rng_below(r, 2))
            pack_number(p, r, rng_next(r) >> rng_below(r, 64));
        else
            pack_name(p, r, 255);
        break;
    default:
        pack_name(p, r, key == QBID_MESSAGE_ID ? 64 : key == QBID_MESSAGE_IMP ? 32 : 255);
    }
}

static void pack_pair(msgpack_packer *p, struct rng *r, unsigned key)
{
    if (key >= QBID_MESSAGE_KEY_CNT && rng_below(r, 2))
        pack_name(p, r, 40);
    else
        msgpack_pack_int64(p, rng_below(r, 64) && key < QBID_MESSAGE_KEY_CNT
                                  ? (int64_t)key
                                  : (int64_t)rng_below(r, 400) - 100);
    if (key < QBID_MESSAGE_KEY_CNT)
        pack_value(p, r, key);
    else
        pack_anything(p, r, 0);
}

size_t message_random(struct rng *r, uint8_t *out)
{
    unsigned keys[32], cnt = 0;
    for (unsigned key = 0; key < QBID_MESSAGE_KEY_CNT + 3; key++)
        if (rng_below(r, 100) < (key < 2 ? 99u : key < QBID_MESSAGE_KEY_CNT ? 70u : 30u))
            keys[cnt++] = key;
    for (unsigned i = cnt; i > 1; i--) {
        unsigned j = rng_below(r, i), swap = keys[i - 1];
        keys[i - 1] = keys[j];
        keys[j] = swap;
    }
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    msgpack_pack_map(&packer, cnt);
    for (unsigned i = 0; i < cnt; i++)
        pack_pair(&packer, r, keys[i]);
    size_t len = buffer.size <= MESSAGE_RANDOM_MAX ? buffer.size : MESSAGE_RANDOM_MAX;
    memcpy(out, buffer.data, len);
    msgpack_sbuffer_destroy(&buffer);
    return len;
}
