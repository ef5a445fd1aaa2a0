/* SPDX-License-Identifier: Apache-2.0 */
/* What `qbid allocate` is asked about: campaigns with their bounds and curves or history, from a
 * CSV. */
#ifndef QBID_TOOLS_QBID_ALLOCATE_INPUT_H
#define QBID_TOOLS_QBID_ALLOCATE_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "control/models/allocate/curve.h"
#include "tools/qbid/allocate/csv.h"

#define QBID_WHATIF_CAMPAIGNS_MAX 100000
#define QBID_WHATIF_PLATFORMS_MAX 256
#define QBID_WHATIF_NONE UINT32_MAX
#define QBID_WHATIF_UNSET INT64_MIN /* of an amount */

/* Periods of which spend, value and reach are known; rows of the file in their order. */
struct qbid_whatif_history {
    double *spend, *value, *reach;
    uint32_t cnt, max;
};

struct qbid_whatif_campaign {
    const char *name;
    uint32_t platform;                              /* QBID_WHATIF_NONE = none */
    int64_t min_micros, max_micros, current_micros; /* a budget's period each */
    struct qbid_whatif_history history;
    bool given;              /* curve stands in the file */
    struct qbid_curve curve; /* of a row's period */
    double scale_sd;         /* of the logarithm of a given curve's scale */
    uint32_t line;           /* where it is first named */
};

struct qbid_whatif_platform {
    const char *name;
    int64_t min_micros, max_micros;
};

struct qbid_whatif {
    struct qbid_csv csv; /* holds the names */
    struct qbid_whatif_campaign *campaign;
    struct qbid_whatif_platform platform[QBID_WHATIF_PLATFORMS_MAX];
    uint32_t campaign_cnt, campaign_max, platform_cnt;
    bool has_reach;
    char unused[QBID_CSV_WHY_MAX]; /* columns that mean nothing here; "" = none */
};

/**
 * Read campaigns from a file. Columns, by the header, in any order:
 *
 *     campaign                    its name; required
 *     platform, min, max, current once a campaign is enough
 *     spend, OBJECTIVE, reach     one row a period: its history
 *     curve, scale, shape, half, scale_sd    power, hill or log: a curve instead of a history
 *
 * Returns: 0; release with qbid_whatif_done() in any case.
 * Errors:  QBID_ERR_PARSE, why says line, column and what is wrong; QBID_ERR_SYS (errno), NOMEM,
 *          LIMIT.
 */
int qbid_whatif_read(const char *path, const char *objective, struct qbid_whatif *ret_whatif,
                     char why[QBID_CSV_WHY_MAX]);
void qbid_whatif_done(struct qbid_whatif *whatif);

/** An amount of at most 6 decimals, >= 0, into micros. QBID_ERR_PARSE, QBID_ERR_LIMIT. */
int qbid_whatif_amount(const char *text, int64_t *ret_micros);

/** Platform of a name, QBID_WHATIF_NONE when the file has none. */
uint32_t qbid_whatif_platform_find(const struct qbid_whatif *whatif, const char *name);

#endif
