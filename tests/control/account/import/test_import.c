/* SPDX-License-Identifier: Apache-2.0 */
/* Account files: what arrives, what is kept, and every refusal with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/account/fields.h"
#include "control/account/import/import.h"
#include "control/account/import/text.h"
#include "control/account/written/frequency.h"
#include "control/config/config.h"
#include "control/config/yaml.h"
#include "plugin/markup.h"
#include "shm/error.h"

#define NOW INT64_C(1370476800)

static struct qbid_account empty(void)
{
    return (struct qbid_account){.currency = qbid_currency_parse("USD")};
}

static struct qbid_account import(const struct qbid_account *current, const char *text, bool prune)
{
    struct qbid_problems problems = {.file = "a.yaml"};
    struct qbid_import_params params = {current, NOW, prune, NULL};
    struct qbid_account next;
    int err = qbid_account_import(text, strlen(text), &params, &problems, &next);
    if (err)
        fail_msg("%d, %u: %s", err, problems.problem[0].line, problems.problem[0].text);
    return next;
}

static void refused_in(const struct qbid_account *current, const char *text, uint32_t cnt,
                       const char *const *parts)
{
    struct qbid_problems problems = {.file = "a.yaml"};
    struct qbid_import_params params = {current, NOW, false, NULL};
    struct qbid_account next = {.campaign_cnt = 77};
    assert_int_equal(qbid_account_import(text, strlen(text), &params, &problems, &next),
                     QBID_ERR_PARSE);
    assert_int_equal(next.campaign_cnt, 77);
    for (uint32_t i = 0; i < cnt && i < problems.cnt; i++) {
        char line[QBID_PROBLEM_LINE_MAX];
        qbid_problems_format(&problems, i, line);
        if (!strstr(line, parts[i]))
            fail_msg("'%s' is not in '%s'", parts[i], line);
    }
    assert_int_equal(problems.cnt, cnt);
}

#define PARTS(...)                                                                                 \
    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), (const char *const[])             \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define REFUSED(text, ...)                                                                         \
    do {                                                                                           \
        struct qbid_account nothing = empty();                                                     \
        refused_in(&nothing, text, PARTS(__VA_ARGS__));                                            \
    } while (0)

#define CAMPAIGN "campaigns:\n- {id: 1, budget: 10, end: +1h, goal: max_clicks}\n"
/* a campaign with one line item with one creative; the gaps take more keys */
#define ACCOUNT(campaign, line_item, creative)                                                     \
    "campaigns:\n"                                                                                 \
    "- id: 1\n  budget: 10\n  end: +1h\n  goal: max_clicks\n" campaign "  line_items:\n"           \
    "  - id: 5\n    ceiling: 9\n    adomain: a.example\n" line_item "    creatives:\n"             \
    "    - id: 7\n      size: 300x250\n      markup: <b>\n      landing: http://a/\n" creative

static void the_example_file_is_imported(void **state)
{
    (void)state;
    char *text;
    size_t len;
    struct qbid_account none = empty();
    assert_int_equal(qbid_yaml_read_file("control/account/example.yaml", &text, &len), 0);
    struct qbid_account a = import(&none, text, false);
    free(text);
    assert_int_equal(a.campaign_cnt, 2);
    assert_int_equal(a.line_item_cnt, 2);
    assert_int_equal(a.creative_cnt, 3);
    const struct qbid_campaign_def *c = qbid_account_campaign(&a, 1);
    assert_string_equal(c->name, "Spring shoes");
    assert_int_equal(c->budget_nanos, INT64_C(250000000000));
    assert_int_equal(c->period, QBID_BUDGET_DAILY);
    assert_int_equal(c->start_unix_s, NOW);
    assert_int_equal(c->end_unix_s, NOW + 7 * 86400);
    assert_int_equal(c->goal, QBID_GOAL_TARGET_CPC);
    assert_int_equal(c->target_micros, 1200000);
    assert_int_equal(c->pacing, QBID_PACING_EVEN);
    assert_true(c->active);
    assert_int_equal(c->budget_idx, QBID_ACCOUNT_IDX_NONE);
    const struct qbid_line_item_def *li = qbid_account_line_item(&a, 101);
    assert_int_equal(li->campaign_id, 1);
    assert_int_equal(li->floor_micros, 100000);
    assert_int_equal(li->ceiling_micros, 12000000);
    assert_null(li->deal);
    assert_string_equal(li->categories, "IAB18-1");
    assert_true(li->prior_ctr == 0.0012);
    assert_true(li->prior_cvr == 0.01);
    assert_int_equal(li->target[QBID_DIM_EXCHANGE].cnt, 2);
    assert_string_equal(li->target[QBID_DIM_GEO].value[0], "!CHN/7");
    assert_int_equal(li->target[QBID_DIM_SITE].cnt, 0);
    assert_string_equal(li->frequency, "");
    const struct qbid_creative_def *cr = qbid_account_creative(&a, 1002);
    assert_int_equal(cr->line_item_id, 101);
    assert_int_equal(cr->width, 728);
    assert_int_equal(cr->height, 90);
    assert_int_equal(cr->format, QBID_FORMAT_BANNER);
    assert_true(cr->secure);
    assert_string_equal(cr->crid, "1002");
    assert_int_equal(qbid_account_campaign(&a, 2)->goal, QBID_GOAL_MAX_CLICKS);
    assert_int_equal(qbid_account_creative(&a, 1003)->format, QBID_FORMAT_NATIVE);
    qbid_account_done(&a);
}

