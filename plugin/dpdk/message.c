/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over a request's bytes. */
#include "plugin/dpdk/message.h"

#include "plugin/dpdk/pack.h"
#include "shm/dims.h"
#include "shm/error.h"

/* A request in the making. */
struct reading {
    struct qbid_pack pack;
    struct qbid_request *request;
    struct qbid_message *message;
    uint32_t seen; /* by key */
    bool restricted;
};

/* --- values */

static int read_uint(struct reading *r, uint64_t max, uint64_t *ret)
{
    struct qbid_pack_item item;
    int err = qbid_pack_read(&r->pack, &item);
    if (err != 0)
        return err;
    if (item.type != QBID_PACK_UINT)
        return QBID_ERR_PARSE;
    *ret = item.u;
    return item.u <= max ? 0 : QBID_ERR_LIMIT;
}

static int read_name(struct reading *r, size_t max, struct qbid_pack_item *ret)
{
    int err = qbid_pack_read(&r->pack, ret);
    if (err != 0)
        return err;
    if (ret->type != QBID_PACK_STR)
        return QBID_ERR_PARSE;
    return ret->u <= max ? 0 : QBID_ERR_LIMIT;
}

static int read_array(struct reading *r, uint64_t max, uint64_t *ret_cnt)
{
    struct qbid_pack_item item;
    int err = qbid_pack_read(&r->pack, &item);
    if (err != 0)
        return err;
    if (item.type != QBID_PACK_ARRAY)
        return QBID_ERR_PARSE;
    *ret_cnt = item.u;
    return item.u <= max ? 0 : QBID_ERR_LIMIT;
}

/* --- names as hashes */

/* Eight bytes in lower case at once: of each byte below 0x80, bit 7 of the sum tells whether it is
 * at least 'A', or past 'Z'. */
static uint64_t lower8(uint64_t word)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = 0x80 * ones;
    uint64_t low7 = word & ~high;
    uint64_t upper = (low7 + (0x80 - 'A') * ones) & ~(low7 + (0x7f - 'Z') * ones) & ~word & high;
    return word | upper >> 2;
}

static void lower(const char *text, size_t len, char *out)
{
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, text + i, sizeof word);
        word = lower8(word);
        memcpy(out + i, &word, sizeof word);
    }
    for (; i < len; i++)
        out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
}

static int read_dim(struct reading *r, unsigned dim)
{
    struct qbid_pack_item name;
    int err = read_name(r, QBID_MESSAGE_NAME_MAX, &name);
    if (err == 0 && name.u != 0)
        r->request->dim[dim] = qbid_value_hash(dim, name.at, name.u);
    return err;
}

static int read_site(struct reading *r)
{
    char text[QBID_MESSAGE_NAME_MAX];
    struct qbid_pack_item name;
    int err = read_name(r, QBID_MESSAGE_NAME_MAX, &name);
    if (err != 0 || name.u == 0)
        return err;
    lower(name.at, name.u, text);
    r->request->dim[QBID_DIM_SITE] = qbid_value_hash(QBID_DIM_SITE, text, name.u);
    return 0;
}

static uint64_t number_hash(unsigned dim, uint64_t number)
{
    char digits[20];
    unsigned at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return qbid_value_hash(dim, digits + at, sizeof digits - at);
}

static int read_hour(struct reading *r)
{
    uint64_t hour;
    int err = read_uint(r, 167, &hour);
    if (err == 0)
        r->request->dim[QBID_DIM_HOUR] = number_hash(QBID_DIM_HOUR, hour);
    return err;
}

static int read_position(struct reading *r)
{
    struct qbid_pack_item item;
    int err = qbid_pack_read(&r->pack, &item);
    if (err != 0)
        return err;
    if (item.type == QBID_PACK_UINT)
        r->request->dim[QBID_DIM_POSITION] = number_hash(QBID_DIM_POSITION, item.u);
    else if (item.type != QBID_PACK_STR)
        return QBID_ERR_PARSE;
    else if (item.u > QBID_MESSAGE_NAME_MAX)
        return QBID_ERR_LIMIT;
    else if (item.u != 0)
        r->request->dim[QBID_DIM_POSITION] = qbid_value_hash(QBID_DIM_POSITION, item.at, item.u);
    return 0;
}

static int read_values(struct reading *r, unsigned dim, unsigned max, uint64_t *out,
                       uint8_t *ret_cnt)
{
    uint64_t cnt;
    int err = read_array(r, max, &cnt);
    for (uint64_t i = 0; err == 0 && i < cnt; i++) {
        struct qbid_pack_item name;
        err = read_name(r, QBID_MESSAGE_NAME_MAX, &name);
        if (err == 0 && name.u != 0)
            out[(*ret_cnt)++] = qbid_value_hash(dim, name.at, name.u);
    }
    return err;
}

