/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: defaults, every kind of value, and messages that name the place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/config/config_schema.h"
#include "shm/error.h"

#define TEXT_MAX 16384

/* A file with the one choice that has no default, unless the text makes it itself or is no map. */
static void with_choice(const char *text, char whole[TEXT_MAX])
{
    const char *flow = "{\"privacy\": {\"gdpr_unknown\": \"applies_not\"}, ";
    const char *block = "privacy: {gdpr_unknown: applies_not}\n";
    bool chosen = strstr(text, "privacy") != NULL || strchr("[#", text[0]) != NULL;
    int len = text[0] == '{' ? snprintf(whole, TEXT_MAX, "%s%s", chosen ? "{" : flow, text + 1)
                             : snprintf(whole, TEXT_MAX, "%s%s", text, chosen ? "" : block);
    assert_true(len < TEXT_MAX);
}

static struct qbid_config parse(const char *text)
{
    struct qbid_problems problems = {.file = "q.yaml"};
    struct qbid_config config;
    char whole[TEXT_MAX];
    with_choice(text, whole);
    int err = qbid_config_parse(whole, strlen(whole), "/base", &problems, &config);
    if (err)
        fail_msg("%u: %s", problems.problem[0].line, problems.problem[0].text);
    return config;
}

/* Refused, with exactly these problems in order: "line:column: part of the text". */
static void refused(const char *text, uint32_t cnt, const char *const *parts)
{
    struct qbid_problems problems = {.file = "q.yaml"};
    struct qbid_config config = {.level_cnt = 77};
    char whole[TEXT_MAX];
    with_choice(text, whole);
    assert_int_equal(qbid_config_parse(whole, strlen(whole), "/base", &problems, &config),
                     QBID_ERR_PARSE);
    assert_int_equal(config.level_cnt, 77);
    for (uint32_t i = 0; i < cnt && i < problems.cnt; i++) {
        char line[QBID_PROBLEM_LINE_MAX];
        qbid_problems_format(&problems, i, line);
        if (!strstr(line, parts[i]))
            fail_msg("'%s' is not in '%s'", parts[i], line);
    }
    assert_int_equal(problems.cnt, cnt);
}
#define REFUSED(text, ...)                                                                         \
    refused(text, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),                     \
            (const char *const[]){__VA_ARGS__})

static void a_file_that_sets_one_key_gets_the_defaults(void **state)
{
    (void)state;
    struct qbid_config c = parse("state_dir: /tmp/q\n");
    assert_string_equal(c.state_dir, "/tmp/q");
    assert_string_equal(c.handover.path, "/run/qbid/qbid.sock");
    assert_int_equal(c.handover.mode, 0660);
    assert_int_equal(c.capacity.line_items, 16384);
    assert_int_equal(c.ticks.ingest_ms, 5);
    assert_int_equal(c.ticks.live_ms, 200);
    assert_int_equal(c.ticks.learn_ms, 10000);
    assert_int_equal(c.lease_ms, 60000);
    assert_int_equal(c.price_ceiling_cpm, 100 * QBID_MICROS_PER_UNIT);
    assert_true(c.learning.enabled);
    assert_true(c.learning.explore == 0.02);
    assert_string_equal(c.learning.correction, "");
    assert_false(c.keys.create);
    assert_string_equal(c.audit.key_file, "/tmp/q/audit.key");
    assert_string_equal(c.access.tokens, "");
    assert_int_equal(c.http.port, 0);
    assert_string_equal(c.http.address, "127.0.0.1");
    assert_true(c.stale_factor == 0);
    assert_true(c.segment_mask == c.level_mask[2]);
    assert_int_equal(c.level_cnt, 3);
    assert_true(c.level_mask[2] ==
                (qbid_dim_mask(QBID_DIM_EXCHANGE) | qbid_dim_mask(QBID_DIM_SLOT)));
    assert_int_equal(c.currency, qbid_currency_parse("USD"));
    assert_string_equal(c.log.target, "stderr");
    assert_int_equal(c.log.level, QBID_LOG_INFO);
}

