/* SPDX-License-Identifier: Apache-2.0 */
/* Slow and plain: every field is looked up in the tree, names are lowered by the C library. */
#include "tests/plugin/dpdk/message_oracle.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <msgpack.h>

#include "shm/dims.h"

#define NESTED_MAX 16

static unsigned nesting(const msgpack_object *o)
{
    unsigned most = 0, n;
    if (o->type == MSGPACK_OBJECT_ARRAY && o->via.array.size > 0) {
        for (uint32_t i = 0; i < o->via.array.size; i++)
            if ((n = nesting(&o->via.array.ptr[i])) > most)
                most = n;
        return most + 1;
    }
    if (o->type == MSGPACK_OBJECT_MAP && o->via.map.size > 0) {
        for (uint32_t i = 0; i < o->via.map.size; i++) {
            if ((n = nesting(&o->via.map.ptr[i].key)) > most)
                most = n;
            if ((n = nesting(&o->via.map.ptr[i].val)) > most)
                most = n;
        }
        return most + 1;
    }
    return 0;
}

/* Every key is an integer or a string, none of ours stands twice, what is passed over is not nested
 * too deep. */
static bool map_is_sound(const msgpack_object_map *map)
{
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object *key = &map->ptr[i].key;
        bool ours =
            key->type == MSGPACK_OBJECT_POSITIVE_INTEGER && key->via.u64 < QBID_MESSAGE_KEY_CNT;
        if (key->type != MSGPACK_OBJECT_POSITIVE_INTEGER &&
            key->type != MSGPACK_OBJECT_NEGATIVE_INTEGER && key->type != MSGPACK_OBJECT_STR)
            return false;
        for (uint32_t j = 0; ours && j < i; j++)
            if (map->ptr[j].key.type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
                map->ptr[j].key.via.u64 == key->via.u64)
                return false;
        if (!ours && nesting(&map->ptr[i].val) > NESTED_MAX)
            return false;
    }
    return true;
}

static const msgpack_object *get(const msgpack_object_map *map, uint64_t key)
{
    for (uint32_t i = 0; i < map->size; i++)
        if (map->ptr[i].key.type == MSGPACK_OBJECT_POSITIVE_INTEGER &&
            map->ptr[i].key.via.u64 == key)
            return &map->ptr[i].val;
    return NULL;
}

/* Each getter: true when the field is absent, or right. */
static bool get_uint(const msgpack_object_map *map, uint64_t key, uint64_t max, uint64_t *ret)
{
    const msgpack_object *o = get(map, key);
    if (!o)
        return true;
    *ret = o->via.u64;
    return o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 <= max;
}

static bool is_name(const msgpack_object *o, size_t max)
{
    return o->type == MSGPACK_OBJECT_STR && o->via.str.size <= max;
}

static bool get_id(const msgpack_object_map *map, uint64_t key, size_t max, char *out, uint8_t *ret)
{
    const msgpack_object *o = get(map, key);
    if (!o)
        return true;
    if (!is_name(o, max))
        return false;
    if (o->via.str.size != 0) /* an empty one has no address */
        memcpy(out, o->via.str.ptr, o->via.str.size);
    *ret = (uint8_t)o->via.str.size;
    return true;
}

static uint64_t lowered(const msgpack_object_str *s, int dim)
{
    char text[QBID_MESSAGE_NAME_MAX];
    for (uint32_t i = 0; i < s->size; i++) /* the C locale: ASCII only */
        text[i] = (char)tolower((unsigned char)s->ptr[i]);
    return dim < 0 ? qbid_name_hash(text, s->size) : qbid_value_hash((unsigned)dim, text, s->size);
}

static bool get_dim(const msgpack_object_map *map, uint64_t key, unsigned dim, uint64_t *out)
{
    const msgpack_object *o = get(map, key);
    char digits[24];
    if (!o)
        return true;
    if (dim == QBID_DIM_POSITION && o->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
        snprintf(digits, sizeof digits, "%lu", (unsigned long)o->via.u64);
        out[dim] = qbid_value_hash(dim, digits, strlen(digits));
        return true;
    }
    if (!is_name(o, QBID_MESSAGE_NAME_MAX))
        return false;
    if (o->via.str.size != 0)
        out[dim] = dim == QBID_DIM_SITE ? lowered(&o->via.str, (int)dim)
                                        : qbid_value_hash(dim, o->via.str.ptr, o->via.str.size);
    return true;
}