static void the_file_of_keys_has_every_key_and_is_imported(void **state)
{
    (void)state;
    char *text, word[64];
    size_t len;
    struct qbid_account none = empty();
    assert_int_equal(qbid_yaml_read_file("control/account/keys.yaml", &text, &len), 0);
    struct qbid_account a = import(&none, text, false);
    for (int kind = 0; kind < QBID_ITEM_CNT; kind++)
        for (const struct qbid_field *f = qbid_fields((enum qbid_item_kind)kind); f->name; f++) {
            snprintf(word, sizeof word, " %s: ", f->name);
            if (!strstr(text, word))
                fail_msg("keys.yaml has no %s", f->name);
        }
    free(text);
    assert_int_equal(a.creative_cnt, 3);
    qbid_account_done(&a);
}

static void goals_come_in_three_forms(void **state)
{
    (void)state;
    struct qbid_account none = empty();
    struct qbid_account a =
        import(&none,
               "campaigns:\n"
               "- {id: 1, budget: 1, end: +1h, goal: target_cpa, target: \"30.5\"}\n"
               "- {id: 2, budget: 1, end: +1h, goal: {target_roas: 2.5}}\n"
               "- {id: 3, budget: 1, end: +1h, goal: {max_value: {}}}\n"
               "- {id: 4, budget: 1, end: +1h, goal: {max_conversions: }}\n"
               "- {id: 5, budget: 1, end: +1h, goal: fixed_cpm, target: 0.5}\n",
               false);
    assert_int_equal(a.campaigns[0].goal, QBID_GOAL_TARGET_CPA);
    assert_int_equal(a.campaigns[0].target_micros, 30500000);
    assert_int_equal(a.campaigns[1].goal, QBID_GOAL_TARGET_ROAS);
    assert_int_equal(a.campaigns[1].target_micros, 2500000);
    assert_int_equal(a.campaigns[2].goal, QBID_GOAL_MAX_VALUE);
    assert_int_equal(a.campaigns[3].goal, QBID_GOAL_MAX_CONVERSIONS);
    assert_int_equal(a.campaigns[4].target_micros, 500000);
    qbid_account_done(&a);
}

static void a_goal_without_sense_is_refused(void **state)
{
    (void)state;
    REFUSED("campaigns:\n- id: 1\n  budget: 1\n  end: +1h\n  goal: maximise_roas\n",
            "a.yaml:5:3: campaign 1: goal: maximise_roas alone is refused: return on spend is "
            "highest at no spend");
    REFUSED("campaigns: [{id: 1, budget: 1, end: +1h, goal: target_cpc}]\n",
            "campaign 1: goal: target_cpc needs a target above 0");
    REFUSED("campaigns: [{id: 1, budget: 1, end: +1h, goal: {target_cpc: 0}}]\n",
            "needs a target above 0");
    REFUSED("campaigns: [{id: 1, budget: 1, end: +1h, goal: max_clicks, target: 2}]\n",
            "target: max_clicks has none");
    REFUSED("campaigns: [{id: 1, budget: 1, end: +1h, goal: most}]\n",
            "goal: 'most' is none of: max_clicks, max_conversions, max_value, target_cpc");
    REFUSED("campaigns: [{id: 1, budget: 1, end: +1h, goal: {a: 1, b: 2}}]\n",
            "goal: must be one goal");
    REFUSED("campaigns: [{id: 1, budget: 1, end: +1h}]\n", "campaign 1: goal is missing");
}

