/* SPDX-License-Identifier: Apache-2.0 */
/* Reads answers line by line and decides each of their bids again. */
#include "tools/qbid/explain/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/error.h"
#include "tools/qbid/explain/ask.h"
#include "tools/qbid/explain/generations.h"
#include "tools/replay/text/json.h"

#define COMPLAINTS_MAX 5 /* damaged lines that are named */

struct check {
    const struct qbid_explain_options *options;
    FILE *err;
    FILE *file;
    uint64_t sample_of; /* answers with code 200 in the file; 0 = all are checked */
    uint64_t sample_at;
    bool hour_told;
    struct qbid_explain_generations folder;
    struct qbid_explain_ask *ask;
    int parse_err; /* of the request in ask */
    struct qbid_explain_record record;
    struct qbid_replay_buffer impid;
    struct qbid_explain_imp imp; /* the latest replay */
    struct qbid_explain_verdict verdict;
};

static const char *file_name(const struct check *c)
{
    return strcmp(c->options->check, "-") == 0 ? "stdin" : c->options->check;
}

static void complain(struct check *c, const char *why)
{
    if (c->verdict.damaged++ < COMPLAINTS_MAX)
        fprintf(c->err, "qbid explain: %s:%llu: %s\n", file_name(c),
                (unsigned long long)c->verdict.lines, why);
}

/* --- one bid */

/* A ratio as the server writes it: six decimals (qbid_put_ratio() of plugin/writer.h). */
static int64_t ppm_of(double ratio)
{
    return ratio < 1e12 ? (int64_t)(ratio * 1e6 + 0.5) : 0;
}

static struct qbid_explain_facts facts_of(const struct qbid_explain_imp *imp)
{
    const struct qbid_decision *d = &imp->decision;
    return (struct qbid_explain_facts){
        .line_item_id = d->line_item_id,
        .creative_id = d->creative_id,
        .level = d->level,
        .q_action = d->q_action,
        .price_micros = imp->price_micros,
        .value_micros = ppm_of((double)d->value_micros / 1e6),
        .q_ratio_ppm = ppm_of((double)d->q_ratio),
        .shade_ratio_ppm = ppm_of((double)d->shade_ratio),
    };
}

static bool facts_equal(const struct qbid_explain_facts *a, const struct qbid_explain_facts *b)
{
    return a->line_item_id == b->line_item_id && a->creative_id == b->creative_id &&
           a->level == b->level && a->q_action == b->q_action &&
           a->price_micros == b->price_micros && a->value_micros == b->value_micros &&
           a->q_ratio_ppm == b->q_ratio_ppm && a->shade_ratio_ppm == b->shade_ratio_ppm;
}

static bool matches(const struct check *c, const struct qbid_explain_bid *bid)
{
    struct qbid_explain_facts replayed = facts_of(&c->imp);
    return c->imp.nobid == QBID_NOBID_NONE && facts_equal(&bid->facts, &replayed);
}

/* Of two parts of an impression the one that the bid is on: a line item with a deal bids on that
 * alone. */
static const struct qbid_explain_imp *part_of(const struct qbid_explain_imp imp[2], unsigned parts,
                                              const struct qbid_line_item *line_item)
{
    return parts == 2 && line_item->deal_hash == 0 ? &imp[1] : &imp[0];
}

/* Decide the impressions of the bid's id until one gives the bid; the latest stays in c->imp. */
static bool replay(struct check *c, const struct qbid_explain_bid *bid,
                   const struct qbid_explain_world *world, uint32_t line_item_idx, bool alone)
{
    struct qbid_explain_imp imp[2];
    const struct qbid_openrtb_request *openrtb = &c->ask->openrtb;
    struct qbid_view view = qbid_explain_world_view(world, alone);
    c->imp.nobid = QBID_NOBID_INVALID;
    c->imp.reason = "the request has no impression of this id";
    for (unsigned i = 0; i < openrtb->imp_cnt; i++) {
        if (openrtb->imp[i].id.len != c->impid.len ||
            memcmp(openrtb->imp[i].id.at, c->impid.text, c->impid.len) != 0)
            continue;
        unsigned parts = qbid_explain_ask_decide(c->ask, &view, i, imp);
        c->imp = *part_of(imp, parts, &world->image.line_items[line_item_idx]);
        if (matches(c, bid))
            return true;
    }
    return false;
}

static void set_word(const struct qbid_live *live, uint32_t idx, float pace, uint32_t qstate)
{
    qbid_live_set_pace(live, idx, pace);
    atomic_store_explicit(&live->qstate[idx], (uint8_t)qstate, memory_order_relaxed);
}