/* dim < 0: blocked names */
static bool get_list(const msgpack_object_map *map, uint64_t key, int dim, unsigned max,
                     uint64_t *out, unsigned *ret)
{
    const msgpack_object *o = get(map, key);
    *ret = 0;
    if (!o)
        return true;
    if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size > max)
        return false;
    for (uint32_t i = 0; i < o->via.array.size; i++) {
        const msgpack_object *item = &o->via.array.ptr[i];
        if (!is_name(item, QBID_MESSAGE_NAME_MAX))
            return false;
        if (item->via.str.size != 0)
            out[(*ret)++] =
                dim < 0 ? lowered(&item->via.str, dim)
                        : qbid_value_hash((unsigned)dim, item->via.str.ptr, item->via.str.size);
    }
    return true;
}

static bool get_deal(const msgpack_object *o, struct qbid_deal *out)
{
    if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size < 2 || o->via.array.size > 15)
        return false;
    const msgpack_object *id = &o->via.array.ptr[0], *floor = &o->via.array.ptr[1];
    if (!is_name(id, QBID_MESSAGE_NAME_MAX) || floor->type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
        floor->via.u64 >= (uint64_t)QBID_MESSAGE_FLOOR_MAX)
        return false;
    for (uint32_t i = 2; i < o->via.array.size; i++)
        if (nesting(&o->via.array.ptr[i]) > NESTED_MAX)
            return false;
    out->id_hash = qbid_name_hash(id->via.str.ptr, id->via.str.size);
    out->floor_micros = (int64_t)floor->via.u64;
    return true;
}

static bool get_deals(const msgpack_object_map *map, struct qbid_request *request)
{
    const msgpack_object *o = get(map, QBID_MESSAGE_DEALS);
    if (!o)
        return true;
    if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size > QBID_REQUEST_DEALS_MAX)
        return false;
    for (uint32_t i = 0; i < o->via.array.size; i++)
        if (!get_deal(&o->via.array.ptr[i], &request->deal[i]))
            return false;
    request->deal_cnt = (uint8_t)o->via.array.size;
    return true;
}

static bool get_lists(const msgpack_object_map *map, struct qbid_request *r, struct qbid_message *m)
{
    unsigned slots, segments, badv, bcat;
    bool good =
        get_list(map, QBID_MESSAGE_SLOTS, QBID_DIM_SLOT, QBID_REQUEST_SLOTS_MAX, r->slot, &slots) &&
        get_list(map, QBID_MESSAGE_SEGMENTS, QBID_DIM_SEGMENT, QBID_REQUEST_SEGMENTS_MAX,
                 r->segment, &segments) &&
        get_list(map, QBID_MESSAGE_BADV, -1, QBID_MESSAGE_BLOCKS_MAX, m->badv, &badv) &&
        get_list(map, QBID_MESSAGE_BCAT, -1, QBID_MESSAGE_BLOCKS_MAX, m->bcat, &bcat) &&
        get_deals(map, r);
    if (!good)
        return false;
    r->slot_cnt = (uint8_t)slots;
    r->segment_cnt = (uint8_t)segments;
    r->badv_cnt = (uint16_t)badv;
    r->bcat_cnt = (uint16_t)bcat;
    return true;
}

static bool get_numbers(const msgpack_object_map *map, struct qbid_request *r)
{
    uint64_t hour = UINT64_MAX, floor = 0, auction = QBID_AUCTION_FIRST_PRICE, flags = 0;
    if (!get_uint(map, QBID_MESSAGE_HOUR, 167, &hour) ||
        !get_uint(map, QBID_MESSAGE_FLOOR, QBID_MESSAGE_FLOOR_MAX - 1, &floor) ||
        !get_uint(map, QBID_MESSAGE_AUCTION, 2, &auction) || auction == 0 ||
        !get_uint(map, QBID_MESSAGE_FLAGS, 15, &flags))
        return false;
    if (hour != UINT64_MAX) {
        char digits[8];
        snprintf(digits, sizeof digits, "%u", (unsigned)hour);
        r->dim[QBID_DIM_HOUR] = qbid_value_hash(QBID_DIM_HOUR, digits, strlen(digits));
    }
    r->floor_micros = (int64_t)floor;
    r->auction = (uint8_t)auction;
    r->flags = (uint32_t)flags & 7u;
    if (flags & QBID_MESSAGE_RESTRICTED)
        r->segment_cnt = 0;
    return true;
}

