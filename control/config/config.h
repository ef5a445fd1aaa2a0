/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of qbidd: one YAML file, every value with a stated range, checked once. */
#ifndef QBID_CONTROL_CONFIG_CONFIG_H
#define QBID_CONTROL_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "control/config/problems.h"
#include "control/config/zone.h"
#include "shm/dims.h"
#include "shm/image.h"
#include "shm/partner.h"
#include "shm/units.h"

#define QBID_CONFIG_PATH_MAX 1024
#define QBID_CONFIG_SOCKET_MAX 107 /* bytes of a path in sockaddr_un */
#define QBID_CONFIG_UIDS_MAX 32
#define QBID_CONFIG_ADDRESS_MAX 46 /* an IPv6 address as text, its end included */
#define QBID_CONFIG_RATES_MAX 64

/* Kind, key, least, most, default, meaning; by section, "top" being the file's outermost keys.
 * Kinds: UINT whole number, REAL number, BOOL, MONEY decimal currency units (listed in micros). */
/* clang-format off */
#define QBID_CONFIG_TOP_LIST(X) \
    X(UINT, notice_ttl_ms, 1000, 3600000, 60000, "age of a bid up to which win, loss and bill count") \
    X(UINT, event_ttl_ms, 10000, 7776000000, 86400000, "the same for impression, click, conversion") \
    X(UINT, frequency_pending_ms, 1000, 3600000, 60000, "how long a bid without a notice counts against a frequency cap") \
    X(UINT, lease_ms, 1000, 3600000, 60000, "how long workers bid on without renewal by qbidd") \
    X(UINT, image_valid_ms, 1000, 86400000, 900000, "how long a table image may be used") \
    X(UINT, grant_ppm, 1, 1000000, 1000, "allowance of a worker, parts in a million of the budget") \
    X(MONEY, grant_min, 1, 1000000000000, 100000, "but at least this, in currency units") \
    X(MONEY, price_ceiling_cpm, 1, 1000000000000, 100000000, "no bid above this CPM") \
    X(UINT, images_kept, 2, 4096, 64, "table images kept on disk") \
    X(UINT, history_days, 1, 3660, 7, "days for which the history of statistics is kept") \
    X(UINT, seed, 0, UINT64_MAX, 1, "of the random streams")
#define QBID_CONFIG_CAPACITY_LIST(X) \
    X(UINT, line_items, 16, 131072, 16384, "line items that the live page holds") \
    X(UINT, budgets, 1, 65536, 4096, "campaigns that the live page holds") \
    X(UINT, workers, 1, 256, 64, "ad-server workers at a time") \
    X(UINT, ring_lg_events, 6, 20, 16, "log2 of the events in a worker's ring") \
    X(UINT, contexts, 1024, 16777216, 65536, "series of contexts kept") \
    X(UINT, pending_bids, 1024, 67108864, 1048576, "bids that wait for their outcome") \
    X(UINT, seen_notices, 1024, 67108864, 1048576, "notices remembered against repeats") \
    X(UINT, frequency_lg, 3, 27, 20, "log2 of the exposure counts kept: 8 bytes each") \
    X(UINT, frequency_lg_bids, 10, 26, 18, "log2 of the capped bids remembered: 24 bytes each")
#define QBID_CONFIG_TICKS_LIST(X) \
    X(UINT, ingest_ms, 1, 1000, 5, "between two looks into the workers' rings") \
    X(UINT, live_ms, 10, 10000, 200, "between two renewals of allowances and pace") \
    X(UINT, learn_ms, 50, 3600000, 10000, "between two plans, hence generations") \
    X(UINT, snapshot_ms, 1000, 3600000, 30000, "between two writes of the statistics")
#define QBID_CONFIG_LEARNING_LIST(X) \
    X(BOOL, enabled, 0, 1, 1, "false holds the models still") \
    X(REAL, explore, 0, 0.1, 0.02, "share of bids that try another action than the best known") \
    X(BOOL, explore_line_items, 0, 1, 1, "line items of a campaign that are little known get their chance") \
    X(REAL, rotation_floor, 0, 0.125, 0.002, "least share of every creative of a line item") \
    X(UINT, price_samples, 256, 65536, 4096, "market prices kept of every campaign") \
    X(REAL, pace_min, 1e-6, 1, 0.001, "lowest pace factor") \
    X(REAL, pace_max, 1, 1000, 20, "highest pace factor") \
    X(UINT, pace_period_ms, 100, 3600000, 1000, "between two corrections of a pace factor") \
    X(REAL, pace_step_log2, 0.01, 4, 0.3, "largest correction, in powers of two") \
    X(UINT, log_mb, 0, 1048576, 0, "decision log for qbid ope, at most so many MB; 0 = none") \
    X(REAL, log_share, 1e-6, 1, 1, "share of bids that it keeps, with what came of them")