/* Both replays, see its header. */
static bool replay_both(struct check *c, const struct qbid_explain_bid *bid,
                        struct qbid_explain_world *world)
{
    int64_t found = qbid_explain_world_find(world, bid->facts.line_item_id);
    if (found < 0) {
        c->imp.nobid = QBID_NOBID_NO_CANDIDATE;
        c->imp.reason = "the generation has no such line item";
        return false;
    }
    uint32_t idx = (uint32_t)found;
    for (unsigned i = 0; i < c->options->pace_cnt; i++) {
        int64_t other = qbid_explain_world_find(world, c->options->pace[i].line_item_id);
        if (other >= 0)
            qbid_live_set_pace(&world->live, (uint32_t)other, c->options->pace[i].pace);
    }
    set_word(&world->live, idx, bid->pace, bid->qstate);
    set_word(&world->alone, idx, bid->pace, bid->qstate);
    world->assumed[idx] = (uint8_t)bid->exposures;
    bool equal = replay(c, bid, world, idx, false);
    bool same =
        c->imp.nobid == QBID_NOBID_NONE && c->imp.decision.line_item_id == bid->facts.line_item_id;
    if (!equal && !same) {
        equal = replay(c, bid, world, idx, true);
        c->verdict.equal_alone += equal;
    }
    set_word(&world->live, idx, 1.0f, 0);
    set_word(&world->alone, idx, 0.0f, 0);
    world->assumed[idx] = 0;
    return equal;
}

/* The time that decides the hour of the week. */
static uint64_t time_of(struct check *c, const struct qbid_explain_bid *bid,
                        const struct qbid_explain_world *world)
{
    if (c->options->has_now)
        return c->options->now_unix_s;
    if (bid->unix_s != 0 || c->record.unix_s != 0)
        return bid->unix_s ? bid->unix_s : c->record.unix_s;
    if (!c->hour_told && qbid_explain_world_uses(world, QBID_DIM_HOUR)) {
        fprintf(c->err,
                "qbid explain: %s:%llu: the hour of the week counts in generation %llu, and "
                "nothing says when this answer was given: taken as now (or --now)\n",
                file_name(c), (unsigned long long)c->verdict.lines, (unsigned long long)bid->gen);
        c->hour_told = true;
    }
    return qbid_clock_unix_ns() / QBID_NS_PER_S;
}

static bool replay_bid(struct check *c, const struct qbid_explain_bid *bid,
                       struct qbid_explain_world *world)
{
    const char *exchange = c->record.has_exchange ? c->record.exchange : c->options->exchange;
    memset(&c->imp, 0, sizeof c->imp);
    c->imp.nobid = c->parse_err == QBID_ERR_LIMIT ? QBID_NOBID_OVER_LIMIT : QBID_NOBID_INVALID;
    c->imp.reason = c->parse_err == QBID_ERR_LIMIT ? "the request is over a stated limit"
                                                   : "the request is malformed";
    if (c->parse_err)
        return false;
    c->imp.nobid = qbid_explain_ask_open(c->ask, &world->image, exchange, time_of(c, bid, world));
    c->imp.reason = qbid_explain_nobid_text(c->imp.nobid);
    return c->imp.nobid == QBID_NOBID_NONE && replay_both(c, bid, world);
}

static void keep_difference(struct check *c, const struct qbid_explain_bid *bid)
{
    struct qbid_explain_verdict *verdict = &c->verdict;
    if (verdict->difference_cnt == QBID_EXPLAIN_DIFFERENCES_MAX)
        return;
    struct qbid_explain_difference *difference = &verdict->difference[verdict->difference_cnt++];
    size_t len =
        c->impid.len < QBID_EXPLAIN_IMPID_BYTES ? c->impid.len : QBID_EXPLAIN_IMPID_BYTES - 1;
    *difference = (struct qbid_explain_difference){
        .line = verdict->lines,
        .gen = bid->gen,
        .answered = bid->facts,
        .nobid = c->imp.nobid,
        .reason = c->imp.reason,
        .replayed = facts_of(&c->imp),
    };
    if (len)
        memcpy(difference->impid, c->impid.text, len);
}

static int find_world(struct check *c, uint64_t gen, struct qbid_explain_world **ret_world)
{
    const char *name;
    int err = qbid_explain_generations_find(&c->folder, gen, ret_world, &name);
    if (err && name)
        fprintf(c->err, "qbid explain: %s/%s: %s\n", c->options->images, name,
                err == QBID_ERR_SYS ? strerror(errno) : qbid_strerror(err));
    return err;
}

static void check_bid(struct check *c, const struct qbid_explain_bid *bid)
{
    struct qbid_explain_world *world;
    if (!bid->traced || !bid->has_impid) {
        c->verdict.untraced++;
        return;
    }
    if (find_world(c, bid->gen, &world) != 0) {
        c->verdict.unknown_gen++;
        return;
    }
    qbid_replay_buffer_clear(&c->impid);
    qbid_replay_json_unescape(&c->impid, bid->impid);
    c->verdict.checked++;
    if (replay_bid(c, bid, world)) {
        c->verdict.equal++;
        return;
    }
    c->verdict.different++;
    keep_difference(c, bid);
}

