/* SPDX-License-Identifier: Apache-2.0 */
/* Output of `qbid allocate`. */
#include "tools/qbid/allocate/print.h"

#include <math.h>
#include <stdlib.h>

#include "control/account/written/money.h"
#include "tools/qbid/columns.h"

#define TEXT 64
#define FRONT_SHOWN 12

static const char *const kind_name[QBID_CURVE_KIND_CNT] = {"power", "hill", "log"};
static const char *const bound_name[] = {"", "min", "max"};

static const char *money(int64_t micros, char out[QBID_MONEY_TEXT_MAX])
{
    qbid_money_format_micros(micros, out);
    return out;
}

/* --- table */

static const char *platform_of(const struct qbid_whatif_plan *plan, uint32_t i)
{
    uint32_t p = plan->input->campaign[i].platform;
    return p == QBID_WHATIF_NONE ? "-" : plan->input->platform[p].name;
}

static void number_add(struct qbid_columns *t, double x, const char *format)
{
    char text[TEXT];
    snprintf(text, sizeof text, format, x);
    qbid_columns_add(t, "%s", isfinite(x) ? text : "-");
}

static void interval_add(struct qbid_columns *t, struct qbid_whatif_interval in, const char *format)
{
    char low[TEXT], high[TEXT];
    snprintf(low, sizeof low, format, in.low);
    snprintf(high, sizeof high, format, in.high);
    if (isfinite(in.low) && isfinite(in.high))
        qbid_columns_add(t, "%s..%s", low, high);
    else
        qbid_columns_add(t, "-");
}

static void campaigns_print(const struct qbid_tool *tool, const struct qbid_whatif_plan *plan)
{
    static const char *const heads[] = {"<CAMPAIGN", "<PLATFORM", "NOW",  "THEN", "CHANGE", "VALUE",
                                        "90 %",      "NEXT 1",    "90 %", "<AT",  "COSTS",  NULL};
    struct qbid_columns t;
    char text[QBID_MONEY_TEXT_MAX];
    qbid_columns_init(&t, heads);
    for (uint32_t i = 0; i < plan->input->campaign_cnt; i++) {
        const struct qbid_whatif_line *line = &plan->line[i];
        int64_t then = plan->allocation.items[i].spend_micros, now = line->current_micros;
        bool known = now != QBID_WHATIF_UNSET;
        qbid_columns_add(&t, "%s", plan->input->campaign[i].name);
        qbid_columns_add(&t, "%s", platform_of(plan, i));
        number_add(&t, known ? (double)now / 1e6 : NAN, "%.2f");
        qbid_columns_add(&t, "%s", money(then, text));
        if (known && now > 0)
            qbid_columns_add(&t, "%+.1f %%", 100 * ((double)then / (double)now - 1));
        else
            qbid_columns_add(&t, "-");
        number_add(&t, line->value, "%.2f");
        interval_add(&t, line->value_in, "%.2f");
        number_add(&t, line->marginal, "%.4f");
        interval_add(&t, line->marginal_in, "%.4f");
        qbid_columns_add(&t, "%s", bound_name[line->bound]);
        if (line->bound == QBID_WHATIF_FREE)
            qbid_columns_add(&t, "%s", "");
        else
            number_add(&t, line->bound_cost, "%.4f");
    }
    qbid_columns_print(&t, stdout, tool->colour);
    qbid_columns_done(&t);
}

static void platforms_print(const struct qbid_tool *tool, const struct qbid_whatif_plan *plan)
{
    static const char *const heads[] = {"<PLATFORM", "THEN", "NEXT 1", "<AT", "COSTS", NULL};
    struct qbid_columns t;
    char text[QBID_MONEY_TEXT_MAX];
    qbid_columns_init(&t, heads);
    for (uint32_t p = 0; p < plan->input->platform_cnt; p++) {
        const struct qbid_allocation_group *g = &plan->allocation.groups[p];
        qbid_columns_add(&t, "%s", g->name);
        qbid_columns_add(&t, "%s", money(g->spend_micros, text));
        number_add(&t, g->marginal, "%.4f");
        qbid_columns_add(&t, "%s", bound_name[plan->quota[p]]);
        if (plan->quota[p] == QBID_WHATIF_FREE)
            qbid_columns_add(&t, "%s", "");
        else
            number_add(&t, plan->quota_cost[p], "%.4f");
    }
    puts("");
    qbid_columns_print(&t, stdout, tool->colour);
    qbid_columns_done(&t);
}