static void max_roas_needs_a_spend_to_reach(void **state)
{
    (void)state;
    struct qbid_account none = empty();
    struct qbid_account a =
        import(&none,
               "campaigns:\n"
               "- {id: 1, budget: 9, end: +1h, goal: maximise_roas, spend_floor: \"2.5\"}\n"
               "- {id: 2, budget: 9, end: +1h, goal: {max_roas: }, spend_floor: 9}\n",
               false);
    assert_int_equal(a.campaigns[0].goal, QBID_GOAL_MAX_ROAS);
    assert_int_equal(a.campaigns[0].spend_floor_nanos, INT64_C(2500000000));
    refused_in(&a, "campaigns: [{id: 1, spend_floor: 0}]\n",
               PARTS("campaign 1: spend_floor: max_roas alone is refused: return on spend is "
                     "highest at no spend; give a spend_floor above 0"));
    refused_in(&a, "campaigns: [{id: 2, budget: 8}]\n", PARTS("spend_floor: is above the budget"));
    struct qbid_account b = import(&a, "campaigns: [{id: 1, goal: max_clicks}]\n", false);
    assert_int_equal(b.campaigns[0].spend_floor_nanos, 0);
    refused_in(&b, "campaigns: [{id: 1, goal: max_roas}]\n",
               PARTS("goal: max_roas alone is refused"));
    qbid_account_done(&a);
    qbid_account_done(&b);
    REFUSED("campaigns: [{id: 1, budget: 1, end: +1h, goal: max_clicks, spend_floor: 1}]\n",
            "spend_floor: max_clicks has none");
}

static void caps_are_on_another_metric_than_the_goal(void **state)
{
    (void)state;
    struct qbid_account none = empty();
    struct qbid_account a =
        import(&none,
               "campaigns:\n"
               "- {id: 1, budget: 9, end: +1h, goal: max_conversions, cap_cpc: 0.4, min_roas: 2}\n"
               "- {id: 2, budget: 9, end: +1h, goal: {target_cpc: 1}, cap_cpa: 30}\n"
               "- {id: 3, budget: 9, end: +1h, goal: max_profit, max_change: 0.1}\n",
               false);
    assert_int_equal(a.campaigns[0].cap_micros[QBID_CAP_CPC], 400000);
    assert_int_equal(a.campaigns[0].cap_micros[QBID_CAP_ROAS], 2000000);
    assert_int_equal(a.campaigns[1].cap_micros[QBID_CAP_CPA], 30000000);
    assert_int_equal(a.campaigns[2].goal, QBID_GOAL_MAX_PROFIT);
    assert_true(a.campaigns[2].max_change == 0.1);
    refused_in(&a, "campaigns: [{id: 2, cap_cpc: 2}]\n",
               PARTS("cap_cpc: target_cpc caps the same metric: set its target instead"));
    refused_in(&a, "campaigns: [{id: 1, goal: {fixed_cpm: 1}}]\n",
               PARTS("cap_cpc: fixed_cpm takes no caps", "min_roas: fixed_cpm takes no caps"));
    refused_in(&a, "campaigns: [{id: 3, max_change: 5}]\n", PARTS("max_change: 5 is not in 0..4"));
    qbid_account_done(&a);
}

static void hours_and_their_zone_are_read(void **state)
{
    (void)state;
    struct qbid_account none = empty();
    struct qbid_account a = import(&none,
                                   "campaigns:\n"
                                   "- id: 1\n  budget: 9\n  end: +1h\n  goal: max_clicks\n"
                                   "  time_zone: UTC\n"
                                   "  hours: [mon-fri 8-20, \"sat,sun 10-18=0.5\"]\n",
                                   false);
    assert_string_equal(a.campaigns[0].hours, "mon-fri 8-20; sat,sun 10-18=0.5");
    struct qbid_account b = import(&a, "campaigns: [{id: 1, hours: \"\"}]\n", false);
    assert_string_equal(b.campaigns[0].hours, "");
    assert_string_equal(b.campaigns[0].time_zone, "UTC");
    refused_in(&a, "campaigns:\n- id: 1\n  hours: mon 8-30\n  time_zone: Mars/Base\n",
               PARTS("a.yaml:3:3: campaign 1: hours: 'mon 8-30' has no hours",
                     "a.yaml:4:3: campaign 1: time_zone: 'Mars/Base' is not in "));
    qbid_account_done(&a);
    qbid_account_done(&b);
}

