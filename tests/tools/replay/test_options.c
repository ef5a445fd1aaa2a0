/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: what is read, and messages that name the option. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "shm/error.h"
#include "tools/replay/options.h"

enum { WORDS_MAX = 48 };

/* Parses a line of words with single spaces between them; the words live until the next call. */
static int parse(const char *line, struct qbid_replay_options *options, char *message)
{
    static char copy[1024];
    char *words[WORDS_MAX] = {"qbid-replay"}, *rest = copy, *word;
    int cnt = 1;
    snprintf(copy, sizeof copy, "%s", line);
    while ((word = strsep(&rest, " ")) && *word)
        words[cnt++] = word;
    return qbid_replay_options_parse(cnt, words, options, message);
}

static void defaults_are_those_of_the_help(void **state)
{
    struct qbid_replay_options options;
    char message[QBID_REPLAY_OPTIONS_MESSAGE_BYTES];
    (void)state;
    assert_int_equal(parse("--url http://h/bid --log x", &options, message), 0);
    assert_string_equal(options.url, "http://h/bid");
    assert_int_equal(options.logs_cnt, 1);
    assert_int_equal(options.connections, 8);
    assert_true(options.rate == 0);
    assert_true(options.timeout_ns == 100000000 && options.notice_timeout_ns == 1000000000);
    assert_int_equal(options.request.tmax_ms, 100);
    assert_int_equal(options.request.auction, QBID_REPLAY_SECOND_PRICE);
    assert_int_equal(options.notices.copies, 1);
    assert_int_equal(options.notices.feedback, QBID_REPLAY_FEEDBACK_FULL);
    assert_int_equal(options.flat_bid_micros, 2940000);
    assert_string_equal(options.campaign->id, "2997");
    assert_false(options.json || options.quiet || options.baselines || options.skip_damaged);
}

static void every_option_is_read(void **state)
{
    struct qbid_replay_options options;
    char message[QBID_REPLAY_OPTIONS_MESSAGE_BYTES];
    (void)state;
    assert_int_equal(
        parse(
            "--url http://h:1/b --log a --log b --skip-damaged --seed 9 --count 10 --duration 2.5 "
            "--split 3/B --order hash:4 --auction first --omit-tags --rate 1000 --connections 2 "
            "--timeout-ms 50 --notice-timeout-ms 60 --cvr 0.5 --conv-value 12.5 --loss-feedback "
            "win-only --notice-host ads:1 --drop-notices 0.1 --dup-notices 3 --late 7",
            &options, message),
        0);
    assert_int_equal(options.logs_cnt, 2);
    assert_true(options.skip_damaged);
    assert_int_equal(options.seed, 9);
    assert_int_equal(options.notices.seed, 9);
    assert_int_equal(options.source.count_max, 10);
    assert_true(options.duration_s == 2.5);
    assert_int_equal(options.source.split.half, QBID_REPLAY_HALF_B);
    assert_int_equal(options.source.split.seed, 3);
    assert_int_equal(options.source.order, QBID_REPLAY_ORDER_HASH);
    assert_int_equal(options.source.order_seed, 4);
    assert_int_equal(options.request.auction, QBID_REPLAY_FIRST_PRICE);
    assert_int_equal(options.request.tmax_ms, 50);
    assert_true(options.request.omit_tags);
    assert_true(options.rate == 1000);
    assert_int_equal(options.connections, 2);
    assert_true(options.timeout_ns == 50000000 && options.notice_timeout_ns == 60000000);
    assert_true(options.notices.conversion_rate == 0.5 && options.notices.drop_rate == 0.1);
    assert_int_equal(options.notices.conversion_micros, 12500000);
    assert_int_equal(options.notices.feedback, QBID_REPLAY_FEEDBACK_WIN_ONLY);
    assert_string_equal(options.notices.alias_authority, "ads:1");
    assert_int_equal(options.notices.copies, 3);
    assert_true(options.late_ns == 7000000);
    assert_int_equal(parse("--url http://h/ --count 5 --campaign all --ctr 0.01 --answers f "
                           "--answers-every 4 --output json --quiet",
                           &options, message),
                     0);
    assert_null(options.campaign);
    assert_true(options.ctr == 0.01);
    assert_string_equal(options.answers, "f");
    assert_int_equal(options.answers_every, 4);
    assert_true(options.json && options.quiet);
}

static void budgets_are_nanos_or_a_fraction(void **state)
{
    struct qbid_replay_options options;
    char message[QBID_REPLAY_OPTIONS_MESSAGE_BYTES];
    (void)state;
    assert_int_equal(
        parse("--log x --baselines 1165757500 --tune-on 1/A --flat-bid 3", &options, message), 0);
    assert_true(options.baselines && options.budget_nanos == 1165757500);
    assert_int_equal(options.budget_over, 0);
    assert_int_equal(options.tune_split.half, QBID_REPLAY_HALF_A);
    assert_int_equal(options.flat_bid_micros, 3000000);
    assert_int_equal(parse("--log x --baselines 1/4", &options, message), 0);
    assert_true(options.budget_part == 1 && options.budget_over == 4);
}

