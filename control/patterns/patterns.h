/* SPDX-License-Identifier: Apache-2.0 */
/* The learning system: what effects came to in several places, as priors of the next place.
 *
 *   synthesiser, budget agent, executor --effects of sources--> store
 *   store --refit: random effects over the sources--> pattern: mean, spread, verdict
 *   pattern --prior: predictive of a new source, in part vague--> a campaign of which nothing is
 * known
 *
 * Effects are logs of ratios, but for "exponent" (of a response curve). Tenants are apart.
 */
#ifndef QBID_CONTROL_PATTERNS_PATTERNS_H
#define QBID_CONTROL_PATTERNS_PATTERNS_H

#include "control/models/meta/robust.h"
#include "control/store/store_patterns.h"

#define QBID_PATTERNS_SURE 0.95  /* probability from which a pattern is called universal */
#define QBID_PATTERNS_APART 0.01 /* p-value up to which its sources are called different */

enum qbid_pattern_verdict {
    QBID_PATTERN_OPEN,      /* neither is sure */
    QBID_PATTERN_ABOVE,     /* universal: above 0 in every source */
    QBID_PATTERN_BELOW,     /* universal: below 0 in every source */
    QBID_PATTERN_DIFFERENT, /* it depends on the source */
};

/** ABOVE and BELOW need two sources. */
enum qbid_pattern_verdict qbid_pattern_verdict(const struct qbid_pattern *pattern);
/** "open", "universal +", "universal -", "specific". */
const char *qbid_pattern_verdict_name(enum qbid_pattern_verdict verdict);

/** Take in what a source measured. QBID_ERR_INVAL for an effect that is not finite, a variance that
 *  is not positive and finite, an empty word of the key or source; QBID_ERR_STORE. */
int qbid_patterns_see(struct qbid_store *store, const struct qbid_pattern_key *key,
                      const struct qbid_pattern_source *source);

/** Recompute patterns that have new sources, at most `max`. Returns how many, or NOMEM, STORE.
 *  Cost: 0.2 ms a pattern and 0.2 ms a source of one across exchanges. */
int qbid_patterns_refit(struct qbid_store *store, uint32_t max);

/** What to believe of one source before and without its own data. */
struct qbid_patterns_prior {
    struct qbid_robust robust;
    uint32_t cnt; /* sources that it rests on, this one left out; 0 = only vague */
    bool known;   /* the library holds the source itself: */
    struct qbid_pattern_source own; /* what it measured before */
};

/**
 * The prior of a source, from all others of its pattern.
 *
 * Shapes:  source: its name, left out of the prior; vague: what counts without a library.
 * Returns: 0, also when there is no such pattern.
 * Errors:  NOMEM, STORE.
 * Source:  ALGORITHMS 10.5: predictive distribution of the hierarchical model, with a vague part.
 */
int qbid_patterns_prior(struct qbid_store *store, const struct qbid_pattern_key *key,
                        const char *source, double vague_mean, double vague_sd,
                        struct qbid_patterns_prior *ret_prior);

#endif