static void money_is_exact_or_refused(void **state)
{
    (void)state;
    struct qbid_account none = empty();
    struct qbid_account a = import(
        &none, "campaigns: [{id: 1, budget: 0.123456789, end: +1h, goal: max_clicks}]\n", false);
    assert_int_equal(a.campaigns[0].budget_nanos, 123456789);
    qbid_account_done(&a);
    REFUSED("campaigns: [{id: 1, budget: 1e3, end: +1h, goal: max_clicks}]\n",
            "budget: '1e3' is not a plain decimal with at most 9 decimals");
    REFUSED("campaigns: [{id: 1, budget: 0, end: +1h, goal: max_clicks}]\n",
            "budget: 0 is not in 0.000000001..1000000000");
    REFUSED(ACCOUNT("", "    floor: 0.1234567\n", ""),
            "a.yaml:10:5: line_item 5: floor: '0.1234567'");
}

static void every_problem_is_listed_with_line_and_field(void **state)
{
    (void)state;
    REFUSED("currency: EUR\n"
            "campagnes: 1\n"
            "campaigns:\n"
            "- id: 1\n"
            "  budgt: 10\n"
            "  end: tomorrow\n"
            "  goal: max_clicks\n"
            "  line_items:\n"
            "  - id: 0\n"
            "  - id: 2\n"
            "    ceiling: 0\n"
            "    adomain: A.example\n"
            "    targeting: {sites: [x], hour: [168], slot: [300x250], geo: CHN}\n"
            "    creatives:\n"
            "    - id: 3\n"
            "      size: 300\n"
            "      landing: ftp://x/\n",
            "a.yaml:1:1: currency: the account's is USD",
            "a.yaml:2:1: unknown key 'campagnes'; did you mean 'campaigns'?",
            "a.yaml:4:3: campaign 1: budget is missing",
            "a.yaml:5:3: campaign 1: unknown key 'budgt'; did you mean 'budget'?",
            "a.yaml:6:3: campaign 1: end: 'tomorrow' is neither RFC 3339",
            "a.yaml:9:5: line_item: id must be a whole number in 1..",
            "a.yaml:11:5: line_item 2: ceiling: 0 is not in 0.000001..1000000",
            "a.yaml:12:5: line_item 2: adomain: 'A.example' is not a domain name in lower case",
            "a.yaml:13:17: line_item 2: targeting: unknown dimension 'sites'; did you mean 'site'?",
            "a.yaml:13:36: line_item 2: targeting.hour: '168' is not an hour of the week",
            "a.yaml:13:49: line_item 2: targeting.slot: '300x250' is not banner:WxH",
            "a.yaml:13:59: line_item 2: targeting.geo: must be a list",
            "a.yaml:15:7: creative 3: markup is missing",
            "a.yaml:15:7: creative 3: banner needs a size",
            "a.yaml:16:7: creative 3: size: '300' is not WIDTHxHEIGHT",
            "a.yaml:17:7: creative 3: landing: 'ftp://x/' is not an http");
}

static void ids_are_unique_by_kind(void **state)
{
    (void)state;
    REFUSED(CAMPAIGN "- {id: 1, budget: 10, end: +1h, goal: max_clicks}\n",
            "a.yaml:3:4: campaign 1 stands in line 2 already");
    struct qbid_account none = empty();
    struct qbid_account a = import(&none,
                                   "campaigns: [{id: 1, budget: 1, end: +1h, goal: max_clicks, "
                                   "line_items: [{id: 1, ceiling: 1, adomain: a.b, creatives: "
                                   "[{id: 1, size: 1x1, markup: x, landing: http://a/}]}]}]\n",
                                   false);
    assert_int_equal(a.creative_cnt, 1);
    qbid_account_done(&a);
}

