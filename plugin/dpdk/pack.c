/* SPDX-License-Identifier: Apache-2.0 */
/* MessagePack's longer forms, and passing over values that nobody asked for. */
#include "plugin/dpdk/pack.h"

#include "shm/error.h"

/* A number of 1, 2, 4 or 8 bytes in network order behind the first byte. */
static int take_number(struct qbid_pack *p, unsigned bytes, uint64_t *ret_value)
{
    if (qbid_pack_left(p) < bytes)
        return QBID_ERR_PARSE;
    *ret_value = bytes == 1   ? p->at[0]
                 : bytes == 2 ? qbid_bytes_get16(p->at)
                 : bytes == 4 ? qbid_bytes_get32(p->at)
                              : qbid_bytes_get64(p->at);
    p->at += bytes;
    return 0;
}

static int take_uint(struct qbid_pack *p, unsigned bytes, struct qbid_pack_item *ret)
{
    *ret = (struct qbid_pack_item){.type = QBID_PACK_UINT};
    return take_number(p, bytes, &ret->u);
}

static int take_int(struct qbid_pack *p, unsigned bytes, struct qbid_pack_item *ret)
{
    uint64_t raw;
    int err = take_number(p, bytes, &raw);
    if (err != 0)
        return err;
    uint64_t sign = UINT64_C(1) << (8 * bytes - 1);
    bool negative = (raw & sign) != 0;
    *ret = (struct qbid_pack_item){.u = negative ? raw | ~(sign - 1) : raw,
                                   .type = negative ? QBID_PACK_NINT : QBID_PACK_UINT};
    return 0;
}

/* extra: bytes between the length and what it counts (the type of an extension) */
static int take_bytes(struct qbid_pack *p, uint64_t len, unsigned extra, enum qbid_pack_type type,
                      struct qbid_pack_item *ret)
{
    if (len + extra > qbid_pack_left(p)) /* len is below 2^32 */
        return QBID_ERR_PARSE;
    *ret = (struct qbid_pack_item){len, (const char *)p->at + extra, type};
    p->at += len + extra;
    return 0;
}

static int take_counted(struct qbid_pack *p, unsigned bytes, unsigned extra,
                        enum qbid_pack_type type, struct qbid_pack_item *ret)
{
    uint64_t len;
    int err = take_number(p, bytes, &len);
    if (err != 0)
        return err;
    if (type != QBID_PACK_ARRAY && type != QBID_PACK_MAP)
        return take_bytes(p, len, extra, type, ret);
    *ret = (struct qbid_pack_item){len, NULL, type};
    return 0;
}

static int take_real(struct qbid_pack *p, unsigned bytes, struct qbid_pack_item *ret)
{
    *ret = (struct qbid_pack_item){.type = QBID_PACK_REAL};
    return take_number(p, bytes, &ret->u);
}

static int take_plain(enum qbid_pack_type type, uint64_t u, struct qbid_pack_item *ret)
{
    *ret = (struct qbid_pack_item){.u = u, .type = type};
    return 0;
}

/* First bytes 0xc0 to 0xdf. */
static int read_marked(struct qbid_pack *p, uint8_t first, struct qbid_pack_item *ret)
{
    switch (first) {
    case 0xc0:
        return take_plain(QBID_PACK_NIL, 0, ret);
    case 0xc2:
    case 0xc3:
        return take_plain(QBID_PACK_BOOL, first & 1, ret);
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return take_counted(p, 1u << (first - 0xc4), 0, QBID_PACK_BIN, ret);
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return take_counted(p, 1u << (first - 0xc7), 1, QBID_PACK_EXT, ret);
    case 0xca:
    case 0xcb:
        return take_real(p, first == 0xca ? 4 : 8, ret);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return take_uint(p, 1u << (first - 0xcc), ret);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return take_int(p, 1u << (first - 0xd0), ret);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return take_bytes(p, UINT64_C(1) << (first - 0xd4), 1, QBID_PACK_EXT, ret);
    case 0xd9:
    case 0xda:
    case 0xdb:
        return take_counted(p, 1u << (first - 0xd9), 0, QBID_PACK_STR, ret);
    case 0xdc:
    case 0xdd:
        return take_counted(p, first == 0xdc ? 2 : 4, 0, QBID_PACK_ARRAY, ret);
    case 0xde:
    case 0xdf:
        return take_counted(p, first == 0xde ? 2 : 4, 0, QBID_PACK_MAP, ret);
    default: /* 0xc1 */
        return QBID_ERR_PARSE;
    }
}

int qbid_pack_read_long(struct qbid_pack *p, struct qbid_pack_item *ret_item)
{
    if (p->at == p->end)
        return QBID_ERR_PARSE;
    uint8_t first = *p->at++;
    if (first < 0x80)
        return take_plain(QBID_PACK_UINT, first, ret_item);
    if (first < 0x90)
        return take_plain(QBID_PACK_MAP, first & 15u, ret_item);
    if (first < 0xa0)
        return take_plain(QBID_PACK_ARRAY, first & 15u, ret_item);
    if (first < 0xc0)
        return take_bytes(p, first & 31u, 0, QBID_PACK_STR, ret_item);
    if (first >= 0xe0)
        return take_plain(QBID_PACK_NINT, (uint64_t)(int64_t)(int8_t)first, ret_item);
    return read_marked(p, first, ret_item);
}

static uint64_t elements(const struct qbid_pack_item *item)
{
    return item->type == QBID_PACK_ARRAY ? item->u : item->type == QBID_PACK_MAP ? 2 * item->u : 0;
}

int qbid_pack_skip(struct qbid_pack *p, const struct qbid_pack_item *item)
{
    uint64_t left[QBID_PACK_DEPTH_MAX]; /* elements that are missing, by level */
    unsigned depth = 0;
    uint64_t more = elements(item);
    for (;;) {
        if (more != 0) {
            if (more > qbid_pack_left(p)) /* each takes a byte at least */
                return QBID_ERR_PARSE;
            if (depth == QBID_PACK_DEPTH_MAX)
                return QBID_ERR_LIMIT;
            left[depth++] = more;
        }
        while (depth != 0 && left[depth - 1] == 0)
            depth--;
        if (depth == 0)
            return 0;
        left[depth - 1]--;
        struct qbid_pack_item next;
        int err = qbid_pack_read(p, &next);
        if (err != 0)
            return err;
        more = elements(&next);
    }
}
