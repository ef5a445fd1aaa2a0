/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of an answer, of its seats and of each bid. */
#include "tests/conformance/checker.h"

#include <stdlib.h>
#include <string.h>

#define UNIT 1000000

__extension__ typedef unsigned __int128 wide;

const char *const checker_text[CHECKER_CNT] = {
#define X(name, text) text,
    CHECKER_LIST(X)
#undef X
};

void checker_demand(struct checker *c, bool good, enum checker_rule rule)
{
    c->violated |= good ? 0 : UINT32_C(1) << rule;
}

/* --- what the request allows */

static const json_t *find_imp(const json_t *request, const json_t *impid, unsigned *ret_cnt)
{
    const json_t *imps = rtb_array(request, "imp"), *found = NULL;
    *ret_cnt = 0;
    for (size_t i = 0; i < json_array_size(imps); i++) {
        const json_t *imp = json_array_get(imps, i);
        if (!impid || !json_equal(json_object_get(imp, "id"), impid))
            continue;
        found = imp;
        ++*ret_cnt;
    }
    return found;
}

static const json_t *find_deal(const json_t *imp, const json_t *dealid)
{
    const json_t *deals = rtb_array(rtb_object(imp, "pmp"), "deals");
    const char *id = json_string_value(dealid);
    for (size_t i = 0; id && i < json_array_size(deals); i++) {
        const json_t *deal = json_array_get(deals, i);
        if (rtb_is(rtb_label(deal, "id"), id, false))
            return deal;
    }
    return NULL;
}

static bool list_holds(const json_t *object, const char *key, const char *text, bool fold)
{
    const json_t *list = rtb_array(object, key);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (rtb_is(json_array_get(list, i), text, fold))
            return true;
    return false;
}

/* --- money: both sides as account currency times 10^6, so that nothing is rounded */

static wide in_account(const json_t *amount, int64_t rate, bool up)
{
    return (wide)(uint64_t)rtb_micros(amount, up) * (uint64_t)rate;
}

/* What an entry of durfloors, or mincpmpersec, says of a duration: micros of `where`'s currency. */
static bool duration_floor(const json_t *media, int64_t seconds, int64_t *ret_micros)
{
    const json_t *list = rtb_array(media, "durfloors");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        int64_t least = rtb_int(one, "mindur", 0), most = rtb_int(one, "maxdur", 0);
        if (seconds < least || (most > 0 && seconds > most))
            continue;
        *ret_micros = rtb_micros(rtb_get(one, "bidfloor"), true);
        return true;
    }
    wide product = (wide)(uint64_t)rtb_micros(rtb_get(media, "mincpmpersec"), true) *
                   (uint64_t)(seconds > 0 ? seconds : 0);
    *ret_micros = product > INT64_MAX ? INT64_MAX : (int64_t)product;
    return rtb_micros(rtb_get(media, "mincpmpersec"), true) > 0;
}

/* The object whose floor counts, and that floor in its currency (7.11 of the specification). */
static const json_t *floor_place(const struct checker *c, int64_t *ret_micros)
{
    static const char *const media[] = {"video", "audio"};
    int64_t dur = rtb_int(c->bid, "dur", 0), mtype = rtb_int(c->bid, "mtype", 0);
    *ret_micros = rtb_micros(rtb_get(c->deal, "bidfloor"), true);
    if (rtb_get(c->deal, "bidfloor") || duration_floor(c->deal, dur, ret_micros))
        return c->deal;
    if ((mtype == FACTS_VIDEO || mtype == FACTS_AUDIO) &&
        duration_floor(rtb_object(c->imp, media[mtype - FACTS_VIDEO]), dur, ret_micros))
        return c->imp;
    *ret_micros = rtb_micros(rtb_get(c->imp, "bidfloor"), true);
    return c->imp;
}

