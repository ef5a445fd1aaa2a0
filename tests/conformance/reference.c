/* SPDX-License-Identifier: Apache-2.0 */
/* The rules, and the choice among the line items that they leave. */
#include "tests/conformance/reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tests/conformance/context.h"
#include "tests/conformance/terms.h"

#define UNIT 1000000
#define IMPS_MAX 64
#define BADV_MAX 4096
#define BCAT_MAX 2048
#define BAPP_MAX 512
#define SEATS_READ 14
#define CURS_READ 16
#define DEALS_READ 32
#define DEALS_USED 16

__extension__ typedef unsigned __int128 wide;

/* One line item asked about one impression. */
struct question {
    const json_t *root, *imp, *deal; /* deal of the line item, NULL = open auction */
    const struct facts_line_item *item;
    uint64_t unix_s;
    int64_t price_micros;
    const struct facts_creative *creative; /* that it would show */
};

/* --- money */

/* The answer's currency: the account's where it is allowed, else the first that has a rate. */
static bool choose_currency(const json_t *root, char ret[4])
{
    const json_t *list = rtb_array(root, "cur");
    char allowed[CURS_READ][4];
    unsigned cnt = 0;
    for (size_t i = 0; i < json_array_size(list) && cnt < CURS_READ; i++) {
        rtb_currency(json_array_get(list, i), allowed[cnt]);
        cnt += allowed[cnt][0] != '\0';
    }
    strcpy(ret, FACTS_CURRENCY);
    if (cnt == 0)
        return true;
    for (unsigned i = 0; i < cnt; i++)
        if (strcmp(allowed[i], FACTS_CURRENCY) == 0)
            return true;
    for (unsigned i = 0; i < cnt; i++)
        if (facts_rate(allowed[i]) > 0) {
            strcpy(ret, allowed[i]);
            return true;
        }
    return false;
}

/* --- seats: ours are tenant numbers in decimal, as texts */

struct seats {
    bool given, over;
    unsigned cnt;
    long tenant[SEATS_READ];
};

static void seats_of(const json_t *object, const char *key, struct seats *ret)
{
    const json_t *list = rtb_array(object, key);
    memset(ret, 0, sizeof *ret);
    ret->given = json_array_size(list) > 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *seat = json_array_get(list, i);
        char again[24];
        long tenant = json_is_string(seat) ? strtol(json_string_value(seat), NULL, 10) : 0;
        snprintf(again, sizeof again, "%ld", tenant);
        if (tenant < 1 || tenant > UINT16_MAX || !rtb_is(seat, again, false))
            continue;
        if (ret->cnt == SEATS_READ)
            ret->over = true;
        else
            ret->tenant[ret->cnt++] = tenant;
    }
}

static bool seats_hold(const struct seats *seats, uint16_t tenant)
{
    for (unsigned i = 0; i < seats->cnt; i++)
        if (seats->tenant[i] == tenant)
            return true;
    return false;
}

static bool has_a_seat(struct question *q)
{
    struct seats allowed, blocked, on_deal;
    uint16_t tenant = q->item->tenant;
    seats_of(q->root, "wseat", &allowed);
    seats_of(q->root, "bseat", &blocked);
    seats_of(q->deal, "wseat", &on_deal);
    return (!allowed.given || seats_hold(&allowed, tenant)) && !blocked.over &&
           !seats_hold(&blocked, tenant) && (!on_deal.given || seats_hold(&on_deal, tenant));
}

/* --- rules: whether the line item may answer */

static bool is_running(struct question *q)
{
    return !q->item->paused && q->item->value_micros > 0;
}

static bool is_targeted(struct question *q)
{
    for (const struct facts_target *t = q->item->target; t < q->item->target + 3 && t->dim; t++)
        if (!context_meets(q->root, q->imp, q->unix_s, t))
            return false;
    return true;
}

static bool has_twin_deal(const json_t *list, const json_t *deal)
{
    struct rtb_raw id = {.len = 0};
    unsigned read = 0, same = 0;
    rtb_append(&id, rtb_label(deal, "id"), NULL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct rtb_raw other = {.len = 0};
        const json_t *label = rtb_label(json_array_get(list, i), "id");
        if (!label || read++ >= DEALS_READ)
            continue;
        rtb_append(&other, label, NULL);
        same += other.len == id.len && memcmp(other.text, id.text, id.len) == 0;
    }
    return same > 1;
}

