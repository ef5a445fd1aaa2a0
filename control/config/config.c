/* SPDX-License-Identifier: Apache-2.0 */
/* From the loaded file to a configuration: ranges, defaults, paths, levels. */
#include "control/config/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "control/config/config_limits.h"
#include "control/config/config_privacy.h"
#include "control/config/config_schema.h"
#include "control/config/partners.h"
#include "control/config/yaml.h"
#include "shm/error.h"

/* What the steps below read, write and complain to. */
struct reading {
    const struct qbid_yaml_node *root;
    const struct qbid_config_raw *raw;
    const char *folder;
    struct qbid_problems *problems;
    struct qbid_config *config;
};

static void complain(const struct reading *r, const char *path, const char *text)
{
    const struct qbid_yaml_node *node = qbid_yaml_find_path(r->root, path);
    qbid_problems_add(r->problems, node ? node->line : 0, node ? node->column : 0, "%s: %s", path,
                      text);
}

/* "time_zone: 'Europe/Berln' is not in ...": what stands there, and what is wrong with it. */
static void value_complain(const struct reading *r, const char *path, const char *value,
                           const char *wrong)
{
    char text[QBID_PROBLEM_TEXT_MAX];
    snprintf(text, sizeof text, "'%.60s' %s", value, wrong);
    complain(r, path, text);
}

static void range_complain(const struct reading *r, const struct qbid_config_limit *l,
                           const char *written)
{
    char range[QBID_CONFIG_LIMIT_TEXT_MAX], preset[QBID_CONFIG_LIMIT_TEXT_MAX];
    char text[2 * QBID_CONFIG_LIMIT_TEXT_MAX + 80];
    qbid_config_limit_range(l, range);
    qbid_config_limit_preset(l, preset);
    snprintf(text, sizeof text, "%.40s is not in %s (default %s)", written, range, preset);
    complain(r, l->path, text);
}

static void limit_apply(const struct reading *r, const struct qbid_config_limit *l)
{
    const struct qbid_yaml_node *node = qbid_yaml_find_path(r->root, l->path);
    const char *from = (const char *)r->raw + l->raw_off;
    char *to = (char *)r->config + l->off;
    if (l->kind == QBID_CONFIG_BOOL) {
        *(bool *)(void *)to = node ? *(const bool *)(const void *)from : l->preset != 0;
    } else if (l->kind == QBID_CONFIG_REAL) {
        double value = node ? *(const double *)(const void *)from : l->preset_real;
        if (!(value >= l->least_real && value <= l->most_real))
            range_complain(r, l, node->text);
        *(double *)(void *)to = value;
    } else if (l->kind == QBID_CONFIG_MONEY) {
        int64_t micros = (int64_t)l->preset;
        const char *text = *(char *const *)(const void *)from;
        if (node && (!text || qbid_micros_parse(text, strlen(text), &micros) != 0 ||
                     micros < (int64_t)l->least || micros > (int64_t)l->most))
            range_complain(r, l, node->text);
        *(int64_t *)(void *)to = micros;
    } else {
        uint64_t value = node ? *(const uint64_t *)(const void *)from : l->preset;
        if (value < l->least || value > l->most)
            range_complain(r, l, node->text);
        *(uint64_t *)(void *)to = value;
    }
}

static void path_apply(const struct reading *r, const char *path, const char *text,
                       const char *preset, char *out)
{
    if (!text)
        text = preset;
    size_t folder_len = *text == '/' ? 0 : strlen(r->folder);
    if (!*text)
        complain(r, path, "is empty");
    else if (folder_len + strlen(text) + 2 > QBID_CONFIG_PATH_MAX)
        complain(r, path, "is too long a path");
    else
        snprintf(out, QBID_CONFIG_PATH_MAX, "%s%s%s", folder_len ? r->folder : "",
                 folder_len ? "/" : "", text);
}

static void mode_apply(const struct reading *r, const char *path, const char *text, mode_t *ret)
{
    unsigned long mode = 0660;
    if (text) {
        size_t len = strlen(text);
        mode = strtoul(text, NULL, 8);
        if (len == 0 || len > 4 || strspn(text, "01234567") != len || (mode & 0117) ||
            !(mode & 0600)) {
            value_complain(r, path, text,
                           "is not an octal mode like 0660 (nobody else, no execution)");
            return;
        }
    }
    *ret = (mode_t)mode;
}