#define QBID_CONFIG_MODELS_LIST(X) \
    X(BOOL, ftrl, 0, 1, 1, "judge a logistic regression beside the hierarchical rates") \
    X(BOOL, trees, 0, 1, 0, "and boosted trees, which need libxgboost: some seconds a growth at a million contexts") \
    X(UINT, period_s, 1, 86400, 900, "between two looks at what came of predictions: longer than most clicks take") \
    X(UINT, ftrl_lg, 10, 24, 18, "log2 of the regression's weights: 16 bytes each, twice") \
    X(UINT, tree_rounds, 1, 1000, 40, "trees in each half of the model") \
    X(UINT, tree_depth, 1, 8, 5, "splits between a tree's root and a leaf")
#define QBID_CONFIG_EXECUTION_LIST(X) \
    X(BOOL, automatic, 0, 1, 0, "apply what agents hold small and sure enough without asking") \
    X(MONEY, four_eyes, 0, 1000000000000000, 100000000, "above this at stake somebody else than the proposer approves") \
    X(REAL, item_change, 0, 100, 0.5, "largest change of one number, as a share of it; 0 = any") \
    X(REAL, day_change, 0, 100, 0.5, "money moved in 24 h, as a share of the active budgets; 0 = any") \
    X(REAL, risk, 0, 1, 0.02, "of one plan: mean loss of its worst tenth a day, as a share of them") \
    X(UINT, expire_s, 60, 31536000, 86400, "age at which a recommendation nobody decided on ends") \
    X(REAL, guard_error, 0, 0.5, 0.05, "probability of an automatic rollback without a fall; 0 = none") \
    X(REAL, guard_fall, 0, 0.99, 0.1, "share by which click and conversion rate may fall") \
    X(UINT, guard_s, 60, 31536000, 604800, "how long an execution is watched")
#define QBID_CONFIG_AGENTS_LIST(X) \
    X(BOOL, budget, 0, 1, 1, "recommend daily budgets of campaigns, every two minutes") \
    X(REAL, trust, 0.001, 1, 0.5, "most that a day changes a budget by, as a share of it; not above item_change and day_change") \
    X(REAL, change_min, 0, 1, 0.01, "changes below this share are not recommended") \
    X(REAL, confidence, 0, 1, 0.9, "probability of a gain from which one is sure enough to go by itself") \
    X(UINT, again_s, 0, 31536000, 3600, "until one that nobody acted on is followed by another") \
    X(REAL, floor, 0, 0.99, 0.1, "least budget, as a share of an equal part of the tenant's") \
    X(BOOL, synthesiser, 0, 1, 1, "keep the library of patterns, and recommend targeting by it, every 15 minutes") \
    X(BOOL, schedule, 0, 1, 1, "recommend line items without the hours that bring less, every 15 minutes") \
    X(BOOL, creative, 0, 1, 1, "recommend to stop creatives that do worse than their siblings, every 10 minutes") \
    X(BOOL, monitor, 0, 1, 1, "watch hourly bids, wins, clicks, conversions, views and completed videos of campaigns") \
    X(BOOL, rules, 0, 1, 1, "judge operators' rules (qbid rules)") \
    X(UINT, rules_s, 1, 3600, 30, "how often is looked whether a step of a rule has ended") \
    X(BOOL, records, 0, 1, 1, "take down runs of agents, versions of models, and insights") \
    X(REAL, duty, 0.001, 1, 0.05, "share of its period that an agent may take; one above it runs less often")
#define QBID_CONFIG_HTTP_LIST(X) \
    X(UINT, port, 0, 65535, 0, "of the HTTP operations; 0 = none are served") \
    X(UINT, connections, 1, 1024, 64, "at a time; one more is refused") \
    X(UINT, body_kb, 1, 1024, 64, "longest body of a request") \
    X(UINT, timeout_s, 1, 300, 10, "for a request to arrive, for its answer to be made, and to be taken") \
    X(UINT, idle_s, 1, 3600, 60, "that a connection may wait for its next request") \
    X(REAL, rate, 0.01, 100000, 20, "requests a second of one token, in the long run") \
    X(UINT, burst, 1, 100000, 40, "requests of one token at once")
#define QBID_CONFIG_KEYS_LIST(X) \
    X(BOOL, create, 0, 1, 0, "make the key file, with a random key, when it is missing")

/* clang-format on */

#define QBID_CONFIG_TYPE_UINT uint64_t
#define QBID_CONFIG_TYPE_REAL double
#define QBID_CONFIG_TYPE_BOOL bool
#define QBID_CONFIG_TYPE_MONEY int64_t /* micros */
#define QBID_CONFIG_FIELD(kind, key, ...) QBID_CONFIG_TYPE_##kind key;

