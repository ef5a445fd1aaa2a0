/* SPDX-License-Identifier: Apache-2.0 */
/* The whole loop with real parts: qbidd's engine in one process, an ad server with libqbid in
 * another; money must be exact to the nano, also when the engine is killed at any moment. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "control/account/import/import.h"
#include "control/config/audit_key_file.h"
#include "control/engine/engine_state.h"
#include "control/learn/campaigns/correction_file.h"
#include "plugin/qbid.h"
#include "shm/clock.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "shm/memfd.h"

#define BUDGET_NANOS INT64_C(3000000000) /* 3.00 */
#define PRICE_MICROS 1500000             /* what a win pays: 1.50 CPM */

static char folder[128];
static volatile sig_atomic_t stop, last_round;

static void on_term(int signal)
{
    (void)signal;
    stop = 1;
}

static void on_usr1(int signal)
{
    (void)signal;
    last_round = 1;
}

static const char config_text[] = "state_dir: state\n"
                                  "privacy: {gdpr_unknown: applies_not}\n"
                                  "handover: {path: qbid.sock}\n"
                                  "control: {path: control.sock}\n"
                                  "keys: {file: keys, create: true}\n"
                                  "currency: CNY\n"
                                  "grant_ppm: 20000\n"
                                  "grant_min: 0.01\n"
                                  "levels: [[site, exchange], [site]]\n"
                                  "market_segments: [exchange]\n"
                                  "learning: {explore: 0}\n"
                                  "capacity: {line_items: 64, budgets: 16, workers: 8, "
                                  "ring_lg_events: 12}\n";

static const char account_text[] = "currency: CNY\n"
                                   "campaigns:\n"
                                   "  - id: 7\n"
                                   "    name: spring\n"
                                   "    budget: 3\n"
                                   "    start: now\n"
                                   "    end: +24h\n"
                                   "    goal: {fixed_cpm: 2}\n"
                                   "    pacing: asap\n"
                                   "    line_items:\n"
                                   "      - id: 70\n"
                                   "        ceiling: 2\n"
                                   "        adomain: shop.example\n"
                                   "        prior_ctr: 0.01\n"
                                   "        creatives:\n"
                                   "          - {id: 700, format: banner, size: 300x250, markup: "
                                   "\"<a href='{{click_url}}'>x</a>\","
                                   " landing: 'https://shop.example/'}\n";

/* Prices follow what is learned; a win at 1.50 is only billed while the bid covers it. */
static char clicks_text[] = "campaigns:\n"
                            "  - {id: 7, goal: max_clicks}\n";

static void say(void *context, enum qbid_log_level level, const char *line)
{
    (void)context;
    if (level <= QBID_LOG_WARNING)
        fprintf(stderr, "qbidd: %s\n", line);
}

static void problems_print(const struct qbid_problems *problems)
{
    char line[QBID_PROBLEM_LINE_MAX];
    for (uint32_t i = 0; i < qbid_problems_kept(problems); i++) {
        qbid_problems_format(problems, i, line);
        fprintf(stderr, "%s\n", line);
    }
}

static void config_read(struct qbid_config *config)
{
    static struct qbid_problems problems;
    memset(&problems, 0, sizeof problems);
    int err = qbid_config_parse(config_text, strlen(config_text), folder, &problems, config);
    problems_print(&problems);
    assert_int_equal(err, 0);
}

static struct qbid_engine *engine_open(void)
{
    struct qbid_config config;
    struct qbid_engine *engine = NULL;
    char why[QBID_ENGINE_WHY_MAX];
    config_read(&config);
    int err = qbid_engine_new(&config, say, NULL, &engine, why);
    if (err)
        fprintf(stderr, "engine: %s\n", why);
    return err ? NULL : engine;
}

/* A table of the pacer's correction that is missing, damaged, or too old: the first two are said,
 * the third is off. */
