/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of the configuration file, and the strict reading that libcyaml leaves out. */
#include "control/config/config_schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "shm/error.h"

#define TEXT_MAX (QBID_CONFIG_PATH_MAX - 1)
#define WORDS_MAX 40
#define PATH_MAX_BYTES 128

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define OPTIONAL_POINTER (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define STRING_FIELD(key, type, member)                                                            \
    CYAML_FIELD_STRING_PTR(key, OPTIONAL_POINTER, type, member, 0, TEXT_MAX)
#define FIELD_UINT(type, key) CYAML_FIELD_UINT(#key, OPTIONAL, type, key)
#define FIELD_REAL(type, key) CYAML_FIELD_FLOAT(#key, OPTIONAL, type, key)
#define FIELD_BOOL(type, key) CYAML_FIELD_BOOL(#key, OPTIONAL, type, key)
#define FIELD_MONEY(type, key) STRING_FIELD(#key, type, key)

static const cyaml_strval_t level_words[] = {{"error", QBID_LOG_ERROR},
                                             {"warning", QBID_LOG_WARNING},
                                             {"info", QBID_LOG_INFO},
                                             {"debug", QBID_LOG_DEBUG}};
static const cyaml_strval_t durability_words[] = {{"fast", QBID_DURABILITY_FAST},
                                                  {"strict", QBID_DURABILITY_STRICT}};

static const cyaml_schema_value_t uid_value = {CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint32_t)};

static const cyaml_schema_field_t socket_fields[] = {
    STRING_FIELD("path", struct qbid_config_raw_socket, path),
    STRING_FIELD("mode", struct qbid_config_raw_socket, mode),
    CYAML_FIELD_SEQUENCE("allow_uids", OPTIONAL_POINTER, struct qbid_config_raw_socket, allow_uids,
                         &uid_value, 0, QBID_CONFIG_UIDS_MAX),
    CYAML_FIELD_END};

static const cyaml_schema_field_t log_fields[] = {
    CYAML_FIELD_ENUM("level", OPTIONAL | CYAML_FLAG_STRICT, struct qbid_config_raw_log, level,
                     level_words, CYAML_ARRAY_LEN(level_words)),
    STRING_FIELD("target", struct qbid_config_raw_log, target), CYAML_FIELD_END};

#define X(kind, key, ...) FIELD_##kind(struct qbid_config_raw_keys, key),
static const cyaml_schema_field_t keys_fields[] = {
    QBID_CONFIG_KEYS_LIST(X) STRING_FIELD("file", struct qbid_config_raw_keys, file),
    CYAML_FIELD_END};
#undef X

static const cyaml_schema_field_t audit_fields[] = {
    STRING_FIELD("key_file", struct qbid_config_raw_audit, key_file), CYAML_FIELD_END};

static const cyaml_schema_field_t access_fields[] = {
    STRING_FIELD("tokens", struct qbid_config_raw_access, tokens), CYAML_FIELD_END};

#define X(kind, key, ...) FIELD_##kind(struct qbid_config_raw_http, key),
static const cyaml_schema_field_t http_fields[] = {
    QBID_CONFIG_HTTP_LIST(X) STRING_FIELD("address", struct qbid_config_raw_http, address),
    CYAML_FIELD_END};
#undef X

#define X(kind, key, ...) FIELD_##kind(struct qbid_config_raw_capacity, key),
static const cyaml_schema_field_t capacity_fields[] = {QBID_CONFIG_CAPACITY_LIST(X)
                                                           CYAML_FIELD_END};
#undef X

#define X(kind, key, ...) FIELD_##kind(struct qbid_config_raw_ticks, key),
static const cyaml_schema_field_t ticks_fields[] = {QBID_CONFIG_TICKS_LIST(X) CYAML_FIELD_END};
#undef X

#define X(kind, key, ...) FIELD_##kind(struct qbid_config_raw_learning, key),
static const cyaml_schema_field_t learning_fields[] = {
    QBID_CONFIG_LEARNING_LIST(X)
        STRING_FIELD("correction", struct qbid_config_raw_learning, correction),
    CYAML_FIELD_END};
#undef X

#define X(kind, key, ...) FIELD_##kind(struct qbid_config_raw_models, key),
static const cyaml_schema_field_t models_fields[] = {QBID_CONFIG_MODELS_LIST(X) CYAML_FIELD_END};
#undef X

#define X(kind, key, ...) FIELD_##kind(struct qbid_config_raw_execution, key),
static const cyaml_schema_field_t execution_fields[] = {QBID_CONFIG_EXECUTION_LIST(X)
                                                            CYAML_FIELD_END};