static void every_kind_of_value_arrives(void **state)
{
    (void)state;
    struct qbid_config c = parse("state_dir: state\n"
                                 "handover: {path: a.sock, mode: 0600, allow_uids: [33, 1000]}\n"
                                 "control: {path: /tmp/c.sock, mode: \"0660\", allow_uids: [7]}\n"
                                 "access: {tokens: t}\n"
                                 "audit: {key_file: secret/a}\n"
                                 "http: {address: \"::1\", port: 8080, rate: 0.5}\n"
                                 "log: {level: debug, target: q.log}\n"
                                 "currency: CNY\n"
                                 "rates: [{currency: USD, per_unit: \"7.25\"}]\n"
                                 "capacity: {line_items: 100, workers: 8}\n"
                                 "ticks: {learn_ms: 1000}\n"
                                 "price_ceiling_cpm: 12.000001\n"
                                 "on_stale: {conservative: 0.5}\n"
                                 "levels: [[exchange, slot, hour], [slot]]\n"
                                 "market_segments: [geo]\n"
                                 "keys: {file: k, create: true}\n"
                                 "seed: 18446744073709551615\n"
                                 "durability: strict\n"
                                 "learning: {enabled: no, explore: 0.1, correction: c.table}\n");
    assert_string_equal(c.state_dir, "/base/state");
    assert_string_equal(c.handover.path, "/base/a.sock");
    assert_int_equal(c.handover.mode, 0600);
    assert_int_equal(c.handover.allow_uid_cnt, 2);
    assert_int_equal(c.handover.allow_uid[1], 1000);
    assert_string_equal(c.control.path, "/tmp/c.sock");
    assert_int_equal(c.control.allow_uid_cnt, 1);
    assert_int_equal(c.control.allow_uid[0], 7);
    assert_string_equal(c.access.tokens, "/base/t");
    assert_string_equal(c.audit.key_file, "/base/secret/a");
    assert_string_equal(c.http.address, "::1");
    assert_int_equal(c.http.port, 8080);
    assert_true(c.http.rate == 0.5);
    assert_string_equal(c.log.target, "/base/q.log");
    assert_int_equal(c.log.level, QBID_LOG_DEBUG);
    assert_string_equal(c.learning.correction, "/base/c.table");
    assert_int_equal(c.rate_cnt, 1);
    assert_int_equal(c.rate[0].micros, 7250000);
    assert_int_equal(c.capacity.workers, 8);
    assert_int_equal(c.price_ceiling_cpm, 12000001);
    assert_true(c.stale_factor == 0.5f);
    assert_int_equal(c.level_cnt, 2);
    assert_true(c.level_mask[1] == qbid_dim_mask(QBID_DIM_SLOT));
    assert_true(c.segment_mask == qbid_dim_mask(QBID_DIM_GEO));
    assert_true(c.keys.create);
    assert_true(c.seed == UINT64_MAX);
    assert_int_equal(c.durability, QBID_DURABILITY_STRICT);
    assert_false(c.learning.enabled);
}

static void what_an_unknown_means_in_law_must_be_chosen(void **state)
{
    (void)state;
    struct qbid_config c = parse("privacy: {gdpr_unknown: applies}\n");
    assert_int_equal(c.privacy.gdpr_unknown_applies_not, 0);
    assert_int_equal(c.privacy.vendor_id, 0);
    assert_int_equal(c.privacy.purposes, 0xf00000); /* 1 to 4 of 24 */
    c = parse("{\"privacy\": {\"gdpr_unknown\": \"applies_not\"}}");
    assert_int_equal(c.privacy.gdpr_unknown_applies_not, 1);
    REFUSED("privacy: {}\n", "q.yaml:1:1: privacy.gdpr_unknown: must be chosen");
    REFUSED("seed: 1 # no privacy\n", "q.yaml: privacy.gdpr_unknown: must be chosen");
    REFUSED("privacy: {gdpr_unknown: maybe}\n",
            "q.yaml:1:11: privacy.gdpr_unknown: 'maybe' is neither");
    REFUSED("privacy: {gdpr_unknown: [applies]}\n", "privacy.gdpr_unknown: '' is neither");
    REFUSED("privacy: applies\n", "q.yaml:1:1: privacy: must be a map");
    REFUSED("privacy: [gdpr_unknown]\n", "q.yaml:1:1: privacy: must be a map");
}

