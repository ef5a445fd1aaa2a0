/* SPDX-License-Identifier: Apache-2.0 */
/* Targeting values against the dictionary: one by one for rules, all at once for the bitmaps. */
#include "control/publish/section_targets.h"

#include <stdbool.h>
#include <string.h>

#include "control/publish/build_image.h"
#include "shm/hash.h"

/* One targeting value: "x", "x*", "!x", "!x*". */
struct rule {
    const char *text;
    size_t len; /* without the star */
    bool exclude;
    bool prefix;
};

static struct rule rule_parse(const char *value)
{
    struct rule rule = {.text = value, .exclude = value[0] == '!'};
    rule.text += rule.exclude;
    rule.len = strlen(rule.text);
    rule.prefix = rule.len > 0 && rule.text[rule.len - 1] == '*';
    rule.len -= rule.prefix;
    return rule;
}

static uint32_t rule_index(const struct rule *rule, unsigned dim,
                           const struct qbid_dictionary *dictionary)
{
    return qbid_dictionary_find(dictionary, dim, qbid_hash_dim(dim, rule->text, rule->len));
}

static bool rule_matches(const struct rule *rule, unsigned dim, uint32_t index,
                         const struct qbid_dictionary *dictionary)
{
    if (!rule->prefix)
        return rule_index(rule, dim, dictionary) == index;
    return strncmp(qbid_dictionary_text(dictionary, dim, index), rule->text, rule->len) == 0;
}

int qbid_target_accepts(const struct qbid_line_item_def *line_item, unsigned dim, uint32_t index,
                        const struct qbid_dictionary *dictionary)
{
    const struct qbid_target_def *target = &line_item->target[dim];
    bool accepted = false, any_include = false;
    for (uint32_t i = 0; i < target->cnt; i++) {
        struct rule rule = rule_parse(target->value[i]);
        any_include |= !rule.exclude;
        if (index == 0 || !rule_matches(&rule, dim, index, dictionary))
            continue;
        if (rule.exclude)
            return 0;
        accepted = true;
    }
    return accepted || !any_include;
}

uint32_t qbid_section_targets_rows(const struct qbid_dictionary *dictionary,
                                   struct qbid_elig_dim ret_dim[QBID_DIM_CNT])
{
    uint32_t rows = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++) {
        ret_dim[dim].first_row = rows;
        ret_dim[dim].value_cnt = qbid_dictionary_dim_cnt(dictionary, dim) + 1;
        rows += ret_dim[dim].value_cnt;
    }
    return rows;
}

/* The bit of one line item in the rows of one dimension. */
struct column {
    uint64_t *word; /* of row 0 */
    uint32_t stride;
    uint64_t bit;
};

static void column_set(const struct column *column, uint32_t index, bool on)
{
    uint64_t *word = &column->word[(size_t)index * column->stride];
    *word = on ? *word | column->bit : *word & ~column->bit;
}

static void rule_apply(const struct rule *rule, unsigned dim, uint32_t value_cnt,
                       const struct qbid_dictionary *dictionary, const struct column *column)
{
    if (!rule->prefix) {
        uint32_t index = rule_index(rule, dim, dictionary);
        if (index != 0 && index < value_cnt)
            column_set(column, index, !rule->exclude);
        return;
    }
    for (uint32_t index = 1; index < value_cnt; index++)
        if (rule_matches(rule, dim, index, dictionary))
            column_set(column, index, !rule->exclude);
}

/* Every row starts from the line items that accept what they do not name; then includes, then
 * excludes, which win. */
static void target_apply(const struct qbid_line_item_def *line_item, unsigned dim,
                         uint32_t value_cnt, const struct qbid_dictionary *dictionary,
                         const struct column *column)
{
    const struct qbid_target_def *target = &line_item->target[dim];
    for (int exclude = 0; exclude < 2; exclude++) {
        for (uint32_t i = 0; i < target->cnt; i++) {
            struct rule rule = rule_parse(target->value[i]);
            if (rule.exclude == (exclude != 0))
                rule_apply(&rule, dim, value_cnt, dictionary, column);
        }
    }
}

static bool target_has_include(const struct qbid_target_def *target)
{
    for (uint32_t i = 0; i < target->cnt; i++)
        if (target->value[i][0] != '!')
            return true;
    return false;
}

void qbid_section_targets_dim(const struct qbid_account *account,
                              const struct qbid_dictionary *dictionary, unsigned dim,
                              uint32_t words, uint64_t *rows)
{
    uint32_t value_cnt = qbid_dictionary_dim_cnt(dictionary, dim) + 1;
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        if (!target_has_include(&li->target[dim]))
            rows[li->idx / 64] |= UINT64_C(1) << (li->idx % 64);
    }
    for (uint32_t row = 1; row < value_cnt; row++)
        memcpy(rows + (size_t)row * words, rows, words * sizeof *rows);
    for (uint32_t i = 0; i < account->line_item_cnt; i++) {
        const struct qbid_line_item_def *li = &account->line_items[i];
        struct column column = {
            .word = rows + li->idx / 64, .stride = words, .bit = UINT64_C(1) << (li->idx % 64)};
        if (li->target[dim].cnt != 0)
            target_apply(li, dim, value_cnt, dictionary, &column);
    }
}

void qbid_section_targets_fill(const struct qbid_account *account,
                               const struct qbid_dictionary *dictionary,
                               const struct qbid_elig_dim dims[QBID_DIM_CNT], uint32_t words,
                               uint64_t *out)
{
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        qbid_section_targets_dim(account, dictionary, dim, words,
                                 out + (size_t)dims[dim].first_row * words);
}
