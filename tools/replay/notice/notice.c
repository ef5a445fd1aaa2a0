/* SPDX-License-Identifier: Apache-2.0 */
/* From an outcome to the list of paths to GET, in the order in which they happen. */
#include "tools/replay/notice/notice.h"

#include <string.h>
#include <strings.h>

#include "shm/error.h"
#include "tools/replay/http/http.h"
#include "tools/replay/notice/macro.h"
#include "tools/replay/notice/markup.h"
#include "tools/replay/text/json.h"
#include "tools/replay/text/money.h"

/* What planning one auction's notices needs at hand. */
struct plan {
    struct qbid_replay_notices *notices;
    const struct qbid_replay_notice_terms *terms;
    const struct qbid_replay_row *row;
    struct qbid_replay_macros macros;
    struct qbid_replay_buffer raw;  /* a field with its JSON escapes resolved */
    struct qbid_replay_buffer text; /* the same with its macros replaced */
    struct qbid_replay_buffer url;
};

const char *qbid_replay_notice_name(enum qbid_replay_notice_kind kind)
{
    static const char *const names[QBID_REPLAY_NOTICE_KINDS] = {
        "win", "billing", "impression", "click", "conversion", "loss",
    };
    return names[kind];
}

bool qbid_replay_notice_converts(const struct qbid_replay_notice_terms *terms,
                                 const struct qbid_replay_row *row)
{
    return qbid_replay_row_draw(row, terms->seed, QBID_REPLAY_DRAW_CONVERSION) <
           terms->conversion_rate;
}

/* Is it the bidder's? "host" and "host:80" are the same. */
static bool is_same_authority(const struct qbid_replay_url *url, const char *authority)
{
    struct qbid_replay_span origin = {url->host.at, url->host.len};
    if (!authority)
        return false;
    size_t len = strlen(authority);
    if (url->port.len != 0)
        origin.len = (size_t)(url->port.at + url->port.len - origin.at);
    if (origin.len == len && strncasecmp(origin.at, authority, len) == 0)
        return true;
    return url->port.len == 0 && len == origin.len + 3 &&
           memcmp(authority + len - 3, ":80", 3) == 0 &&
           strncasecmp(origin.at, authority, origin.len) == 0;
}

static void add_step(struct plan *plan, enum qbid_replay_notice_kind kind,
                     struct qbid_replay_span path)
{
    struct qbid_replay_notices *notices = plan->notices;
    size_t off = notices->paths.len;
    if (path.len == 0 || path.at[0] != '/')
        qbid_replay_buffer_add(&notices->paths, "/", 1);
    qbid_replay_buffer_add_span(&notices->paths, path);
    size_t len = notices->paths.len - off;
    for (uint32_t copy = 0; copy < plan->terms->copies; copy++) {
        uint32_t use = QBID_REPLAY_DRAW_DROP + kind * QBID_REPLAY_NOTICE_COPIES_MAX + copy;
        if (qbid_replay_row_draw(plan->row, plan->terms->seed, use) < plan->terms->drop_rate) {
            notices->dropped[kind]++;
            continue;
        }
        notices->steps[notices->steps_cnt++] =
            (struct qbid_replay_notice_step){kind, (uint32_t)off, (uint32_t)len};
    }
}

/* Is this URL one of the bidder's? Then *ret_path is what to GET. */
static bool is_own(const struct plan *plan, const char *url, size_t len,
                   struct qbid_replay_span *ret_path)
{
    struct qbid_replay_url parts;
    if (qbid_replay_url_parse(url, len, &parts) != 0 ||
        (parts.host.len != 0 && !is_same_authority(&parts, plan->terms->authority) &&
         !is_same_authority(&parts, plan->terms->alias_authority)))
        return false;
    *ret_path = parts.path;
    return true;
}

static void add_url(struct plan *plan, enum qbid_replay_notice_kind kind, const char *url,
                    size_t len)
{
    struct qbid_replay_span path;
    if (is_own(plan, url, len, &path))
        add_step(plan, kind, path);
    else
        plan->notices->foreign[kind]++;
}

