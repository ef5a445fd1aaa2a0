/* SPDX-License-Identifier: Apache-2.0 */
/* The pattern library: what it keeps, what it says, and what a campaign gains that starts with it.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/meta/meta.h"
#include "control/patterns/patterns.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"
#include "tests/control/store/scratch.h"

static int worlds = 30; /* the first argument */

static struct qbid_pattern_key key_of(uint32_t tenant, const char *subject, const char *across)
{
    struct qbid_pattern_key key = {.tenant = tenant, .metric = "ctr"};
    snprintf(key.subject, sizeof key.subject, "%s", subject);
    snprintf(key.across, sizeof key.across, "%s", across);
    return key;
}

static int see(struct qbid_store *store, const struct qbid_pattern_key *key, unsigned source,
               double effect, double variance)
{
    struct qbid_pattern_source s = {.effect = effect,
                                    .variance = variance,
                                    .events = 100,
                                    .from_unix_s = 1000 + source,
                                    .to_unix_s = 2000 + source};
    snprintf(s.source, sizeof s.source, "%u", source);
    return qbid_patterns_see(store, key, &s);
}

struct found {
    struct qbid_pattern pattern[8];
    struct qbid_pattern_source source[8];
    uint32_t cnt, source_cnt;
};

static int pattern_keep(void *context, const struct qbid_pattern *pattern)
{
    struct found *found = context;
    assert_true(found->cnt < 8);
    found->pattern[found->cnt++] = *pattern;
    return 0;
}

static int source_keep(void *context, const struct qbid_pattern_source *source)
{
    struct found *found = context;
    assert_true(found->source_cnt < 8);
    found->source[found->source_cnt++] = *source;
    return 0;
}

static struct found find(struct qbid_store *store, const struct qbid_pattern_key *key)
{
    struct found found = {.cnt = 0};
    assert_int_equal(qbid_store_load_patterns(store, key, 8, pattern_keep, &found), 0);
    if (key->tenant)
        assert_int_equal(qbid_store_load_pattern_sources(store, key, source_keep, &found), 0);
    return found;
}

static void sources_become_a_pattern_that_outlives_a_restart(void **state)
{
    struct scratch *s = *state;
    struct qbid_pattern_key key = key_of(7, "slot=banner:300x250", "exchange");
    assert_int_equal(see(s->store, &key, 1, 0.30, 0.002), 0);
    assert_int_equal(see(s->store, &key, 2, 0.40, 0.003), 0);
    assert_int_equal(see(s->store, &key, 3, 0.20, 0.004), 0);
    assert_int_equal(find(s->store, &key).cnt, 0); /* stale until it is refitted */
    assert_int_equal(qbid_patterns_refit(s->store, 10), 1);
    assert_int_equal(qbid_patterns_refit(s->store, 10), 0);
    scratch_reopen(s);
    struct found found = find(s->store, &key);
    assert_true(found.cnt == 1 && found.source_cnt == 3);
    const struct qbid_pattern *p = &found.pattern[0];
    struct qbid_meta_study study[3] = {
        {0.20, 0.004, 0, 0}, {0.40, 0.003, 0, 0}, {0.30, 0.002, 0, 0}}; /* the latest first */
    struct qbid_meta_belief b;
    assert_int_equal(qbid_meta_believe(study, 3, 0.5, &b), 0);
    assert_true(p->mean == b.mean && p->mean_sd == b.mean_sd && p->next_sd == b.next_sd);
    assert_true(found.source[0].own == study[0].own && found.source[0].own_sd == study[0].own_sd);
    assert_true(p->cnt == 3 && p->events == 300 && p->from_unix_s == 1001 && p->to_unix_s == 2003);
    assert_true(p->all_above > 0.95 && p->all_below < 0.01 && p->confidence > 0.9);
    assert_int_equal(qbid_pattern_verdict(p), QBID_PATTERN_ABOVE);
    assert_string_equal(qbid_pattern_verdict_name(QBID_PATTERN_ABOVE), "universal +");
    /* a source that measures again takes its own place */
    assert_int_equal(see(s->store, &key, 1, -0.60, 0.002), 0);
    assert_int_equal(qbid_patterns_refit(s->store, 10), 1);
    found = find(s->store, &key);
    assert_true(found.cnt == 1 && found.source_cnt == 3);
    assert_int_equal(qbid_pattern_verdict(&found.pattern[0]), QBID_PATTERN_DIFFERENT);
}