static void whole_print(const struct qbid_whatif_report *r)
{
    const struct qbid_whatif_plan *plan = r->plan;
    char text[QBID_MONEY_TEXT_MAX];
    printf("\nbudget %s (%s); ", money(plan->allocation.budget_micros, text), r->period);
    if (isfinite(plan->allocation.marginal))
        printf("the next unit adds %.4f\n", plan->allocation.marginal);
    else
        puts("what the next unit adds is not bounded");
    printf("%s then: %.2f (90 %%: %.2f to %.2f)\n", r->objective, plan->value, plan->value_in.low,
           plan->value_in.high);
    if (!plan->has_current) {
        puts("not every campaign says what it spends now, so nothing is compared");
        return;
    }
    printf("%s now:  %.2f (90 %%: %.2f to %.2f) with %s\n", r->objective, plan->value_now,
           plan->value_now_in.low, plan->value_now_in.high, money(plan->current_micros, text));
    printf("change: %+.2f (90 %%: %+.2f to %+.2f), more with probability %.2f\n", plan->gain,
           plan->gain_in.low, plan->gain_in.high, plan->gain_probability);
}

static bool shape_is_prior(const struct qbid_whatif_plan *plan, uint32_t i)
{
    return !plan->input->campaign[i].given && !plan->line[i].varied;
}

static bool is_beyond(const struct qbid_whatif_plan *plan, uint32_t i)
{
    return plan->line[i].beyond;
}

/* Campaigns of which something is doubtful, by name. */
static void doubt_print(const struct qbid_whatif_plan *plan, const char *words,
                        bool (*doubtful)(const struct qbid_whatif_plan *, uint32_t))
{
    const char *separator = "";
    for (uint32_t i = 0; i < plan->input->campaign_cnt; i++) {
        if (!doubtful(plan, i))
            continue;
        printf("%s%s%s", *separator ? "" : words, separator, plan->input->campaign[i].name);
        separator = ", ";
    }
    if (*separator)
        puts("");
}

static void front_print(const struct qbid_tool *tool, const struct qbid_whatif_front *front)
{
    static const char *const with[] = {"POINT", "VALUE", "RISK", "REACH", NULL};
    static const char *const without[] = {"POINT", "VALUE", "RISK", NULL};
    struct qbid_columns t;
    uint32_t shown = front->cnt < FRONT_SHOWN ? front->cnt : FRONT_SHOWN;
    qbid_columns_init(&t, front->has_reach ? with : without);
    for (uint32_t n = 0; n < shown; n++) {
        uint32_t i = shown > 1 ? n * (front->cnt - 1) / (shown - 1) : 0;
        qbid_columns_add(&t, "%u", i + 1);
        number_add(&t, front->point[i].value, "%.2f");
        number_add(&t, front->point[i].risk, "%.2f");
        if (front->has_reach)
            number_add(&t, front->point[i].reach, "%.0f");
    }
    printf("\n%u of %u splits that no other betters at once (risk: how far the worst tenth lies "
           "below the mean; --output csv has their spends):\n",
           shown, front->cnt);
    qbid_columns_print(&t, stdout, tool->colour);
    qbid_columns_done(&t);
}

int qbid_whatif_print_table(const struct qbid_tool *tool, const struct qbid_whatif_report *report)
{
    campaigns_print(tool, report->plan);
    if (report->plan->input->platform_cnt)
        platforms_print(tool, report->plan);
    whole_print(report);
    doubt_print(
        report->plan,
        "spend did not vary enough to tell the shape, the common one serves: ", shape_is_prior);
    doubt_print(report->plan,
                "more than the history ever tried, so the curve goes on unseen: ", is_beyond);
    if (report->front)
        front_print(tool, report->front);
    return fflush(stdout) == EOF ? QBID_TOOL_FAILED : QBID_TOOL_OK;
}

/* --- JSON */

static void number_set(cJSON *to, const char *name, double x)
{
    if (isfinite(x))
        cJSON_AddNumberToObject(to, name, x);
    else
        cJSON_AddNullToObject(to, name);
}