static void vendor_and_purposes_of_the_tcf_are_read(void **state)
{
    (void)state;
    struct qbid_config c =
        parse("privacy: {gdpr_unknown: applies, vendor_id: 755, purposes: [2, 24, 2]}\n");
    assert_int_equal(c.privacy.vendor_id, 755);
    assert_int_equal(c.privacy.purposes, 0x400001);
    c = parse("privacy: {gdpr_unknown: applies, vendor_id: 65535, purposes: [1]}\n");
    assert_int_equal(c.privacy.vendor_id, 65535);
    assert_int_equal(c.privacy.purposes, 0x800000);
#define CHOSEN "privacy: {gdpr_unknown: applies, "
    REFUSED(CHOSEN "vendor_id: 65536}\n", "privacy.vendor_id: is no number");
    REFUSED(CHOSEN "vendor_id: -1}\n", "privacy.vendor_id: is no number");
    REFUSED(CHOSEN "vendor_id: {a: 1}}\n", "privacy.vendor_id: is no number");
    REFUSED(CHOSEN "purposes: []}\n", "privacy.purposes: is not a list");
    REFUSED(CHOSEN "purposes: 2}\n", "privacy.purposes: is not a list");
    REFUSED(CHOSEN "purposes: [0]}\n", "privacy.purposes: is no purpose");
    REFUSED(CHOSEN "purposes: [1, 25]}\n", "privacy.purposes: is no purpose");
    REFUSED(CHOSEN "purposes: [two]}\n", "privacy.purposes: is no purpose");
    REFUSED(CHOSEN "vendor_ids: 3}\n",
            "unknown key 'vendor_ids' in privacy; did you mean 'vendor_id'?");
    REFUSED(CHOSEN "x: 3}\n", "q.yaml:1:34: unknown key 'x' in privacy");
}

static void a_value_outside_its_range_is_named_with_line_and_range(void **state)
{
    (void)state;
    REFUSED("state_dir: /x\nticks:\n  live_ms: 200\n  ingest_ms: 0\n",
            "q.yaml:4:3: ticks.ingest_ms: 0 is not in 1..1000 (default 5)");
    REFUSED("learning:\n  explore: 0.6\n", "q.yaml:2:3: learning.explore: 0.6 is not in 0..0.1");
    REFUSED("learning: {correction: ''}\n", "learning.correction: is empty");
    REFUSED("price_ceiling_cpm: 0\n", "q.yaml:1:1: price_ceiling_cpm: 0 is not in 0.000001..");
    REFUSED("price_ceiling_cpm: 1e3\n", "price_ceiling_cpm: 1e3 is not in");
}

static void every_problem_of_a_file_is_listed_in_order(void **state)
{
    (void)state;
    REFUSED("capacity: {workers: 0, budgets: 70000}\nlease_ms: 1\non_stale: sometimes\n"
            "currency: usd\n",
            "q.yaml:1:12: capacity.workers: 0", "q.yaml:1:24: capacity.budgets: 70000",
            "q.yaml:2:1: lease_ms: 1", "q.yaml:3:1: on_stale", "q.yaml:4:1: currency");
}

static void an_unknown_key_is_refused_with_a_suggestion(void **state)
{
    (void)state;
    REFUSED("tiks: {}\nticks:\n  ingest_sm: 5\n  qqqqqqqqqqqq: 1\n",
            "q.yaml:1:1: unknown key 'tiks'; did you mean 'ticks'?",
            "q.yaml:3:3: unknown key 'ingest_sm' in ticks; did you mean 'ingest_ms'?",
            "q.yaml:4:3: unknown key 'qqqqqqqqqqqq' in ticks");
}

static void wrong_kinds_are_refused_where_libcyaml_would_guess(void **state)
{
    (void)state;
    REFUSED("seed: 3x\n", "seed: '3x' is not a whole number");
    REFUSED("seed: -1\n", "seed: '-1' is not a whole number");
    REFUSED("learning: {enabled: maybe}\n", "learning.enabled: 'maybe' is not true or false");
    REFUSED("learning: {explore: .inf}\n", "learning.explore: '.inf' is not a number");
    REFUSED("models: {trees: perhaps}\n", "models.trees: 'perhaps' is not true or false");
    REFUSED("execution: {guard_error: 0.6}\n", "execution.guard_error: 0.6 is not in 0..0.5");
    REFUSED("agents: {trust: 2}\n", "agents.trust: 2 is not in 0.001..1");
    REFUSED("execution: {four_eyes: x}\n", "execution.four_eyes: x is not in 0..1000000000");
    REFUSED("models: {tree_depth: 9}\n", "models.tree_depth: 9 is not in 1..8");
    REFUSED("ticks: 5\n", "ticks must be a map");
    REFUSED("rates: {a: 1}\n", "rates must be a list");
    REFUSED("seed: [1]\n", "seed: '' is not one value");
    REFUSED("log: {level: loud}\n", "log.level: 'loud' is none of: error, warning, info, debug");
    REFUSED("[1, 2]\n", "the file must be a map");
    REFUSED("# nothing\n", "the file is empty");
    REFUSED("rates: [{currency: EUR}]\n", "rates[0]: 'per_unit' is missing");
    REFUSED("control: {allow_uids: [-1]}\n", "control.allow_uids[0]: '-1'");
    REFUSED("http: {port: 8080}\n", "http.port: needs access.tokens");
    REFUSED("http: {address: localhost}\n",
            "http.address: 'localhost' is not an IPv4 or IPv6 address");
    REFUSED("access: {tokens: t}\nhttp: {port: 65536}\n", "http.port: 65536 is not in 0..65535");
    REFUSED("access: {tokens: \"\"}\n", "access.tokens: is empty");
    REFUSED("handover: {allow_uids: [5000000000]}\n", "handover.allow_uids[0]: '5000000000'");
}