static void verdicts_need_evidence(void **state)
{
    struct scratch *s = *state;
    struct qbid_pattern_key one = key_of(7, "device=2", "exchange");
    struct qbid_pattern_key thin = key_of(7, "device=3", "exchange");
    struct qbid_pattern_key other = key_of(8, "device=2", "exchange");
    assert_int_equal(see(s->store, &one, 1, 3, 0.001), 0); /* one exchange is no universe */
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(see(s->store, &thin, i, 0.1, 0.2), 0);
        assert_int_equal(see(s->store, &other, i, -0.5, 0.001), 0);
    }
    assert_int_equal(qbid_patterns_refit(s->store, 2), 2); /* in slices */
    assert_int_equal(find(s->store, &other).cnt, 0);
    for (unsigned i = 4; i <= 5; i++) { /* new word of those two does not keep the third waiting */
        assert_int_equal(see(s->store, &one, 1, 3, 0.001), 0);
        assert_int_equal(see(s->store, &thin, i, 0.1, 0.2), 0);
        assert_int_equal(qbid_patterns_refit(s->store, 2), 2);
        assert_int_equal(find(s->store, &other).cnt, 1);
    }
    assert_int_equal(qbid_patterns_refit(s->store, 2), 0);
    assert_int_equal(qbid_pattern_verdict(&find(s->store, &one).pattern[0]), QBID_PATTERN_OPEN);
    assert_int_equal(qbid_pattern_verdict(&find(s->store, &thin).pattern[0]), QBID_PATTERN_OPEN);
    assert_int_equal(qbid_pattern_verdict(&find(s->store, &other).pattern[0]), QBID_PATTERN_BELOW);
    /* tenants are apart, and so they are in scope */
    struct qbid_pattern_key all = {.tenant = 0};
    assert_int_equal(find(s->store, &all).cnt, 3);
    qbid_store_scope(s->store, 8);
    assert_int_equal(find(s->store, &all).cnt, 1);
    assert_int_equal(see(s->store, &one, 2, 1, 1), QBID_ERR_STORE);
    qbid_store_scope(s->store, 0);
}

static void a_prior_leaves_out_whom_it_is_for(void **state)
{
    struct scratch *s = *state;
    struct qbid_pattern_key key = key_of(7, "slot=native", "campaign");
    struct qbid_patterns_prior prior;
    assert_int_equal(qbid_patterns_prior(s->store, &key, "1", 0.1, 0.7, &prior), 0);
    assert_true(prior.cnt == 0 && !prior.known);
    assert_true(fabs(qbid_robust_mean(&prior.robust) - 0.1) < 1e-12 &&
                fabs(qbid_robust_sd(&prior.robust) - 0.7) < 1e-12);
    for (unsigned i = 1; i <= 4; i++)
        assert_int_equal(see(s->store, &key, i, i == 1 ? -2 : 0.3, 0.001), 0);
    assert_int_equal(qbid_patterns_prior(s->store, &key, "1", 0, 0.7, &prior), 0);
    assert_true(prior.cnt == 3 && prior.known && prior.own.effect == -2);
    assert_true(fabs(prior.robust.like.mean - 0.3) < 1e-9 && prior.robust.like.sd < 0.2);
    assert_true(fabs(prior.robust.vague.weight - QBID_ROBUST_VAGUE) < 1e-12);
    assert_int_equal(qbid_patterns_prior(s->store, &key, "9", 0, 0.7, &prior), 0);
    assert_true(prior.cnt == 4 && !prior.known && prior.robust.like.mean < 0);
}

static void what_cannot_be_is_refused(void **state)
{
    struct scratch *s = *state;
    struct qbid_pattern_key key = key_of(7, "slot=native", "campaign");
    struct qbid_pattern_key nameless = key_of(7, "", "campaign");
    assert_int_equal(see(s->store, &key, 1, NAN, 1), QBID_ERR_INVAL);
    assert_int_equal(see(s->store, &key, 1, 1, 0), QBID_ERR_INVAL);
    assert_int_equal(see(s->store, &key, 1, 1, INFINITY), QBID_ERR_INVAL);
    assert_int_equal(see(s->store, &nameless, 1, 1, 1), QBID_ERR_INVAL);
    assert_int_equal(qbid_patterns_refit(s->store, 10), 0);
}

/* --- what a warm start is worth: the first 10,000 impressions of a campaign of six elements (sizes
 * of a banner, say), each shown where a draw from its belief is the highest */

#define ELEMENTS 6
#define PAST 12
#define BASE 0.01  /* clicks by impression */
#define SPREAD 0.4 /* of elements' effects, sd of the log */
#define VAGUE_SD 0.5
#define BATCH 100
#define BATCHES 100

static void library_fill(struct qbid_store *store, uint32_t tenant, const double *common,
                         double apart, struct rng *rng)
{
    for (unsigned e = 0; e < ELEMENTS; e++) {
        char subject[16];
        snprintf(subject, sizeof subject, "slot=%u", e);
        struct qbid_pattern_key key = key_of(tenant, subject, "campaign");
        for (unsigned c = 1; c <= PAST; c++) {
            double own = common[e] + apart * rng_normal(rng), trials = 20000;
            double clicks = rng_binomial(rng, (uint32_t)trials, BASE * exp(own)) + 0.5;
            assert_int_equal(see(store, &key, c, log(clicks / (BASE * trials)), 1 / clicks), 0);
        }
    }
}