static int read_blocks(struct reading *r, uint64_t *out, uint16_t *ret_cnt)
{
    char text[QBID_MESSAGE_NAME_MAX];
    uint64_t cnt;
    int err = read_array(r, QBID_MESSAGE_BLOCKS_MAX, &cnt);
    for (uint64_t i = 0; err == 0 && i < cnt; i++) {
        struct qbid_pack_item name;
        err = read_name(r, QBID_MESSAGE_NAME_MAX, &name);
        if (err != 0 || name.u == 0)
            continue;
        lower(name.at, name.u, text);
        out[(*ret_cnt)++] = qbid_name_hash(text, name.u);
    }
    return err;
}

static int read_floor(struct reading *r, int64_t *ret)
{
    uint64_t floor;
    int err = read_uint(r, (uint64_t)QBID_MESSAGE_FLOOR_MAX - 1, &floor);
    if (err == 0)
        *ret = (int64_t)floor;
    return err;
}

static int read_deal(struct reading *r)
{
    struct qbid_deal *deal = &r->request->deal[r->request->deal_cnt];
    struct qbid_pack_item id, other;
    uint64_t cnt;
    int err = read_array(r, 15, &cnt);
    if (err != 0 || cnt < 2)
        return err != 0 ? err : QBID_ERR_PARSE;
    err = read_name(r, QBID_MESSAGE_NAME_MAX, &id);
    if (err == 0)
        err = read_floor(r, &deal->floor_micros);
    for (uint64_t i = 2; err == 0 && i < cnt; i++) {
        err = qbid_pack_read(&r->pack, &other);
        if (err == 0)
            err = qbid_pack_skip(&r->pack, &other);
    }
    if (err != 0)
        return err;
    deal->id_hash = qbid_name_hash(id.at, id.u);
    r->request->deal_cnt++; /* an empty id too: the answer's index counts what was asked */
    return 0;
}

static int read_deals(struct reading *r)
{
    uint64_t cnt;
    int err = read_array(r, QBID_REQUEST_DEALS_MAX, &cnt);
    for (uint64_t i = 0; err == 0 && i < cnt; i++)
        err = read_deal(r);
    return err;
}

static int read_flags(struct reading *r)
{
    uint64_t flags;
    int err = read_uint(r, UINT32_MAX, &flags);
    const uint64_t known = QBID_REQUEST_SECURE | QBID_REQUEST_PRIVATE_ONLY | QBID_REQUEST_TEST;
    if (err != 0 || (flags & ~(known | QBID_MESSAGE_RESTRICTED)) != 0)
        return err != 0 ? err : QBID_ERR_PARSE;
    r->request->flags = (uint32_t)(flags & known);
    r->restricted = (flags & QBID_MESSAGE_RESTRICTED) != 0;
    return 0;
}

static int read_auction(struct reading *r)
{
    uint64_t auction;
    int err = read_uint(r, UINT32_MAX, &auction);
    if (err != 0 || (auction != QBID_AUCTION_FIRST_PRICE && auction != QBID_AUCTION_SECOND_PRICE))
        return err != 0 ? err : QBID_ERR_PARSE;
    r->request->auction = (uint8_t)auction;
    return 0;
}

static int read_id(struct reading *r, size_t max, char *out, uint8_t *ret_len)
{
    struct qbid_pack_item name;
    int err = read_name(r, max, &name);
    if (err != 0)
        return err;
    memcpy(out, name.at, name.u);
    *ret_len = (uint8_t)name.u;
    return 0;
}

static int read_version(struct reading *r)
{
    uint64_t version;
    int err = read_uint(r, UINT64_MAX, &version);
    return err != 0 ? err : version == QBID_MESSAGE_VERSION ? 0 : QBID_ERR_VERSION;
}

/* --- the map */

