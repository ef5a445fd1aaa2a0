/* SPDX-License-Identifier: Apache-2.0 */
/* The program `qbid ope` on decision logs of a market whose answer is known in closed form. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "control/decisions/decision_files.h"
#include "control/decisions/decision_log.h"
#include "tests/control/models/rng.h"

#define ACTIONS 7
#define STATES 4
#define EXPLORE 0.1
#define TEXT_MAX 65536

static const double multiplier[ACTIONS] = {0.64, 0.75, 0.87, 1, 1.15, 1.32, 1.5};

struct fixture {
    char folder[64];
    char program[600];
    char out[TEXT_MAX], err[TEXT_MAX];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char self[512];
    *state = f;
    ssize_t len = f ? readlink("/proc/self/exe", self, sizeof self - 1) : -1;
    if (len < 0)
        return -1;
    self[len] = 0;
    *strrchr(self, '/') = 0;
    snprintf(f->program, sizeof f->program, "%.*s/bin/qbid", (int)(strrchr(self, '/') - self),
             self);
    strcpy(f->folder, "/tmp/qbid-ope-XXXXXX");
    unsetenv("QBID_SOCKET");
    return mkdtemp(f->folder) ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct qbid_decision_files files;
    char path[128];
    if (qbid_decision_files_list(f->folder, &files) == 0) {
        for (uint32_t i = 0; i < files.cnt; i++) {
            snprintf(path, sizeof path, "%s/%010llu.qdl", f->folder,
                     (unsigned long long)files.file[i].number);
            unlink(path);
        }
        qbid_decision_files_done(&files);
    }
    snprintf(path, sizeof path, "%s/table", f->folder);
    unlink(path);
    int err = rmdir(f->folder);
    free(f);
    return err;
}

static struct qbid_decision_log *log_open(const struct fixture *f)
{
    struct qbid_decision_log *log;
    struct qbid_decision_log_params params = {f->folder, 64 << 20, 1, QBID_QSTATES};
    assert_int_equal(qbid_decision_log_new(&params, &log), 0);
    return log;
}

/* Rows in which `greedy` is the best action: ratios are relative to it. */
static void rows_log(struct qbid_decision_log *log, uint32_t gen, uint8_t greedy)
{
    static struct qbid_qrow rows[QBID_QSTATES];
    for (int s = 0; s < QBID_QSTATES; s++) {
        rows[s] = (struct qbid_qrow){
            .explore_q32 = (uint32_t)(EXPLORE * 4294967296.0), .n = ACTIONS, .greedy = greedy};
        for (int a = 0; a < QBID_QROW_ACTIONS; a++)
            rows[s].ratio[a] = a < ACTIONS ? (float)(multiplier[a] / multiplier[greedy]) : 1.0f;
    }
    qbid_decision_log_rows(log, gen, rows, 1, 1);
}

/* --- bids: values of 0.6 and 1 CPM, alike; market prices uniform up to 2 CPM; second price */

/* (v - price) where price <= m v, mean over prices and values: 0.34 (m - m^2 / 2), by a thousand.
 */
static double surplus(double m)
{
    return 0.34 * (m - m * m / 2);
}

static double wins(double m)
{
    return 1000 * 0.4 * m;
}

static double cost(double m)
{
    return 0.17 * m * m;
}

static double uniform_of(double (*f)(double))
{
    double sum = 0;
    for (int a = 0; a < ACTIONS; a++)
        sum += f(multiplier[a]) / ACTIONS;
    return sum;
}

/* Bids whose greedy action is `greedy`: it is in the pace, as control has it. */
static void bids_log(struct qbid_decision_log *log, struct rng *r, uint64_t n, uint8_t greedy)
{
    static uint64_t nonce;
    for (uint64_t i = 0; i < n; i++) {
        double value = rng_uniform(r) < 0.5 ? 0.6e6 : 1e6, price = 2e6 * rng_uniform(r);
        uint32_t action = greedy;
        if (rng_uniform(r) < EXPLORE) {
            action = rng_below(r, ACTIONS - 1);
            action += action >= greedy;
        }
        struct qbid_outcome o = {
            .nonce = UINT64_C(7) << 48 | ++nonce,
            .bid_nanos = (int64_t)(value * multiplier[action]),
            .line_item_id = 100,
            .creative_id = 1001,
            .gen = 1,
            .value_micros = (float)value,
            .pace = (float)multiplier[greedy],
            .propensity = (float)(action == greedy ? 1 - EXPLORE : EXPLORE / (ACTIONS - 1)),
            .creative_share = 1,
            .q_state = (uint16_t)rng_below(r, STATES),
            .kind = QBID_EVENT_BID,
            .action = (uint8_t)action};
        qbid_decision_log_post(log, &o, 0, 1);
        bool won = price <= value * multiplier[action];
        o.kind = won ? QBID_EVENT_BILL : i % 2 ? QBID_EVENT_LOSS : QBID_OUTCOME_EXPIRED;
        o.price_nanos = won ? (int64_t)price : 0;
        qbid_decision_log_post(log, &o, 0, 2);
        if (i % 100 == 0) /* read again after a crash */
            qbid_decision_log_post(log, &o, 0, 2);
    }
}