static void a_correction_is_taken_or_refused_with_the_reason(void **state)
{
    (void)state;
    static struct qbid_correction_table table;
    struct qbid_config config;
    struct qbid_engine *engine = NULL;
    char why[QBID_ENGINE_WHY_MAX], reason[QBID_CORRECTION_FILE_WHY_MAX];
    int64_t now_s = (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S);
    config_read(&config);
    snprintf(config.learning.correction, sizeof config.learning.correction, "%s/correction",
             folder);
    assert_int_equal(qbid_engine_new(&config, say, NULL, &engine, why), QBID_ERR_SYS);
    assert_non_null(strstr(why, "learning.correction: "));
    assert_non_null(strstr(why, "No such file"));
    qbid_correction_init(&table);
    qbid_correction_seal(&table, now_s, now_s + 1000);
    table.step_lg[0] = 0.1f;
    assert_int_equal(qbid_correction_file_write(config.learning.correction, &table, reason), 0);
    assert_int_equal(qbid_engine_new(&config, say, NULL, &engine, why), QBID_ERR_CORRUPT);
    assert_non_null(strstr(why, "is damaged"));
    const char *const phase[] = {"trial", "off"};
    for (int old = 0; old < 2; old++) {
        qbid_correction_seal(&table, now_s - 2000, now_s + (old ? -1000 : 1000));
        assert_int_equal(qbid_correction_file_write(config.learning.correction, &table, reason), 0);
        assert_int_equal(qbid_engine_new(&config, say, NULL, &engine, why), 0);
        struct qbid_learner_correction c = qbid_learner_correction(qbid_engine_learner(engine));
        assert_true(c.table);
        assert_string_equal(c.phase, phase[old]);
        qbid_engine_free(engine);
    }
}

/* A store whose records were made with a key that is gone: not without being told to. */
static void a_lost_audit_key_is_not_replaced_in_silence(void **state)
{
    (void)state;
    struct qbid_config config;
    char path[QBID_CONFIG_PATH_MAX + 8], why[QBID_ENGINE_WHY_MAX];
    uint64_t records = 0;
    struct qbid_engine *e = engine_open();
    assert_non_null(e);
    qbid_engine_free(e);
    config_read(&config);
    snprintf(path, sizeof path, "%s.kept", config.audit.key_file);
    assert_int_equal(rename(config.audit.key_file, path), 0);
    assert_int_equal(qbid_engine_new(&config, say, NULL, &e, why), QBID_ERR_NOENT);
    assert_non_null(strstr(why, "audit.key_file"));
    assert_non_null(strstr(why, "start qbidd with --new-audit-key"));
    assert_int_not_equal(access(config.audit.key_file, F_OK), 0);

    assert_int_equal(link(path, config.audit.key_file), 0); /* its copy is back */
    assert_int_equal(qbid_engine_new(&config, say, NULL, &e, why), 0);
    qbid_engine_free(e);
    assert_int_equal(unlink(config.audit.key_file), 0);
    config.audit.begin_anew = true;
    assert_int_equal(qbid_engine_new(&config, say, NULL, &e, why), 0);
    assert_int_equal(qbid_store_verify_audit(qbid_engine_store(e), NULL, &records), 0);
    assert_int_equal(qbid_store_audit_foreign(qbid_engine_store(e)), 1);
    qbid_engine_free(e);

    assert_int_equal(rename(path, config.audit.key_file), 0); /* the former one, too late */
    assert_int_equal(qbid_engine_new(&config, say, NULL, &e, why), QBID_ERR_DENIED);
    assert_non_null(strstr(why, "put the right key there"));
}

