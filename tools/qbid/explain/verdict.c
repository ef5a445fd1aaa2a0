/* SPDX-License-Identifier: Apache-2.0 */
/* What a check came to, as a table or as JSON. */
#include <string.h>

#include "tools/qbid/explain/ask.h"
#include "tools/qbid/explain/check.h"
#include "tools/qbid/explain/print.h"

bool qbid_explain_verdict_good(const struct qbid_explain_verdict *verdict)
{
    return verdict->checked != 0 && verdict->equal == verdict->checked &&
           verdict->unknown_gen == 0 && verdict->untraced == 0 && verdict->damaged == 0;
}

/* Name of a fact, its place in struct qbid_explain_facts, whether it has six decimals. */
#define FACTS(X)                                                                                   \
    X("line_item", line_item_id, false)                                                            \
    X("creative", creative_id, false)                                                              \
    X("price", price_micros, true)                                                                 \
    X("level", level, false)                                                                       \
    X("value", value_micros, true)                                                                 \
    X("q_action", q_action, false)                                                                 \
    X("q_ratio", q_ratio_ppm, true)                                                                \
    X("shade_ratio", shade_ratio_ppm, true)

static void add_number(struct qbid_replay_buffer *out, int64_t number, bool decimal)
{
    if (decimal)
        qbid_replay_buffer_add_micros(out, number);
    else
        qbid_replay_buffer_add_int(out, number);
}

static void add_row(struct qbid_replay_buffer *out, const char *name, bool decimal,
                    int64_t answered, int64_t replayed)
{
    qbid_replay_buffer_print(out, "    %-12s ", name);
    size_t from = out->len;
    add_number(out, answered, decimal);
    int width = 16 - (int)(out->len - from);
    qbid_replay_buffer_print(out, "%*s ", width > 0 ? width : 0, "");
    from = out->len;
    add_number(out, replayed, decimal);
    qbid_replay_buffer_print(out, "%s\n", answered == replayed ? "" : "   <-");
}

static void add_difference(struct qbid_replay_buffer *out,
                           const struct qbid_explain_options *options,
                           const struct qbid_explain_difference *difference)
{
    const struct qbid_explain_facts *a = &difference->answered, *r = &difference->replayed;
    qbid_replay_buffer_print(out, "\n%s:%llu: impression ", options->check,
                             (unsigned long long)difference->line);
    qbid_replay_buffer_add_json(out, difference->impid, strlen(difference->impid));
    qbid_replay_buffer_print(out, ", generation %llu\n", (unsigned long long)difference->gen);
    if (difference->nobid != QBID_NOBID_NONE) {
        qbid_replay_buffer_print(out, "    answered: line item %u, creative %u, price ",
                                 a->line_item_id, a->creative_id);
        qbid_replay_buffer_add_micros(out, a->price_micros);
        qbid_replay_buffer_print(out, "\n    replayed: no bid, %s: %s\n",
                                 qbid_explain_nobid_word(difference->nobid), difference->reason);
        return;
    }
    qbid_replay_buffer_print(out, "    %-12s %-16s %s\n", "", "answered", "replayed");
#define X(name, field, decimal) add_row(out, name, decimal, (int64_t)a->field, (int64_t)r->field);
    FACTS(X)
#undef X
}

static void add_count(struct qbid_replay_buffer *out, const char *name, uint64_t number)
{
    qbid_replay_buffer_print(out, "%-20s %llu\n", name, (unsigned long long)number);
}

void qbid_explain_verdict_table(struct qbid_replay_buffer *out,
                                const struct qbid_explain_options *options,
                                const struct qbid_explain_verdict *verdict)
{
    add_count(out, "checked", verdict->checked);
    add_count(out, "equal", verdict->equal);
    if (verdict->equal_alone)
        qbid_replay_buffer_print(out,
                                 "  of these alone      %llu (pace or allowance of other line "
                                 "items is not in the answer: rank taken as given)\n",
                                 (unsigned long long)verdict->equal_alone);
    add_count(out, "different", verdict->different);
    add_count(out, "unknown generation", verdict->unknown_gen);
    if (verdict->untraced)
        add_count(out, "without ext.qbid", verdict->untraced);
    if (verdict->damaged)
        add_count(out, "damaged lines", verdict->damaged);
    if (verdict->left_out)
        add_count(out, "outside the sample", verdict->left_out);
    add_count(out, "lines without a bid", verdict->without_bid);
    for (unsigned i = 0; i < verdict->difference_cnt; i++)
        add_difference(out, options, &verdict->difference[i]);
}

static void add_facts(struct qbid_replay_buffer *out, const struct qbid_explain_facts *facts)
{
    const char *comma = "";
    qbid_replay_buffer_add_text(out, "{");
#define X(name, field, decimal)                                                                    \
    qbid_replay_buffer_print(out, "%s\"%s\":", comma, name);                                       \
    add_number(out, (int64_t)facts->field, decimal);                                               \
    comma = ",";
    FACTS(X)
#undef X
    qbid_replay_buffer_add_text(out, "}");
}

static void add_json_difference(struct qbid_replay_buffer *out,
                                const struct qbid_explain_difference *difference)
{
    qbid_replay_buffer_print(
        out, "{\"line\":%llu,\"gen\":%llu,\"impid\":", (unsigned long long)difference->line,
        (unsigned long long)difference->gen);
    qbid_replay_buffer_add_json(out, difference->impid, strlen(difference->impid));
    qbid_replay_buffer_add_text(out, ",\"answered\":");
    add_facts(out, &difference->answered);
    qbid_replay_buffer_print(
        out, ",\"result\":\"%s\",\"reason\":", qbid_explain_nobid_word(difference->nobid));
    qbid_replay_buffer_add_json(out, difference->reason, strlen(difference->reason));
    qbid_replay_buffer_add_text(out, ",\"replayed\":");
    if (difference->nobid == QBID_NOBID_NONE)
        add_facts(out, &difference->replayed);
    else
        qbid_replay_buffer_add_text(out, "null");
    qbid_replay_buffer_add_text(out, "}");
}

void qbid_explain_verdict_json(struct qbid_replay_buffer *out,
                               const struct qbid_explain_options *options,
                               const struct qbid_explain_verdict *verdict)
{
    const struct {
        const char *name;
        uint64_t number;
    } counts[] = {
        {"lines", verdict->lines},         {"checked", verdict->checked},
        {"equal", verdict->equal},         {"equal_alone", verdict->equal_alone},
        {"different", verdict->different}, {"unknown_generation", verdict->unknown_gen},
        {"untraced", verdict->untraced},   {"damaged", verdict->damaged},
        {"left_out", verdict->left_out},   {"without_bid", verdict->without_bid},
    };
    qbid_replay_buffer_print(out, "{\"schema\":%d,\"answers\":", QBID_EXPLAIN_SCHEMA);
    qbid_replay_buffer_add_json(out, options->check, strlen(options->check));
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        qbid_replay_buffer_print(out, ",\"%s\":%llu", counts[i].name,
                                 (unsigned long long)counts[i].number);
    qbid_replay_buffer_print(out, ",\"good\":%s,\"differences\":[",
                             qbid_explain_verdict_good(verdict) ? "true" : "false");
    for (unsigned i = 0; i < verdict->difference_cnt; i++) {
        qbid_replay_buffer_add_text(out, i ? "," : "");
        add_json_difference(out, &verdict->difference[i]);
    }
    qbid_replay_buffer_add_text(out, "]}\n");
}
