/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that are numbers or yes and no: their ranges, defaults, meanings and places. */
#ifndef QBID_CONTROL_CONFIG_CONFIG_LIMITS_H
#define QBID_CONTROL_CONFIG_CONFIG_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define QBID_CONFIG_LIMIT_TEXT_MAX 64

enum qbid_config_kind {
    QBID_CONFIG_UINT,
    QBID_CONFIG_REAL,
    QBID_CONFIG_BOOL,
    QBID_CONFIG_MONEY /* micros */
};

struct qbid_config_limit {
    const char *path; /* as in the file: "ticks.learn_ms" */
    const char *meaning;
    size_t raw_off, off; /* in struct qbid_config_raw, struct qbid_config */
    uint64_t least, most, preset;
    double least_real, most_real, preset_real; /* of QBID_CONFIG_REAL */
    enum qbid_config_kind kind;
};

/** By index from 0; NULL behind the last. */
const struct qbid_config_limit *qbid_config_limit(size_t idx);

/** "10..10000", or "true or false". */
void qbid_config_limit_range(const struct qbid_config_limit *limit,
                             char out[QBID_CONFIG_LIMIT_TEXT_MAX]);
void qbid_config_limit_preset(const struct qbid_config_limit *limit,
                              char out[QBID_CONFIG_LIMIT_TEXT_MAX]);

#endif