/* The field with escapes resolved and macros replaced, in plan->text. */
static void expand(struct plan *plan, struct qbid_replay_span raw)
{
    qbid_replay_buffer_clear(&plan->raw);
    qbid_replay_buffer_clear(&plan->text);
    qbid_replay_json_unescape(&plan->raw, raw);
    qbid_replay_macro_expand(&plan->text, plan->raw.text ? plan->raw.text : "", plan->raw.len,
                             &plan->macros);
}

static void add_field(struct plan *plan, enum qbid_replay_notice_kind kind,
                      struct qbid_replay_span raw)
{
    if (raw.len == 0) {
        plan->notices->missing[kind]++;
        return;
    }
    expand(plan, raw);
    add_url(plan, kind, plan->text.text, plan->text.len);
}

/* The link in plan->url as a conversion: ".../click?t=..." becomes ".../conv?t=...&v=1.5". */
static void add_conversion(struct plan *plan)
{
    const char *url = plan->url.text;
    size_t len = plan->url.len;
    const char *query = memchr(url, '?', len);
    size_t path_len = query ? (size_t)(query - url) : len;
    if (path_len < 6 || memcmp(url + path_len - 6, "/click", 6) != 0) {
        plan->notices->missing[QBID_REPLAY_NOTICE_CONVERSION]++;
        return;
    }
    qbid_replay_buffer_clear(&plan->raw);
    qbid_replay_buffer_add(&plan->raw, url, path_len - 5);
    qbid_replay_buffer_add_text(&plan->raw, "conv");
    qbid_replay_buffer_add(&plan->raw, url + path_len, len - path_len);
    qbid_replay_buffer_add_text(&plan->raw, query ? "&v=" : "?v=");
    qbid_replay_buffer_add_micros(&plan->raw, plan->terms->conversion_micros);
    if (!plan->raw.failed)
        add_url(plan, QBID_REPLAY_NOTICE_CONVERSION, plan->raw.text, plan->raw.len);
}

/* The bidder's URLs among those of an element of the markup in plan->text, at most `most`: an ad
 * may hold images and links of others too. The last one found is left in plan->url. */
static uint32_t add_links(struct plan *plan, enum qbid_replay_notice_kind kind, const char *element,
                          const char *attribute, uint32_t most)
{
    struct qbid_replay_span value, path;
    uint32_t added = 0;
    bool any = false;
    const char *at = plan->text.len ? plan->text.text : "";
    const char *end = at + plan->text.len;
    while (added < most &&
           qbid_replay_markup_find(at, (size_t)(end - at), element, attribute, &value)) {
        any = true;
        at = value.at + value.len;
        qbid_replay_buffer_clear(&plan->url);
        qbid_replay_markup_plain(&plan->url, value);
        if (!plan->url.failed && is_own(plan, plan->url.text, plan->url.len, &path)) {
            add_step(plan, kind, path);
            added++;
        }
    }
    plan->notices->foreign[kind] += added == 0 && any;
    plan->notices->missing[kind] += !any;
    return added;
}

static void plan_win(struct plan *plan, const struct qbid_replay_bid *bid)
{
    add_field(plan, QBID_REPLAY_NOTICE_WIN, bid->nurl);
    add_field(plan, QBID_REPLAY_NOTICE_BILLING, bid->burl);
    expand(plan, bid->adm);
    add_links(plan, QBID_REPLAY_NOTICE_IMPRESSION, "img", "src", QBID_REPLAY_NOTICE_PIXELS_MAX);
    if (plan->row->click && add_links(plan, QBID_REPLAY_NOTICE_CLICK, "a", "href", 1) != 0 &&
        qbid_replay_notice_converts(plan->terms, plan->row))
        add_conversion(plan);
}

struct macro_texts {
    char id[QBID_REPLAY_REQUEST_ID_BYTES];
    char price[QBID_REPLAY_MONEY_TEXT_BYTES];
    char ratio[QBID_REPLAY_MONEY_TEXT_BYTES];
    char loss[QBID_REPLAY_MONEY_TEXT_BYTES];
    char needed[QBID_REPLAY_MONEY_TEXT_BYTES];
    struct qbid_replay_buffer ids[4];
};

