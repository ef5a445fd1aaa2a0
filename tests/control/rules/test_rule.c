/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as text: what is understood, in one spelling, and what is refused, by part and reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/rules/rule.h"
#include "shm/error.h"

static struct qbid_rule_text text_of(const char *condition, const char *then)
{
    return (struct qbid_rule_text){
        .name = "a", .condition = condition, .then = then, .confidence = 0.95};
}

static void what_is_written_is_kept_in_one_spelling(void **state)
{
    static const struct {
        const char *when, *condition, *then, *when_kept, *condition_kept, *then_kept;
    } cases[] = {
        {"hourly", "ctr < 0.8 x average", "bid -10%", "1h", "ctr < 0.8 x average over 24h",
         "bid -10 %, at most -30 % a day"},
        {"15m", "ctr<0.8x average over 24h", "bid -0.1, at most -0.3 a day", "15m",
         "ctr < 0.8 x average over 24h", "bid -10 %, at most -30 % a day"},
        {"6h", "ctr < average - 20 % over 7d", "tell", "6h", "ctr < 0.8 x average over 7d", "tell"},
        {"90m", "cpc > target + 20 %", "bid -5 %, at most -20% a day", "90m", "cpc > 1.2 x target",
         "bid -5 %, at most -20 % a day"},
        {"daily", "cpa > 1.5 x target", "pause", "24h", "cpa > 1.5 x target", "pause"},
        {"24h", "cvr < 0.01", "budget -5%", "24h", "cvr < 1 %", "budget -5 %, at most -30 % a day"},
        {"hourly", "budget > 95 %", "budget +5%", "1h", "budget > 95 %",
         "budget +5 %, at most +30 % a day"},
        {"hourly", "win_rate > 1.5 x average over 48h", "bid -2 %", "1h",
         "win_rate > 1.5 x average over 2d", "bid -2 %, at most -30 % a day"},
        {"1h", "viewability < 0.5", "tell", "1h", "viewability < 50 %", "tell"},
        {"1h", "completion < average - 20%", "tell", "1h", "completion < 0.8 x average over 24h",
         "tell"},
        {"1h", "cpc > 0.35", "bid -40%", "1h", "cpc > 0.350000", "bid -40 %, at most -40 % a day"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[QBID_RULE_WHY_MAX] = "";
        struct qbid_rule rule, again;
        struct qbid_rule_words words, words_again;
        struct qbid_rule_text text = text_of(cases[i].condition, cases[i].then);
        text.when = cases[i].when;
        if (qbid_rule_parse(&text, &rule, why) != 0)
            fail_msg("%s: %s", cases[i].condition, why);
        qbid_rule_say(&rule, &words);
        assert_string_equal(words.when, cases[i].when_kept);
        assert_string_equal(words.condition, cases[i].condition_kept);
        assert_string_equal(words.then, cases[i].then_kept);
        struct qbid_store_rule stored = {.name = "a",
                                         .version = 3,
                                         .tenant = 2,
                                         .every = words.when,
                                         .condition = words.condition,
                                         .action = words.then,
                                         .confidence = 0.95,
                                         .mode = "propose",
                                         .state = "off"};
        assert_int_equal(qbid_rule_load(&stored, &again, why), 0);
        qbid_rule_say(&again, &words_again);
        assert_string_equal(words_again.condition, words.condition);
        assert_string_equal(words_again.then, words.then);
        assert_string_equal(words_again.on, "tenant 2");
        assert_true(!again.on && again.mode == QBID_RULE_PROPOSE && again.version == 3);
        assert_true(again.every_s == rule.every_s && again.change == rule.change);
    }
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *on, *when, *condition, *then, *mode, *why;
        double confidence;
    } cases[] = {
        {NULL, NULL, "ctr < 0.8 x average", NULL, NULL, "then: is missing", 0.95},
        {NULL, NULL, NULL, "tell", NULL, "if: is missing", 0.95},
        {"some", NULL, "ctr < 1%", "tell", NULL, "on: 'some'", 0.95},
        {"campaign 0", NULL, "ctr < 1%", "tell", NULL, "on: 'campaign 0'", 0.95},
        {NULL, "weekly", "ctr < 1%", "tell", NULL, "when: 'weekly'", 0.95},
        {NULL, "7h", "ctr < 1%", "tell", NULL, "part of a day", 0.95},
        {NULL, "1m", "ctr < 1%", "tell", NULL, "part of a day", 0.95},
        {NULL, NULL, "clicks < 1", "tell", NULL, "does not begin with ctr", 0.95},
        {NULL, NULL, "ctr = 1", "tell", NULL, "comes < or >", 0.95},
        {NULL, NULL, "ctr < much", "tell", NULL, "not average, target or a number", 0.95},
        {NULL, NULL, "ctr < 0.8 x average over 5h", "tell", NULL, "whole days", 0.95},
        {NULL, NULL, "ctr < 0.8 x average over 99d", "tell", NULL, "1 to 14 days", 0.95},
        {NULL, "15m", "ctr < 0.8 x average over 7d", "tell", NULL, "an hour or more", 0.95},
        {NULL, NULL, "ctr < 1.2 x average", "tell", NULL, "when nothing has changed", 0.95},
        {NULL, NULL, "ctr < target", "tell", NULL, "no target for ctr", 0.95},
        {NULL, NULL, "ctr < 0", "tell", NULL, "above 0", 0.95},
        {NULL, NULL, "ctr < nan", "tell", NULL, "not average", 0.95},
        {NULL, NULL, "ctr < 0.8 x average now", "tell", NULL, "'now' was not expected", 0.95},
        {NULL, NULL, "budget < 5 %", "tell", NULL, "budget takes >", 0.95},
        {NULL, NULL, "cpa > target", "tell", NULL, "judged daily", 0.95},
        {NULL, NULL, "ctr < 1%", "raise", NULL, "then: 'raise'", 0.95},
        {NULL, NULL, "ctr < 1%", "bid -90%", NULL, "0.1 to 50", 0.95},
        {NULL, NULL, "ctr < 1%", "bid", NULL, "0.1 to 50", 0.95},
        {NULL, NULL, "ctr < 1%", "bid -10%, at most -5% a day", NULL, "not below it", 0.95},
        {NULL, NULL, "ctr < 1%", "bid -10%, at most 30% a day", NULL, "change's sign", 0.95},
        {NULL, NULL, "ctr < 1%", "bid -10%, never", NULL, "after the comma", 0.95},
        {NULL, NULL, "ctr < 1%", "pause it", NULL, "'it' was not expected", 0.95},
        {NULL, NULL, "ctr < 1%", "tell", "wet_run", "mode: 'wet_run'", 0.95},
        {NULL, NULL, "ctr < 1%", "tell", NULL, "confidence:", 1},
        {NULL, NULL, "ctr < 1%", "tell", NULL, "confidence:", 0.1},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[QBID_RULE_WHY_MAX] = "";
        struct qbid_rule rule;
        struct qbid_rule_text text = {
            "a",           cases[i].on,   cases[i].when,      cases[i].condition,
            cases[i].then, cases[i].mode, cases[i].confidence};
        assert_int_equal(qbid_rule_parse(&text, &rule, why), QBID_ERR_INVAL);
        if (!strstr(why, cases[i].why))
            fail_msg("'%s' does not say '%s'", why, cases[i].why);
    }
    static const char *const names[] = {"",  "A", "1a", "a b", "a-name-of-more-than-24-letters",
                                        NULL};
    for (unsigned i = 0; i < 6; i++) {
        char why[QBID_RULE_WHY_MAX] = "";
        struct qbid_rule rule;
        struct qbid_rule_text text = text_of("ctr < 1%", "tell");
        text.name = names[i];
        assert_int_equal(qbid_rule_parse(&text, &rule, why), QBID_ERR_INVAL);
        assert_non_null(strstr(why, "name: "));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_kept_in_one_spelling),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
