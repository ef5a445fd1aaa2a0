/* SPDX-License-Identifier: Apache-2.0 */
/* The Numenta anomaly benchmark: its corpus and its score, written anew from their description
 * (Lavin and Ahmad 2015). Within a labelled window the earliest detection counts, the earlier the
 * more; what lies outside costs, less just behind a window. */
#ifndef QBID_TESTS_CONTROL_MODELS_WATCH_NAB_H
#define QBID_TESTS_CONTROL_MODELS_WATCH_NAB_H

#include <stdint.h>

#define NAB_FOLDER "../shared/data/nab/"
#define NAB_FILES_MAX 64
#define NAB_WINDOWS_MAX 8 /* of a file */

struct nab_file {
    char name[96];       /* realAdExchange/exchange-2_cpc_results.csv */
    uint32_t cnt, learn; /* the first `learn` values are not scored */
    double *value, *score;
    uint32_t window_cnt, from[NAB_WINDOWS_MAX], to[NAB_WINDOWS_MAX];
};

struct nab {
    uint32_t file_cnt, window_cnt;
    struct nab_file file[NAB_FILES_MAX];
};

struct nab_profile {
    const char *name;
    double hit, miss, false_alarm; /* weights */
};

extern const struct nab_profile nab_profiles[3]; /* standard, low FP, low FN */

/* NULL without the data. */
struct nab *nab_open(void);
void nab_close(struct nab *nab);

/* Take the scores from the result files of a detector that comes with the corpus. */
void nab_read_scores(struct nab *nab, const char *detector);

/* 100 = all found at once and nothing else, 0 = silent; at the threshold that is best for it. */
double nab_score(const struct nab *nab, const struct nab_profile *profile, double *ret_threshold);

#endif