static void account_apply(struct qbid_engine *engine, const char *text)
{
    static struct qbid_problems problems;
    struct qbid_account next;
    struct qbid_diff diff;
    char why[QBID_ENGINE_WHY_MAX];
    memset(&problems, 0, sizeof problems);
    struct qbid_import_params params = {.current = qbid_engine_account(engine),
                                        .now_unix_s =
                                            (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S)};
    int err = qbid_account_import(text, strlen(text), &params, &problems, &next);
    problems_print(&problems);
    assert_int_equal(err, 0);
    assert_int_equal(qbid_diff_new(qbid_engine_account(engine), &next, &diff), 0);
    struct qbid_store_cause cause = {qbid_clock_unix_ns(), "test", "import"};
    assert_int_equal(qbid_engine_apply(engine, &next, &diff, &cause, why), 0);
    qbid_diff_done(&diff);
}

/* Wait for the test, then read what waits, store the rows of the ledger, and die of kill -9 before
 * the next round. */
static void engine_last_round(struct qbid_engine *engine)
{
    raise(SIGSTOP);
    uint64_t refused = qbid_engine_counters_load(engine).store_failed;
    qbid_engine_ingest(engine);
    if (qbid_engine_counters_load(engine).store_failed == refused)
        _exit(3); /* the store was to refuse what was read */
    refused = qbid_engine_counters_load(engine).store_failed;
    qbid_engine_live(engine);
    if (qbid_engine_counters_load(engine).store_failed != refused)
        _exit(4); /* and to take the rows */
    raise(SIGKILL);
}

/* What main does, at a quick pace. Never returns. */
static void engine_loop(void)
{
    struct qbid_engine *engine = engine_open();
    if (!engine)
        _exit(1);
    uint64_t live_ns = 0, learn_ns = 0;
    while (!stop) {
        if (last_round)
            engine_last_round(engine);
        struct pollfd p = {.fd = qbid_engine_fd(engine), .events = POLLIN};
        if (poll(&p, 1, 2) > 0)
            qbid_engine_readers(engine);
        qbid_engine_ingest(engine);
        uint64_t now_ns = qbid_clock_boot_ns();
        if (now_ns - live_ns >= 20 * QBID_NS_PER_MS) {
            qbid_engine_live(engine);
            live_ns = now_ns;
        }
        if (now_ns - learn_ns >= 100 * QBID_NS_PER_MS) {
            qbid_engine_learn(engine);
            qbid_engine_persist(engine);
            learn_ns = now_ns;
        }
    }
    bool broken = qbid_engine_counters_load(engine).invariant_broken != 0;
    qbid_engine_free(engine);
    _exit(broken ? 2 : 0);
}

static pid_t engine_start(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sigaction action = {.sa_handler = on_term};
        struct sigaction last = {.sa_handler = on_usr1};
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGUSR1, &last, NULL);
        engine_loop();
    }
    return pid;
}

