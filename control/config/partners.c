/* SPDX-License-Identifier: Apache-2.0 */
/* Checks partner profiles: every error with its line, its key and the reason. */
#include "control/config/partners.h"

#include <stdio.h>
#include <string.h>

#include "shm/hash.h"

/* One profile under way. */
struct profile {
    const struct qbid_config_raw_partner *raw;
    const struct qbid_yaml_node *node;
    struct qbid_problems *problems;
    struct qbid_partner *out;
    uint32_t idx;
};

static void complain(const struct profile *p, const char *key, const char *wrong)
{
    const struct qbid_yaml_node *at = qbid_yaml_find(p->node, key);
    if (!at)
        at = p->node;
    qbid_problems_add(p->problems, at->line, at->column, "partners[%u].%s: %s", p->idx, key, wrong);
}

/* Copy a text that is written into answers as it is. */
static uint8_t text_take(const struct profile *p, const char *key, const char *text,
                         char out[QBID_PARTNER_TEXT])
{
    size_t len = text ? strlen(text) : 0;
    if (len > QBID_PARTNER_TEXT)
        complain(p, key, "is over 32 bytes");
    else if (!qbid_partner_text_fits(text, len))
        complain(p, key, "has a character that is none of A-Z a-z 0-9 _ - . : $ { } %");
    else if (text && len == 0)
        complain(p, key, "is empty");
    else if (len > 0)
        memcpy(out, text, len);
    return len <= QBID_PARTNER_TEXT ? (uint8_t)len : 0;
}

static uint8_t words_take(const struct profile *p, const char *key, char *const *words,
                          uint32_t cnt, const char *const *list, uint32_t list_cnt)
{
    uint8_t bits = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        uint32_t at = 0;
        while (at < list_cnt && strcmp(list[at], words[i]) != 0)
            at++;
        if (at == list_cnt)
            complain(p, key,
                     list_cnt == QBID_PARTNER_FIELD_CNT ? "knows crid, adomain, cat and size"
                                                        : "knows nurl, burl and lurl");
        else if (bits >> at & 1)
            complain(p, key, "names something twice");
        else
            bits = (uint8_t)(bits | 1u << at);
    }
    return bits;
}

static uint64_t in_range(const struct profile *p, const char *key, uint64_t value, uint64_t least,
                         uint64_t most)
{
    char wrong[80];
    if (value >= least && value <= most)
        return value;
    snprintf(wrong, sizeof wrong, "%llu is not in %llu..%llu", (unsigned long long)value,
             (unsigned long long)least, (unsigned long long)most);
    complain(p, key, wrong);
    return least;
}

static void name_apply(const struct profile *p, const struct qbid_config *config)
{
    struct qbid_partner *out = p->out;
    size_t len = strlen(p->raw->name);
    bool all = strcmp(p->raw->name, "*") == 0;
    if (len == 0 || len > QBID_PARTNER_TEXT)
        complain(p, "name", "is not 1 to 32 bytes long");
    else
        memcpy(out->name, p->raw->name, out->name_len = (uint8_t)len);
    out->exchange_hash = all ? 0 : qbid_hash_dim(QBID_DIM_EXCHANGE, out->name, out->name_len);
    out->id = (uint8_t)in_range(p, "id", p->raw->id, 1, QBID_PARTNER_ID_MAX);
    for (uint32_t i = 0; i < p->idx; i++) {
        if (config->partner[i].id == out->id)
            complain(p, "id", "another partner has it");
        if (config->partner[i].exchange_hash == out->exchange_hash)
            complain(p, "name", "another partner has it");
    }
}