#undef X

#define X(kind, key, ...) FIELD_##kind(struct qbid_config_raw_agents, key),
static const cyaml_schema_field_t agents_fields[] = {QBID_CONFIG_AGENTS_LIST(X) CYAML_FIELD_END};
#undef X

static const cyaml_schema_field_t rate_fields[] = {
    CYAML_FIELD_STRING_PTR("currency", CYAML_FLAG_POINTER, struct qbid_config_raw_rate, currency, 0,
                           TEXT_MAX),
    CYAML_FIELD_STRING_PTR("per_unit", CYAML_FLAG_POINTER, struct qbid_config_raw_rate, per_unit, 0,
                           TEXT_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t rate_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct qbid_config_raw_rate, rate_fields)};

#define X(upper, code, word, keys) {word, code},
static const cyaml_strval_t price_words[] = {QBID_PRICE_CODING_LIST(X)};
#undef X
static const cyaml_strval_t per_words[] = {{"mille", 0},
                                           {"impression", QBID_PARTNER_PER_IMPRESSION}};
static const cyaml_strval_t no_bid_words[] = {{"empty", 0}, {"nbr", QBID_PARTNER_NBR}};
static const cyaml_strval_t test_words[] = {{"bid", 0}, {"decline", QBID_PARTNER_TEST_DECLINE}};
static const cyaml_schema_value_t word_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, TEXT_MAX)};

#define PARTNER struct qbid_config_raw_partner
#define PARTNER_WORD(key, words)                                                                   \
    CYAML_FIELD_ENUM(#key, OPTIONAL | CYAML_FLAG_STRICT, PARTNER, key, words,                      \
                     CYAML_ARRAY_LEN(words))
static const cyaml_schema_field_t partner_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, PARTNER, name, 0, TEXT_MAX),
    CYAML_FIELD_UINT("id", CYAML_FLAG_DEFAULT, PARTNER, id),
    PARTNER_WORD(price, price_words),
    PARTNER_WORD(price_per, per_words),
    FIELD_UINT(PARTNER, price_age_max_s),
    STRING_FIELD("price_macro", PARTNER, price_macro),
    STRING_FIELD("key_file", PARTNER, key_file),
    STRING_FIELD("currency", PARTNER, currency),
    STRING_FIELD("seat", PARTNER, seat),
    FIELD_UINT(PARTNER, tmax_ms),
    FIELD_UINT(PARTNER, margin_ms),
    PARTNER_WORD(no_bid, no_bid_words),
    PARTNER_WORD(test, test_words),
    FIELD_BOOL(PARTNER, win_bills),
    CYAML_FIELD_SEQUENCE("required", OPTIONAL_POINTER, PARTNER, required, &word_value, 0,
                         QBID_PARTNER_FIELD_CNT),
    CYAML_FIELD_SEQUENCE("notices", OPTIONAL_POINTER, PARTNER, notices, &word_value, 0,
                         QBID_PARTNER_NOTICE_CNT),
    CYAML_FIELD_END};
static const cyaml_schema_value_t partner_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, PARTNER, partner_fields)};

