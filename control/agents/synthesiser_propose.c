/* SPDX-License-Identifier: Apache-2.0 */
/* From patterns of return to proposals. */
#include "control/agents/synthesiser_propose.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "shm/hash.h"
#include "shm/units.h"

#define NAME "synthesiser"
#define PATTERNS_MAX 64
#define EXCHANGES (1 << QBID_DIM_BITS_EXCHANGE)
#define SHARE_MIN 0.02  /* of a line item's spend: less is not worth a change */
#define SHARE_MAX 0.5   /* more is no longer a value among others */
#define SHARE_SMALL 0.2 /* of an automatic change */

/* Who is proposed to, out of what. */
struct proposing {
    const struct qbid_gains_search *search;
    const struct qbid_synthesiser_cells *cells;
};

/* A pattern of return, with what is believed of its exchanges by their index. */
struct belief {
    struct qbid_pattern pattern;
    unsigned dim;
    uint32_t value;
    double own[EXCHANGES], own_sd[EXCHANGES];
    char told[160]; /* exchanges in words */
    const struct qbid_dictionary *dictionary;
};

/* One line item's spend of the last day. */
struct stake {
    const struct qbid_line_item_def *item;
    const struct qbid_campaign_def *campaign;
    double share[EXCHANGES]; /* of it on the value, by exchange */
    double shares, value;    /* all of them; value a day, currency units */
    uint64_t convs;
};

struct found {
    struct qbid_pattern list[PATTERNS_MAX];
    uint32_t cnt;
};

static int pattern_keep(void *context, const struct qbid_pattern *pattern)
{
    struct found *found = context;
    enum qbid_pattern_verdict verdict = qbid_pattern_verdict(pattern);
    if (found->cnt < PATTERNS_MAX &&
        (verdict == QBID_PATTERN_BELOW || verdict == QBID_PATTERN_DIFFERENT ||
         verdict == QBID_PATTERN_ABOVE))
        found->list[found->cnt++] = *pattern;
    return 0;
}

static uint32_t index_of(const struct qbid_dictionary *dictionary, unsigned dim, const char *text)
{
    return qbid_dictionary_find(dictionary, dim, qbid_hash_dim(dim, text, strlen(text)));
}

/* Exchanges that were not measured: as one to come. */
static void belief_begin(struct belief *b)
{
    const char *is = strchr(b->pattern.key.subject, '=');
    b->dim = QBID_DIM_CNT;
    for (unsigned dim = 0; is && dim < QBID_DIM_CNT; dim++) {
        size_t bytes = (size_t)(is - b->pattern.key.subject);
        if (strlen(qbid_dim_name(dim)) == bytes &&
            memcmp(qbid_dim_name(dim), b->pattern.key.subject, bytes) == 0)
            b->dim = dim;
    }
    b->value = b->dim < QBID_DIM_CNT ? index_of(b->dictionary, b->dim, is + 1) : 0;
    for (int e = 0; e < EXCHANGES; e++)
        b->own[e] = b->pattern.next, b->own_sd[e] = b->pattern.next_sd;
}

static int source_keep(void *context, const struct qbid_pattern_source *source)
{
    struct belief *b = context;
    uint32_t e = index_of(b->dictionary, QBID_DIM_EXCHANGE, source->source);
    if (e == 0 || e >= EXCHANGES)
        return 0;
    b->own[e] = source->own, b->own_sd[e] = source->own_sd;
    size_t at = strlen(b->told);
    snprintf(b->told + at, sizeof b->told - at, "%sx%.2f on %.24s", at ? ", " : "",
             exp(source->own), source->source);
    return 0;
}

