/* SPDX-License-Identifier: Apache-2.0 */
/* patterns: what the library of patterns believes, and from where. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "control/api/command.h"
#include "control/api/json.h"
#include "control/patterns/patterns.h"
#include "shm/error.h"
#include "shm/units.h"

#define MAX_PRESET 100
#define REACH 1.6448536269514722 /* of 90 % intervals */

/* Effects are logs of ratios, but for exponents: a ratio is what people read. */
static void effect_add(cJSON *to, const char *name, bool ratio, double effect, double sd)
{
    char key[32];
    cJSON_AddNumberToObject(to, name, ratio ? exp(effect) : effect);
    snprintf(key, sizeof key, "%s_low", name);
    cJSON_AddNumberToObject(to, key, ratio ? exp(effect - REACH * sd) : effect - REACH * sd);
    snprintf(key, sizeof key, "%s_high", name);
    cJSON_AddNumberToObject(to, key, ratio ? exp(effect + REACH * sd) : effect + REACH * sd);
}

static bool is_ratio(const struct qbid_pattern_key *key)
{
    return strcmp(key->metric, "exponent") != 0;
}

static void time_add(cJSON *to, const char *name, int64_t unix_s)
{
    qbid_json_unix_ns(to, name, unix_s > 0 ? (uint64_t)unix_s * QBID_NS_PER_S : 0);
}

static int pattern_add(void *context, const struct qbid_pattern *p)
{
    cJSON *to = cJSON_CreateObject();
    bool ratio = is_ratio(&p->key);
    cJSON_AddItemToArray(context, to);
    qbid_json_count(to, "tenant", p->key.tenant);
    cJSON_AddStringToObject(to, "metric", p->key.metric);
    cJSON_AddStringToObject(to, "subject", p->key.subject);
    cJSON_AddStringToObject(to, "across", p->key.across);
    cJSON_AddStringToObject(to, "verdict", qbid_pattern_verdict_name(qbid_pattern_verdict(p)));
    cJSON_AddStringToObject(to, "unit", ratio ? "ratio" : "value");
    effect_add(to, "effect", ratio, p->mean, p->mean_sd);
    effect_add(to, "next", ratio, p->next, p->next_sd);
    cJSON_AddNumberToObject(to, "tau", p->tau);
    cJSON_AddNumberToObject(to, "i2", p->i2);
    cJSON_AddNumberToObject(to, "q_p", p->q_p);
    cJSON_AddNumberToObject(to, "all_above", p->all_above);
    cJSON_AddNumberToObject(to, "all_below", p->all_below);
    cJSON_AddNumberToObject(to, "confidence", p->confidence);
    qbid_json_count(to, "sources", p->cnt);
    qbid_json_count(to, "events", p->events);
    time_add(to, "from", p->from_unix_s);
    time_add(to, "to", p->to_unix_s);
    return 0;
}

struct sources {
    cJSON *list;
    bool ratio;
};

static int source_add(void *context, const struct qbid_pattern_source *source)
{
    const struct sources *sources = context;
    cJSON *to = qbid_json_row(sources->list);
    cJSON_AddStringToObject(to, "source", source->source);
    effect_add(to, "measured", sources->ratio, source->effect, sqrt(source->variance));
    if (source->own_sd > 0)
        effect_add(to, "believed", sources->ratio, source->own, source->own_sd);
    qbid_json_count(to, "events", source->events);
    time_add(to, "from", source->from_unix_s);
    time_add(to, "to", source->to_unix_s);
    return 0;
}

static int word_read(struct qbid_command *c, const char *name, char *out, size_t max)
{
    const char *text = qbid_json_text(c->request, name);
    if (text && strlen(text) >= max)
        return qbid_command_fail(c, QBID_ERR_INVAL, "%s: is longer than %zu bytes", name, max - 1);
    snprintf(out, max, "%s", text ? text : "");
    return 0;
}

static int filter_read(struct qbid_command *c, struct qbid_pattern_key *key)
{
    int64_t tenant = qbid_json_whole(c->request, "tenant");
    *key = (struct qbid_pattern_key){.tenant = 0};
    if (cJSON_GetObjectItemCaseSensitive(c->request, "tenant") &&
        (tenant < 0 || tenant > UINT32_MAX))
        return qbid_command_fail(c, QBID_ERR_INVAL, "tenant: is not a number of a tenant");
    key->tenant = tenant > 0 ? (uint32_t)tenant : 0;
    int err = word_read(c, "metric", key->metric, sizeof key->metric);
    if (!err)
        err = word_read(c, "subject", key->subject, sizeof key->subject);
    return err ? err : word_read(c, "across", key->across, sizeof key->across);
}

int qbid_command_patterns(struct qbid_command *c)
{
    struct qbid_store *store = qbid_engine_store(c->engine);
    struct qbid_pattern_key key;
    bool show = qbid_json_flag(c->request, "sources", 0);
    int err = filter_read(c, &key);
    if (err)
        return err;
    if (show && !(key.tenant && key.metric[0] && key.subject[0] && key.across[0]))
        return qbid_command_fail(c, QBID_ERR_INVAL,
                                 "sources: of one pattern, by tenant, metric, subject and across");
    cJSON *list = cJSON_AddArrayToObject(c->answer, "patterns");
    err = qbid_store_load_patterns(store, &key, qbid_command_max(c, MAX_PRESET), pattern_add, list);
    if (!err && show) {
        struct sources sources = {cJSON_AddArrayToObject(c->answer, "sources"), is_ratio(&key)};
        err = qbid_store_load_pattern_sources(store, &key, source_add, &sources);
        if (!err && cJSON_GetArraySize(list) == 0 && cJSON_GetArraySize(sources.list) == 0)
            return qbid_command_fail(c, QBID_ERR_NOENT,
                                     "there is no pattern %s of %s across %ss for tenant %u",
                                     key.metric, key.subject, key.across, key.tenant);
    }
    return err ? qbid_command_fail(c, err, "patterns: %s", qbid_store_why(store)) : 0;
}