#define X(kind, key, ...) FIELD_##kind(struct qbid_config_raw, key),
static const cyaml_schema_field_t top_fields[] = {
    STRING_FIELD("state_dir", struct qbid_config_raw, state_dir),
    CYAML_FIELD_MAPPING("handover", OPTIONAL, struct qbid_config_raw, handover, socket_fields),
    CYAML_FIELD_MAPPING("control", OPTIONAL, struct qbid_config_raw, control, socket_fields),
    CYAML_FIELD_MAPPING("log", OPTIONAL, struct qbid_config_raw, log, log_fields),
    CYAML_FIELD_MAPPING("keys", OPTIONAL, struct qbid_config_raw, keys, keys_fields),
    CYAML_FIELD_MAPPING("audit", OPTIONAL, struct qbid_config_raw, audit, audit_fields),
    CYAML_FIELD_MAPPING("access", OPTIONAL, struct qbid_config_raw, access, access_fields),
    CYAML_FIELD_MAPPING("http", OPTIONAL, struct qbid_config_raw, http, http_fields),
    CYAML_FIELD_MAPPING("capacity", OPTIONAL, struct qbid_config_raw, capacity, capacity_fields),
    CYAML_FIELD_MAPPING("ticks", OPTIONAL, struct qbid_config_raw, ticks, ticks_fields),
    CYAML_FIELD_MAPPING("learning", OPTIONAL, struct qbid_config_raw, learning, learning_fields),
    CYAML_FIELD_MAPPING("models", OPTIONAL, struct qbid_config_raw, models, models_fields),
    CYAML_FIELD_MAPPING("execution", OPTIONAL, struct qbid_config_raw, execution, execution_fields),
    CYAML_FIELD_MAPPING("agents", OPTIONAL, struct qbid_config_raw, agents, agents_fields),
    STRING_FIELD("currency", struct qbid_config_raw, currency),
    STRING_FIELD("time_zone", struct qbid_config_raw, time_zone),
    CYAML_FIELD_SEQUENCE("rates", OPTIONAL_POINTER, struct qbid_config_raw, rates, &rate_value, 0,
                         QBID_CONFIG_RATES_MAX),
    CYAML_FIELD_SEQUENCE("partners", OPTIONAL_POINTER, struct qbid_config_raw, partners,
                         &partner_value, 0, QBID_PARTNERS_MAX),
    CYAML_FIELD_ENUM("durability", OPTIONAL | CYAML_FLAG_STRICT, struct qbid_config_raw, durability,
                     durability_words, CYAML_ARRAY_LEN(durability_words)),
    CYAML_FIELD_IGNORE("levels", OPTIONAL), /* a list of lists */
    CYAML_FIELD_IGNORE("market_segments", OPTIONAL),
    CYAML_FIELD_IGNORE("on_stale", OPTIONAL), /* a word or a map */
    CYAML_FIELD_IGNORE("privacy", OPTIONAL),  /* config_privacy.c */
    QBID_CONFIG_TOP_LIST(X) CYAML_FIELD_END};
#undef X

static const cyaml_schema_value_t top_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct qbid_config_raw, top_fields)};

static void value_check(const struct qbid_yaml_node *node, const cyaml_schema_value_t *value,
                        const char *path, struct qbid_problems *problems);

static void words_check(const struct qbid_yaml_node *node, const cyaml_schema_value_t *value,
                        const char *path, struct qbid_problems *problems)
{
    const char *words[WORDS_MAX] = {0};
    char list[QBID_PROBLEM_TEXT_MAX / 2] = "";
    for (uint32_t i = 0; i < value->enumeration.count && i < WORDS_MAX - 1; i++) {
        words[i] = value->enumeration.strings[i].str;
        if (strcmp(words[i], node->text) == 0)
            return;
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
    }
    qbid_problems_add(problems, node->line, node->column, "%s: '%.40s' is none of: %s", path,
                      node->text, list);
}

static void scalar_check(const struct qbid_yaml_node *node, const cyaml_schema_value_t *value,
                         const char *path, struct qbid_problems *problems)
{
    const char *wanted = NULL;
    uint64_t number;
    double real;
    bool truth;
    if (node->kind != QBID_YAML_SCALAR)
        wanted = "one value";
    else if (value->type == CYAML_UINT &&
             (!qbid_yaml_uint(node, &number) || (value->data_size == 4 && number > UINT32_MAX)))
        wanted = "a whole number, digits only";
    else if (value->type == CYAML_FLOAT && !qbid_yaml_double(node, &real))
        wanted = "a number";
    else if (value->type == CYAML_BOOL && !qbid_yaml_bool(node, &truth))
        wanted = "true or false";
    else if (value->type == CYAML_STRING && node->len > value->string.max)
        wanted = "a shorter text";
    if (wanted)
        qbid_problems_add(problems, node->line, node->column, "%s: '%.40s' is not %s", path,
                          node->text, wanted);
    else if (value->type == CYAML_ENUM)
        words_check(node, value, path, problems);
}

static void unknown_note(const struct qbid_yaml_node *child, const cyaml_schema_field_t *fields,
                         const char *path, struct qbid_problems *problems)
{
    const char *words[WORDS_MAX] = {0};
    for (uint32_t i = 0; fields[i].key && i < WORDS_MAX - 1; i++)
        words[i] = fields[i].key;
    const char *near = qbid_problems_nearest(child->key, words);
    qbid_problems_add(problems, child->line, child->column, "unknown key '%.60s'%s%s%s%s%s",
                      child->key, *path ? " in " : "", path, near ? "; did you mean '" : "",
                      near ? near : "", near ? "'?" : "");
}