static void check_floor(struct checker *c, const json_t *price)
{
    char currency[4];
    int64_t floor_micros;
    const json_t *where = floor_place(c, &floor_micros);
    if (floor_micros == 0)
        return;
    if (!rtb_currency(rtb_get(where, "bidfloorcur"), currency) && currency[0] == '\0')
        strcpy(currency, "USD");
    int64_t rate = facts_rate(currency);
    /* a price in the floor's own currency is compared as it is written */
    bool same = rtb_is(json_object_get(c->response, "cur"), currency, false);
    wide floor = (wide)(uint64_t)floor_micros * (uint64_t)rate;
    wide bid = in_account(price, c->rate, false);
    bool agreed = rtb_int(c->deal, "at", 0) == 3 && rtb_get(c->deal, "bidfloor");
    checker_demand(c, rate > 0, CHECKER_FLOOR);
    /* what the answer's currency rounds off, less than one of its micros, is not a breach */
    checker_demand(
        c, same ? rtb_micros(price, false) >= floor_micros : bid + (uint64_t)c->rate > floor,
        CHECKER_FLOOR);
    /* nor is one micro of the account, to which a floor is rounded up */
    checker_demand(c, !agreed || bid < floor + UNIT + (uint64_t)c->rate, CHECKER_AGREED);
}

static void check_price(struct checker *c)
{
    const json_t *price = json_object_get(c->bid, "price");
    int64_t ceiling = facts_ceiling_micros;
    checker_demand(c, json_is_number(price) && rtb_micros(price, false) > 0, CHECKER_PRICE);
    if (c->imp)
        check_floor(c, price);
    if (!c->item)
        return;
    if (c->item->ceiling_micros != 0 && c->item->ceiling_micros < ceiling)
        ceiling = c->item->ceiling_micros;
    if (c->item->value_micros < ceiling && !rtb_flag(c->deal, "guar"))
        ceiling = c->item->value_micros;
    checker_demand(c, in_account(price, c->rate, false) <= (wide)(uint64_t)ceiling * UNIT,
                   CHECKER_CEILING);
}

static void check_currency(struct checker *c)
{
    const json_t *cur = json_object_get(c->response, "cur");
    const json_t *allowed = rtb_array(c->request, "cur");
    const char *code = json_string_value(cur);
    bool any = false;
    c->rate = code ? facts_rate(code) : 0;
    checker_demand(c, c->rate > 0, CHECKER_CUR);
    for (size_t i = 0; i < json_array_size(allowed); i++) {
        const json_t *one = json_array_get(allowed, i);
        any |= json_is_string(one) && json_string_length(one) > 0;
    }
    if (any && code)
        checker_demand(c, list_holds(c->request, "cur", code, true), CHECKER_CUR);
}

/* --- who bids */

static bool seat_listed(const json_t *object, const char *key, const json_t *seat)
{
    const char *text = json_string_value(seat);
    return text && list_holds(object, key, text, false);
}

static void check_seat(struct checker *c)
{
    const json_t *seat = json_object_get(c->seat, "seat");
    char tenant[12];
    if (json_array_size(rtb_array(c->request, "wseat")) > 0)
        checker_demand(c, seat_listed(c->request, "wseat", seat), CHECKER_SEAT);
    checker_demand(c, !seat_listed(c->request, "bseat", seat), CHECKER_SEAT);
    if (json_array_size(rtb_array(c->deal, "wseat")) > 0)
        checker_demand(c, seat_listed(c->deal, "wseat", seat), CHECKER_SEAT);
    if (!c->item)
        return;
    snprintf(tenant, sizeof tenant, "%u", c->item->tenant);
    checker_demand(c, rtb_is(seat, tenant, false), CHECKER_SEAT);
}

static void check_deal(struct checker *c)
{
    const json_t *dealid = json_object_get(c->bid, "dealid");
    const json_t *pmp = rtb_object(c->imp, "pmp");
    c->deal = find_deal(c->imp, dealid);
    checker_demand(c, !dealid || c->deal, CHECKER_DEALID);
    checker_demand(c, dealid || !rtb_flag(pmp, "private_auction"), CHECKER_PRIVATE_AUCTION);
    if (c->item)
        checker_demand(c, c->item->deal ? rtb_is(dealid, c->item->deal, false) : !dealid,
                       CHECKER_DEALID);
}