static void engine_stop(pid_t pid)
{
    int status;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* --- the ad server */

struct host {
    struct qbid *qbid;
    struct qbid_worker *worker;
    uint64_t auctions, bids, bills;
    uint64_t gen; /* of the last answer */
    int64_t billed_nanos;
    char last_bill[256]; /* query of its notice */
};

static void host_open(struct host *host)
{
    char socket_path[192], image[192];
    snprintf(socket_path, sizeof socket_path, "%s/qbid.sock", folder);
    snprintf(image, sizeof image, "%s/state/images/last.qbi", folder);
    memset(host, 0, sizeof *host);
    struct qbid_options options = {.size = sizeof options,
                                   .socket_path = socket_path,
                                   .image_file = image,
                                   .notice_url = "http://127.0.0.1/n",
                                   .worker_timeout_ms = 2000};
    assert_int_equal(qbid_open(&options, &host->qbid), 0);
    assert_int_equal(qbid_worker_open(host->qbid, &host->worker), 0);
}

static void host_close(struct host *host)
{
    qbid_worker_close(host->worker);
    qbid_close(host->qbid);
}

/* Until everything that the worker has written is read: an engine lets go of nothing before its
 * store has it. A new one may take its time, on a machine with other work. */
static void host_read_up(const struct host *host)
{
    static char status[32768];
    for (unsigned i = 0; i < 30000; i++) {
        int n = qbid_worker_status(host->worker, QBID_STATUS_JSON, status, sizeof status - 1);
        assert_true(n > 0);
        status[n] = '\0';
        if (strstr(status, "\"ring_events\":0,"))
            return;
        usleep(1000);
    }
    fail_msg("events are not read");
}

/* Query of the notice URL behind a JSON key of the answer. */
static bool query_of(const char *answer, const char *key, char *out, size_t max)
{
    const char *at = strstr(answer, key);
    const char *from = at ? strchr(at, '?') : NULL;
    const char *to = from ? strpbrk(from, "\"&") : NULL;
    if (!to || (size_t)(to - from) >= max)
        return false;
    memcpy(out, from + 1, (size_t)(to - from - 1));
    out[to - from - 1] = 0;
    return true;
}

/* One auction: a bid of at least 1.50 is won at 1.50 and billed once, retried while the answer is
 * 503. */
static bool auction(struct host *host, bool bill)
{
    static char body[1024 + QBID_PADDING], out[16384];
    char query[256], location[256];
    size_t located;
    struct qbid_answer answer;
    uint64_t n = host->auctions++;
    int len =
        snprintf(body, sizeof body,
                 "{\"id\":\"r%llu-%d\",\"at\":2,\"cur\":[\"CNY\"],\"imp\":[{\"id\":\"1\","
                 "\"banner\":{\"w\":300,\"h\":250}}],\"site\":{\"domain\":\"s%llu.example\"}}",
                 (unsigned long long)n, getpid(), (unsigned long long)(n % 4));
    assert_int_equal(qbid_worker_openrtb(host->worker, "1", body, (size_t)len, qbid_now_ns(), out,
                                         sizeof out - 1, &answer),
                     0);
    host->gen = answer.gen > host->gen ? answer.gen : host->gen;
    if (answer.status != 200)
        return false;
    out[answer.body_bytes] = 0;
    host->bids++;
    const char *price = strstr(out, "\"price\":");
    assert_non_null(price);
    if (!bill || strtod(price + 8, NULL) < 1.5)
        return true;
    assert_true(query_of(out, "\"burl\"", query, sizeof query - 8));
    strcat(query, "&p=1.5");
    int status = 503;
    for (unsigned tries = 0; tries < 2000 && status == 503; tries++) {
        status = qbid_worker_notice(host->worker, "bill", 4, query, strlen(query), qbid_now_ns(),
                                    location, sizeof location, &located);
        if (status == 503)
            usleep(1000);
    }
    assert_int_equal(status, 200);
    snprintf(host->last_bill, sizeof host->last_bill, "%s", query);
    host->bills++;
    host->billed_nanos += PRICE_MICROS;
    return true;
}

static int64_t spent_in_store;

static int spent_note(void *context, const struct qbid_store_budget *budget)
{
    (void)context;
    spent_in_store += budget->row.spent_nanos;
    return 0;
}

/* As the engine has it: a chain that its key made is no chain without. */
static void key_load(struct qbid_store *store)
{
    char path[192], why[QBID_KEY_FILE_WHY_MAX];
    struct qbid_audit_key_file file;
    struct qbid_audit_key key;
    snprintf(path, sizeof path, "%s/state/audit.key", folder);
    assert_int_equal(qbid_audit_key_file_load(path, &file, why), 0);
    qbid_audit_key_derive(file.seed, file.from, &key);
    assert_int_equal(qbid_store_audit_key(store, &key, 0), 0);
}

static void store_check(int64_t want_nanos, uint64_t *ret_generations)
{
    char path[192], why[QBID_STORE_WHY_MAX];
    struct qbid_store *store;
    uint64_t records = 0;
    snprintf(path, sizeof path, "%s/state/qbid.db", folder);
    struct qbid_store_params params = {path, false};
    assert_int_equal(qbid_store_new(&params, &store, why), 0);
    spent_in_store = 0;
    assert_int_equal(qbid_store_load_ledger(store, spent_note, NULL), 0);
    assert_int_equal(spent_in_store, want_nanos);
    assert_int_equal(qbid_store_verify_audit(store, NULL, &records), QBID_ERR_CORRUPT);
    assert_int_equal(records, 1);
    key_load(store);
    assert_int_equal(qbid_store_verify_audit(store, NULL, &records), 0);
    assert_int_equal(qbid_store_take(store, "generation", 1, 1, ret_generations), 0);
    qbid_store_free(store);
}

static int folder_make(void **state)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/qbid-engine-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    struct qbid_engine *engine = engine_open();
    if (!engine)
        return -1;
    account_apply(engine, account_text);
    if (*state) /* more YAML for this test */
        account_apply(engine, *state);
    qbid_engine_free(engine);
    return 0;
}