static void sockets_apply(const struct reading *r)
{
    const struct qbid_config_raw *raw = r->raw;
    struct qbid_config *c = r->config;
    path_apply(r, "handover.path", raw->handover.path, "/run/qbid/qbid.sock", c->handover.path);
    path_apply(r, "control.path", raw->control.path, "/run/qbid/control.sock", c->control.path);
    if (strlen(c->handover.path) > QBID_CONFIG_SOCKET_MAX)
        complain(r, "handover.path", "is over 107 bytes, the most that a socket may have");
    if (strlen(c->control.path) > QBID_CONFIG_SOCKET_MAX)
        complain(r, "control.path", "is over 107 bytes, the most that a socket may have");
    if (strcmp(c->handover.path, c->control.path) == 0)
        complain(r, "control.path", "is the same as handover.path");
    mode_apply(r, "handover.mode", raw->handover.mode, &c->handover.mode);
    mode_apply(r, "control.mode", raw->control.mode, &c->control.mode);
    c->handover.allow_uid_cnt = raw->handover.allow_uids_count;
    for (uint32_t i = 0; i < c->handover.allow_uid_cnt; i++)
        c->handover.allow_uid[i] = raw->handover.allow_uids[i];
    c->control.allow_uid_cnt = raw->control.allow_uids_count;
    for (uint32_t i = 0; i < c->control.allow_uid_cnt; i++)
        c->control.allow_uid[i] = raw->control.allow_uids[i];
}

/* Who may do what, and from where. */
static void access_apply(const struct reading *r)
{
    static const char audit_key[] = "/audit.key";
    const struct qbid_config_raw *raw = r->raw;
    const char *address = raw->http.address ? raw->http.address : "127.0.0.1";
    struct qbid_config *c = r->config;
    struct in_addr v4;
    struct in6_addr v6;
    if (raw->audit.key_file)
        path_apply(r, "audit.key_file", raw->audit.key_file, "", c->audit.key_file);
    else if (strlen(c->state_dir) + sizeof audit_key > sizeof c->audit.key_file)
        complain(r, "state_dir", "is too long a path for the audit's key in it");
    else
        strcpy(stpcpy(c->audit.key_file, c->state_dir), audit_key);
    if (raw->access.tokens)
        path_apply(r, "access.tokens", raw->access.tokens, "", c->access.tokens);
    if (strlen(address) >= sizeof c->http.address ||
        (inet_pton(AF_INET, address, &v4) != 1 && inet_pton(AF_INET6, address, &v6) != 1))
        value_complain(r, "http.address", address, "is not an IPv4 or IPv6 address");
    else
        strcpy(c->http.address, address);
    if (c->http.port != 0 && !*c->access.tokens)
        complain(r, "http.port", "needs access.tokens: nobody could ask without a token");
}

static void log_apply(const struct reading *r)
{
    const char *target = r->raw->log.target;
    struct qbid_config *c = r->config;
    c->log.level = qbid_yaml_find_path(r->root, "log.level") ? r->raw->log.level : QBID_LOG_INFO;
    if (!target || strcmp(target, "stderr") == 0 || strcmp(target, "syslog") == 0)
        snprintf(c->log.target, sizeof c->log.target, "%s", target ? target : "stderr");
    else
        path_apply(r, "log.target", target, "", c->log.target);
}

static void zone_apply(const struct reading *r)
{
    const char *name = r->raw->time_zone ? r->raw->time_zone : "UTC";
    struct qbid_zone *zone = NULL;
    if (qbid_zone_new(name, &zone) != 0)
        value_complain(r, "time_zone", name, "is not in " QBID_ZONE_FOLDER " (Debian: tzdata)");
    else
        snprintf(r->config->time_zone, sizeof r->config->time_zone, "%s", name);
    qbid_zone_free(zone);
}

