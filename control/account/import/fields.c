/* SPDX-License-Identifier: Apache-2.0 */
/* Values of account files, each refused with its reason. */
#include "control/account/import/fields.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/import/text.h"
#include "control/account/written/instant.h"
#include "control/account/written/money.h"
#include "shm/error.h"

#define VALUE_BYTES_MAX 128 /* of one targeting value */

void qbid_import_complain(struct qbid_import_item *item, const struct qbid_yaml_node *node,
                          const char *format, ...)
{
    char text[QBID_PROBLEM_TEXT_MAX - QBID_IMPORT_WHERE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!node)
        node = item->node;
    qbid_problems_add(item->problems, node->line, node->column, "%s: %s", item->where, text);
}

void qbid_import_text(struct qbid_import_item *item, char **to, const char *text)
{
    char *copy = strdup(text);
    if (!copy) {
        item->nomem = true;
        return;
    }
    free(*to);
    *to = copy;
}

static void *to(struct qbid_import_item *item, const struct qbid_field *field)
{
    return (char *)item->def + field->off;
}

static void text_read(struct qbid_import_item *item, const struct qbid_field *field,
                      const struct qbid_yaml_node *node)
{
    const char *wrong = qbid_import_text_check(field->name, node->text);
    struct qbid_traits traits = {0};
    enum qbid_trait trait = qbid_trait_find(field->name);
    const char *hint =
        trait < QBID_TRAIT_CNT && !wrong ? qbid_trait_read(trait, node->text, &traits) : NULL;
    if (hint) {
        qbid_import_complain(item, node, "%s: '%.60s' is not: %s", field->name, node->text, hint);
        return;
    }
    if (!wrong && (node->len < field->least || node->len > field->most))
        qbid_import_complain(item, node, "%s: %u bytes; allowed are %lld..%lld", field->name,
                             node->len, (long long)field->least, (long long)field->most);
    else if (wrong)
        qbid_import_complain(item, node, "%s: '%.60s' %s", field->name, node->text, wrong);
    else
        qbid_import_text(item, to(item, field), node->text);
}

/* A list of words, stored as one text with commas. */
static void list_read(struct qbid_import_item *item, const struct qbid_field *field,
                      const struct qbid_yaml_node *node)
{
    char text[1024] = "";
    size_t len = 0;
    for (const struct qbid_yaml_node *child = node->child; child; child = child->next) {
        if (child->kind != QBID_YAML_SCALAR || strchr(child->text, ',') ||
            len + child->len + 2 > sizeof text) {
            qbid_import_complain(item, child, "%s: not a list of short words", field->name);
            return;
        }
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len ? "," : "", child->text);
    }
    struct qbid_yaml_node whole = *node;
    whole.kind = QBID_YAML_SCALAR;
    whole.text = text;
    whole.len = (uint32_t)len;
    text_read(item, field, &whole);
}

/* --- numbers */

static void range_complain(struct qbid_import_item *item, const struct qbid_field *field,
                           const struct qbid_yaml_node *node)
{
    char least[QBID_MONEY_TEXT_MAX], most[QBID_MONEY_TEXT_MAX];
    if (field->type == QBID_FIELD_NANOS) {
        qbid_money_format(field->least, least);
        qbid_money_format(field->most, most);
    } else if (field->type == QBID_FIELD_MICROS) {
        qbid_money_format_micros(field->least, least);
        qbid_money_format_micros(field->most, most);
    } else if (field->type == QBID_FIELD_REAL) {
        snprintf(least, sizeof least, "%g", field->least_real);
        snprintf(most, sizeof most, "%g", field->most_real);
    } else {
        snprintf(least, sizeof least, "%lld", (long long)field->least);
        snprintf(most, sizeof most, "%lld", (long long)field->most);
    }
    qbid_import_complain(item, node, "%s: %.40s is not in %s..%s", field->name, node->text, least,
                         most);
}

static void money_read(struct qbid_import_item *item, const struct qbid_field *field,
                       const struct qbid_yaml_node *node)
{
    int64_t value;
    bool nanos = field->type == QBID_FIELD_NANOS;
    int err = nanos ? qbid_money_parse(node->text, node->len, &value)
                    : qbid_money_parse_micros(node->text, node->len, &value);
    if (err == QBID_ERR_PARSE)
        qbid_import_complain(item, node,
                             "%s: '%.40s' is not a plain decimal with at most %d decimals",
                             field->name, node->text, nanos ? 9 : 6);
    else if (err || value < field->least || value > field->most)
        range_complain(item, field, node);
    else
        *(int64_t *)to(item, field) = value;
}

static void whole_read(struct qbid_import_item *item, const struct qbid_field *field,
                       const struct qbid_yaml_node *node)
{
    uint64_t value;
    if (!qbid_yaml_uint(node, &value))
        qbid_import_complain(item, node, "%s: '%.40s' is not a whole number", field->name,
                             node->text);
    else if (value < (uint64_t)field->least || value > (uint64_t)field->most)
        range_complain(item, field, node);
    else if (field->type == QBID_FIELD_U16)
        *(uint16_t *)to(item, field) = (uint16_t)value;
    else
        *(uint32_t *)to(item, field) = (uint32_t)value;
}

static void real_read(struct qbid_import_item *item, const struct qbid_field *field,
                      const struct qbid_yaml_node *node)
{
    double value;
    if (!qbid_yaml_double(node, &value))
        qbid_import_complain(item, node, "%s: '%.40s' is not a number", field->name, node->text);
    else if (!(value >= field->least_real && value <= field->most_real))
        range_complain(item, field, node);
    else
        *(double *)to(item, field) = value;
}

