/* SPDX-License-Identifier: Apache-2.0 */
/* MessagePack from and into buffers of the caller's: no allocation, no recursion, every read and
 * every write inside its bounds.
 *
 * Why not libmsgpack: its unpacker makes a tree of what it reads, in memory that it allocates for
 * each message, and a bid request has to be read twice then. Here one pass over the bytes fills the
 * request. tests/plugin/dpdk/ holds this reader against libmsgpack, value by value.
 *
 * Source: the MessagePack specification, github.com/msgpack/msgpack/blob/master/spec.md.
 */
#ifndef QBID_PLUGIN_DPDK_PACK_H
#define QBID_PLUGIN_DPDK_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "plugin/dpdk/bytes.h"

#define QBID_PACK_DEPTH_MAX 16 /* containers inside one another, of a value that is skipped */

enum qbid_pack_type {
    QBID_PACK_NIL,
    QBID_PACK_BOOL,  /* u: 0 or 1 */
    QBID_PACK_UINT,  /* u; also what was written as a signed integer >= 0 */
    QBID_PACK_NINT,  /* u: two's complement of an integer < 0 */
    QBID_PACK_REAL,  /* float or double; its value is not kept */
    QBID_PACK_STR,   /* at, u bytes */
    QBID_PACK_BIN,   /* at, u bytes */
    QBID_PACK_EXT,   /* at, u bytes; its type is not kept */
    QBID_PACK_ARRAY, /* u elements follow */
    QBID_PACK_MAP    /* u pairs follow */
};

struct qbid_pack {
    const uint8_t *at, *end;
};

/* One value, or the head of a container. */
struct qbid_pack_item {
    uint64_t u;
    const char *at;
    enum qbid_pack_type type;
};

static inline size_t qbid_pack_left(const struct qbid_pack *p)
{
    return (size_t)(p->end - p->at);
}

/** What qbid_pack_read() does for every first byte that is not its own case. */
int qbid_pack_read_long(struct qbid_pack *p, struct qbid_pack_item *ret_item);

/**
 * Read one value, or the head of a container; strings and the like are passed over.
 *
 * Returns: 0; QBID_ERR_PARSE at the end of the bytes, for a length that goes past it, and for 0xc1,
 *          which MessagePack never uses. Nothing is read past p->end.
 * Cost:    5 ns for integers below 128 and strings of less than 32 bytes.
 */
static inline int qbid_pack_read(struct qbid_pack *p, struct qbid_pack_item *ret_item)
{
    if (p->at == p->end)
        return qbid_pack_read_long(p, ret_item);
    uint8_t first = *p->at;
    if (first < 0x80) { /* positive fixint */
        p->at++;
        *ret_item = (struct qbid_pack_item){first, NULL, QBID_PACK_UINT};
        return 0;
    }
    size_t len = first & 31u;
    if (first >= 0xa0 && first < 0xc0 && len < qbid_pack_left(p)) { /* fixstr */
        *ret_item = (struct qbid_pack_item){len, (const char *)p->at + 1, QBID_PACK_STR};
        p->at += 1 + len;
        return 0;
    }
    return qbid_pack_read_long(p, ret_item);
}

/**
 * Pass over what belongs to an item that was read: nothing, or the elements of a container.
 *
 * Returns: 0; QBID_ERR_PARSE as qbid_pack_read(); QBID_ERR_LIMIT for containers of more than
 *          QBID_PACK_DEPTH_MAX levels.
 * Cost:    linear in the bytes that are there, whatever the lengths in them say.
 */
int qbid_pack_skip(struct qbid_pack *p, const struct qbid_pack_item *item);

/* --- writing: the caller knows that there is room; 9 bytes are enough for any number */

static inline uint8_t *qbid_pack_put_uint(uint8_t *at, uint64_t u)
{
    if (u < 0x80) {
        *at++ = (uint8_t)u;
    } else if (u <= UINT8_MAX) {
        *at++ = 0xcc;
        *at++ = (uint8_t)u;
    } else if (u <= UINT16_MAX) {
        *at++ = 0xcd;
        at = qbid_bytes_put16(at, (uint16_t)u);
    } else if (u <= UINT32_MAX) {
        *at++ = 0xce;
        at = qbid_bytes_put32(at, (uint32_t)u);
    } else {
        *at++ = 0xcf;
        at = qbid_bytes_put64(at, u);
    }
    return at;
}

/** A string of at most 255 bytes. */
static inline uint8_t *qbid_pack_put_str(uint8_t *at, const char *text, uint8_t len)
{
    if (len < 32) {
        *at++ = (uint8_t)(0xa0 | len);
    } else {
        *at++ = 0xd9;
        *at++ = len;
    }
    memcpy(at, text, len);
    return at + len;
}

/** The head of a map of fewer than 16 pairs. */
static inline uint8_t *qbid_pack_put_map(uint8_t *at, unsigned pairs)
{
    *at++ = (uint8_t)(0x80 | pairs);
    return at;
}

#endif