static void what_a_file_leaves_out_keeps_its_value(void **state)
{
    (void)state;
    struct qbid_account none = empty();
    struct qbid_account a = import(
        &none, ACCOUNT("  name: one\n  pacing: asap\n", "    deal: D\n", "      crid: x\n"), false);
    a.campaigns[0].budget_idx = 3;
    a.line_items[0].idx = 4;
    struct qbid_account b = import(&a,
                                   "campaigns: [{id: 1, budget: 20, line_items: [{id: 5, floor: 1, "
                                   "targeting: {geo: [CHN/1]}}]}]\n",
                                   false);
    assert_int_equal(b.campaigns[0].budget_nanos, INT64_C(20000000000));
    assert_string_equal(b.campaigns[0].name, "one");
    assert_int_equal(b.campaigns[0].pacing, QBID_PACING_ASAP);
    assert_int_equal(b.campaigns[0].end_unix_s, NOW + 3600);
    assert_int_equal(b.campaigns[0].budget_idx, 3);
    assert_int_equal(b.line_items[0].floor_micros, 1000000);
    assert_int_equal(b.line_items[0].ceiling_micros, 9000000);
    assert_string_equal(b.line_items[0].deal, "D");
    assert_int_equal(b.line_items[0].idx, 4);
    assert_int_equal(b.line_items[0].target[QBID_DIM_GEO].cnt, 1);
    assert_int_equal(b.creative_cnt, 1);
    assert_string_equal(b.creatives[0].crid, "x");
    struct qbid_account c = import(
        &b, "campaigns: [{id: 1, line_items: [{id: 5, deal: \"\", targeting: {geo: []}}]}]\n",
        false);
    assert_null(c.line_items[0].deal);
    assert_int_equal(c.line_items[0].target[QBID_DIM_GEO].cnt, 0);
    assert_int_equal(a.line_items[0].target[QBID_DIM_GEO].cnt, 0); /* untouched */
    assert_int_equal(b.line_items[0].target[QBID_DIM_GEO].cnt, 1);
    qbid_account_done(&a);
    qbid_account_done(&b);
    qbid_account_done(&c);
}

static void a_new_goal_needs_a_target_of_its_own(void **state)
{
    (void)state;
    struct qbid_account none = empty();
    struct qbid_account a = import(
        &none, "campaigns: [{id: 1, budget: 1, end: +1h, goal: target_cpc, target: 2}]\n", false);
    refused_in(&a, "campaigns: [{id: 1, goal: target_cpa}]\n",
               PARTS("goal: target_cpa needs a target above 0"));
    struct qbid_account b = import(&a, "campaigns: [{id: 1, target: 3}]\n", false);
    assert_int_equal(b.campaigns[0].target_micros, 3000000);
    assert_int_equal(b.campaigns[0].goal, QBID_GOAL_TARGET_CPC);
    struct qbid_account c = import(&b, "campaigns: [{id: 1, goal: max_clicks}]\n", false);
    assert_int_equal(c.campaigns[0].target_micros, 0);
    qbid_account_done(&a);
    qbid_account_done(&b);
    qbid_account_done(&c);
}

static void items_do_not_move(void **state)
{
    (void)state;
    struct qbid_account none = empty();
    struct qbid_account a = import(&none, ACCOUNT("", "", ""), false);
    refused_in(&a,
               "campaigns:\n- id: 2\n  budget: 1\n  end: +1h\n  goal: max_clicks\n  line_items:\n"
               "  - id: 5\n",
               PARTS("a.yaml:7:5: line_item 5: belongs to campaign 1 and cannot move to 2"));
    refused_in(&a, "campaigns: [{id: 1, tenant: 2}]\n",
               PARTS("campaign 1: tenant: is 1 and cannot change"));
    refused_in(&a,
               "campaigns: [{id: 1, line_items: [{id: 6, ceiling: 1, adomain: a.b, creatives: "
               "[{id: 7}]}]}]\n",
               PARTS("creative 7: belongs to line item 5 and cannot move to 6"));
    qbid_account_done(&a);
}

static void pruning_makes_inactive_what_is_not_listed(void **state)
{
    (void)state;
    struct qbid_account none = empty();
    struct qbid_account a = import(&none, ACCOUNT("", "", ""), false);
    struct qbid_account b =
        import(&a, "campaigns: [{id: 2, budget: 1, end: +1h, goal: max_clicks}]\n", false);
    assert_true(b.campaigns[0].active);
    struct qbid_account c = import(&b, "campaigns: [{id: 2}]\n", true);
    assert_int_equal(c.campaign_cnt, 2);
    assert_false(c.campaigns[0].active);
    assert_true(c.campaigns[1].active);
    assert_false(c.line_items[0].active);
    assert_false(c.creatives[0].active);
    qbid_account_done(&a);
    qbid_account_done(&b);
    qbid_account_done(&c);
}