static struct qbid_replay_span plain(struct qbid_replay_buffer *buffer, struct qbid_replay_span raw)
{
    qbid_replay_json_unescape(buffer, raw);
    return (struct qbid_replay_span){buffer->text, buffer->len};
}

/* Settled price / bid in millionths, cut. Both are below 10^18, so the product needs 128 bits. */
static int64_t ratio_micros(const struct qbid_replay_outcome *outcome)
{
    return (int64_t)((__extension__(__int128) outcome->settled_micros) * 1000000 /
                     outcome->bid_micros);
}

static void set_macros(struct plan *plan, struct macro_texts *texts,
                       const struct qbid_replay_answer *answer,
                       const struct qbid_replay_outcome *outcome)
{
    struct qbid_replay_span *values = plan->macros.values;
    const struct qbid_replay_bid *bid = &answer->bid;
    values[QBID_REPLAY_AUCTION_ID] =
        (struct qbid_replay_span){texts->id, qbid_replay_request_id(plan->row, texts->id)};
    values[QBID_REPLAY_AUCTION_BID_ID] = plain(&texts->ids[0], answer->bidid);
    values[QBID_REPLAY_AUCTION_IMP_ID] = plain(&texts->ids[1], bid->impid);
    values[QBID_REPLAY_AUCTION_SEAT_ID] = plain(&texts->ids[2], bid->seat);
    values[QBID_REPLAY_AUCTION_AD_ID] = plain(&texts->ids[3], bid->adid);
    values[QBID_REPLAY_AUCTION_CURRENCY] = QBID_REPLAY_SPAN("CNY");
    size_t len = qbid_replay_money_print(outcome->loss_reason, 0, texts->loss);
    values[QBID_REPLAY_AUCTION_LOSS] = (struct qbid_replay_span){texts->loss, len};
    if (outcome->kind == QBID_REPLAY_WIN) {
        len = qbid_replay_money_print(outcome->settled_micros, 6, texts->price);
        values[QBID_REPLAY_AUCTION_PRICE] = (struct qbid_replay_span){texts->price, len};
        len = qbid_replay_money_print(ratio_micros(outcome), 6, texts->ratio);
        values[QBID_REPLAY_AUCTION_MBR] = (struct qbid_replay_span){texts->ratio, len};
    }
    if (plan->terms->feedback == QBID_REPLAY_FEEDBACK_FULL) {
        len = qbid_replay_money_print(outcome->min_win_micros, 6, texts->needed);
        values[QBID_REPLAY_AUCTION_MIN_TO_WIN] = (struct qbid_replay_span){texts->needed, len};
    }
}

static void reset(struct qbid_replay_notices *notices)
{
    struct qbid_replay_buffer paths = notices->paths;
    *notices = (struct qbid_replay_notices){.paths = paths};
    qbid_replay_buffer_clear(&notices->paths);
}

int qbid_replay_notice_plan(struct qbid_replay_notices *notices,
                            const struct qbid_replay_notice_terms *terms,
                            const struct qbid_replay_row *row,
                            const struct qbid_replay_answer *answer,
                            const struct qbid_replay_outcome *outcome)
{
    struct plan plan = {.notices = notices, .terms = terms, .row = row};
    struct macro_texts texts = {0};
    reset(notices);
    notices->settled_micros = outcome->settled_micros;
    if (outcome->kind == QBID_REPLAY_NO_BID)
        return 0;
    set_macros(&plan, &texts, answer, outcome);
    if (outcome->kind == QBID_REPLAY_WIN)
        plan_win(&plan, &answer->bid);
    else if (terms->feedback != QBID_REPLAY_FEEDBACK_NONE)
        add_field(&plan, QBID_REPLAY_NOTICE_LOSS, answer->bid.lurl);
    bool failed = plan.raw.failed || plan.text.failed || plan.url.failed || notices->paths.failed;
    for (size_t i = 0; i < sizeof texts.ids / sizeof texts.ids[0]; i++) {
        failed |= texts.ids[i].failed;
        qbid_replay_buffer_done(&texts.ids[i]);
    }
    qbid_replay_buffer_done(&plan.raw);
    qbid_replay_buffer_done(&plan.text);
    qbid_replay_buffer_done(&plan.url);
    return failed ? QBID_ERR_NOMEM : 0;
}