static void money_set(cJSON *to, const char *name, int64_t micros)
{
    char text[QBID_MONEY_TEXT_MAX];
    if (micros == QBID_WHATIF_UNSET)
        cJSON_AddNullToObject(to, name);
    else /* a double prints 17 digits of what has 6 */
        cJSON_AddRawToObject(to, name, money(micros, text));
}

static void interval_set(cJSON *to, const char *name, double x, struct qbid_whatif_interval in)
{
    cJSON *object = cJSON_AddObjectToObject(to, name);
    number_set(object, "mean", x);
    number_set(object, "low", in.low);
    number_set(object, "high", in.high);
}

static void bound_set(cJSON *to, enum qbid_whatif_bound bound, double cost)
{
    if (bound == QBID_WHATIF_FREE)
        cJSON_AddNullToObject(to, "at");
    else
        cJSON_AddStringToObject(to, "at", bound_name[bound]);
    number_set(to, "bound_cost", cost);
}

static void curve_set(cJSON *to, const struct qbid_whatif_plan *plan, uint32_t i)
{
    const struct qbid_whatif_line *line = &plan->line[i];
    cJSON *curve = cJSON_AddObjectToObject(to, "curve");
    cJSON_AddStringToObject(curve, "kind", kind_name[line->curve.kind]);
    number_set(curve, "scale", line->curve.scale);
    number_set(curve, "shape", line->curve.shape);
    number_set(curve, "half", line->curve.half);
    cJSON_AddBoolToObject(curve, "fitted", !plan->input->campaign[i].given);
    if (plan->input->campaign[i].given)
        return;
    number_set(curve, "shape_sd", line->shape_sd);
    cJSON_AddBoolToObject(curve, "beyond_history", line->beyond);
    cJSON_AddBoolToObject(curve, "varied", line->varied);
    cJSON_AddNumberToObject(curve, "rows", plan->input->campaign[i].history.cnt);
}

static void campaign_set(cJSON *list, const struct qbid_whatif_plan *plan, uint32_t i)
{
    const struct qbid_whatif_campaign *c = &plan->input->campaign[i];
    const struct qbid_whatif_line *line = &plan->line[i];
    cJSON *to = cJSON_CreateObject();
    cJSON_AddItemToArray(list, to);
    cJSON_AddStringToObject(to, "campaign", c->name);
    if (c->platform == QBID_WHATIF_NONE)
        cJSON_AddNullToObject(to, "platform");
    else
        cJSON_AddStringToObject(to, "platform", platform_of(plan, i));
    money_set(to, "min", c->min_micros);
    money_set(to, "max", c->max_micros);
    money_set(to, "current", line->current_micros);
    money_set(to, "recommended", plan->allocation.items[i].spend_micros);
    interval_set(to, "value", line->value, line->value_in);
    interval_set(to, "marginal", line->marginal, line->marginal_in);
    bound_set(to, line->bound, line->bound_cost);
    curve_set(to, plan, i);
}

static void platform_set(cJSON *list, const struct qbid_whatif_plan *plan, uint32_t p)
{
    const struct qbid_whatif_platform *platform = &plan->input->platform[p];
    cJSON *to = cJSON_CreateObject();
    cJSON_AddItemToArray(list, to);
    cJSON_AddStringToObject(to, "platform", platform->name);
    money_set(to, "min", platform->min_micros);
    money_set(to, "max", platform->max_micros);
    money_set(to, "recommended", plan->allocation.groups[p].spend_micros);
    number_set(to, "marginal", plan->allocation.groups[p].marginal);
    bound_set(to, plan->quota[p], plan->quota_cost[p]);
}

static void front_set(cJSON *answer, const struct qbid_whatif_report *r)
{
    cJSON *list = cJSON_AddArrayToObject(answer, "front");
    for (uint32_t n = 0; n < r->front->cnt; n++) {
        const struct qbid_whatif_point *point = &r->front->point[n];
        cJSON *to = cJSON_CreateObject();
        cJSON_AddItemToArray(list, to);
        number_set(to, "value", point->value);
        number_set(to, "risk", point->risk);
        number_set(to, "reach", r->front->has_reach ? point->reach : NAN);
        cJSON *spends = cJSON_AddObjectToObject(to, "spends");
        for (uint32_t i = 0; i < r->plan->input->campaign_cnt; i++)
            money_set(spends, r->plan->input->campaign[i].name, point->spend_micros[i]);
    }
}