static void price_apply(const struct profile *p, struct qbid_config *config, const char *folder)
{
    static const uint8_t keys[QBID_PRICE_CODING_CNT] = {
#define X(upper, code, word, cnt) [code] = cnt,
        QBID_PRICE_CODING_LIST(X)
#undef X
    };
    const struct qbid_config_raw_partner *raw = p->raw;
    char *path = config->partner_key_file[p->idx];
    p->out->coding = (uint8_t)raw->price;
    p->out->price_age_max_s =
        (uint32_t)in_range(p, "price_age_max_s", raw->price_age_max_s, 0, UINT32_MAX);
    p->out->macro_len = text_take(p, "price_macro", raw->price_macro, p->out->macro);
    if (raw->price_age_max_s != 0 && raw->price != QBID_PRICE_CODING_GOOGLE)
        complain(p, "price_age_max_s", "only prices of coding google have an age");
    if (keys[raw->price] != 0 && !raw->key_file)
        complain(p, "key_file", "is missing: the coding of the price needs it");
    else if (keys[raw->price] == 0 && raw->key_file)
        complain(p, "key_file", "a plain price has no key");
    else if (raw->key_file &&
             snprintf(path, QBID_CONFIG_PATH_MAX, "%s%s%s", *raw->key_file == '/' ? "" : folder,
                      *raw->key_file == '/' ? "" : "/", raw->key_file) >= QBID_CONFIG_PATH_MAX)
        complain(p, "key_file", "is too long a path");
}

static void answer_apply(const struct profile *p)
{
    static const char *const fields[] = {
#define X(upper, word) word,
        QBID_PARTNER_FIELD_LIST(X)};
    static const char *const notices[] = {QBID_PARTNER_NOTICE_LIST(X)
#undef X
    };
    const struct qbid_config_raw_partner *raw = p->raw;
    struct qbid_partner *out = p->out;
    out->tmax_ms = (uint16_t)in_range(p, "tmax_ms", raw->tmax_ms, 0, 60000);
    out->margin_ms = (uint16_t)in_range(p, "margin_ms", raw->margin_ms, 0, 60000);
    out->seat_len = text_take(p, "seat", raw->seat, out->seat);
    out->currency = raw->currency ? qbid_currency_parse(raw->currency) : 0;
    if (raw->currency && out->currency == 0)
        complain(p, "currency", "is not three upper-case letters");
    out->required = words_take(p, "required", raw->required, raw->required_count, fields,
                               QBID_PARTNER_FIELD_CNT);
    out->notices = words_take(p, "notices", raw->notices, raw->notices_count, notices,
                              QBID_PARTNER_NOTICE_CNT);
    if (!qbid_yaml_find(p->node, "notices"))
        out->notices = (1u << QBID_PARTNER_NOTICE_CNT) - 1;
    out->flags = (uint8_t)(raw->price_per | raw->no_bid | raw->test);
    if (!raw->win_bills)
        return;
    out->flags |= QBID_PARTNER_WIN_BILLS;
    if (!(out->notices >> QBID_PARTNER_NURL & 1))
        complain(p, "win_bills", "needs nurl among the notices");
    out->notices &= (uint8_t) ~(1u << QBID_PARTNER_BURL); /* one billing notice is enough */
}

/* A currency without a rate would be found out only by no-bids. */
static void currency_check(const struct profile *p, const struct qbid_config *config)
{
    bool known = p->out->currency == 0 || p->out->currency == config->currency;
    for (uint32_t i = 0; i < config->rate_cnt; i++)
        known |= config->rate[i].currency == p->out->currency;
    if (!known)
        complain(p, "currency", "has no rate (see rates)");
}

const struct qbid_yaml_node *qbid_config_partner_apply(struct qbid_config *config,
                                                       const struct qbid_config_raw_partner *raw,
                                                       const struct qbid_yaml_node *node,
                                                       const char *folder,
                                                       struct qbid_problems *problems)
{
    struct profile p = {.raw = raw,
                        .node = node,
                        .problems = problems,
                        .out = &config->partner[config->partner_cnt],
                        .idx = config->partner_cnt};
    name_apply(&p, config);
    price_apply(&p, config, folder);
    answer_apply(&p);
    currency_check(&p, config);
    config->partner_cnt++;
    return node->next;
}
