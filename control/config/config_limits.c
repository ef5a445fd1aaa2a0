/* SPDX-License-Identifier: Apache-2.0 */
/* One table made of the lists of config.h. */
#include "control/config/config_limits.h"

#include <stdio.h>

#include "control/config/config_schema.h"

#define WHOLE_UINT(n) (n)
#define WHOLE_MONEY(n) (n)
#define WHOLE_BOOL(n) (n)
#define WHOLE_REAL(n) 0
#define LIMIT(prefix, raw_member, member, kind_, least_, most_, preset_, meaning_)                 \
    {.path = prefix,                                                                               \
     .meaning = (meaning_),                                                                        \
     .raw_off = offsetof(struct qbid_config_raw, raw_member),                                      \
     .off = offsetof(struct qbid_config, member),                                                  \
     .least = WHOLE_##kind_(least_),                                                               \
     .most = WHOLE_##kind_(most_),                                                                 \
     .preset = WHOLE_##kind_(preset_),                                                             \
     .least_real = (double)(least_),                                                               \
     .most_real = (double)(most_),                                                                 \
     .preset_real = (double)(preset_),                                                             \
     .kind = QBID_CONFIG_##kind_},
#define TOP(kind, key, ...) LIMIT(#key, key, key, kind, __VA_ARGS__)
#define CAPACITY(kind, key, ...)                                                                   \
    LIMIT("capacity." #key, capacity.key, capacity.key, kind, __VA_ARGS__)
#define TICKS(kind, key, ...) LIMIT("ticks." #key, ticks.key, ticks.key, kind, __VA_ARGS__)
#define LEARNING(kind, key, ...)                                                                   \
    LIMIT("learning." #key, learning.key, learning.key, kind, __VA_ARGS__)
#define MODELS(kind, key, ...) LIMIT("models." #key, models.key, models.key, kind, __VA_ARGS__)
#define EXECUTION(kind, key, ...)                                                                  \
    LIMIT("execution." #key, execution.key, execution.key, kind, __VA_ARGS__)
#define AGENTS(kind, key, ...) LIMIT("agents." #key, agents.key, agents.key, kind, __VA_ARGS__)
#define HTTP(kind, key, ...) LIMIT("http." #key, http.key, http.key, kind, __VA_ARGS__)
#define KEYS(kind, key, ...) LIMIT("keys." #key, keys.key, keys.key, kind, __VA_ARGS__)

static const struct qbid_config_limit limits[] = {
    QBID_CONFIG_TOP_LIST(TOP) QBID_CONFIG_CAPACITY_LIST(CAPACITY) QBID_CONFIG_TICKS_LIST(TICKS)
        QBID_CONFIG_LEARNING_LIST(LEARNING) QBID_CONFIG_MODELS_LIST(MODELS)
            QBID_CONFIG_EXECUTION_LIST(EXECUTION) QBID_CONFIG_AGENTS_LIST(AGENTS)
                QBID_CONFIG_HTTP_LIST(HTTP) QBID_CONFIG_KEYS_LIST(KEYS)};
#define LIMIT_CNT (sizeof limits / sizeof limits[0])

const struct qbid_config_limit *qbid_config_limit(size_t idx)
{
    return idx < LIMIT_CNT ? &limits[idx] : NULL;
}

static void value_format(const struct qbid_config_limit *l, uint64_t whole, double real,
                         char out[32])
{
    if (l->kind == QBID_CONFIG_REAL) {
        snprintf(out, 32, "%g", real);
    } else if (l->kind == QBID_CONFIG_BOOL) {
        snprintf(out, 32, "%s", whole ? "true" : "false");
    } else if (l->kind == QBID_CONFIG_MONEY) {
        char text[24];
        size_t len = qbid_micros_format((int64_t)whole, text);
        snprintf(out, 32, "%.*s", (int)len, text);
    } else {
        snprintf(out, 32, "%llu", (unsigned long long)whole);
    }
}

void qbid_config_limit_range(const struct qbid_config_limit *limit,
                             char out[QBID_CONFIG_LIMIT_TEXT_MAX])
{
    char least[32], most[32];
    if (limit->kind == QBID_CONFIG_BOOL) {
        snprintf(out, QBID_CONFIG_LIMIT_TEXT_MAX, "true or false");
        return;
    }
    value_format(limit, limit->least, limit->least_real, least);
    value_format(limit, limit->most, limit->most_real, most);
    snprintf(out, QBID_CONFIG_LIMIT_TEXT_MAX, "%.30s..%.30s", least, most);
}

void qbid_config_limit_preset(const struct qbid_config_limit *limit,
                              char out[QBID_CONFIG_LIMIT_TEXT_MAX])
{
    char preset[32];
    value_format(limit, limit->preset, limit->preset_real, preset);
    snprintf(out, QBID_CONFIG_LIMIT_TEXT_MAX, "%s", preset);
}