static void priors_read(struct qbid_store *store, uint32_t tenant, struct qbid_robust *prior)
{
    for (unsigned e = 0; e < ELEMENTS; e++) {
        struct qbid_patterns_prior p;
        char subject[16];
        snprintf(subject, sizeof subject, "slot=%u", e);
        struct qbid_pattern_key key = key_of(tenant, subject, "campaign");
        assert_int_equal(qbid_patterns_prior(store, &key, "new", 0, VAGUE_SD, &p), 0);
        prior[e] = p.robust;
    }
}

/* Clicks that a campaign loses against its best element. */
static double regret_of(const struct qbid_robust *prior, const double *own, uint64_t seed)
{
    struct rng rng = rng_init(seed);
    struct qbid_random random = qbid_random_init(seed);
    double clicks[ELEMENTS] = {0}, trials[ELEMENTS] = {0}, best = own[0], regret = 0;
    for (int e = 1; e < ELEMENTS; e++)
        best = fmax(best, own[e]);
    for (int b = 0; b < BATCHES; b++) {
        struct qbid_robust belief[ELEMENTS];
        double estimate[ELEMENTS], variance[ELEMENTS], drawn[ELEMENTS];
        int shown = 0;
        for (int e = 0; e < ELEMENTS; e++) {
            double hits = clicks[e] + 0.5;
            belief[e] = prior[e];
            estimate[e] = log(hits / (BASE * trials[e])); /* not finite before the first */
            variance[e] = 1 / hits;
        }
        qbid_robust_learn_together(belief, estimate, variance, ELEMENTS);
        qbid_robust_draw_together(belief, ELEMENTS, &random, drawn);
        for (int e = 1; e < ELEMENTS; e++)
            shown = drawn[e] > drawn[shown] ? e : shown;
        regret += BATCH * BASE * (exp(best) - exp(own[shown]));
        clicks[shown] += rng_binomial(&rng, BATCH, BASE * exp(own[shown]));
        trials[shown] += BATCH;
    }
    return regret;
}

static void a_warm_start_saves_where_campaigns_are_alike(void **state)
{
    struct scratch *s = *state;
    struct qbid_robust cold[ELEMENTS], warm[ELEMENTS];
    double regret[2][2] = {{0}}; /* alike, unlike; cold, warm */
    struct rng rng = rng_init(21);
    for (int e = 0; e < ELEMENTS; e++)
        cold[e] = qbid_robust_of(0, INFINITY, 0, VAGUE_SD);
    assert_int_equal(qbid_store_begin(s->store), 0);
    for (int w = 0; w < worlds; w++) {
        double common[ELEMENTS], own[2][ELEMENTS];
        for (int e = 0; e < ELEMENTS; e++)
            common[e] = SPREAD * rng_normal(&rng);
        for (int e = 0; e < ELEMENTS; e++) {
            own[0][e] = common[e] + 0.15 * rng_normal(&rng);
            own[1][e] = SPREAD * rng_normal(&rng);
        }
        uint32_t tenant = (uint32_t)w + 1;
        library_fill(s->store, tenant, common, 0.15, &rng);
        priors_read(s->store, tenant, warm);
        for (int u = 0; u < 2; u++)
            for (uint64_t k = 0; k < 4; k++) {
                uint64_t seed = (uint64_t)w * 8 + (uint64_t)u * 4 + k;
                regret[u][0] += regret_of(cold, own[u], seed) / (4.0 * worlds);
                regret[u][1] += regret_of(warm, own[u], seed) / (4.0 * worlds);
            }
    }
    assert_int_equal(qbid_store_end(s->store, 0), 0);
    double saved = 100 - 100 * regret[0][1] / regret[0][0];
    double added = 100 * regret[1][1] / regret[1][0] - 100;
    print_message(
        "patterns: clicks lost in the first 10,000 impressions: alike %.2f cold, %.2f warm "
        "(%.1f %% saved); unlike %.2f cold, %.2f warm (%.1f %% added)\n",
        regret[0][0], regret[0][1], saved, regret[1][0], regret[1][1], added);
    assert_true(saved >= 30);
    assert_true(added <= (worlds < 200 ? 15 : 5)); /* few worlds are noise */
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(sources_become_a_pattern_that_outlives_a_restart),
        TEST(verdicts_need_evidence),
        TEST(a_prior_leaves_out_whom_it_is_for),
        TEST(what_cannot_be_is_refused),
        TEST(a_warm_start_saves_where_campaigns_are_alike),
    };
    worlds = argc > 1 ? atoi(argv[1]) : worlds;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