enum qbid_log_level { QBID_LOG_ERROR, QBID_LOG_WARNING, QBID_LOG_INFO, QBID_LOG_DEBUG };
enum qbid_durability {
    QBID_DURABILITY_FAST,  /* nothing is lost by kill -9, the last second by a power failure */
    QBID_DURABILITY_STRICT /* acknowledged after the disk has it */
};

struct qbid_config {
    char state_dir[QBID_CONFIG_PATH_MAX]; /* paths are absolute */
    struct {
        char path[QBID_CONFIG_PATH_MAX];
        mode_t mode;
        uint32_t allow_uid_cnt; /* users beside root and our own; of control: operators */
        uid_t allow_uid[QBID_CONFIG_UIDS_MAX];
    } handover, control;
    struct {
        enum qbid_log_level level;
        char target[QBID_CONFIG_PATH_MAX]; /* "stderr", "syslog" or a path */
    } log;
    struct {
        char file[QBID_CONFIG_PATH_MAX];
        QBID_CONFIG_KEYS_LIST(QBID_CONFIG_FIELD)
    } keys;
    struct {
        char key_file[QBID_CONFIG_PATH_MAX];
        bool begin_anew; /* of the command line: a new key although the old one is lost */
    } audit;
    struct {
        char tokens[QBID_CONFIG_PATH_MAX]; /* "" = none */
    } access;
    struct {
        char address[QBID_CONFIG_ADDRESS_MAX];
        QBID_CONFIG_HTTP_LIST(QBID_CONFIG_FIELD)
    } http;
    struct {
        QBID_CONFIG_CAPACITY_LIST(QBID_CONFIG_FIELD)
    } capacity;
    struct {
        QBID_CONFIG_TICKS_LIST(QBID_CONFIG_FIELD)
    } ticks;
    struct {
        QBID_CONFIG_LEARNING_LIST(QBID_CONFIG_FIELD)
        char correction[QBID_CONFIG_PATH_MAX]; /* table of `qbid-sim train`; "" = none */
    } learning;
    struct {
        QBID_CONFIG_MODELS_LIST(QBID_CONFIG_FIELD)
    } models;
    struct {
        QBID_CONFIG_EXECUTION_LIST(QBID_CONFIG_FIELD)
    } execution;
    struct {
        QBID_CONFIG_AGENTS_LIST(QBID_CONFIG_FIELD)
    } agents;
    QBID_CONFIG_TOP_LIST(QBID_CONFIG_FIELD)
    uint32_t currency;                  /* of the account, three letters in memory order */
    char time_zone[QBID_ZONE_NAME_MAX]; /* of campaigns that name none */
    struct qbid_rate rate[QBID_CONFIG_RATES_MAX];
    uint32_t rate_cnt;
    struct qbid_partner partner[QBID_PARTNERS_MAX];
    char partner_key_file[QBID_PARTNERS_MAX][QBID_CONFIG_PATH_MAX]; /* "" = none */
    uint32_t partner_cnt;
    uint64_t level_mask[QBID_LEVEL_MAX]; /* finest first, 0 = unused */
    uint64_t segment_mask;               /* dimensions that make a market segment */
    uint32_t level_cnt;
    float stale_factor; /* on_stale: 0 = decline */
    struct qbid_privacy_rules privacy;
    enum qbid_durability durability;
};

/**
 * Read, check and complete a configuration.
 *
 * Shapes:  folder is what relative paths start from, absolute.
 * Returns: 0 and *ret_config.
 * Errors:  QBID_ERR_PARSE with every problem noted; QBID_ERR_NOMEM.
 * Threads: any. Touches nothing but memory.
 */
int qbid_config_parse(const char *text, size_t len, const char *folder,
                      struct qbid_problems *problems, struct qbid_config *ret_config);

/** The same for a file; relative paths start from its folder. QBID_ERR_SYS when it is unreadable,
 *  noted. problems->file is set to path. */
int qbid_config_load(const char *path, struct qbid_problems *problems,
                     struct qbid_config *ret_config);

/** The first key in which two configurations differ that a running qbidd cannot change; NULL when
 *  there is none. */
const char *qbid_config_fixed(const struct qbid_config *from, const struct qbid_config *to);

/** Take over what a running qbidd can change: log.level, ticks, rates, partners, price_ceiling_cpm,
 *  image_valid_ms, on_stale, images_kept, history_days, seed, keys, execution, access, and http
 *  but for its address, port, connections and idle_s. */
void qbid_config_take(struct qbid_config *config, const struct qbid_config *next);

/** Every key with its range, default and meaning. */
void qbid_config_describe(FILE *out);

/** Three upper-case letters to their word in memory order; 0 when they are not that. */
uint32_t qbid_currency_parse(const char *text);
/** And back, terminated. */
void qbid_currency_format(uint32_t currency, char out[4]);

#endif