/* A deal is open to us when its floors have a rate, some seat of ours may bid on it, and no other
 * one has the same id: a bid could not say which of the two floors it is for. */
static const json_t *find_deal(const json_t *imp, const char *id)
{
    const json_t *list = rtb_array(rtb_object(imp, "pmp"), "deals"), *found = NULL;
    unsigned read = 0, usable = 0, same = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *deal = json_array_get(list, i);
        struct seats seats;
        if (!rtb_label(deal, "id") || read++ >= DEALS_READ)
            continue;
        bool ours = rtb_is(rtb_label(deal, "id"), id, false);
        same += ours;
        seats_of(deal, "wseat", &seats);
        if ((seats.given && seats.cnt == 0) || !terms_deal_has_rates(deal) ||
            has_twin_deal(list, deal) || usable++ >= DEALS_USED)
            continue;
        if (ours)
            found = deal;
    }
    return same == 1 ? found : NULL;
}

static bool has_its_deal(struct question *q)
{
    if (!q->item->deal)
        return !rtb_flag(rtb_object(q->imp, "pmp"), "private_auction");
    q->deal = find_deal(q->imp, q->item->deal);
    return q->deal != NULL;
}

static bool list_holds(const json_t *root, const char *key, const char *name)
{
    const json_t *list = rtb_array(root, key);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (rtb_is(json_array_get(list, i), name, true))
            return true;
    return false;
}

static bool is_not_blocked(struct question *q)
{
    if (list_holds(q->root, "badv", q->item->adomain))
        return false;
    for (unsigned i = 0; i < 4 && q->item->cat[i]; i++)
        if (list_holds(q->root, "bcat", q->item->cat[i]))
            return false;
    return true;
}

static bool is_secure_enough(struct question *q)
{
    return !q->item->insecure || !rtb_flag(q->imp, "secure");
}

/* A line item's creatives for a slot take turns by their weights; the turn comes out of the ids of
 * request and impression: the upper half of its word (fastpath/price.h), mixed by Stafford's
 * variant 13. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t hash_text(const json_t *text, uint64_t seed)
{
    return XXH3_64bits_withSeed(json_string_value(text), json_string_length(text), seed);
}

static uint32_t turn(const struct question *q)
{
    uint64_t id = hash_text(rtb_text(q->imp, "id"), hash_text(rtb_text(q->root, "id"), 0));
    return (uint32_t)(mix(id ^ FACTS_SEED ^ UINT64_C(0x726f6c6c)) >> 32);
}

/* Draw among a slot's creatives that the impression allows, each with its share of them: shares of
 * all creatives of the slot lie one behind the other in 2^32 (shm/draw.h). */
static const struct facts_creative *draw(const struct question *q, const char *slot)
{
    const struct facts_creative *of_slot[FACTS_CREATIVES_MAX], *fits[FACTS_CREATIVES_MAX];
    uint64_t share[FACTS_CREATIVES_MAX], all = 0, before = 0;
    double sum = 0, part = 0;
    unsigned n = 0, cnt = 0;
    for (unsigned c = 0; c < FACTS_CREATIVES_MAX && q->item->creative[c].id; c++) {
        char own[32];
        facts_slot(&q->item->creative[c], own);
        if (strcmp(own, slot) != 0)
            continue;
        of_slot[n++] = &q->item->creative[c];
        sum += q->item->creative[c].weight;
    }
    for (unsigned i = 0; i < n; i++) {
        part += of_slot[i]->weight;
        uint64_t upto = i + 1 == n ? UINT64_C(1) << 32 : (uint64_t)(part / sum * 4294967296.0);
        if (terms_allow_creative(q->root, q->imp, q->item, of_slot[i])) {
            fits[cnt] = of_slot[i];
            share[cnt++] = upto - before;
            all += upto - before;
        }
        before = upto;
    }
    uint64_t place = turn(q) * all >> 32;
    for (unsigned i = 0; i < cnt; place -= share[i++])
        if (place < share[i])
            return fits[i];
    return NULL;
}

static bool has_creative(struct question *q)
{
    char slot[CONTEXT_SLOTS_MAX][32];
    unsigned cnt = context_slots(q->imp, slot);
    for (unsigned s = 0; s < cnt && !q->creative; s++)
        q->creative = draw(q, slot[s]);
    return q->creative != NULL;
}

