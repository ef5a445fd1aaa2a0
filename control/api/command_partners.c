/* SPDX-License-Identifier: Apache-2.0 */
/* partners: the profiles in force; keys: the notice-signing keys, and their rotation. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "control/api/command.h"
#include "control/config/partners.h"
#include "shm/error.h"

static cJSON *words_add(cJSON *to, const char *name, unsigned bits, const char *const *words,
                        unsigned cnt)
{
    cJSON *list = cJSON_AddArrayToObject(to, name);
    for (unsigned i = 0; i < cnt; i++)
        if (bits >> i & 1)
            cJSON_AddItemToArray(list, cJSON_CreateString(words[i]));
    return list;
}

/* Active creatives that cannot be sent to a partner, for they lack what it requires. */
static uint32_t lacking(const struct qbid_account *account, const struct qbid_partner *p)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < account->creative_cnt; i++) {
        const struct qbid_creative_def *c = &account->creatives[i];
        const struct qbid_line_item_def *li = qbid_account_line_item(account, c->line_item_id);
        const bool has[QBID_PARTNER_FIELD_CNT] = {
            [QBID_PARTNER_FIELD_CRID] = c->crid && *c->crid,
            [QBID_PARTNER_FIELD_ADOMAIN] = li && li->adomain && *li->adomain,
            [QBID_PARTNER_FIELD_CAT] = li && li->categories && *li->categories,
            [QBID_PARTNER_FIELD_SIZE] = c->width != 0 && c->height != 0,
        };
        bool all = true;
        for (unsigned f = 0; f < QBID_PARTNER_FIELD_CNT; f++)
            all = all && (has[f] || !(p->required >> f & 1));
        cnt += c->active && !all;
    }
    return cnt;
}

static void partner_add(const struct qbid_command *c, cJSON *list, uint32_t i)
{
    static const char *const codings[] = {
#define X(upper, code, word, keys) word,
        QBID_PRICE_CODING_LIST(X)
#undef X
    };
    static const char *const fields[] = {
#define X(upper, word) word,
        QBID_PARTNER_FIELD_LIST(X)};
    static const char *const notices[] = {QBID_PARTNER_NOTICE_LIST(X)
#undef X
    };
    const struct qbid_partner *p = &c->commands->config->partner[i];
    cJSON *to = cJSON_CreateObject();
    char text[QBID_PARTNER_TEXT + 1];
    cJSON_AddItemToArray(list, to);
    snprintf(text, sizeof text, "%.*s", p->name_len, p->name);
    cJSON_AddStringToObject(to, "name", text);
    qbid_json_count(to, "id", p->id);
    cJSON_AddStringToObject(to, "price", codings[p->coding]);
    cJSON_AddStringToObject(to, "price_per",
                            p->flags & QBID_PARTNER_PER_IMPRESSION ? "impression" : "mille");
    cJSON_AddStringToObject(to, "key_file", c->commands->config->partner_key_file[i]);
    qbid_currency_format(p->currency, text);
    cJSON_AddStringToObject(to, "currency", text);
    snprintf(text, sizeof text, "%.*s", p->seat_len, p->seat);
    cJSON_AddStringToObject(to, "seat", text);
    qbid_json_count(to, "tmax_ms", p->tmax_ms);
    qbid_json_count(to, "margin_ms", p->margin_ms);
    cJSON_AddStringToObject(to, "no_bid", p->flags & QBID_PARTNER_NBR ? "nbr" : "empty");
    cJSON_AddStringToObject(to, "test", p->flags & QBID_PARTNER_TEST_DECLINE ? "decline" : "bid");
    cJSON_AddBoolToObject(to, "win_bills", (p->flags & QBID_PARTNER_WIN_BILLS) != 0);
    words_add(to, "notices", p->notices, notices, QBID_PARTNER_NOTICE_CNT);
    words_add(to, "required", p->required, fields, QBID_PARTNER_FIELD_CNT);
    qbid_json_count(to, "creatives_lacking", lacking(c->account, p));
}

int qbid_command_partners(struct qbid_command *c)
{
    cJSON *list = cJSON_AddArrayToObject(c->answer, "partners");
    for (uint32_t i = 0; i < c->commands->config->partner_cnt; i++)
        partner_add(c, list, i);
    return 0;
}

/* The key before the last one leaves with a rotation: its tokens must have run out. */
static int rotate(struct qbid_command *c, const char *path, uint64_t age_ms)
{
    char why[QBID_ENGINE_WHY_MAX], before[64], after[64];
    struct qbid_keys old, keys;
    uint64_t ttl_ms = c->commands->config->event_ttl_ms;
    int err = qbid_key_file_load(path, &old, why);
    if (err)
        return qbid_command_fail(c, err, "%s: %s", path, why);
    if (old.id[1] != 0 && age_ms < ttl_ms && !qbid_json_flag(c->request, "force", 0)) {
        explicit_bzero(&old, sizeof old);
        return qbid_command_fail(
            c, QBID_ERR_BUSY,
            "%s was changed %llu s ago: notices signed with its second key may "
            "come for %llu s (event_ttl_ms); --force drops it now",
            path, (unsigned long long)(age_ms / 1000), (unsigned long long)(ttl_ms / 1000));
    }
    err = qbid_key_file_rotate(path, &keys, why);
    snprintf(before, sizeof before, "ids=%u,%u", old.id[0], old.id[1]);
    snprintf(after, sizeof after, "ids=%u,%u", keys.id[0], keys.id[1]);
    explicit_bzero(&old, sizeof old);
    if (err)
        return qbid_command_fail(c, err, "%s: %s", path, why);
    explicit_bzero(&keys, sizeof keys);
    err = qbid_engine_reload(c->engine, c->commands->config, why); /* every ad server gets them */
    if (err)
        return qbid_command_fail(c, err, "the file was changed, but: %s", why);
    struct qbid_store_cause cause = {c->unix_ns, c->actor, "keys rotated"};
    struct qbid_store *store = qbid_engine_store(c->engine);
    err = qbid_store_audit(store, &cause, "keys", before, after);
    return qbid_command_fail_store(c, err);
}

int qbid_command_keys(struct qbid_command *c)
{
    const char *path = c->commands->config->keys.file;
    char why[QBID_KEY_FILE_WHY_MAX];
    struct qbid_keys keys;
    struct stat st;
    uint64_t changed_ns = 0;
    if (stat(path, &st) == 0)
        changed_ns = (uint64_t)st.st_mtim.tv_sec * QBID_NS_PER_S + (uint64_t)st.st_mtim.tv_nsec;
    if (qbid_json_flag(c->request, "rotate", 0)) {
        uint64_t age_ms = c->unix_ns > changed_ns ? (c->unix_ns - changed_ns) / QBID_NS_PER_MS : 0;
        int err = rotate(c, path, age_ms);
        if (err)
            return err;
        changed_ns = c->unix_ns;
    }
    int err = qbid_key_file_load(path, &keys, why);
    if (err)
        return qbid_command_fail(c, err, "%s: %s", path, why);
    cJSON_AddStringToObject(c->answer, "file", path);
    qbid_json_count(c->answer, "signs", keys.id[0]);
    if (keys.id[1] != 0)
        qbid_json_count(c->answer, "verifies", keys.id[1]);
    qbid_json_unix_ns(c->answer, "changed", changed_ns);
    explicit_bzero(&keys, sizeof keys);
    return 0;
}