static int folder_drop(void **state)
{
    (void)state;
    char command[192];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void every_billed_nano_reaches_the_store_and_no_more_than_the_budget(void **state)
{
    (void)state;
    struct host host;
    uint64_t generations;
    pid_t pid = engine_start();
    host_open(&host);
    /* 3.00 buys 2000 impressions at 1.50 CPM: bid until the money is gone. */
    const double most = 0.995 * (double)BUDGET_NANOS;
    for (unsigned idle = 0; host.auctions < 200000;) {
        /* Before the money is gone, other work may keep the engine from its processor. */
        if (idle >= ((double)host.billed_nanos >= most ? 300 : 6000))
            break;
        bool bid = auction(&host, true);
        idle = bid ? 0 : idle + 1;
        if (!bid)
            usleep(5000);
    }
    host_close(&host);
    engine_stop(pid);
    print_message("%llu auctions, %llu billed, %lld of %lld nanos\n",
                  (unsigned long long)host.auctions, (unsigned long long)host.bills,
                  (long long)host.billed_nanos, (long long)BUDGET_NANOS);
    assert_true(host.billed_nanos <= BUDGET_NANOS);
    assert_true((double)host.billed_nanos >= most);
    store_check(host.billed_nanos, &generations);
}

static void killed_at_any_moment_nothing_is_lost_or_charged_twice(void **state)
{
    (void)state;
    struct host host;
    uint64_t generations;
    pid_t pid = engine_start();
    host_open(&host);
    unsigned kills = 0;
    for (unsigned round = 0; round < 25; round++) {
        /* Anything from a start that got nowhere to a loop in full swing. */
        uint64_t start_ns = qbid_clock_boot_ns(), bills = host.bills, gen = host.gen;
        uint64_t least_ns = qbid_roll(round, 3, 0) % 60 * QBID_NS_PER_MS;
        bool swing = round % 5 != 0;
        while (qbid_clock_boot_ns() - start_ns < least_ns ||
               (swing && (host.bills < bills + 10 || host.gen == gen) &&
                qbid_clock_boot_ns() - start_ns < 10 * QBID_NS_PER_S))
            if (!auction(&host, true))
                usleep(200);
        int status;
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        kills += WIFSIGNALED(status) != 0;
        pid = engine_start();
    }
    host_read_up(&host); /* by the last engine, which has to take over the page first */
    host_close(&host);
    engine_stop(pid);
    assert_int_equal(kills, 25);
    print_message("%u kills: %llu billed, %lld of %lld nanos\n", kills,
                  (unsigned long long)host.bills, (long long)host.billed_nanos,
                  (long long)BUDGET_NANOS);
    assert_true(host.bills > 0 && host.billed_nanos <= BUDGET_NANOS);
    store_check(host.billed_nanos, &generations);
    assert_true(generations > 20); /* each life in full swing was seen to publish one at least */
}

static void a_bill_repeated_to_the_next_life_is_charged_once(void **state)
{
    (void)state;
    struct host host;
    uint64_t generations;
    char location[256];
    size_t located;
    pid_t pid = engine_start();
    host_open(&host);
    for (unsigned life = 0; life < 4; life++) {
        uint64_t bills = host.bills, start_ns = qbid_clock_boot_ns();
        while (host.bills < bills + 5 && qbid_clock_boot_ns() - start_ns < 5 * QBID_NS_PER_S)
            if (!auction(&host, true))
                usleep(1000);
        assert_true(host.bills >= bills + 5);
        host_read_up(&host); /* it is charged */
        if (life % 2)
            engine_stop(pid);
        else
            assert_int_equal(kill(pid, SIGKILL), 0);
        if (life % 2 == 0)
            assert_int_equal(waitpid(pid, NULL, 0), pid);
        for (unsigned i = 0; i < 3; i++) /* as an exchange whose request timed out does */
            assert_int_equal(qbid_worker_notice(host.worker, "bill", 4, host.last_bill,
                                                strlen(host.last_bill), qbid_now_ns(), location,
                                                sizeof location, &located),
                             200);
        pid = engine_start();
    }
    host_read_up(&host);
    host_close(&host);
    engine_stop(pid);
    store_check(host.billed_nanos, &generations);
}

/* The engine stops at a round's beginning and goes on with its last one at SIGCONT. */
static void engine_hold(pid_t pid)
{
    int status;
    assert_int_equal(kill(pid, SIGUSR1), 0);
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
}

static void store_execute(const char *sql)
{
    char path[192];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/state/qbid.db", folder);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void bills_make(struct host *host, uint64_t cnt)
{
    uint64_t bills = host->bills, start_ns = qbid_clock_boot_ns();
    while (host->bills < bills + cnt && qbid_clock_boot_ns() - start_ns < 5 * QBID_NS_PER_S)
        if (!auction(host, true))
            usleep(1000);
    assert_true(host->bills >= bills + cnt);
}

/* Only the transaction with a ring's position fails; the ledger's rows get through after it. */
static void a_bill_that_was_held_when_the_rows_were_stored_is_charged_once(void **state)
{
    (void)state;
    struct host host;
    uint64_t generations;
    pid_t pid = engine_start();
    host_open(&host);
    bills_make(&host, 1);
    for (unsigned life = 0; life < 2; life++) {
        int status;
        host_read_up(&host); /* it is charged */
        usleep(100000);      /* and there is an allowance for more */
        engine_hold(pid);
        store_execute("CREATE TRIGGER refuse BEFORE INSERT ON kv WHEN NEW.name LIKE 'tail.%' "
                      "BEGIN SELECT RAISE(ABORT, 'refused by the test'); END");
        bills_make(&host, 1);
        assert_int_equal(kill(pid, SIGCONT), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        store_execute("DROP TRIGGER refuse");
        store_check(host.billed_nanos, &generations); /* the rows are there, with the charge */
        pid = engine_start();
        bills_make(&host, 1); /* it has taken over and reads the ring again */
        host_read_up(&host);
    }
    host_close(&host);
    engine_stop(pid);
    store_check(host.billed_nanos, &generations);
}

static void learning_changes_what_the_next_generation_says(void **state)
{
    (void)state;
    struct qbid_image image;
    char path[192];
    uint64_t gen[2];
    float value[2];
    for (unsigned i = 0; i < 2; i++) {
        pid_t pid = engine_start();
        struct host host;
        host_open(&host);
        while (i == 0 && host.bids < 300) /* impressions without a click: the value must fall */
            if (!auction(&host, true))
                usleep(1000);
        host_close(&host);
        usleep(250000);
        engine_stop(pid);
        snprintf(path, sizeof path, "%s/state/images/last.qbi", folder);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        struct stat st;
        assert_int_equal(fstat(fileno(file), &st), 0);
        size_t bytes = (size_t)st.st_size;
        void *base = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
        assert_non_null(base);
        assert_int_equal(fread(base, 1, bytes, file), bytes);
        fclose(file);
        assert_int_equal(qbid_image_attach(base, bytes, &image), 0);
        gen[i] = image.header->gen;
        value[i] = image.line_items[0].value_micros;
        free(base);
    }
    assert_true(gen[1] > gen[0]);
    assert_true(value[0] < 2e6f);      /* prior: an impression is worth the ceiling */
    assert_true(value[1] == value[0]); /* nothing was forgotten by the restart */
}

/* Bids at 23:59 that are billed after midnight: what they cost is yesterday's, also after a
 * restart, and today has its whole budget. */
static void a_late_bill_counts_for_the_day_of_its_bid(void **state)
{
    const int64_t midnight_s = 40000 * INT64_C(86400), cost = 1000000;
    (void)state;
    struct qbid_engine *e = engine_open();
    assert_non_null(e);
    account_apply(e, "campaigns:\n  - {id: 7, period: daily}\n");
    uint32_t b = qbid_engine_account(e)->campaigns[0].budget_idx;
    assert_int_equal(qbid_engine_budgets(e, midnight_s - 60), 0);
    int64_t authority = qbid_ledger_budget(e->ledger, b);
    assert_int_equal(authority, e->day[b].spent_nanos + BUDGET_NANOS);
    assert_int_equal(qbid_engine_budgets(e, midnight_s + 60), 0);
    assert_int_equal(e->day[b].day, 40000);
    int64_t before = e->day[b].spent_nanos;
    qbid_engine_day_charge(&e->day[b], midnight_s, cost); /* of today */
    assert_int_equal(e->day[b].spent_nanos, before);
    assert_false(e->day[b].late);
    qbid_engine_day_charge(&e->day[b], midnight_s - 1, cost); /* of yesterday */
    assert_int_equal(e->day[b].spent_nanos, before + cost);
    assert_true(e->day[b].late);
    assert_int_equal(qbid_engine_budgets(e, midnight_s + 61), 0);
    assert_int_equal(qbid_ledger_budget(e->ledger, b), authority + cost);

    struct qbid_campaign_def c = qbid_engine_account(e)->campaigns[0];
    int64_t all = qbid_ledger_spent(e->ledger, b) + qbid_ledger_exposure(e->ledger, b);
    assert_int_equal(qbid_engine_committed(e, &c, midnight_s + 61), all - before - cost);
    assert_int_equal(qbid_engine_committed(e, &c, midnight_s + 86400),
                     qbid_ledger_exposure(e->ledger, b));
    c.period = QBID_BUDGET_TOTAL;
    assert_int_equal(qbid_engine_committed(e, &c, midnight_s + 61), all);
    qbid_engine_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            every_billed_nano_reaches_the_store_and_no_more_than_the_budget, folder_make,
            folder_drop),
        cmocka_unit_test_setup_teardown(killed_at_any_moment_nothing_is_lost_or_charged_twice,
                                        folder_make, folder_drop),
        cmocka_unit_test_setup_teardown(a_bill_repeated_to_the_next_life_is_charged_once,
                                        folder_make, folder_drop),
        cmocka_unit_test_setup_teardown(
            a_bill_that_was_held_when_the_rows_were_stored_is_charged_once, folder_make,
            folder_drop),
        cmocka_unit_test_setup_teardown(a_correction_is_taken_or_refused_with_the_reason,
                                        folder_make, folder_drop),
        cmocka_unit_test_setup_teardown(a_lost_audit_key_is_not_replaced_in_silence, folder_make,
                                        folder_drop),
        cmocka_unit_test_setup_teardown(a_late_bill_counts_for_the_day_of_its_bid, folder_make,
                                        folder_drop),
        cmocka_unit_test_prestate_setup_teardown(learning_changes_what_the_next_generation_says,
                                                 folder_make, folder_drop, clicks_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