/* --- what is shown */

static bool offers_size(const json_t *media, int64_t width, int64_t height)
{
    const json_t *format = rtb_array(media, "format");
    if (rtb_int(media, "w", 0) == width && rtb_int(media, "h", 0) == height)
        return true;
    for (size_t i = 0; i < json_array_size(format); i++) {
        const json_t *one = json_array_get(format, i);
        if (rtb_int(one, "w", 0) == width && rtb_int(one, "h", 0) == height)
            return true;
    }
    return false;
}

static void check_format(struct checker *c)
{
    static const char *const media[] = {"", "banner", "video", "audio", "native"};
    int64_t mtype = rtb_int(c->bid, "mtype", 0), width = rtb_int(c->bid, "w", 0);
    int64_t height = rtb_int(c->bid, "h", 0);
    bool known = mtype >= FACTS_BANNER && mtype <= FACTS_NATIVE;
    const json_t *offered = known ? rtb_object(c->imp, media[mtype]) : NULL;
    checker_demand(c, known && (!c->imp || offered), CHECKER_MTYPE);
    checker_demand(c, (width == 0) == (height == 0), CHECKER_SIZE);
    if (mtype == FACTS_BANNER)
        checker_demand(c, width > 0, CHECKER_SIZE);
    if (offered && width > 0)
        checker_demand(c, offers_size(offered, width, height), CHECKER_SIZE);
    if (!c->creative)
        return;
    checker_demand(c, mtype == (int64_t)c->creative->format, CHECKER_MTYPE);
    checker_demand(c, width == c->creative->width && height == c->creative->height, CHECKER_SIZE);
}

static void check_blocks(struct checker *c)
{
    const json_t *adomain = json_object_get(c->bid, "adomain"),
                 *cat = json_object_get(c->bid, "cat");
    for (size_t i = 0; i < json_array_size(adomain); i++) {
        const char *domain = json_string_value(json_array_get(adomain, i));
        if (domain)
            checker_demand(c, !list_holds(c->request, "badv", domain, true), CHECKER_BADV);
    }
    for (size_t i = 0; i < json_array_size(cat); i++) {
        const char *name = json_string_value(json_array_get(cat, i));
        if (name)
            checker_demand(c, !list_holds(c->request, "bcat", name, true), CHECKER_BCAT);
    }
    if (!c->item) /* what the bid says of itself need not be true: so the facts as well */
        return;
    checker_demand(c, !list_holds(c->request, "badv", c->item->adomain, true), CHECKER_BADV);
    for (unsigned i = 0; i < 4 && c->item->cat[i]; i++)
        checker_demand(c, !list_holds(c->request, "bcat", c->item->cat[i], true), CHECKER_BCAT);
}

/* Whether a list of texts holds exactly these. */
static bool lists(const json_t *list, const char *const *want, unsigned max)
{
    unsigned cnt = 0;
    while (cnt < max && want[cnt])
        cnt++;
    if (json_array_size(list) != cnt)
        return false;
    for (unsigned i = 0; i < cnt; i++)
        if (!rtb_is(json_array_get(list, i), want[i], true))
            return false;
    return true;
}

static void check_creative(struct checker *c)
{
    char id[12], campaign[12];
    if (!c->creative) {
        checker_demand(c, false, CHECKER_CREATIVE);
        return;
    }
    snprintf(id, sizeof id, "%u", c->creative->id);
    snprintf(campaign, sizeof campaign, "%u", c->item->campaign_id);
    const char *crid = c->creative->crid[0] ? c->creative->crid : id;
    const char *adomain[] = {c->item->adomain};
    checker_demand(c,
                   rtb_is(json_object_get(c->bid, "crid"), crid, false) &&
                       rtb_is(json_object_get(c->bid, "cid"), campaign, false) &&
                       lists(json_object_get(c->bid, "adomain"), adomain, 1) &&
                       lists(json_object_get(c->bid, "cat"), c->item->cat, 4) && !c->item->paused,
                   CHECKER_CREATIVE);
}