static int read_field(struct reading *r, uint64_t key)
{
    struct qbid_request *request = r->request;
    struct qbid_message *message = r->message;
    switch (key) {
    case QBID_MESSAGE_VERSION_KEY:
        return read_version(r);
    case QBID_MESSAGE_ID:
        return read_id(r, QBID_MESSAGE_ID_MAX, message->id, &message->id_len);
    case QBID_MESSAGE_IMP:
        return read_id(r, QBID_MESSAGE_IMP_MAX, message->imp, &message->imp_len);
    case QBID_MESSAGE_EXCHANGE:
        return read_dim(r, QBID_DIM_EXCHANGE);
    case QBID_MESSAGE_SLOTS:
        return read_values(r, QBID_DIM_SLOT, QBID_REQUEST_SLOTS_MAX, request->slot,
                           &request->slot_cnt);
    case QBID_MESSAGE_POSITION:
        return read_position(r);
    case QBID_MESSAGE_DEVICE:
        return read_dim(r, QBID_DIM_DEVICE);
    case QBID_MESSAGE_GEO:
        return read_dim(r, QBID_DIM_GEO);
    case QBID_MESSAGE_SITE:
        return read_site(r);
    case QBID_MESSAGE_SEGMENTS:
        return read_values(r, QBID_DIM_SEGMENT, QBID_REQUEST_SEGMENTS_MAX, request->segment,
                           &request->segment_cnt);
    case QBID_MESSAGE_HOUR:
        return read_hour(r);
    case QBID_MESSAGE_FLOOR:
        return read_floor(r, &request->floor_micros);
    case QBID_MESSAGE_AUCTION:
        return read_auction(r);
    case QBID_MESSAGE_FLAGS:
        return read_flags(r);
    case QBID_MESSAGE_DEALS:
        return read_deals(r);
    case QBID_MESSAGE_BADV:
        return read_blocks(r, message->badv, &request->badv_cnt);
    default: /* QBID_MESSAGE_BCAT */
        return read_blocks(r, message->bcat, &request->bcat_cnt);
    }
}

static int skip_field(struct reading *r, const struct qbid_pack_item *key)
{
    struct qbid_pack_item value;
    if (key->type != QBID_PACK_UINT && key->type != QBID_PACK_NINT && key->type != QBID_PACK_STR)
        return QBID_ERR_PARSE;
    int err = qbid_pack_read(&r->pack, &value);
    return err != 0 ? err : qbid_pack_skip(&r->pack, &value);
}

static int read_pair(struct reading *r)
{
    struct qbid_pack_item key;
    int err = qbid_pack_read(&r->pack, &key);
    if (err != 0)
        return err;
    if (key.type != QBID_PACK_UINT || key.u >= QBID_MESSAGE_KEY_CNT)
        return skip_field(r, &key);
    uint32_t bit = UINT32_C(1) << key.u;
    if (r->seen & bit)
        return QBID_ERR_PARSE;
    r->seen |= bit;
    return read_field(r, key.u);
}

static int read_map(struct reading *r)
{
    struct qbid_pack_item map;
    int err = qbid_pack_read(&r->pack, &map);
    if (err != 0 || map.type != QBID_PACK_MAP)
        return QBID_ERR_PARSE;
    for (uint64_t i = 0; err == 0 && i < map.u; i++) /* each takes bytes, so they end it */
        err = read_pair(r);
    if (err != 0)
        return err;
    const uint32_t required = 1u << QBID_MESSAGE_VERSION_KEY | 1u << QBID_MESSAGE_ID;
    if ((r->seen & required) != required || r->message->id_len == 0 ||
        qbid_pack_left(&r->pack) != 0)
        return QBID_ERR_PARSE;
    return 0;
}

/* Lists are read up to their counts only, so that their arrays need no start. */
static void request_init(struct qbid_request *request, const struct qbid_message *message,
                         uint64_t hour_hash)
{
    memset(request->dim, 0, sizeof request->dim);
    request->dim[QBID_DIM_HOUR] = hour_hash;
    request->badv = message->badv;
    request->bcat = message->bcat;
    request->candidate = NULL;
    request->floor_micros = 0;
    request->badv_cnt = request->bcat_cnt = request->candidate_cnt = 0;
    request->privacy = QBID_PRIVACY_OPEN;
    request->pad = 0;
    request->user_key = 0;
    request->slot_cnt = request->segment_cnt = request->deal_cnt = 0;
    request->auction = QBID_AUCTION_FIRST_PRICE;
    request->flags = 0;
}

int qbid_message_decode(const void *bytes, size_t len, uint64_t hour_hash,
                        struct qbid_request *ret_request, struct qbid_message *ret_message)
{
    struct reading r = {.pack = {bytes, (const uint8_t *)bytes + len},
                        .request = ret_request,
                        .message = ret_message};
    ret_message->id_len = ret_message->imp_len = 0;
    request_init(ret_request, ret_message, hour_hash);
    int err = read_map(&r);
    if (err != 0)
        return err;
    if (r.restricted) {
        ret_request->privacy = QBID_PRIVACY_RESTRICTED;
        ret_request->segment_cnt = 0;
    }
    ret_request->id_hash = qbid_name_hash(ret_message->id, ret_message->id_len);
    if (ret_message->imp_len != 0)
        ret_request->id_hash = qbid_mix64(ret_request->id_hash) ^
                               qbid_name_hash(ret_message->imp, ret_message->imp_len);
    return 0;
}