int qbid_whatif_print_json(const struct qbid_whatif_report *r)
{
    const struct qbid_whatif_plan *plan = r->plan;
    cJSON *answer = cJSON_CreateObject();
    cJSON_AddNumberToObject(answer, "schema", 1);
    money_set(answer, "budget", plan->allocation.budget_micros);
    cJSON_AddStringToObject(answer, "period", r->period);
    cJSON_AddStringToObject(answer, "objective", r->objective);
    cJSON_AddNumberToObject(answer, "confidence", QBID_WHATIF_LEVEL);
    number_set(answer, "marginal", plan->allocation.marginal);
    interval_set(answer, "value", plan->value, plan->value_in);
    if (plan->has_current) {
        money_set(answer, "current", plan->current_micros);
        interval_set(answer, "value_now", plan->value_now, plan->value_now_in);
        interval_set(answer, "change", plan->gain, plan->gain_in);
        number_set(answer, "change_probability", plan->gain_probability);
    }
    cJSON *campaigns = cJSON_AddArrayToObject(answer, "campaigns");
    for (uint32_t i = 0; i < plan->input->campaign_cnt; i++)
        campaign_set(campaigns, plan, i);
    cJSON *platforms = cJSON_AddArrayToObject(answer, "platforms");
    for (uint32_t p = 0; p < plan->input->platform_cnt; p++)
        platform_set(platforms, plan, p);
    if (r->front)
        front_set(answer, r);
    int code = qbid_tool_print(answer);
    cJSON_Delete(answer);
    return code;
}

/* --- CSV */

static void csv_number(double x)
{
    if (isfinite(x))
        printf(",%.10g", x);
    else
        printf(",");
}

static void csv_money(int64_t micros)
{
    char text[QBID_MONEY_TEXT_MAX];
    printf(",%s", micros == QBID_WHATIF_UNSET ? "" : money(micros, text));
}

static void csv_campaigns(const struct qbid_whatif_plan *plan)
{
    fputs("campaign,platform,min,max,current,recommended,value,value_low,value_high,marginal,"
          "marginal_low,marginal_high,at,bound_cost\r\n",
          stdout);
    for (uint32_t i = 0; i < plan->input->campaign_cnt; i++) {
        const struct qbid_whatif_campaign *c = &plan->input->campaign[i];
        const struct qbid_whatif_line *line = &plan->line[i];
        qbid_csv_write(stdout, c->name);
        putchar(',');
        qbid_csv_write(stdout, c->platform == QBID_WHATIF_NONE ? "" : platform_of(plan, i));
        csv_money(c->min_micros);
        csv_money(c->max_micros);
        csv_money(line->current_micros);
        csv_money(plan->allocation.items[i].spend_micros);
        const double numbers[] = {line->value,    line->value_in.low,    line->value_in.high,
                                  line->marginal, line->marginal_in.low, line->marginal_in.high};
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
            csv_number(numbers[n]);
        printf(",%s", bound_name[line->bound]);
        csv_number(line->bound_cost);
        fputs("\r\n", stdout);
    }
}

static void csv_front(const struct qbid_whatif_report *r)
{
    fputs("point,value,risk,reach,campaign,spend\r\n", stdout);
    for (uint32_t n = 0; n < r->front->cnt; n++) {
        const struct qbid_whatif_point *point = &r->front->point[n];
        for (uint32_t i = 0; i < r->plan->input->campaign_cnt; i++) {
            printf("%u", n + 1);
            csv_number(point->value);
            csv_number(point->risk);
            csv_number(r->front->has_reach ? point->reach : NAN);
            putchar(',');
            qbid_csv_write(stdout, r->plan->input->campaign[i].name);
            csv_money(point->spend_micros[i]);
            fputs("\r\n", stdout);
        }
    }
}

int qbid_whatif_print_csv(const struct qbid_whatif_report *report)
{
    if (report->front)
        csv_front(report);
    else
        csv_campaigns(report->plan);
    return fflush(stdout) == EOF ? QBID_TOOL_FAILED : QBID_TOOL_OK;
}
