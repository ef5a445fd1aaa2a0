/* SPDX-License-Identifier: Apache-2.0 */
/* A notice from its URL to its event: verified, in time, counted, and answered. */
#include <stddef.h>

#include "plugin/markup.h"
#include "plugin/notice/notice.h"
#include "plugin/worker.h"
#include "shm/error.h"

#define CLOCK_SKEW_S 3600 /* that the wall clock may have been set back since the bid */

enum {
    STATUS_OK = 200,
    STATUS_FOUND = 302,
    STATUS_MALFORMED = 400,
    STATUS_FORGED = 403,
    STATUS_EXPIRED = 410,
    STATUS_LATER = 503
};

static enum qbid_counter kind_counter(enum qbid_event_kind kind)
{
    switch (kind) {
    case QBID_EVENT_WIN:
        return QBID_COUNTER_NOTICE_WIN;
    case QBID_EVENT_LOSS:
        return QBID_COUNTER_NOTICE_LOSS;
    case QBID_EVENT_BILL:
        return QBID_COUNTER_NOTICE_BILL;
    case QBID_EVENT_IMP:
        return QBID_COUNTER_NOTICE_IMP;
    case QBID_EVENT_CLICK:
        return QBID_COUNTER_NOTICE_CLICK;
    case QBID_EVENT_VIDEO:
        return QBID_COUNTER_NOTICE_VIDEO;
    default:
        return QBID_COUNTER_NOTICE_CONV;
    }
}

/* Notices of the auction are short-lived and go by the boot clock, which nobody can set. What the
 * user does may come after a reboot and goes by the wall clock. */
static bool in_time(const struct qbid_image_header *image, enum qbid_event_kind kind,
                    const struct qbid_token *token, uint64_t now_ns, uint64_t unix_s)
{
    if (kind == QBID_EVENT_WIN || kind == QBID_EVENT_LOSS || kind == QBID_EVENT_BILL)
        return token->bid_time_ns <= now_ns && now_ns - token->bid_time_ns <= image->notice_ttl_ns;
    if (token->bid_unix_s > unix_s)
        return token->bid_unix_s - unix_s <= CLOCK_SKEW_S;
    return unix_s - token->bid_unix_s <= image->event_ttl_ns / QBID_NS_PER_S;
}

/* Creative by id. Clicks are rare, so images have no index for this; the place where an id was
 * found last is tried first and proves itself. */
static const struct qbid_creative *find_creative(struct qbid_worker *worker,
                                                 const struct qbid_image *image, uint32_t id)
{
    uint32_t *hint = &worker->creative_hint[id & (QBID_CREATIVE_HINTS - 1)];
    if (*hint < image->creative_cnt && image->creatives[*hint].id == id)
        return &image->creatives[*hint];
    for (uint32_t i = 0; i < image->creative_cnt; i++)
        if (image->creatives[i].id == id) {
            *hint = i;
            return &image->creatives[i];
        }
    return NULL;
}

/* Whether a text goes on behind a beginning. */
static bool begins(const char *text, size_t len, const char *word)
{
    size_t n = strlen(word);
    return len > n && memcmp(text, word, n) == 0;
}

/* Where a click goes on: only to what the image holds, never to anything from the query. */
static size_t write_landing(struct qbid_worker *worker, const struct qbid_image *image,
                            const struct qbid_notice *notice, const struct qbid_token *token,
                            char *location, size_t location_max)
{
    const struct qbid_creative *creative = find_creative(worker, image, token->creative_id);
    if (!creative)
        return 0;
    struct qbid_writer w = qbid_writer_init(location, location_max);
    qbid_markup_landing(&w, (struct qbid_text){notice->token, notice->token_len},
                        image->strings + creative->landing_off, creative->landing_len);
    size_t len = qbid_writer_len(&w);
    bool web = begins(location, len, "https://") || begins(location, len, "http://");
    return web && !w.full ? len : 0;
}

static bool push(const struct qbid_page *page, const struct qbid_notice *notice,
                 const struct qbid_token *token, uint64_t now_ns, uint8_t flags,
                 int64_t price_nanos, uint16_t code)
{
    bool coded = notice->kind == QBID_EVENT_LOSS || notice->kind == QBID_EVENT_VIDEO;
    struct qbid_event event = {.time_ns = now_ns,
                               .nonce = token->nonce,
                               .gen = token->gen,
                               .kind = (uint8_t)notice->kind,
                               .level = token->level,
                               .privacy = token->privacy,
                               .action = token->action,
                               .flags = flags,
                               .u.notice = {
                                   .context = token->context,
                                   .bid_nanos = token->bid_nanos,
                                   .line_item_id = token->line_item_id,
                                   .creative_id = token->creative_id,
                                   .price_nanos = price_nanos,
                                   .bid_time_ns = token->bid_time_ns,
                               }};
    if (coded)
        event.u.notice.detail = qbid_event_detail(price_nanos, code);
    return qbid_page_push(page, &event);
}