static void values_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    REFUSED("ticks: {live_ms: 10000}\nlease_ms: 10000\n", "q.yaml:2:1: lease_ms: must be at least");
    REFUSED("image_valid_ms: 10000\n", "image_valid_ms: must be at least twice");
    REFUSED("notice_ttl_ms: 60000\nevent_ttl_ms: 10000\n", "event_ttl_ms: must be at least");
    REFUSED("handover: {path: /a}\ncontrol: {path: /a}\n", "control.path: is the same");
    REFUSED("currency: USD\nrates: [{currency: USD, per_unit: 1}]\n",
            "q.yaml:2:9: rates[0]: the account's own currency");
    REFUSED("rates: [{currency: EUR, per_unit: 1}, {currency: EUR, per_unit: 2}]\n",
            "rates[1]: this currency has a rate already");
    REFUSED("levels: [[slot], [slot, site]]\n", "levels[1] must leave out");
    REFUSED("levels: [[slot], [slot]]\n", "levels[1] must leave out");
    REFUSED("levels: [[colour]]\n", "levels[0] names no dimension");
    REFUSED("levels: []\n", "levels: is not a list of 1..4");
    REFUSED("on_stale: {conservative: 1.5}\n", "on_stale.conservative: '1.5' is not a factor");
    REFUSED("handover: {mode: 0666}\n", "handover.mode: '0666' is not an octal mode");
    REFUSED("handover: {mode: 660x}\n", "handover.mode: '660x' is not an octal mode");
}

static void a_socket_path_must_fit_its_address(void **state)
{
    (void)state;
    char text[256] = "control: {path: /";
    size_t len = strlen(text);
    memset(text + len, 'p', QBID_CONFIG_SOCKET_MAX - 1);
    strcpy(text + len + QBID_CONFIG_SOCKET_MAX - 1, "}\n");
    struct qbid_config c = parse(text);
    assert_int_equal(strlen(c.control.path), QBID_CONFIG_SOCKET_MAX);
    strcpy(text + len + QBID_CONFIG_SOCKET_MAX - 1, "p}\n");
    REFUSED(text, "control.path: is over 107 bytes");
}

static void what_cannot_change_while_running_is_named(void **state)
{
    (void)state;
    struct qbid_config a = parse("state_dir: /x\n"),
                       b = parse("state_dir: /x\nlog: {level: debug}\n");
    assert_null(qbid_config_fixed(&a, &b));
    b = parse("state_dir: /y\n");
    assert_string_equal(qbid_config_fixed(&a, &b), "state_dir");
    b = parse("state_dir: /x\ncapacity: {workers: 3}\n");
    assert_string_equal(qbid_config_fixed(&a, &b), "capacity");
    b = parse("state_dir: /x\nlevels: [[slot]]\n");
    assert_string_equal(qbid_config_fixed(&a, &b), "levels");
    b = parse("state_dir: /x\nlearning: {pace_max: 2}\n");
    assert_string_equal(qbid_config_fixed(&a, &b), "learning, but for learning.enabled");
    b = parse("state_dir: /x\nlearning: {enabled: false}\n");
    assert_null(qbid_config_fixed(&a, &b));
    b = parse("state_dir: /x\ntime_zone: Europe/Berlin\n");
    assert_null(qbid_config_fixed(&a, &b));
    qbid_config_take(&a, &b);
    assert_string_equal(a.time_zone, "Europe/Berlin");
    b = parse("state_dir: /x\nticks: {learn_ms: 5000}\n");
    assert_null(qbid_config_fixed(&a, &b));
}

