/* SPDX-License-Identifier: Apache-2.0 */
/* The library of patterns: effects that were measured in several places, and what they come to
 * together (control/patterns). Errors: QBID_ERR_STORE unless said otherwise.
 *
 *     pattern (tenant, metric, subject, across)         source: where one of its effects was
 * measured 7, "cvr", "device=2/windows", "exchange"     <--  "2": the effect on exchange 2; "3";
 * ...
 */
#ifndef QBID_CONTROL_STORE_STORE_PATTERNS_H
#define QBID_CONTROL_STORE_STORE_PATTERNS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/store/store.h"

#define QBID_PATTERN_WORD_MAX 16
#define QBID_PATTERN_SUBJECT_MAX 160
#define QBID_PATTERN_SOURCES_MAX 256 /* of one pattern that count: the latest */

struct qbid_pattern_key {
    uint32_t tenant;
    char metric[QBID_PATTERN_WORD_MAX];     /* what is measured: "ctr", "cvr", "return", ... */
    char subject[QBID_PATTERN_SUBJECT_MAX]; /* of what: "slot=banner:300x250", "curve", ... */
    char across[QBID_PATTERN_WORD_MAX];     /* what its sources are: "exchange", "campaign", ... */
};

struct qbid_pattern_source {
    char source[QBID_PATTERN_SUBJECT_MAX]; /* "2" */
    double effect, variance;               /* as measured */
    uint64_t events;                       /* clicks, conversions or days that it rests on */
    int64_t from_unix_s, to_unix_s;
    double own, own_sd; /* what is believed of it, given the others; set with the pattern */
};

struct qbid_pattern {
    struct qbid_pattern_key key;
    uint32_t cnt;                /* sources */
    double mean, mean_sd;        /* effect in common */
    double tau;                  /* between sources, sd */
    double next, next_sd;        /* of a source to come */
    double i2;                   /* share of the spread that is not chance */
    double q_p;                  /* p-value of there being no differences between sources */
    double all_above, all_below; /* probability that every source's own effect is above 0, below */
    double confidence;           /* probability that the mean has its sign */
    uint64_t events;
    int64_t from_unix_s, to_unix_s;
};

/** Write what a source measured, in place of what it measured before; the pattern is then stale. */
int qbid_store_set_pattern_source(struct qbid_store *store, const struct qbid_pattern_key *key,
                                  const struct qbid_pattern_source *source);

/** Sources of one pattern, the latest first, QBID_PATTERN_SOURCES_MAX at most. */
typedef int qbid_store_pattern_source_fn(void *context, const struct qbid_pattern_source *source);
int qbid_store_load_pattern_sources(struct qbid_store *store, const struct qbid_pattern_key *key,
                                    qbid_store_pattern_source_fn *fn, void *context);

/** Write a pattern and what it says of its sources: it is not stale any more. */
int qbid_store_set_pattern(struct qbid_store *store, const struct qbid_pattern *pattern,
                           const struct qbid_pattern_source *sources, uint32_t source_cnt);

/** Keys of stale patterns, those first that have waited the longest. */
typedef int qbid_store_pattern_key_fn(void *context, const struct qbid_pattern_key *key);
int qbid_store_load_stale_patterns(struct qbid_store *store, qbid_store_pattern_key_fn *fn,
                                   void *context);

/** Patterns: the surest first. Filter: 0 and "" = any. */
typedef int qbid_store_pattern_fn(void *context, const struct qbid_pattern *pattern);
int qbid_store_load_patterns(struct qbid_store *store, const struct qbid_pattern_key *filter,
                             uint32_t max, qbid_store_pattern_fn *fn, void *context);

#endif