/* What a line item has at stake; false when it is not for us. */
static bool stake_of(const struct proposing *p, const struct belief *b, uint32_t from, uint32_t end,
                     struct stake *ret_stake)
{
    *ret_stake = (struct stake){.item = NULL};
    const struct qbid_synthesiser_cell *cell = &p->cells->cell[from];
    struct qbid_series_key whole = {.id = cell->line_item, .kind = QBID_SERIES_LINE_ITEM};
    struct stake s = {.item = qbid_account_line_item(p->search->inputs->account, cell->line_item),
                      .campaign =
                          qbid_account_campaign(p->search->inputs->account, cell->campaign)};
    if (!s.item->active || !s.campaign->active ||
        s.campaign->end_unix_s <= p->search->inputs->unix_s ||
        !qbid_gains_bound(p->search->inputs, s.campaign))
        return false;
    struct qbid_stats day = qbid_snapshot_query(p->search->inputs->snapshot, whole, QBID_WINDOW_24H,
                                                p->search->inputs->now_ns);
    struct qbid_stats all = qbid_snapshot_query(p->search->inputs->snapshot, whole, QBID_WINDOW_ALL,
                                                p->search->inputs->now_ns);
    if (day.spend_nanos <= 0 || all.spend_nanos <= 0 || all.value_nanos <= 0)
        return false;
    for (uint32_t i = from; i < end; i++) {
        cell = &p->cells->cell[i];
        if (qbid_dim_unpack(cell->context, b->dim) != b->value)
            continue;
        struct qbid_series_key key = {cell->context, cell->line_item, QBID_SERIES_CONTEXT};
        struct qbid_stats stats = qbid_snapshot_query(p->search->inputs->snapshot, key,
                                                      QBID_WINDOW_24H, p->search->inputs->now_ns);
        s.share[cell->exchange] += (double)stats.spend_nanos / (double)day.spend_nanos;
        s.shares += (double)stats.spend_nanos / (double)day.spend_nanos;
    }
    s.value = (double)day.spend_nanos / (double)QBID_NANOS_PER_UNIT * (double)all.value_nanos /
              (double)all.spend_nanos;
    s.convs = all.convs;
    *ret_stake = s;
    return s.shares >= SHARE_MIN && s.shares <= SHARE_MAX;
}

static void judge(const struct proposing *p, const struct belief *b, const struct stake *s,
                  const struct qbid_robust *exponent, struct qbid_gains *v)
{
    for (int d = 0; d < QBID_GAINS_DRAWS; d++) {
        double on = 0, rest = 1 - s->shares;
        for (int e = 0; e < EXCHANGES; e++)
            if (s->share[e] > 0)
                on += s->share[e] *
                      exp(b->own[e] + b->own_sd[e] * qbid_random_normal(p->search->random));
        double shape = qbid_gains_exponent_draw(exponent, p->search->random);
        double rate = (double)s->convs + 0.5;
        rate = qbid_random_gamma(p->search->random, rate) / rate;
        v->gain[d] = s->value * rate * (pow(rest, 1 - shape) / (rest + on) - 1);
    }
    qbid_gains_judge(v);
}

static void reason_write(const struct belief *b, const struct stake *s, const struct qbid_gains *v,
                         struct qbid_proposal *p)
{
    const struct qbid_pattern *pattern = &b->pattern;
    bool universal = qbid_pattern_verdict(pattern) == QBID_PATTERN_BELOW;
    char which[256];
    if (universal)
        snprintf(which, sizeof which, "on every one of %" PRIu32 " exchanges (probability %.3f)",
                 pattern->cnt, pattern->all_below);
    else
        snprintf(which, sizeof which, "and it depends on the exchange (p %.2g: %s)", pattern->q_p,
                 b->told);
    snprintf(
        p->reason, sizeof p->reason,
        "%s brings x%.2f the conversions by money spent (90 %% between %.2f and %.2f) of line "
        "items' other traffic, %s. It takes %.1f %% of this line item's spend; the same budget "
        "without it adds %.2f a day (90 %% between %.2f and %.2f). Evidence: %" PRIu64
        " conversions since the campaigns began.",
        pattern->key.subject, exp(pattern->mean), exp(pattern->mean - 1.645 * pattern->mean_sd),
        exp(pattern->mean + 1.645 * pattern->mean_sd), which, 100 * s->shares, v->mean, v->low,
        v->high, pattern->events);
}

/* A change of what the belief is about, for a line item; nothing of its effect yet. */
static struct qbid_proposal targeting_of(const struct proposing *p, const struct belief *b,
                                         const struct stake *s)
{
    struct qbid_proposal proposal = {.type = QBID_PROPOSAL_TARGETING,
                                     .agent = NAME,
                                     .item = QBID_ITEM_LINE_ITEM,
                                     .item_id = s->item->id,
                                     .evidence_from_unix_s = b->pattern.from_unix_s,
                                     .evidence_to_unix_s = p->search->inputs->unix_s};
    snprintf(proposal.field, sizeof proposal.field, "%s", qbid_dim_name(b->dim));
    return proposal;
}