static bool read_map(const msgpack_object_map *map, struct qbid_request *r, struct qbid_message *m)
{
    uint64_t version = 0;
    if (!map_is_sound(map) || !get_uint(map, QBID_MESSAGE_VERSION_KEY, 1, &version) ||
        version != 1 || !get_id(map, QBID_MESSAGE_ID, 64, m->id, &m->id_len) || m->id_len == 0 ||
        !get_id(map, QBID_MESSAGE_IMP, 32, m->imp, &m->imp_len) ||
        !get_dim(map, QBID_MESSAGE_EXCHANGE, QBID_DIM_EXCHANGE, r->dim) ||
        !get_dim(map, QBID_MESSAGE_POSITION, QBID_DIM_POSITION, r->dim) ||
        !get_dim(map, QBID_MESSAGE_DEVICE, QBID_DIM_DEVICE, r->dim) ||
        !get_dim(map, QBID_MESSAGE_GEO, QBID_DIM_GEO, r->dim) ||
        !get_dim(map, QBID_MESSAGE_SITE, QBID_DIM_SITE, r->dim))
        return false;
    return get_lists(map, r, m) && get_numbers(map, r);
}

bool message_oracle_read(const void *bytes, size_t len, uint64_t hour_hash,
                         struct qbid_request *ret_request, struct qbid_message *ret_message)
{
    size_t off = 0;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    memset(ret_request, 0, sizeof *ret_request);
    memset(ret_message, 0, sizeof *ret_message);
    ret_request->dim[QBID_DIM_HOUR] = hour_hash;
    bool good = msgpack_unpack_next(&unpacked, bytes, len, &off) == MSGPACK_UNPACK_SUCCESS &&
                off == len && unpacked.data.type == MSGPACK_OBJECT_MAP &&
                read_map(&unpacked.data.via.map, ret_request, ret_message);
    msgpack_unpacked_destroy(&unpacked);
    ret_request->badv = ret_message->badv;
    ret_request->bcat = ret_message->bcat;
    return good;
}

bool message_oracle_can_read(const void *bytes, size_t len)
{
    return memchr(bytes, 0xdd, len) == NULL && memchr(bytes, 0xdf, len) == NULL;
}

const char *message_oracle_differ(const struct qbid_request *a, const struct qbid_message *am,
                                  const struct qbid_request *b, const struct qbid_message *bm)
{
    if (memcmp(a->dim, b->dim, sizeof a->dim) != 0)
        return "dim";
    if (a->floor_micros != b->floor_micros || a->auction != b->auction || a->flags != b->flags)
        return "floor, auction, flags";
    if (a->slot_cnt != b->slot_cnt || memcmp(a->slot, b->slot, 8u * a->slot_cnt) != 0)
        return "slots";
    if (a->segment_cnt != b->segment_cnt ||
        memcmp(a->segment, b->segment, 8u * a->segment_cnt) != 0)
        return "segments";
    if (a->deal_cnt != b->deal_cnt ||
        memcmp(a->deal, b->deal, a->deal_cnt * sizeof a->deal[0]) != 0)
        return "deals";
    if (a->badv_cnt != b->badv_cnt || memcmp(a->badv, b->badv, 8u * a->badv_cnt) != 0)
        return "badv";
    if (a->bcat_cnt != b->bcat_cnt || memcmp(a->bcat, b->bcat, 8u * a->bcat_cnt) != 0)
        return "bcat";
    if (am->id_len != bm->id_len || memcmp(am->id, bm->id, am->id_len) != 0)
        return "id";
    if (am->imp_len != bm->imp_len || memcmp(am->imp, bm->imp, am->imp_len) != 0)
        return "imp";
    return NULL;
}