static bool bears_terms(struct question *q)
{
    return terms_allow_item(q->root, q->deal, q->item);
}

static bool is_first_price(const struct question *q)
{
    int64_t at = rtb_int(q->deal, "at", INT64_MIN);
    return (at == INT64_MIN ? rtb_int(q->root, "at", 2) : at) != 2;
}

/* A shaded price below the floor is raised where the impression is worth the floor; on a deal of
 * type 3 the floor is the price, a guaranteed one is bid on whatever it is worth; ceilings come
 * last. */
static bool is_above_floor(struct question *q)
{
    int64_t floor = terms_floor(q->imp, q->deal, q->creative), worth = q->item->value_micros;
    int64_t ceiling = facts_ceiling_micros;
    bool agreed = rtb_int(q->deal, "at", 0) == 3 && rtb_micros(rtb_get(q->deal, "bidfloor"), true);
    bool guaranteed = rtb_flag(q->deal, "guar");
    if (q->item->ceiling_micros != 0 && q->item->ceiling_micros < ceiling)
        ceiling = q->item->ceiling_micros;
    if (q->item->floor_micros > floor) { /* what we ask for is more than what was agreed */
        if (agreed)
            return false;
        floor = q->item->floor_micros;
        guaranteed = false;
    }
    q->price_micros = agreed ? floor : is_first_price(q) ? worth / 2 : worth;
    if (worth < floor && !guaranteed)
        return false;
    if (q->price_micros < floor)
        q->price_micros = floor;
    if (q->price_micros > ceiling)
        q->price_micros = ceiling;
    return q->price_micros >= floor && q->price_micros > 0;
}

static bool (*const rules[])(struct question *) = {is_running,       is_targeted,  has_its_deal,
                                                   is_not_blocked,   has_a_seat,   bears_terms,
                                                   is_secure_enough, has_creative, is_above_floor};

/* --- the choice */

/* Whether another impression has the same id: a bid could not say which it is for. */
static bool has_twin(const json_t *root, const json_t *imp)
{
    const json_t *imps = rtb_array(root, "imp");
    for (size_t i = 0; i < json_array_size(imps); i++) {
        const json_t *other = json_array_get(imps, i);
        if (other != imp && json_equal(rtb_text(other, "id"), rtb_text(imp, "id")))
            return true;
    }
    return false;
}

/* The line item of the highest value that no rule forbids, of equal ones the first: among those
 * that bid on deals, or among the others. */
static bool answer_part(const json_t *root, const json_t *imp, uint64_t unix_s, bool on_deals,
                        struct reference_bid *ret)
{
    struct question best = {.item = NULL};
    for (unsigned i = 0; i < facts_line_item_cnt; i++) {
        struct question q = {
            .root = root, .imp = imp, .item = &facts_line_items[i], .unix_s = unix_s};
        bool good = (q.item->deal != NULL) == on_deals;
        for (unsigned r = 0; good && r < sizeof rules / sizeof rules[0]; r++)
            good = rules[r](&q);
        if (good && (!best.item || q.item->value_micros > best.item->value_micros))
            best = q;
    }
    if (best.item)
        *ret = (struct reference_bid){.imp = imp,
                                      .deal = best.deal,
                                      .item = best.item,
                                      .creative = best.creative,
                                      .price_micros = best.price_micros};
    return best.item != NULL;
}

/* Deals and the open auction do not compete: an impression may get a bid for each. */
static void answer_imp(const json_t *root, const json_t *imp, uint64_t unix_s,
                       struct reference_answer *ret)
{
    const struct facts_creative any = {.format = FACTS_BANNER};
    if (!rtb_text(imp, "id") || has_twin(root, imp) || !terms_allow_imp(imp) ||
        terms_floor(imp, NULL, &any) < 0)
        return;
    for (unsigned on_deals = 0; on_deals < 2; on_deals++) {
        struct reference_bid *bid = &ret->bid[ret->cnt];
        if (!answer_part(root, imp, unix_s, on_deals, bid))
            continue;
        bid->answer_micros = (int64_t)((wide)(uint64_t)bid->price_micros * UNIT /
                                       (uint64_t)facts_rate(ret->currency));
        ret->cnt += bid->answer_micros > 0;
    }
}