/* Whether its current value fits and it was not proposed lately; it is from now on. */
static bool due(const struct proposing *p, const struct belief *b, const struct stake *s,
                struct qbid_proposal *proposal)
{
    uint64_t what = qbid_mix64(
        qbid_hash_name(b->pattern.key.subject, strlen(b->pattern.key.subject)) ^ s->item->id);
    return qbid_gains_current(proposal, s->item) &&
           !(p->search->memory &&
             qbid_gains_remembered(p->search->memory, what, p->search->inputs->unix_s,
                                   p->search->again_s));
}

static void gains_tell(const struct proposing *p, const struct stake *s, const struct qbid_gains *v,
                       struct qbid_proposal *proposal)
{
    qbid_gains_tell(v, s->value, proposal);
    proposal->touched = qbid_gains_touched(p->search->inputs, s->item, s->shares);
}

static int stake_propose(const struct proposing *p, const struct belief *b, const struct stake *s)
{
    struct qbid_robust exponent;
    struct qbid_gains v;
    struct qbid_proposal proposal = targeting_of(p, b, s);
    const char *value = qbid_dictionary_text(p->search->dictionary, b->dim, b->value);
    int err = qbid_gains_exponent(p->search->store, s->campaign, &exponent);
    if (err)
        return err;
    judge(p, b, s, &exponent, &v);
    if (!qbid_gains_worth(&v, s->value) ||
        !qbid_gains_without(&s->item->target[b->dim], &value, 1, proposal.recommended))
        return 0;
    if (!due(p, b, s, &proposal))
        return 0;
    gains_tell(p, s, &v, &proposal);
    proposal.auto_execute = v.sure >= p->search->confidence && s->shares <= SHARE_SMALL;
    reason_write(b, s, &v, &proposal);
    proposal.id = qbid_proposal_id(&proposal);
    p->search->give(p->search->give_context, &proposal);
    return 0;
}

/* --- a value that is better everywhere, for a line item that leaves it out */

/* Share of spend that the value takes where it is bought at all, by the tenant's line items. */
static double open_share(const struct proposing *p, const struct belief *b)
{
    double on = 0, all = 0;
    for (uint32_t i = 0, end; i < p->cells->cnt; i = end) {
        double item_on = 0, item_all = 0;
        for (end = i;
             end < p->cells->cnt && p->cells->cell[end].line_item == p->cells->cell[i].line_item;
             end++) {
            const struct qbid_synthesiser_cell *cell = &p->cells->cell[end];
            bool has = qbid_dim_unpack(cell->context, b->dim) == b->value;
            item_on += has ? cell->count[QBID_SYNTHESISER_SPEND] : 0;
            item_all += cell->count[QBID_SYNTHESISER_SPEND];
        }
        if (p->cells->cell[i].tenant != b->pattern.key.tenant || !(item_on > 0))
            continue;
        on += item_on, all += item_all;
    }
    return all > 0 ? on / all : 0;
}

/* The list of accepted values with one more; false where the value is accepted as it is, or there
 * is no list. */
static bool with(const struct qbid_target_def *target, const char *value,
                 char out[QBID_PROPOSAL_VALUE_MAX])
{
    char text[QBID_PROPOSAL_VALUE_MAX];
    bool accepts = false;
    size_t at = 0;
    for (uint32_t i = 0; i < target->cnt && at < sizeof text; i++) {
        const char *each = target->value[i];
        if (strcmp(each + (each[0] == '!'), value) == 0 || strchr(each, '*'))
            return false;
        accepts = accepts || each[0] != '!';
        at += (size_t)snprintf(text + at, sizeof text - at, "%s,", each);
    }
    if (!accepts || at >= sizeof text ||
        at + (size_t)snprintf(text + at, sizeof text - at, "%s", value) >= sizeof text)
        return false;
    strcpy(out, text);
    return true;
}