static void count_accepted(const struct qbid_page *page, enum qbid_event_kind kind, uint8_t flags)
{
    qbid_page_count(page, QBID_COUNTER_NOTICES);
    qbid_page_count(page, kind_counter(kind));
    if (flags & QBID_EVENT_PRICE_ABOVE)
        qbid_page_count(page, QBID_COUNTER_PRICE_ABOVE);
    if (flags & QBID_EVENT_PRICE_UNKNOWN)
        qbid_page_count(page, QBID_COUNTER_PRICE_UNKNOWN);
}

/* A verified notice. Money that the ring cannot hold now is asked for again: senders of win and
 * billing notices retry on anything but 200. */
static int accept(const struct qbid_page *page, const struct qbid_notice *notice,
                  const struct qbid_token *token, const struct qbid_notice_prices *prices,
                  uint64_t now_ns)
{
    uint8_t flags = token->flags;
    int64_t price_nanos = qbid_notice_price(notice, token, prices, &flags);
    uint16_t code = qbid_notice_code(notice, &flags);
    bool money = notice->kind == QBID_EVENT_WIN || notice->kind == QBID_EVENT_BILL;
    if (!push(page, notice, token, now_ns, flags, price_nanos, code) && money)
        return STATUS_LATER;
    if (!(flags & QBID_EVENT_TEST))
        count_accepted(page, notice->kind, flags);
    return STATUS_OK;
}

/* How the partner that a bid went to writes prices; one that has left the configuration since is
 * taken to write none that can be read. */
static struct qbid_clearing_rule rule_of(const struct qbid_table *table, uint8_t id)
{
    const struct qbid_partner *partner = qbid_image_partner_by_id(&table->image, id);
    if (id == 0)
        return (struct qbid_clearing_rule){.coding = QBID_PRICE_CODING_PLAIN};
    if (!partner)
        return (struct qbid_clearing_rule){.coding = QBID_PRICE_CODING_GOOGLE};
    return (struct qbid_clearing_rule){
        .coding = partner->coding,
        .per_impression = (partner->flags & QBID_PARTNER_PER_IMPRESSION) != 0,
        .age_max_s = partner->price_age_max_s,
        .keys = qbid_partner_keys_find(table->partner_keys, id),
    };
}

/* A notice while a table is held. */
static int receive(struct qbid_worker *worker, const struct qbid_table *table,
                   const struct qbid_notice *notice, uint64_t now_ns, char *location,
                   size_t location_max, size_t *ret_location)
{
    const struct qbid_page *page = &table->page[worker->cookie];
    struct qbid_token token;
    if (!table->image.header || (table->keys.id[0] == 0 && table->keys.id[1] == 0))
        return STATUS_LATER; /* nothing to verify with yet */
    int err = qbid_token_verify(&table->keys, notice->token, notice->token_len, &token);
    if (err == QBID_ERR_MAC) {
        qbid_page_count(page, QBID_COUNTER_TOKEN_FORGED);
        return STATUS_FORGED;
    }
    if (err != 0) {
        qbid_page_count(page, QBID_COUNTER_TOKEN_MALFORMED);
        return STATUS_MALFORMED;
    }
    uint64_t unix_s = qbid_worker_unix_ns(worker, now_ns) / QBID_NS_PER_S;
    if (!in_time(table->image.header, notice->kind, &token, now_ns, unix_s)) {
        qbid_page_count(page, QBID_COUNTER_TOKEN_EXPIRED);
        return STATUS_EXPIRED;
    }
    struct qbid_notice_prices prices = {
        .reader = worker->clearing, .rule = rule_of(table, token.partner), .unix_s = unix_s};
    int status = accept(page, notice, &token, &prices, now_ns);
    if (status != STATUS_OK || notice->kind != QBID_EVENT_CLICK)
        return status;
    *ret_location = write_landing(worker, &table->image, notice, &token, location, location_max);
    return *ret_location != 0 ? STATUS_FOUND : STATUS_OK;
}

int qbid_worker_notice(struct qbid_worker *worker, const char *kind, size_t kind_len,
                       const char *query, size_t query_len, uint64_t now_ns, char *location,
                       size_t location_max, size_t *ret_location)
{
    struct qbid_notice notice;
    uint64_t start = qbid_recorder_begin(&worker->recorder, QBID_LATENCY_NOTICE);
    int status, err = qbid_notice_parse(kind, kind_len, query, query_len, &notice);
    *ret_location = 0;
    const struct qbid_table *table = qbid_watcher_read_lock(worker->qbid->watcher);
    if (err != 0) {
        qbid_page_count(&table->page[worker->cookie], QBID_COUNTER_TOKEN_MALFORMED);
        status = STATUS_MALFORMED;
    } else {
        status = receive(worker, table, &notice, now_ns, location, location_max, ret_location);
    }
    qbid_recorder_end(&worker->recorder, QBID_LATENCY_NOTICE, start, 1,
                      &table->page[worker->cookie]);
    qbid_watcher_read_unlock(worker->qbid->watcher);
    return status;
}