/* An object with at least one field; of these three there may be one. */
static bool has_several_supplies(const json_t *root)
{
    static const char *const key[] = {"site", "app", "dooh"};
    unsigned cnt = 0;
    for (unsigned i = 0; i < 3; i++)
        cnt += json_object_size(json_object_get(root, key[i])) > 0;
    return cnt > 1;
}

static size_t names(const json_t *root, const char *key)
{
    const json_t *list = rtb_array(root, key);
    size_t cnt = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        cnt += !json_is_null(item) && !rtb_is(item, "", false);
    }
    return cnt;
}

static bool over_limits(const json_t *root)
{
    return json_array_size(rtb_array(root, "imp")) > IMPS_MAX || names(root, "badv") > BADV_MAX ||
           names(root, "bcat") > BCAT_MAX || names(root, "bapp") > BAPP_MAX;
}

void reference_answer(const json_t *root, uint64_t unix_s, struct reference_answer *ret)
{
    enum rtb_sound sound = rtb_sound(root);
    struct seats seats;
    memset(ret, 0, sizeof *ret);
    ret->status = sound == RTB_MALFORMED ? 400 : 204;
    if (sound != RTB_SOUND || over_limits(root) || has_several_supplies(root) ||
        !choose_currency(root, ret->currency))
        return;
    seats_of(root, "wseat", &seats);
    if ((seats.given && seats.cnt == 0) ||
        qbid_privacy_class_of(context_privacy(root).reason) == QBID_PRIVACY_NO_BID)
        return;
    const json_t *imps = rtb_array(root, "imp");
    for (size_t i = 0; i < json_array_size(imps); i++)
        answer_imp(root, json_array_get(imps, i), unix_s, ret);
    ret->status = ret->cnt ? 200 : 204;
}

/* --- comparison */

static const json_t *bid_for(const json_t *response, const struct reference_bid *want,
                             const json_t **ret_seat, unsigned *ret_cnt)
{
    const json_t *seats = json_object_get(response, "seatbid"), *found = NULL;
    *ret_cnt = 0;
    for (size_t s = 0; s < json_array_size(seats); s++) {
        const json_t *bids = json_object_get(json_array_get(seats, s), "bid");
        for (size_t b = 0; b < json_array_size(bids); b++) {
            const json_t *bid = json_array_get(bids, b);
            ++*ret_cnt;
            if (want &&
                json_equal(json_object_get(bid, "impid"), json_object_get(want->imp, "id")) &&
                (json_object_get(bid, "dealid") != NULL) == (want->deal != NULL)) {
                found = bid;
                *ret_seat = json_array_get(seats, s);
            }
        }
    }
    return found;
}

static const char *bid_differs(const struct reference_bid *want, const json_t *seat,
                               const json_t *bid)
{
    char id[24];
    snprintf(id, sizeof id, "%u", want->creative->id);
    if (!rtb_is(json_object_get(bid, "adid"), id, false))
        return "creative";
    snprintf(id, sizeof id, "%u", want->item->campaign_id);
    if (!rtb_is(json_object_get(bid, "cid"), id, false))
        return "campaign";
    snprintf(id, sizeof id, "%u", want->item->tenant);
    if (!rtb_is(json_object_get(seat, "seat"), id, false))
        return "seat";
    if (rtb_micros(json_object_get(bid, "price"), false) != want->answer_micros)
        return "price";
    const json_t *deal = json_object_get(bid, "dealid");
    if (want->deal ? !rtb_is(deal, want->item->deal, false) : deal != NULL)
        return "deal";
    return NULL;
}

const char *reference_differs(const struct reference_answer *want, int status,
                              const json_t *response)
{
    const json_t *seat = NULL;
    unsigned cnt;
    if (status != want->status)
        return "status";
    (void)bid_for(response, NULL, &seat, &cnt);
    if (cnt != want->cnt)
        return "number of bids";
    if (cnt > 0 && !rtb_is(json_object_get(response, "cur"), want->currency, false))
        return "cur";
    for (unsigned i = 0; i < want->cnt; i++) {
        const json_t *bid = bid_for(response, &want->bid[i], &seat, &cnt);
        const char *why = bid ? bid_differs(&want->bid[i], seat, bid) : "an impression's bid";
        if (why)
            return why;
    }
    return NULL;
}