static void macros_are_those_that_answers_fill_in(void **state)
{
    (void)state;
    static const char *const known[] = {
#define X(upper, lower) #lower,
        QBID_MARKUP_LIST(X)
#undef X
    };
    char text[256];
    for (size_t i = 0; i < QBID_MARKUP_CNT; i++) {
        snprintf(text, sizeof text, "a {{%s}} b {{ %s | url }} c {{%s|json}}", known[i], known[i],
                 known[i]);
        assert_null(qbid_import_text_check("markup", text));
    }
    static const char *const unknown[] = {"{{click}}", "{{click_url|html}}", "{{}}",
                                          "x {{width}} {{Width}}", "{{click_url url}}"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_non_null(qbid_import_text_check("markup", unknown[i]));
    assert_null(qbid_import_text_check("markup", "{\"native\":{\"a\":{\"b\":1}}} {{ left open"));
    assert_null(qbid_import_text_check("landing", "https://a/?{{cachebuster|url}}"));
    assert_non_null(qbid_import_text_check("landing", "https://a/?{{now}}"));
    REFUSED(ACCOUNT("", "",
                    "      name: x\n    - {id: 8, size: 1x1, landing: http://a/, markup: "
                    "\"{{click}}\"}\n"),
            "a.yaml:16:46: creative 8: markup: '{{click}}' has a macro that is none of");
}

static void limits_of_a_line_item_hold(void **state)
{
    (void)state;
    char text[4096];
    int len = snprintf(text, sizeof text,
                       "campaigns: [{id: 1, budget: 1, end: +1h, goal: max_clicks, line_items: "
                       "[{id: 1, ceiling: 1, adomain: a.b, targeting: {site: [s0");
    for (int i = 1; i < 64; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, ", s%d", i);
    snprintf(text + len, sizeof text - (size_t)len, "], hour: [1]}}]}]\n");
    REFUSED(text, "line_item 1: targeting: 65 values; at most 64");
    REFUSED(ACCOUNT("", "    floor: 10\n", ""), "line_item 5: floor is above ceiling");
    REFUSED(ACCOUNT("", "    prior_ctr: 1\n", ""), "prior_ctr: 1 is not in 1e-09..0.999999");
    REFUSED(ACCOUNT("", "    categories: [\"IAB 1\"]\n", ""), "is not a list of category ids");
    REFUSED(ACCOUNT("", "", "      width: 40000\n"), "width: 40000 is not in 0..32767");
    REFUSED(ACCOUNT("", "", "      secure: 2\n"), "secure: '2' is not true or false");
    REFUSED(ACCOUNT("  end: +1h\n", "", ""), "key 'end' is repeated");
    REFUSED(ACCOUNT("  start: +1h\n", "", ""), "campaign 1: end is not after start");
}

static void a_frequency_rule_is_a_map_or_its_text_and_stays_as_given(void **state)
{
    (void)state;
    static const char *const same[] = {"    frequency: {cap: 3, per: 24h, value: [1, 0.8, 0.6]}\n",
                                       "    frequency: '3 per 24h: 1, 0.8, 0.6'\n"};
    char text[1024];
    for (unsigned i = 0; i < 2; i++) {
        struct qbid_account none = empty();
        snprintf(text, sizeof text, ACCOUNT("", "%s", ""), same[i]);
        struct qbid_account a = import(&none, text, false);
        struct qbid_frequency_rule rule;
        assert_string_equal(a.line_items[0].frequency, "3 per 24h: 1, 0.8, 0.6");
        assert_null(qbid_frequency_rule_parse(a.line_items[0].frequency, &rule));
        assert_int_equal(rule.cap, 3);
        assert_int_equal(rule.minutes, 1440);
        assert_int_equal(rule.value_cnt, 3);
        assert_true(rule.value[0] == 1 && rule.value[1] == 0.8 && rule.value[2] == 0.6);
        struct qbid_account b =
            import(&a, ACCOUNT("", "    frequency: {cap: 100, per: 30d}\n", ""), false);
        assert_string_equal(b.line_items[0].frequency, "100 per 30d");
        struct qbid_account c = import(&b, ACCOUNT("", "    frequency: ''\n", ""), false);
        assert_string_equal(c.line_items[0].frequency, "");
        struct qbid_account d = import(
            &c, ACCOUNT("", "    frequency: {cap: 3, per: 7d, value: learned}\n", ""), false);
        assert_string_equal(d.line_items[0].frequency, "3 per 7d: learned");
        assert_null(qbid_frequency_rule_parse(d.line_items[0].frequency, &rule));
        assert_true(rule.learned && rule.cap == 3 && rule.value_cnt == 0);
        qbid_account_done(&d);
        qbid_account_done(&a);
        qbid_account_done(&b);
        qbid_account_done(&c);
    }
}

static void a_frequency_rule_without_sense_is_refused(void **state)
{
    (void)state;
#define RULE(rule, part) REFUSED(ACCOUNT("", "    frequency: " rule "\n", ""), part)
    RULE("{cap: 0, per: 1h}", "line_item 5: frequency: '0 per 1h' has a cap outside 1..100");
    RULE("{cap: 101, per: 1h}", "has a cap outside 1..100");
    RULE("{cap: -1, per: 1h}", "is not like");
    RULE("{per: 1h}", "frequency.cap: is missing");
    RULE("{cap: 1}", "frequency.per: is missing");
    RULE("{cap: 1, per: 0h}", "has a span outside 1m..30d");
    RULE("{cap: 1, per: 31d}", "has a span outside 1m..30d");
    RULE("{cap: 1, per: 24}", "has a span that is not like 90m, 24h or 7d");
    RULE("{cap: 1, per: 24s}", "has a span that is not like");
    RULE("{cap: 1, per: [1h]}", "frequency.per: must be one value");
    RULE("{cap: 1, pre: 1h}", "frequency: unknown key 'pre'; did you mean 'per'?");
    RULE("{cap: 1, per: 1h, value: 1}", "frequency.value: must be a list of 1..16 numbers");
    RULE("{cap: 1, per: 1h, value: []}", "frequency.value: must be a list of 1..16 numbers");
    RULE("{cap: 1, per: 1h, value: [1, x]}", "has a value that is not a number");
    RULE("{cap: 1, per: 1h, value: [1, nan]}", "has a value that is not a number");
    RULE("{cap: 1, per: 1h, value: [1, 1.1]}", "has a value outside 0..1");
    RULE("{cap: 1, per: 1h, value: [0.9]}", "has a first value other than 1");
    RULE("{cap: 1, per: 1h, value: [1, 0.5, 0.6]}", "has values that rise");
    RULE("[1, 2]", "frequency: must be a map with cap, per and value");
    RULE("{cap: 1, per: 1h, value: learnt}",
         "frequency.value: must be a list of 1..16 numbers, or learned");
    RULE("'1 per 1h: learned, 0.5'", "has a value that is not a number");
    RULE("3 times", "is not like '3 per 24h'");
    RULE("3 per 24h and more", "is not like '3 per 24h'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_file_is_imported),
        cmocka_unit_test(the_file_of_keys_has_every_key_and_is_imported),
        cmocka_unit_test(goals_come_in_three_forms),
        cmocka_unit_test(a_goal_without_sense_is_refused),
        cmocka_unit_test(max_roas_needs_a_spend_to_reach),
        cmocka_unit_test(caps_are_on_another_metric_than_the_goal),
        cmocka_unit_test(hours_and_their_zone_are_read),
        cmocka_unit_test(money_is_exact_or_refused),
        cmocka_unit_test(every_problem_is_listed_with_line_and_field),
        cmocka_unit_test(ids_are_unique_by_kind),
        cmocka_unit_test(what_a_file_leaves_out_keeps_its_value),
        cmocka_unit_test(a_new_goal_needs_a_target_of_its_own),
        cmocka_unit_test(items_do_not_move),
        cmocka_unit_test(pruning_makes_inactive_what_is_not_listed),
        cmocka_unit_test(macros_are_those_that_answers_fill_in),
        cmocka_unit_test(limits_of_a_line_item_hold),
        cmocka_unit_test(a_frequency_rule_is_a_map_or_its_text_and_stays_as_given),
        cmocka_unit_test(a_frequency_rule_without_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