/* Impressions: two creatives of 0.01 and 0.03 clicks, shown 8 : 2. */
static void impressions_log(struct qbid_decision_log *log, struct rng *r, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        bool second = rng_uniform(r) < 0.2;
        struct qbid_outcome o = {.nonce = UINT64_C(9) << 48 | (i + 1),
                                 .bid_nanos = 1000,
                                 .line_item_id = 200,
                                 .creative_id = second ? 2002 : 2001,
                                 .gen = 1,
                                 .value_micros = 1e6f,
                                 .pace = 1,
                                 .propensity = 1,
                                 .creative_share = second ? 0.2f : 0.8f,
                                 .kind = QBID_EVENT_BID};
        qbid_decision_log_post(log, &o, 0, 1);
        o.kind = QBID_EVENT_IMP;
        qbid_decision_log_post(log, &o, 0, 2);
        o.kind = QBID_EVENT_CLICK;
        if (rng_uniform(r) < (second ? 0.03 : 0.01))
            qbid_decision_log_post(log, &o, 0, 3);
    }
}

/* --- the program */

static void slurp(FILE *file, char *out)
{
    rewind(file);
    out[fread(out, 1, TEXT_MAX - 1, file)] = 0;
    fclose(file);
}

static int run(struct fixture *f, const char *args)
{
    char line[1500];
    FILE *out = tmpfile(), *err = tmpfile();
    snprintf(line, sizeof line, "exec '%s' ope --log '%s' %s", f->program, f->folder, args);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fileno(out), 1);
        dup2(fileno(err), 2);
        execl("/bin/sh", "sh", "-c", line, NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    slurp(out, f->out);
    slurp(err, f->err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static cJSON *ask(struct fixture *f, const char *args)
{
    char line[1024];
    snprintf(line, sizeof line, "--output json %s", args);
    if (run(f, line) != 0)
        fail_msg("%s: %s", args, f->err);
    cJSON *answer = cJSON_Parse(f->out);
    assert_non_null(answer);
    return answer;
}

static const cJSON *policy_of(const cJSON *answer, const char *name)
{
    const cJSON *one;
    cJSON_ArrayForEach(
        one, cJSON_GetObjectItem(
                 answer, "policies")) if (strcmp(cJSON_GetObjectItem(one, "policy")->valuestring,
                                                 name) == 0) return one;
    fail_msg("no policy %s", name);
    return NULL;
}

static double number(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItem(object, name)->valuedouble;
}

static void near(const cJSON *policy, double truth)
{
    static const char *const names[] = {"ips", "snips", "doubly_robust"};
    for (int i = 0; i < 3; i++) {
        const cJSON *e = cJSON_GetObjectItem(policy, names[i]);
        if (fabs(number(e, "value") - truth) > 4 * number(e, "error"))
            fail_msg("%s %s: %g +- %g, not %g", cJSON_GetObjectItem(policy, "policy")->valuestring,
                     names[i], number(e, "value"), number(e, "error"), truth);
    }
}

static void verdict(const cJSON *policy, const char *word)
{
    assert_string_equal(cJSON_GetObjectItem(policy, "verdict")->valuestring, word);
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

static void table_write(const struct fixture *f, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/table", f->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* --- tests */

static void policies_are_worth_what_they_would_have_earned(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(1);
    struct qbid_decision_log *log = log_open(f);
    char args[512];
    rows_log(log, 1, 5); /* what served bids too much: action 5, 1.32 */
    bids_log(log, &r, 150000, 5);
    rows_log(log, 2, 3); /* and what is known to be better now */
    qbid_decision_log_free(log);
    table_write(f, "# group, state, action\n0,0,3\n0, 1, 3 # neutral\n0,2,3\n0,3,3\n");
    snprintf(args, sizeof args,
             "--policy greedy --policy uniform --policy action:0 --policy multiplier:0.87 "
             "--policy explore:0.6 --policy explore:0.1 --policy table:%s/table --policy action:7",
             f->folder);
    cJSON *a = ask(f, args);
    assert_int_equal(number(a, "bids"), 150000);
    assert_int_equal(number(a, "open"), 0);
    near(policy_of(a, "greedy"), surplus(1));
    verdict(policy_of(a, "greedy"), "better");
    near(policy_of(a, "uniform"), uniform_of(surplus));
    near(policy_of(a, "action:0"), surplus(0.64));
    near(policy_of(a, "multiplier:0.87"), surplus(1.15)); /* 0.871 of 1.32 */
    double others = uniform_of(surplus) * ACTIONS - surplus(1.32);
    near(policy_of(a, "explore:0.6"), 0.4 * surplus(1.32) + 0.6 * others / (ACTIONS - 1));
    const cJSON *same = policy_of(a, "explore:0.1");
    near(same, 0.9 * surplus(1.32) + 0.1 * others / (ACTIONS - 1));
    verdict(same, "no_difference_shown");
    assert_true(fabs(number(same, "effective") - 150000) < 1);
    const cJSON *gain = cJSON_GetObjectItem(same, "gain"); /* the model's noise alone */
    assert_true(number(gain, "error") < 1e-3);
    assert_true(fabs(number(gain, "value")) < 4 * number(gain, "error"));
    snprintf(args, sizeof args, "table:%s/table", f->folder);
    near(policy_of(a, args), surplus(1));
    verdict(policy_of(a, "action:7"), "not_supported"); /* no row has it */
    /* a log of 150,000 with 1/60 of each other action: about 2,500 effective */
    assert_in_range((unsigned)number(policy_of(a, "greedy"), "effective"), 2100, 2900);
    cJSON_Delete(a);
    a = ask(f, "--reward wins --policy action:6 --interval bootstrap");
    near(policy_of(a, "action:6"), wins(1.5));
    verdict(policy_of(a, "action:6"), "better");
    cJSON_Delete(a);
    a = ask(f, "--reward cost --policy action:3");
    near(policy_of(a, "action:3"), cost(1));
    verdict(policy_of(a, "action:3"), "better"); /* less is */
    cJSON_Delete(a);
    assert_int_equal(run(f, ""), 0);
    has(f->out, "as it was done: 0.15");
    has(f->out, "POLICY");
    has(f->out, "better than what was done");
}

/* A campaign of a fixed price explores nothing: whatever the policy, it bids the same. */
static void bids_without_a_choice_are_left_out(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(4);
    struct qbid_decision_log_params params = {f->folder, 64 << 20, 1, 2 * QBID_QSTATES};
    struct qbid_decision_log *log;
    static struct qbid_qrow rows[2 * QBID_QSTATES];
    assert_int_equal(qbid_decision_log_new(&params, &log), 0);
    for (int s = 0; s < 2 * QBID_QSTATES; s++) {
        rows[s] = (struct qbid_qrow){.n = ACTIONS, .greedy = 3};
        rows[s].explore_q32 = s < QBID_QSTATES ? (uint32_t)(EXPLORE * 4294967296.0) : 0;
        for (int a = 0; a < QBID_QROW_ACTIONS; a++)
            rows[s].ratio[a] = a < ACTIONS ? (float)multiplier[a] : 1.0f;
    }
    qbid_decision_log_rows(log, 1, rows, 2, 1);
    bids_log(log, &r, 20000, 3);
    for (uint64_t i = 0; i < 5000; i++) {
        struct qbid_outcome o = {.nonce = UINT64_C(8) << 48 | (i + 1),
                                 .bid_nanos = 1000,
                                 .line_item_id = 300,
                                 .gen = 1,
                                 .value_micros = 9e9f,
                                 .pace = 1,
                                 .propensity = 1,
                                 .kind = QBID_EVENT_BID,
                                 .action = 3};
        qbid_decision_log_post(log, &o, 1, 1);
        o.kind = QBID_EVENT_BILL;
        qbid_decision_log_post(log, &o, 1, 1);
    }
    qbid_decision_log_free(log);
    cJSON *a = ask(f, "--policy uniform");
    const cJSON *uniform = policy_of(a, "uniform");
    assert_int_equal(number(uniform, "without_choice"), 5000);
    assert_int_equal(number(uniform, "n"), 20000);
    near(uniform, uniform_of(surplus));
    verdict(uniform, "worse");
    cJSON_Delete(a);
    assert_int_equal(run(f, ""), 0);
    has(f->out, ", 5000 without a choice");
}

static void a_rotation_is_judged_on_impressions(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(2);
    struct qbid_decision_log *log = log_open(f);
    impressions_log(log, &r, 60000);
    qbid_decision_log_free(log);
    cJSON *a = ask(f, "--creatives --policy uniform --policy creative:2002 --policy creative:2001");
    assert_string_equal(cJSON_GetObjectItem(a, "unit")->valuestring, "impression");
    assert_string_equal(cJSON_GetObjectItem(a, "reward")->valuestring, "clicks");
    near(policy_of(a, "uniform"), 20);
    near(policy_of(a, "creative:2002"), 30);
    near(policy_of(a, "creative:2001"), 10);
    verdict(policy_of(a, "creative:2002"), "better");
    verdict(policy_of(a, "creative:2001"), "worse");
    cJSON_Delete(a);
    a = ask(f, "--creatives --policy creative:7");
    assert_int_equal(number(policy_of(a, "creative:7"), "n"), 0);
    verdict(policy_of(a, "creative:7"), "too_little_data");
    cJSON_Delete(a);
}

static void little_data_and_what_was_never_tried_conclude_nothing(void **state)
{
    struct fixture *f = *state;
    struct rng r = rng_init(3);
    struct qbid_decision_log *log = log_open(f);
    rows_log(log, 1, 5);
    bids_log(log, &r, 3000, 5);
    qbid_decision_log_free(log);
    cJSON *a = ask(f, "--policy action:3");
    assert_true(number(policy_of(a, "action:3"), "effective") < 100);
    verdict(policy_of(a, "action:3"), "too_little_data");
    cJSON_Delete(a);
    a = ask(f, "--line-item 999");
    assert_int_equal(number(a, "bids"), 0);
    verdict(policy_of(a, "greedy"), "too_little_data");
    cJSON_Delete(a);
}

static void what_is_wrong_is_named(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *args, *says;
        int code;
    } wrong[] = {{"--policy best", "policy 'best' is not greedy, uniform,", 2},
                 {"--policy greedy:1", "policy 'greedy:1': takes nothing behind ':'", 2},
                 {"--policy action", "policy 'action': lacks what follows ':'", 2},
                 {"--policy action:8", "the action is not a whole number in 0..7", 2},
                 {"--policy multiplier:5", "the multiplier is not a number in 0.25..4", 2},
                 {"--policy explore:2", "the probability is not a number in 0..1", 2},
                 {"--policy creative:0", "the creative's id is not a whole number from 1", 2},
                 {"--policy table:/nowhere", "table:/nowhere: No such file", 2},
                 {"--reward money", "--reward: 'money' is not surplus,", 2},
                 {"--confidence 1", "--confidence: '1' is not a number in 0.5..0.999", 2},
                 {"--line-item x", "--line-item: 'x' is not a number", 2},
                 {"--policy creative:7", "is one of creatives: it goes with --creatives", 1},
                 {"--creatives --policy greedy", "is one of bids: it goes without --creatives", 1},
                 {"--log /nowhere", "/nowhere: there is no decision log; learning.log_mb", 1}};
    static const char *const tables[][2] = {
        {"0,0,3\n0,100,3\n", "table:2: state 100 is not in 0..99"},
        {"0,0\n", "table:1: action is missing or no whole number"},
        {"0,0,9\n", "table:1: action 9 is not in 0..7"},
        {"64,0,1\n", "table:1: group 64 is not in 0..63"},
        {"0,0,1,5\n", "table:1: more than group, state and action"},
        {"0,0,1\n# twice\n0,0,2\n", "table:3: group 0, state 0 stand there twice"},
        {"0,x,1\n", "table:1: state is missing or no whole number"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(run(f, wrong[i].args), wrong[i].code);
        has(f->err, wrong[i].says);
    }
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char args[200];
        table_write(f, tables[i][0]);
        snprintf(args, sizeof args, "--policy table:%s/table", f->folder);
        assert_int_equal(run(f, args), 2);
        has(f->err, tables[i][1]);
    }
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(policies_are_worth_what_they_would_have_earned),
        IN_FOLDER(bids_without_a_choice_are_left_out),
        IN_FOLDER(a_rotation_is_judged_on_impressions),
        IN_FOLDER(little_data_and_what_was_never_tried_conclude_nothing),
        IN_FOLDER(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