/* --- one bid */

static void check_required(struct checker *c)
{
    static const char *const texts[] = {"id",   "impid", "adid", "crid", "cid",
                                        "nurl", "burl",  "lurl", "adm"};
    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const json_t *text = json_object_get(c->bid, texts[i]);
        checker_demand(c, json_is_string(text) && json_string_length(text) > 0, CHECKER_REQUIRED);
    }
    checker_demand(c, json_array_size(json_object_get(c->bid, "adomain")) > 0, CHECKER_REQUIRED);
    checker_demand(c, json_is_number(json_object_get(c->bid, "price")), CHECKER_REQUIRED);
    checker_demand(c, json_is_number(json_object_get(c->bid, "mtype")), CHECKER_REQUIRED);
    checker_demand(c, rtb_int(c->bid, "exp", 0) > 0, CHECKER_REQUIRED);
}

static void check_bid(struct checker *c)
{
    unsigned imps;
    const char *adid = json_string_value(json_object_get(c->bid, "adid"));
    c->imp = find_imp(c->request, json_object_get(c->bid, "impid"), &imps);
    c->item = NULL;
    c->creative = adid ? facts_creative((uint32_t)strtoul(adid, NULL, 10), &c->item) : NULL;
    checker_demand(c, imps == 1, CHECKER_IMPID);
    check_required(c);
    check_deal(c);
    check_price(c);
    check_seat(c);
    check_format(c);
    check_blocks(c);
    check_creative(c);
    if (c->creative)
        checker_terms(c);
    checker_markup(c);
}

/* --- the answer */

#define BIDS_MAX 256

static unsigned collect(struct checker *c, const json_t *bids[BIDS_MAX])
{
    const json_t *seats = json_object_get(c->response, "seatbid");
    unsigned cnt = 0;
    checker_demand(c, json_array_size(seats) > 0, CHECKER_SEATBID);
    for (size_t s = 0; s < json_array_size(seats); s++) {
        const json_t *list = json_object_get(json_array_get(seats, s), "bid");
        checker_demand(c, json_array_size(list) > 0, CHECKER_SEATBID);
        for (size_t b = 0; b < json_array_size(list) && cnt < BIDS_MAX; b++) {
            c->seat = json_array_get(seats, s);
            bids[cnt++] = c->bid = json_array_get(list, b);
            check_bid(c);
        }
    }
    return cnt;
}

static void check_pairs(struct checker *c, const json_t *const bids[BIDS_MAX], unsigned cnt)
{
    for (unsigned i = 0; i < cnt; i++)
        for (unsigned j = 0; j < i; j++) {
            bool same_imp =
                json_equal(json_object_get(bids[i], "impid"), json_object_get(bids[j], "impid"));
            bool same_kind =
                !json_object_get(bids[i], "dealid") == !json_object_get(bids[j], "dealid");
            checker_demand(c, !same_imp || !same_kind, CHECKER_ONE_A_KIND);
            checker_demand(
                c, !json_equal(json_object_get(bids[i], "id"), json_object_get(bids[j], "id")),
                CHECKER_BID_ID);
        }
}

uint32_t checker_check(const json_t *request, const char *body, size_t len, unsigned *ret_bids)
{
    const json_t *bids[BIDS_MAX];
    json_error_t error;
    struct checker c = {.request = request, .response = NULL};
    json_t *response =
        json_loadb(body, len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    *ret_bids = 0;
    c.response = response;
    checker_demand(&c, json_is_object(response), CHECKER_JSON);
    checker_demand(&c, rtb_sound(request) == RTB_SOUND, CHECKER_WANTED);
    if (c.violated == 0) {
        checker_demand(&c,
                       json_equal(json_object_get(request, "id"), json_object_get(response, "id")),
                       CHECKER_ID);
        check_currency(&c);
        *ret_bids = collect(&c, bids);
        check_pairs(&c, bids, *ret_bids);
    }
    json_decref(response);
    return c.violated;
}