static void a_reload_takes_over_what_it_can_and_nothing_else(void **state)
{
    (void)state;
    struct qbid_config a = parse("state_dir: /x\n");
    struct qbid_config b = parse("state_dir: /y\nticks: {learn_ms: 77}\nlog: {level: debug}\n"
                                 "price_ceiling_cpm: 3\non_stale: {conservative: 0.25}\n"
                                 "capacity: {workers: 3}\nkeys: {file: /k}\nimages_kept: 9\n"
                                 "rates: [{currency: EUR, per_unit: 2}]\nlease_ms: 90000\n");
    qbid_config_take(&a, &b);
    assert_int_equal(a.ticks.learn_ms, 77);
    assert_int_equal(a.log.level, QBID_LOG_DEBUG);
    assert_int_equal(a.price_ceiling_cpm, 3000000);
    assert_true(a.stale_factor == 0.25f);
    assert_string_equal(a.keys.file, "/k");
    assert_int_equal(a.images_kept, 9);
    assert_int_equal(a.rate_cnt, 1);
    assert_int_equal(a.rate[0].micros, 2000000);
    assert_string_equal(a.state_dir, "/x");
    assert_int_equal(a.capacity.workers, 64);
    assert_int_equal(a.lease_ms, 60000);
    assert_string_equal(qbid_config_fixed(&a, &b), "state_dir");
}

static void the_example_file_states_the_defaults(void **state)
{
    (void)state;
    struct qbid_problems problems = {0};
    struct qbid_config example;
    if (qbid_config_load("control/config/example.yaml", &problems, &example) != 0)
        fail_msg("%u: %s", problems.problem[0].line, problems.problem[0].text);
    struct qbid_config preset = parse("privacy: {gdpr_unknown: applies}\n"
                                      "rates: [{currency: EUR, per_unit: \"1.08\"}]\n");
    assert_memory_equal(&example, &preset, sizeof preset);
}

static void a_file_is_loaded_relative_to_its_folder(void **state)
{
    (void)state;
    char folder[] = "/tmp/qbid-config-XXXXXX", path[64], want[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/q.yaml", folder);
    snprintf(want, sizeof want, "%s/s", folder);
    FILE *f = fopen(path, "w");
    fputs("state_dir: s\nprivacy: {gdpr_unknown: applies}\n", f);
    fclose(f);
    struct qbid_problems problems = {0};
    struct qbid_config config;
    assert_int_equal(qbid_config_load(path, &problems, &config), 0);
    assert_string_equal(config.state_dir, want);
    unlink(path);
    assert_int_equal(qbid_config_load(path, &problems, &config), QBID_ERR_SYS);
    assert_non_null(strstr(problems.problem[0].text, "No such file"));
    rmdir(folder);
}

/* A key without a line of its own, or, of those that hold others, without one of theirs. */
static void is_described(void *context, const char *path)
{
    const char *at = context;
    size_t len = strlen(path);
    while (at && (strncmp(at, path, len) != 0 || (at[len] != ' ' && at[len] != '.')))
        at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
    if (!at)
        fail_msg("%s is not described", path);
}

static void the_description_lists_every_key_with_its_range(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    qbid_config_describe(out);
    fputs("\nend", out);
    fclose(out);
    qbid_config_schema_keys(is_described, text);
    assert_non_null(strstr(text, "\nprivacy.purposes            of 1 to 24"));
    assert_non_null(strstr(text, "ticks.ingest_ms             1..1000, default 5: "));
    assert_non_null(strstr(text, "price_ceiling_cpm           0.000001..1000000, default 100: "));
    assert_non_null(strstr(text, "learning.enabled            true or false, default true: "));
    assert_non_null(strstr(text, "learning.explore            0..0.1, default 0.02: "));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_sets_one_key_gets_the_defaults),
        cmocka_unit_test(every_kind_of_value_arrives),
        cmocka_unit_test(what_an_unknown_means_in_law_must_be_chosen),
        cmocka_unit_test(vendor_and_purposes_of_the_tcf_are_read),
        cmocka_unit_test(a_value_outside_its_range_is_named_with_line_and_range),
        cmocka_unit_test(every_problem_of_a_file_is_listed_in_order),
        cmocka_unit_test(an_unknown_key_is_refused_with_a_suggestion),
        cmocka_unit_test(wrong_kinds_are_refused_where_libcyaml_would_guess),
        cmocka_unit_test(values_that_contradict_each_other_are_refused),
        cmocka_unit_test(a_socket_path_must_fit_its_address),
        cmocka_unit_test(what_cannot_change_while_running_is_named),
        cmocka_unit_test(a_reload_takes_over_what_it_can_and_nothing_else),
        cmocka_unit_test(the_example_file_states_the_defaults),
        cmocka_unit_test(a_file_is_loaded_relative_to_its_folder),
        cmocka_unit_test(the_description_lists_every_key_with_its_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