static void rates_apply(const struct reading *r)
{
    struct qbid_config *c = r->config;
    const char *currency = r->raw->currency ? r->raw->currency : "USD";
    c->currency = qbid_currency_parse(currency);
    if (!c->currency)
        value_complain(r, "currency", currency, "is not three upper-case letters");
    const struct qbid_yaml_node *list = qbid_yaml_find(r->root, "rates");
    const struct qbid_yaml_node *node = list ? list->child : NULL;
    for (uint32_t i = 0; i < r->raw->rates_count; i++, node = node->next) {
        const struct qbid_config_raw_rate *from = &r->raw->rates[i];
        struct qbid_rate *to = &c->rate[c->rate_cnt++];
        const char *wrong = NULL;
        to->currency = qbid_currency_parse(from->currency);
        if (!to->currency)
            wrong = "currency is not three upper-case letters, as USD";
        else if (to->currency == c->currency)
            wrong = "the account's own currency needs no rate";
        else if (qbid_micros_parse(from->per_unit, strlen(from->per_unit), &to->micros) != 0 ||
                 to->micros < 1)
            wrong = "per_unit is not a decimal number above 0";
        for (uint32_t j = 0; j + 1 < c->rate_cnt && !wrong; j++)
            if (c->rate[j].currency == to->currency)
                wrong = "this currency has a rate already";
        if (wrong)
            qbid_problems_add(r->problems, node->line, node->column, "rates[%u]: %s", i, wrong);
    }
}

static void partners_apply(const struct reading *r)
{
    const struct qbid_yaml_node *list = qbid_yaml_find(r->root, "partners");
    const struct qbid_yaml_node *node = list ? list->child : NULL;
    for (uint32_t i = 0; i < r->raw->partners_count; i++)
        node = qbid_config_partner_apply(r->config, &r->raw->partners[i], node, r->folder,
                                         r->problems);
}

static const char *level_parse(const struct qbid_yaml_node *list, uint64_t *ret_mask)
{
    if (list->kind != QBID_YAML_LIST || !list->child)
        return "is not a list of dimension names";
    uint64_t mask = 0;
    for (const struct qbid_yaml_node *name = list->child; name; name = name->next) {
        unsigned dim = 0;
        while (dim < QBID_DIM_CNT && strcmp(qbid_dim_name(dim), name->text) != 0)
            dim++;
        if (dim == QBID_DIM_CNT)
            return "names no dimension (exchange, slot, position, device, geo, site, segment, "
                   "hour)";
        mask |= qbid_dim_mask(dim);
    }
    *ret_mask = mask;
    return NULL;
}

static void segments_apply(const struct reading *r)
{
    const struct qbid_yaml_node *list = qbid_yaml_find(r->root, "market_segments");
    const char *wrong = NULL;
    if (list)
        wrong = level_parse(list, &r->config->segment_mask);
    else
        r->config->segment_mask = qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_SLOT);
    if (wrong)
        complain(r, "market_segments", wrong);
}

static void levels_apply(const struct reading *r)
{
    static const uint64_t preset[3][QBID_DIM_CNT] = {
        {1, 1, 1, 1, 1, 1, 1, 0}, {1, 1, 0, 1, 0, 1, 0, 0}, {1, 1, 0, 0, 0, 0, 0, 0}};
    struct qbid_config *c = r->config;
    const struct qbid_yaml_node *levels = qbid_yaml_find(r->root, "levels");
    if (!levels) {
        c->level_cnt = 3;
        for (unsigned l = 0; l < 3; l++)
            for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
                c->level_mask[l] |= preset[l][dim] ? qbid_dim_mask(dim) : 0;
        return;
    }
    if (levels->kind != QBID_YAML_LIST || levels->child_cnt < 1 ||
        levels->child_cnt > QBID_LEVEL_MAX) {
        complain(r, "levels", "is not a list of 1..4 lists of dimension names, finest first");
        return;
    }
    for (const struct qbid_yaml_node *list = levels->child; list; list = list->next) {
        uint64_t *mask = &c->level_mask[c->level_cnt++];
        const char *wrong = level_parse(list, mask);
        if (!wrong && c->level_cnt > 1 && ((*mask & ~mask[-1]) != 0 || *mask == mask[-1]))
            wrong = "must leave out dimensions of the level before it, and add none";
        if (wrong)
            qbid_problems_add(r->problems, list->line, list->column, "levels[%u] %s",
                              c->level_cnt - 1, wrong);
    }
}

static void stale_apply(const struct reading *r)
{
    const struct qbid_yaml_node *node = qbid_yaml_find(r->root, "on_stale");
    const struct qbid_yaml_node *factor = node ? qbid_yaml_find(node, "conservative") : NULL;
    double value;
    if (!node || (node->kind == QBID_YAML_SCALAR && strcmp(node->text, "decline") == 0))
        return;
    if (node->kind == QBID_YAML_SCALAR)
        value_complain(r, "on_stale", node->text,
                       "is neither 'decline' nor {conservative: FACTOR}");
    else if (!factor || node->child_cnt != 1)
        complain(r, "on_stale", "is neither 'decline' nor {conservative: FACTOR}");
    else if (!qbid_yaml_double(factor, &value) || !(value > 0 && value <= 1))
        value_complain(r, "on_stale.conservative", factor->text,
                       "is not a factor above 0 and at most 1");
    else
        r->config->stale_factor = (float)value;
}

