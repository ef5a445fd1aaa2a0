/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration file as libcyaml loads it, before ranges are checked and defaults set. */
#ifndef QBID_CONTROL_CONFIG_CONFIG_SCHEMA_H
#define QBID_CONTROL_CONFIG_CONFIG_SCHEMA_H

#include "control/config/config.h"
#include "control/config/yaml.h"

#define QBID_CONFIG_RAW_UINT uint64_t
#define QBID_CONFIG_RAW_REAL double
#define QBID_CONFIG_RAW_BOOL bool
#define QBID_CONFIG_RAW_MONEY char *
#define QBID_CONFIG_RAW_FIELD(kind, key, ...) QBID_CONFIG_RAW_##kind key;

struct qbid_config_raw_socket {
    char *path;
    char *mode;
    uint32_t *allow_uids;
    uint32_t allow_uids_count;
};

struct qbid_config_raw_rate {
    char *currency;
    char *per_unit;
};

struct qbid_config_raw_partner {
    char *name, *key_file, *currency, *seat, *price_macro;
    uint32_t price, price_per, no_bid, test; /* words in config_schema.c */
    uint64_t id, price_age_max_s, tmax_ms, margin_ms;
    char **required, **notices;
    uint32_t required_count, notices_count;
    bool win_bills;
};

struct qbid_config_raw {
    char *state_dir;
    struct qbid_config_raw_socket handover, control;
    struct qbid_config_raw_log {
        uint32_t level; /* enum qbid_log_level */
        char *target;
    } log;
    struct qbid_config_raw_keys {
        char *file;
        QBID_CONFIG_KEYS_LIST(QBID_CONFIG_RAW_FIELD)
    } keys;
    struct qbid_config_raw_audit {
        char *key_file;
    } audit;
    struct qbid_config_raw_access {
        char *tokens;
    } access;
    struct qbid_config_raw_http {
        char *address;
        QBID_CONFIG_HTTP_LIST(QBID_CONFIG_RAW_FIELD)
    } http;
    struct qbid_config_raw_capacity {
        QBID_CONFIG_CAPACITY_LIST(QBID_CONFIG_RAW_FIELD)
    } capacity;
    struct qbid_config_raw_ticks {
        QBID_CONFIG_TICKS_LIST(QBID_CONFIG_RAW_FIELD)
    } ticks;
    struct qbid_config_raw_learning {
        QBID_CONFIG_LEARNING_LIST(QBID_CONFIG_RAW_FIELD)
        char *correction;
    } learning;
    struct qbid_config_raw_models {
        QBID_CONFIG_MODELS_LIST(QBID_CONFIG_RAW_FIELD)
    } models;
    struct qbid_config_raw_execution {
        QBID_CONFIG_EXECUTION_LIST(QBID_CONFIG_RAW_FIELD)
    } execution;
    struct qbid_config_raw_agents {
        QBID_CONFIG_AGENTS_LIST(QBID_CONFIG_RAW_FIELD)
    } agents;
    QBID_CONFIG_TOP_LIST(QBID_CONFIG_RAW_FIELD)
    char *currency, *time_zone;
    struct qbid_config_raw_rate *rates;
    uint32_t rates_count;
    struct qbid_config_raw_partner *partners;
    uint32_t partners_count;
    uint32_t durability; /* enum qbid_durability */
};

/** Check a tree against the schema: unknown keys, kinds and the form of every scalar. libcyaml
 *  itself reads "3x" as 3, "-1" as a huge number and any word as true. */
void qbid_config_schema_check(const struct qbid_yaml_node *root, struct qbid_problems *problems);

/** Told of each key that the schema knows, in its order: "ticks.live_ms", "rates[].currency" for a
 *  key of a list's maps, "handover.allow_uids[]" for a list of plain values. */
typedef void qbid_config_key_fn(void *context, const char *path);
void qbid_config_schema_keys(qbid_config_key_fn *fn, void *context);

/** Load with libcyaml what passed the check. PARSE with libcyaml's own words noted, NOMEM. */
int qbid_config_schema_load(const char *text, size_t len, struct qbid_problems *problems,
                            struct qbid_config_raw **ret_raw);
void qbid_config_schema_free(struct qbid_config_raw *raw);

#endif