static void bad_values_are_refused_by_the_name_of_their_option(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"", "--url"},
        {"--url", "--url needs a value"},
        {"--bogus 1", "--bogus is not an option"},
        {"--log x stray", "'stray' belongs to no option"},
        {"--url http://h/", "--count or --duration"},
        {"--url ftp://h/ --log x", "--url takes"},
        {"--url https://h/ --log x", "--url takes"},
        {"--url /path --log x", "--url takes"},
        {"--url http://h/ --log x --rate -1", "--rate takes"},
        {"--url http://h/ --log x --rate nan", "--rate takes"},
        {"--url http://h/ --log x --rate 1x", "--rate takes"},
        {"--url http://h/ --log x --connections 0", "--connections takes"},
        {"--url http://h/ --log x --connections 1025", "--connections takes"},
        {"--url http://h/ --log x --timeout-ms 0", "--timeout-ms takes"},
        {"--url http://h/ --log x --timeout-ms 1.5", "--timeout-ms takes"},
        {"--url http://h/ --log x --notice-timeout-ms -", "--notice-timeout-ms takes"},
        {"--url http://h/ --log x --split 1/C", "--split takes"},
        {"--url http://h/ --log x --split A", "--split takes"},
        {"--url http://h/ --log x --order hash", "--order takes"},
        {"--url http://h/ --log x --order hash:x", "--order takes"},
        {"--url http://h/ --count 1 --order hash:1", "--order hash needs --log"},
        {"--url http://h/ --log x --auction third", "--auction takes"},
        {"--url http://h/ --log x --cvr 1.1", "--cvr takes"},
        {"--url http://h/ --log x --conv-value -1", "--conv-value takes"},
        {"--url http://h/ --log x --loss-feedback all", "--loss-feedback takes"},
        {"--url http://h/ --log x --drop-notices 2", "--drop-notices takes"},
        {"--url http://h/ --log x --dup-notices 9", "--dup-notices takes"},
        {"--url http://h/ --log x --late 9999999999", "--late takes"},
        {"--url http://h/ --log x --answers-every 0", "--answers-every takes"},
        {"--url http://h/ --log x --output xml", "--output takes"},
        {"--url http://h/ --log x --seed -1", "--seed takes"},
        {"--url http://h/ --log x --seed 18446744073709551616", "--seed takes"},
        {"--url http://h/ --log x --count 0", "--count takes"},
        {"--url http://h/ --log x --duration 0", "--duration takes"},
        {"--url http://h/ --count 1 --campaign 1", "--campaign takes"},
        {"--url http://h/ --count 1 --ctr 0.9", "--ctr takes"},
        {"--log x --baselines 0", "--baselines takes"},
        {"--log x --baselines 1/0", "--baselines takes"},
        {"--log x --baselines 1/4x", "--baselines takes"},
        {"--log x --baselines 1/4 --flat-bid x", "--flat-bid takes"},
        {"--log x --baselines 1/4 --tune-on 1", "--tune-on takes"},
        {"--baselines 1/4", "--baselines of generated auctions needs --count"},
        {"--url http://h/ --log x --tune-on 1/A", "--tune-on is for --baselines"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_options options = {.connections = 77};
        char message[QBID_REPLAY_OPTIONS_MESSAGE_BYTES] = "";
        int err = parse(cases[i].line, &options, message);
        if (err != QBID_ERR_INVAL || !strstr(message, cases[i].says))
            fail_msg("'%s' gives %d, '%s'", cases[i].line, err, message);
        assert_int_equal(options.connections, 77);
    }
}

static void the_help_names_every_option_that_is_read(void **state)
{
    static const char *const names[] = {
        "url",     "log",          "skip-damaged", "campaign",      "ctr",
        "seed",    "count",        "duration",     "split",         "order",
        "auction", "omit-tags",    "rate",         "connections",   "timeout-ms",
        "cvr",     "conv-value",   "late",         "loss-feedback", "notice-timeout-ms",
        "answers", "drop-notices", "dup-notices",  "answers-every", "notice-host",
        "output",  "quiet",        "baselines",    "tune-on",       "flat-bid"};
    struct qbid_replay_options options;
    char message[QBID_REPLAY_OPTIONS_MESSAGE_BYTES], help[8192] = "", word[64];
    (void)state;
    assert_int_equal(parse("--help", &options, message), 0);
    assert_true(options.help);
    FILE *out = fmemopen(help, sizeof help, "w");
    assert_non_null(out);
    qbid_replay_options_help(out);
    fclose(out);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(word, sizeof word, "  --%s ", names[i]);
        if (!strstr(help, word))
            fail_msg("the help does not name --%s", names[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_help),
        cmocka_unit_test(every_option_is_read),
        cmocka_unit_test(budgets_are_nanos_or_a_fraction),
        cmocka_unit_test(bad_values_are_refused_by_the_name_of_their_option),
        cmocka_unit_test(the_help_names_every_option_that_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