/* --- the file */

/* Answer number sample_at of sample_of: whether it is one of the N that lie evenly among them. */
static bool in_sample(struct check *c)
{
    if (c->sample_of <= c->options->sample)
        return true;
    uint64_t at = c->sample_at++;
    __extension__ unsigned __int128 n = c->options->sample;
    return n * at / c->sample_of != n * (at + 1) / c->sample_of;
}

static int check_line(struct check *c, const char *line, size_t len)
{
    const char *why;
    int err = qbid_explain_record_read(&c->record, line, len, &why);
    if (err == QBID_ERR_NOMEM)
        return err;
    if (err) {
        complain(c, why);
        return 0;
    }
    if (c->record.code != QBID_EXPLAIN_CODE_BID || c->record.bid_cnt == 0) {
        c->verdict.without_bid++;
        return 0;
    }
    if (!in_sample(c)) {
        c->verdict.left_out++;
        return 0;
    }
    if (!c->record.has_exchange && !c->options->exchange) {
        complain(c, "the exchange is neither in the line (\"x\") nor given (--exchange)");
        return 0;
    }
    c->parse_err = qbid_explain_ask_parse(c->ask, c->record.request.at, c->record.request.len);
    if (c->parse_err == QBID_ERR_NOMEM)
        return c->parse_err;
    for (unsigned i = 0; i < c->record.bid_cnt && !c->impid.failed; i++)
        check_bid(c, &c->record.bid[i]);
    return c->impid.failed ? QBID_ERR_NOMEM : 0;
}

static int count_line(struct check *c, const char *line, size_t len)
{
    const char *why;
    int err = qbid_explain_record_read(&c->record, line, len, &why);
    if (err == 0)
        c->sample_of += c->record.code == QBID_EXPLAIN_CODE_BID && c->record.bid_cnt != 0;
    return err == QBID_ERR_NOMEM ? err : 0;
}

static int each_line(struct check *c, int (*take)(struct check *c, const char *line, size_t len))
{
    char *line = NULL;
    size_t max = 0;
    ssize_t len;
    int err = 0;
    c->verdict.lines = 0;
    errno = 0;
    while (err == 0 && (len = getline(&line, &max, c->file)) >= 0) {
        c->verdict.lines++;
        if (len > 0 && line[len - 1] == '\n')
            len--;
        err = take(c, line, (size_t)len);
    }
    if (err == 0 && !feof(c->file))
        err = errno == ENOMEM ? QBID_ERR_NOMEM : QBID_ERR_SYS;
    free(line);
    return err;
}

static int check_file(struct check *c)
{
    c->file = strcmp(c->options->check, "-") == 0 ? stdin : fopen(c->options->check, "r");
    if (!c->file)
        return QBID_ERR_SYS;
    int err = 0;
    if (c->options->sample != 0) {
        err = each_line(c, count_line);
        if (err == 0 && fseeko(c->file, 0, SEEK_SET) != 0)
            err = QBID_ERR_SYS;
    }
    if (err == 0)
        err = each_line(c, check_line);
    int why = errno;
    if (c->file != stdin)
        fclose(c->file);
    errno = why;
    return err;
}

static int fail(struct check *c, const char *path, int err)
{
    fprintf(c->err, "qbid explain: %s: %s\n", path,
            err == QBID_ERR_SYS     ? strerror(errno)
            : err == QBID_ERR_INVAL ? "two files of one generation"
                                    : qbid_strerror(err));
    return err;
}

int qbid_explain_check(const struct qbid_explain_options *options, FILE *err,
                       struct qbid_explain_verdict *ret_verdict)
{
    struct check *c = calloc(1, sizeof *c);
    if (!c) {
        fputs("qbid explain: out of memory\n", err);
        return QBID_ERR_NOMEM;
    }
    c->options = options;
    c->err = err;
    int rc = qbid_explain_ask_new(&c->ask);
    if (rc)
        fail(c, "parser", rc);
    if (rc == 0 && (rc = qbid_explain_generations_init(&c->folder, options->images)) != 0)
        fail(c, options->images, rc);
    if (rc == 0 && (rc = check_file(c)) != 0)
        fail(c, file_name(c), rc);
    if (rc == 0)
        *ret_verdict = c->verdict;
    qbid_explain_generations_done(&c->folder);
    qbid_explain_ask_free(c->ask);
    qbid_explain_record_done(&c->record);
    qbid_replay_buffer_done(&c->impid);
    free(c);
    return rc;
}