static void with_reason_write(const struct belief *b, const struct stake *s,
                              const struct qbid_gains *v, struct qbid_proposal *p)
{
    const struct qbid_pattern *pattern = &b->pattern;
    snprintf(
        p->reason, sizeof p->reason,
        "%s brings x%.2f the conversions by money spent (90 %% between %.2f and %.2f) of line "
        "items' other traffic, on every one of %" PRIu32
        " exchanges (probability %.3f), and line item %" PRIu32
        " leaves it out; one more source may expect x%.2f. Where it is bought it takes %.1f %% of "
        "spend; with as much of this line item's it adds %.2f a day (90 %% between %.2f and %.2f). "
        "Evidence: %" PRIu64 " conversions since the campaigns began.",
        pattern->key.subject, exp(pattern->mean), exp(pattern->mean - 1.645 * pattern->mean_sd),
        exp(pattern->mean + 1.645 * pattern->mean_sd), pattern->cnt, pattern->all_above,
        s->item->id, exp(pattern->next), 100 * s->shares, v->mean, v->low, v->high,
        pattern->events);
}

/* Linear in the money that moves: what a line item never bought is not counted on to have a
 * falling return of its own. */
static void with_propose(const struct proposing *p, const struct belief *b, const struct stake *s)
{
    struct qbid_gains v;
    struct qbid_proposal proposal = targeting_of(p, b, s);
    const char *value = qbid_dictionary_text(p->search->dictionary, b->dim, b->value);
    for (int d = 0; d < QBID_GAINS_DRAWS; d++) {
        double x = b->pattern.next + b->pattern.next_sd * qbid_random_normal(p->search->random);
        double rate = (double)s->convs + 0.5;
        rate = qbid_random_gamma(p->search->random, rate) / rate;
        v.gain[d] = s->value * rate * s->shares * (exp(x) - 1);
    }
    qbid_gains_judge(&v);
    if (!qbid_gains_worth(&v, s->value) ||
        !with(&s->item->target[b->dim], value, proposal.recommended) || !due(p, b, s, &proposal))
        return;
    gains_tell(p, s, &v, &proposal);
    with_reason_write(b, s, &v, &proposal);
    proposal.id = qbid_proposal_id(&proposal);
    p->search->give(p->search->give_context, &proposal);
}

/* All line items of the pattern's tenant that never bought the value. */
static void better_propose(const struct proposing *p, const struct belief *b)
{
    double share = fmin(open_share(p, b), SHARE_MAX);
    struct stake stake;
    for (uint32_t i = 0, end; i < p->cells->cnt && share >= SHARE_MIN; i = end) {
        for (end = i;
             end < p->cells->cnt && p->cells->cell[end].line_item == p->cells->cell[i].line_item;)
            end++;
        if (p->cells->cell[i].tenant != b->pattern.key.tenant)
            continue;
        stake_of(p, b, i, end, &stake);
        if (!stake.item || !(stake.value > 0) || stake.shares > 0)
            continue;
        stake.shares = share;
        with_propose(p, b, &stake);
    }
}

/* All line items of the pattern's tenant. */
static int belief_propose(const struct proposing *p, const struct belief *b)
{
    int err = 0;
    struct stake stake;
    for (uint32_t i = 0, end; i < p->cells->cnt && !err; i = end) {
        for (end = i;
             end < p->cells->cnt && p->cells->cell[end].line_item == p->cells->cell[i].line_item;)
            end++;
        if (p->cells->cell[i].tenant == b->pattern.key.tenant && stake_of(p, b, i, end, &stake))
            err = stake_propose(p, b, &stake);
    }
    return err;
}

int qbid_synthesiser_propose(const struct qbid_gains_search *search,
                             const struct qbid_synthesiser_cells *cells)
{
    const struct proposing proposing = {search, cells}, *p = &proposing;
    struct qbid_pattern_key filter = {.metric = "return", .across = "exchange"};
    struct found *found = calloc(1, sizeof *found);
    struct belief *b = malloc(sizeof *b);
    int err = found && b ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = qbid_store_load_patterns(p->search->store, &filter, UINT32_MAX, pattern_keep, found);
    for (uint32_t i = 0; !err && i < found->cnt; i++) {
        *b = (struct belief){.pattern = found->list[i], .dictionary = p->search->dictionary};
        belief_begin(b);
        if (b->value == 0)
            continue;
        err = qbid_store_load_pattern_sources(p->search->store, &b->pattern.key, source_keep, b);
        if (!err && qbid_pattern_verdict(&b->pattern) == QBID_PATTERN_ABOVE)
            better_propose(p, b);
        else if (!err)
            err = belief_propose(p, b);
    }
    free(found);
    free(b);
    return err;
}