static void time_read(struct qbid_import_item *item, const struct qbid_field *field,
                      const struct qbid_yaml_node *node)
{
    int64_t value;
    if (qbid_instant_parse(node->text, item->now_unix_s, &value) != 0)
        qbid_import_complain(item, node,
                             "%s: '%.40s' is neither RFC 3339 (2013-06-06T00:00:00Z) nor now, "
                             "+90s, +30m, +24h, +7d",
                             field->name, node->text);
    else
        *(int64_t *)to(item, field) = value;
}

static void word_read(struct qbid_import_item *item, const struct qbid_field *field,
                      const struct qbid_yaml_node *node)
{
    int value = qbid_words_value(field->words, node->text);
    if (value >= 0) {
        memcpy(to(item, field), &value, sizeof value);
        return;
    }
    char list[160] = "";
    size_t len = 0;
    for (const struct qbid_word *word = field->words; word->text; word++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "", word->text);
    qbid_import_complain(item, node, "%s: '%.40s' is none of: %s", field->name, node->text, list);
}

void qbid_import_field(struct qbid_import_item *item, const struct qbid_field *field,
                       const struct qbid_yaml_node *node)
{
    bool truth;
    if (field->type == QBID_FIELD_TEXT && node->kind == QBID_YAML_LIST &&
        (strcmp(field->name, "categories") == 0 || qbid_trait_find(field->name) < QBID_TRAIT_CNT)) {
        list_read(item, field, node);
        return;
    }
    if (field->type == QBID_FIELD_TEXT && strcmp(field->name, "hours") == 0) {
        qbid_import_hours(item, to(item, field), node);
        return;
    }
    if (field->type == QBID_FIELD_TEXT && strcmp(field->name, "override") == 0) {
        qbid_import_override(item, to(item, field), node);
        return;
    }
    if (field->type == QBID_FIELD_TEXT && strcmp(field->name, "frequency") == 0) {
        qbid_import_frequency(item, to(item, field), node);
        return;
    }
    if (node->kind != QBID_YAML_SCALAR) {
        qbid_import_complain(item, node, "%s: must be one value", field->name);
        return;
    }
    switch (field->type) {
    case QBID_FIELD_TEXT:
        text_read(item, field, node);
        break;
    case QBID_FIELD_NANOS:
    case QBID_FIELD_MICROS:
        money_read(item, field, node);
        break;
    case QBID_FIELD_U32:
    case QBID_FIELD_U16:
        whole_read(item, field, node);
        break;
    case QBID_FIELD_TIME:
        time_read(item, field, node);
        break;
    case QBID_FIELD_WORD:
        word_read(item, field, node);
        break;
    case QBID_FIELD_REAL:
        real_read(item, field, node);
        break;
    case QBID_FIELD_BOOL:
        if (qbid_yaml_bool(node, &truth))
            *(bool *)to(item, field) = truth;
        else
            qbid_import_complain(item, node, "%s: '%.40s' is not true or false", field->name,
                                 node->text);
        break;
    case QBID_FIELD_TARGET:
        qbid_import_complain(item, node, "%s: belongs into targeting", field->name);
        break;
    }
}

/* --- targeting */

static const char *value_check(unsigned dim, const char *value)
{
    uint64_t hour = 0;
    if (*value == '!')
        value++;
    if (!*value || strlen(value) > VALUE_BYTES_MAX)
        return "is empty or too long";
    if (strchr(value, ',') || qbid_import_text_check("", value))
        return "holds a comma or a control character";
    struct qbid_yaml_node node = {
        .kind = QBID_YAML_SCALAR, .text = value, .len = (uint32_t)strlen(value)};
    if (dim == QBID_DIM_HOUR && (!qbid_yaml_uint(&node, &hour) || hour > 167))
        return "is not an hour of the week, 0..167 from Monday 0:00";
    if (dim == QBID_DIM_SLOT && strncmp(value, "banner:", 7) != 0 &&
        strncmp(value, "video:", 6) != 0 && strcmp(value, "native") != 0 &&
        strcmp(value, "audio") != 0)
        return "is not banner:WxH, video:WxH, native or audio";
    return NULL;
}

void qbid_import_target(struct qbid_import_item *item, const struct qbid_field *field, unsigned dim,
                        const struct qbid_yaml_node *node)
{
    struct qbid_target_def *target = to(item, field), next = {0};
    if (node->kind != QBID_YAML_LIST || node->child_cnt > QBID_TARGETS_PER_LINE_MAX) {
        qbid_import_complain(item, node, "targeting.%s: must be a list of at most %d values",
                             field->name, QBID_TARGETS_PER_LINE_MAX);
        return;
    }
    next.value = calloc(node->child_cnt + 1, sizeof *next.value);
    if (!next.value) {
        item->nomem = true;
        return;
    }
    for (const struct qbid_yaml_node *child = node->child; child; child = child->next) {
        const char *wrong =
            child->kind == QBID_YAML_SCALAR ? value_check(dim, child->text) : "is not one value";
        if (wrong)
            qbid_import_complain(item, child, "targeting.%s: '%.60s' %s", field->name, child->text,
                                 wrong);
        next.value[next.cnt] = strdup(child->text);
        item->nomem |= !next.value[next.cnt];
        next.cnt++;
    }
    for (uint32_t i = 0; i < target->cnt; i++)
        free(target->value[i]);
    free(target->value);
    *target = next;
}
