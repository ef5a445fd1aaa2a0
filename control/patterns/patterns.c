/* SPDX-License-Identifier: Apache-2.0 */
/* From sources to patterns, and from patterns to priors. */
#include "control/patterns/patterns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "control/models/meta/meta.h"
#include "shm/error.h"

/* About as far as sources of one pattern ever differ: the half-normal prior of their spread. */
#define SCALE_LOG 0.5      /* logs of ratios: by a factor of e^0.5 */
#define SCALE_EXPONENT 0.1 /* exponents of response curves */

#define TOGETHER "exchange" /* sources of which it is asked whether all agree */

struct sources {
    struct qbid_pattern_source list[QBID_PATTERN_SOURCES_MAX];
    struct qbid_meta_study study[QBID_PATTERN_SOURCES_MAX];
    uint32_t cnt;
};

enum qbid_pattern_verdict qbid_pattern_verdict(const struct qbid_pattern *pattern)
{
    if (pattern->cnt >= 2 && pattern->all_above >= QBID_PATTERNS_SURE)
        return QBID_PATTERN_ABOVE;
    if (pattern->cnt >= 2 && pattern->all_below >= QBID_PATTERNS_SURE)
        return QBID_PATTERN_BELOW;
    return pattern->q_p <= QBID_PATTERNS_APART ? QBID_PATTERN_DIFFERENT : QBID_PATTERN_OPEN;
}

const char *qbid_pattern_verdict_name(enum qbid_pattern_verdict verdict)
{
    static const char *const names[] = {"open", "universal +", "universal -", "specific"};
    return (unsigned)verdict < 4 ? names[verdict] : "?";
}

static double scale_of(const struct qbid_pattern_key *key)
{
    return strcmp(key->metric, "exponent") == 0 ? SCALE_EXPONENT : SCALE_LOG;
}

int qbid_patterns_see(struct qbid_store *store, const struct qbid_pattern_key *key,
                      const struct qbid_pattern_source *source)
{
    if (!isfinite(source->effect) || !isfinite(source->variance) || !(source->variance > 0) ||
        !key->metric[0] || !key->subject[0] || !key->across[0] || !source->source[0])
        return QBID_ERR_INVAL;
    return qbid_store_set_pattern_source(store, key, source);
}

static int source_keep(void *context, const struct qbid_pattern_source *source)
{
    struct sources *s = context;
    s->list[s->cnt] = *source;
    s->study[s->cnt++] = (struct qbid_meta_study){source->effect, source->variance, 0, 0};
    return 0;
}

static struct qbid_pattern pattern_of(const struct qbid_pattern_key *key, struct sources *s)
{
    struct qbid_pattern p = {.key = *key, .cnt = s->cnt, .from_unix_s = INT64_MAX};
    struct qbid_meta_belief belief = {0};
    struct qbid_meta meta = {0};
    double scale = scale_of(key);
    /* the store holds what qbid_patterns_see() let through: these cannot fail */
    qbid_meta_fit(s->study, s->cnt, &meta);
    qbid_meta_believe(s->study, s->cnt, scale, &belief);
    if (strcmp(key->across, TOGETHER) == 0)
        qbid_meta_together(s->study, s->cnt, scale, &p.all_above, &p.all_below);
    p.mean = belief.mean, p.mean_sd = belief.mean_sd, p.tau = belief.tau;
    p.next = belief.next, p.next_sd = belief.next_sd;
    p.i2 = meta.i2, p.q_p = meta.q_p;
    p.confidence = 0.5 * erfc(-fabs(p.mean) / (p.mean_sd * sqrt(2)));
    for (uint32_t i = 0; i < s->cnt; i++) {
        struct qbid_pattern_source *source = &s->list[i];
        source->own = s->study[i].own, source->own_sd = s->study[i].own_sd;
        p.events += source->events;
        p.from_unix_s = source->from_unix_s < p.from_unix_s ? source->from_unix_s : p.from_unix_s;
        p.to_unix_s = source->to_unix_s > p.to_unix_s ? source->to_unix_s : p.to_unix_s;
    }
    return p;
}

struct stale {
    struct qbid_pattern_key *key;
    uint32_t cnt, max;
};

#define STALE_ENOUGH 1 /* of stale_keep(): no more are wanted */

static int stale_keep(void *context, const struct qbid_pattern_key *key)
{
    struct stale *stale = context;
    if (stale->cnt == stale->max)
        return STALE_ENOUGH;
    stale->key[stale->cnt++] = *key;
    return 0;
}

static int refit(struct qbid_store *store, const struct stale *stale, struct sources *s)
{
    int err = 0;
    for (uint32_t i = 0; i < stale->cnt && !err; i++) {
        s->cnt = 0;
        err = qbid_store_load_pattern_sources(store, &stale->key[i], source_keep, s);
        if (err)
            break;
        struct qbid_pattern p = pattern_of(&stale->key[i], s);
        err = qbid_store_set_pattern(store, &p, s->list, s->cnt);
    }
    return err;
}

int qbid_patterns_refit(struct qbid_store *store, uint32_t max)
{
    struct sources *s = malloc(sizeof *s);
    struct stale stale = {malloc((max + 1) * sizeof *stale.key), 0, max};
    int err = s && stale.key ? 0 : QBID_ERR_NOMEM;
    if (!err)
        err = qbid_store_load_stale_patterns(store, stale_keep, &stale);
    if (err >= 0)
        err = qbid_store_begin(store);
    if (!err)
        err = qbid_store_end(store, refit(store, &stale, s));
    free(s);
    free(stale.key);
    return err ? err : (int)stale.cnt;
}

int qbid_patterns_prior(struct qbid_store *store, const struct qbid_pattern_key *key,
                        const char *source, double vague_mean, double vague_sd,
                        struct qbid_patterns_prior *ret_prior)
{
    struct sources *s = malloc(sizeof *s);
    struct qbid_meta_belief belief = {.next_sd = INFINITY};
    struct qbid_patterns_prior prior = {.cnt = 0};
    if (!s)
        return QBID_ERR_NOMEM;
    s->cnt = 0;
    int err = qbid_store_load_pattern_sources(store, key, source_keep, s);
    for (uint32_t i = 0; i < s->cnt; i++) {
        if (strcmp(s->list[i].source, source) == 0) {
            prior.known = true;
            prior.own = s->list[i];
            continue;
        }
        s->study[prior.cnt++] = s->study[i];
    }
    if (!err && prior.cnt)
        qbid_meta_believe(s->study, prior.cnt, scale_of(key), &belief);
    prior.robust = qbid_robust_of(belief.next, belief.next_sd, vague_mean, vague_sd);
    if (!err)
        *ret_prior = prior;
    free(s);
    return err;
}