static void together_check(const struct reading *r)
{
    const struct qbid_config *c = r->config;
    if (c->ticks.live_ms * 2 > c->lease_ms)
        complain(r, "lease_ms", "must be at least twice ticks.live_ms");
    if (c->ticks.learn_ms * 2 > c->image_valid_ms)
        complain(r, "image_valid_ms", "must be at least twice ticks.learn_ms");
    if (c->event_ttl_ms < c->notice_ttl_ms)
        complain(r, "event_ttl_ms", "must be at least notice_ttl_ms");
}

static void config_apply(const struct reading *r)
{
    struct qbid_config *c = r->config;
    for (size_t i = 0; qbid_config_limit(i); i++)
        limit_apply(r, qbid_config_limit(i));
    path_apply(r, "state_dir", r->raw->state_dir, "/var/lib/qbid", c->state_dir);
    path_apply(r, "keys.file", r->raw->keys.file, "/etc/qbid/notice.key", c->keys.file);
    if (r->raw->learning.correction)
        path_apply(r, "learning.correction", r->raw->learning.correction, "",
                   c->learning.correction);
    sockets_apply(r);
    access_apply(r);
    log_apply(r);
    rates_apply(r);
    zone_apply(r);
    partners_apply(r);
    levels_apply(r);
    segments_apply(r);
    stale_apply(r);
    qbid_config_privacy(r->root, r->problems, &c->privacy);
    c->durability =
        qbid_yaml_find(r->root, "durability") ? r->raw->durability : QBID_DURABILITY_FAST;
    if (r->problems->cnt == 0)
        together_check(r);
}

int qbid_config_parse(const char *text, size_t len, const char *folder,
                      struct qbid_problems *problems, struct qbid_config *ret_config)
{
    struct qbid_yaml *yaml;
    struct qbid_config_raw *raw = NULL;
    struct qbid_config *config = NULL;
    int err = qbid_yaml_new(text, len, problems, &yaml);
    if (err)
        return err == QBID_ERR_NOMEM ? err : QBID_ERR_PARSE;
    const struct qbid_yaml_node *root = qbid_yaml_root(yaml);
    if (!root)
        qbid_problems_add(problems, 0, 0, "the file is empty");
    else
        qbid_config_schema_check(root, problems);
    err = problems->cnt ? QBID_ERR_PARSE : qbid_config_schema_load(text, len, problems, &raw);
    if (err)
        goto out;
    config = calloc(1, sizeof *config);
    err = QBID_ERR_NOMEM;
    if (!config)
        goto out;
    config_apply(&(struct reading){root, raw, folder, problems, config});
    err = problems->cnt ? QBID_ERR_PARSE : 0;
    if (!err)
        memcpy(ret_config, config, sizeof *config); /* padding too: see qbid_config_fixed */
out:
    free(config);
    qbid_config_schema_free(raw);
    qbid_yaml_free(yaml);
    qbid_problems_sort(problems);
    return err;
}

int qbid_config_load(const char *path, struct qbid_problems *problems,
                     struct qbid_config *ret_config)
{
    char *text, *folder = realpath(path, NULL);
    size_t len;
    problems->file = path;
    int err = qbid_yaml_read_file(path, &text, &len);
    if (err) {
        qbid_problems_add(problems, 0, 0, "%s",
                          err == QBID_ERR_SYS ? strerror(errno) : qbid_strerror(err));
        free(folder);
        return err;
    }
    if (folder)
        *strrchr(folder, '/') = '\0';
    err = qbid_config_parse(text, len, folder && *folder ? folder : "/", problems, ret_config);
    free(folder);
    free(text);
    return err;
}

uint32_t qbid_currency_parse(const char *text)
{
    uint32_t word = 0;
    if (strlen(text) != 3 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
        return 0;
    memcpy(&word, text, 3);
    return word;
}

void qbid_currency_format(uint32_t currency, char out[4])
{
    memcpy(out, &currency, 4);
    out[3] = '\0';
}