static void map_check(const struct qbid_yaml_node *node, const cyaml_schema_value_t *value,
                      const char *path, struct qbid_problems *problems)
{
    const cyaml_schema_field_t *fields = value->mapping.fields;
    for (const struct qbid_yaml_node *child = node->child; child; child = child->next) {
        const cyaml_schema_field_t *field = fields;
        while (field->key && strcmp(field->key, child->key) != 0)
            field++;
        if (!field->key) {
            unknown_note(child, fields, path, problems);
            continue;
        }
        char child_path[PATH_MAX_BYTES];
        snprintf(child_path, sizeof child_path, "%s%s%s", path, *path ? "." : "", child->key);
        value_check(child, &field->value, child_path, problems);
    }
    for (const cyaml_schema_field_t *field = fields; field->key; field++)
        if (!(field->value.flags & CYAML_FLAG_OPTIONAL) && !qbid_yaml_find(node, field->key))
            qbid_problems_add(problems, node->line, node->column, "%s: '%s' is missing", path,
                              field->key);
}

static void list_check(const struct qbid_yaml_node *node, const cyaml_schema_value_t *value,
                       const char *path, struct qbid_problems *problems)
{
    if (node->child_cnt > value->sequence.max)
        qbid_problems_add(problems, node->line, node->column, "%s: %u entries, at most %u", path,
                          node->child_cnt, value->sequence.max);
    uint32_t i = 0;
    for (const struct qbid_yaml_node *child = node->child; child; child = child->next) {
        char child_path[PATH_MAX_BYTES];
        snprintf(child_path, sizeof child_path, "%s[%u]", path, i++);
        value_check(child, value->sequence.entry, child_path, problems);
    }
}

static void value_check(const struct qbid_yaml_node *node, const cyaml_schema_value_t *value,
                        const char *path, struct qbid_problems *problems)
{
    if (value->type == CYAML_IGNORE)
        return;
    if (value->type == CYAML_MAPPING && node->kind == QBID_YAML_MAP)
        map_check(node, value, path, problems);
    else if (value->type == CYAML_SEQUENCE && node->kind == QBID_YAML_LIST)
        list_check(node, value, path, problems);
    else if (value->type == CYAML_MAPPING || value->type == CYAML_SEQUENCE)
        qbid_problems_add(problems, node->line, node->column, "%s must be a %s",
                          *path ? path : "the file",
                          value->type == CYAML_MAPPING ? "map of keys and values" : "list");
    else
        scalar_check(node, value, path, problems);
}

void qbid_config_schema_check(const struct qbid_yaml_node *root, struct qbid_problems *problems)
{
    value_check(root, &top_value, "", problems);
}

static void keys_each(const cyaml_schema_field_t *fields, const char *path, qbid_config_key_fn *fn,
                      void *context)
{
    for (const cyaml_schema_field_t *field = fields; field->key; field++) {
        const cyaml_schema_value_t *value = &field->value;
        bool list = value->type == CYAML_SEQUENCE;
        char child_path[PATH_MAX_BYTES];
        snprintf(child_path, sizeof child_path, "%s%s%s%s", path, *path ? "." : "", field->key,
                 list ? "[]" : "");
        if (list)
            value = value->sequence.entry;
        if (value->type == CYAML_MAPPING)
            keys_each(value->mapping.fields, child_path, fn, context);
        else
            fn(context, child_path);
    }
}

void qbid_config_schema_keys(qbid_config_key_fn *fn, void *context)
{
    keys_each(top_fields, "", fn, context);
}

static void load_log(cyaml_log_t level, void *context, const char *format, va_list args)
{
    char text[QBID_PROBLEM_TEXT_MAX];
    (void)level;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    qbid_problems_add(context, 0, 0, "%s", text);
}

static cyaml_config_t load_config(struct qbid_problems *problems)
{
    return (cyaml_config_t){.log_fn = problems ? load_log : NULL,
                            .log_ctx = problems,
                            .mem_fn = cyaml_mem,
                            .log_level = CYAML_LOG_ERROR,
                            .flags = CYAML_CFG_NO_ALIAS};
}

int qbid_config_schema_load(const char *text, size_t len, struct qbid_problems *problems,
                            struct qbid_config_raw **ret_raw)
{
    cyaml_config_t config = load_config(problems);
    cyaml_data_t *data = NULL;
    cyaml_err_t err = cyaml_load_data((const uint8_t *)text, len, &config, &top_value, &data, NULL);
    if (err == CYAML_ERR_OOM)
        return QBID_ERR_NOMEM;
    if (err || !data) {
        if (problems->cnt == 0)
            qbid_problems_add(problems, 0, 0, "%s", err ? cyaml_strerror(err) : "nothing is set");
        return QBID_ERR_PARSE;
    }
    *ret_raw = data;
    return 0;
}

void qbid_config_schema_free(struct qbid_config_raw *raw)
{
    cyaml_config_t config = load_config(NULL);
    if (raw)
        cyaml_free(&config, &top_value, raw, 0);
}
