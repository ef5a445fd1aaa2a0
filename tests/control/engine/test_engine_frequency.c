/* SPDX-License-Identifier: Apache-2.0 */
/* Frequency caps through everything that is real: account file, store, engine, table, two workers
 * of libqbid, signed notices. The engine turns when the test says so: how late it is is not left to
 * chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/account/import/import.h"
#include "control/config/key_file.h"
#include "control/decisions/decision_files.h"
#include "control/engine/engine.h"
#include "plugin/notice/token.h"
#include "plugin/qbid.h"
#include "shm/clock.h"
#include "shm/dims.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "tests/plugin/lines.h"
#include "tests/plugin/openrtb/protobuf_encode.h"

#define WORKERS 2
#define CAP 3
#define USER UINT64_C(0xfeedfacecafebeef)

static const char config_text[] =
    "state_dir: state\n"
    "privacy: {gdpr_unknown: applies_not}\n"
    "handover: {path: qbid.sock}\n"
    "control: {path: control.sock}\n"
    "keys: {file: keys, create: true}\n"
    "currency: CNY\n"
    "frequency_pending_ms: 2000\n"
    "levels: [[site, exchange], [site]]\n"
    "market_segments: [exchange]\n"
    "learning: {explore: 0, log_mb: 8}\n"
    "capacity: {line_items: 64, budgets: 16, workers: 8, ring_lg_events: 12, frequency_lg: 10,"
    " frequency_lg_bids: 12}\n";

static const char account_text[] =
    "currency: CNY\n"
    "campaigns:\n"
    "  - {id: 7, budget: 3000, start: now, end: +24h, goal: {fixed_cpm: 2}, pacing: asap,\n"
    "     line_items: [{id: 70, ceiling: 2, adomain: shop.example,\n"
    "       frequency: {cap: 3, per: 24h, value: [1, 0.8, 0.6]},\n"
    "       creatives: [{id: 700, size: 300x250, markup: x, landing: "
    "'https://shop.example/'}]}]}\n";

struct scene {
    char folder[128];
    struct qbid_config config;
    struct qbid_engine *engine;
    struct qbid *qbid;
    struct qbid_worker *worker[WORKERS];
    struct qbid_keys keys;
    uint64_t asked;
};

static void say(void *context, enum qbid_log_level level, const char *line)
{
    (void)context;
    if (level <= QBID_LOG_WARNING)
        fprintf(stderr, "qbidd: %s\n", line);
}

static void turn(struct scene *s, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        qbid_engine_readers(s->engine);
        qbid_engine_ingest(s->engine);
        qbid_engine_live(s->engine);
        usleep(1000);
    }
}

static void engine_open(struct scene *s)
{
    char why[QBID_ENGINE_WHY_MAX];
    int err = qbid_engine_new(&s->config, say, NULL, &s->engine, why);
    if (err)
        fail_msg("engine: %s", why);
}

static void account_apply(struct scene *s)
{
    static struct qbid_problems problems;
    struct qbid_account next;
    struct qbid_diff diff;
    char why[QBID_ENGINE_WHY_MAX];
    struct qbid_import_params params = {.current = qbid_engine_account(s->engine),
                                        .now_unix_s =
                                            (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S)};
    memset(&problems, 0, sizeof problems);
    assert_int_equal(
        qbid_account_import(account_text, strlen(account_text), &params, &problems, &next), 0);
    assert_int_equal(qbid_diff_new(qbid_engine_account(s->engine), &next, &diff), 0);
    struct qbid_store_cause cause = {qbid_clock_unix_ns(), "test", "import"};
    assert_int_equal(qbid_engine_apply(s->engine, &next, &diff, &cause, why), 0);
    qbid_diff_done(&diff);
}

static enum qbid_nobid ask(struct scene *s, unsigned worker, uint64_t user_key,
                           struct qbid_decision *ret_decision)
{
    struct qbid_request q = {.id_hash = ++s->asked,
                             .auction = QBID_AUCTION_SECOND_PRICE,
                             .user_key = user_key,
                             .slot_cnt = 1};
    q.slot[0] = qbid_hash_dim(QBID_DIM_SLOT, "banner:300x250", 14);
    assert_int_equal(qbid_worker_decide(s->worker[worker], &q, qbid_now_ns(), ret_decision), 0);
    return ret_decision->nobid;
}

/* Both workers have table and lease. */
static void wait_ready(struct scene *s)
{
    struct qbid_decision d;
    for (unsigned w = 0; w < WORKERS; w++) {
        enum qbid_nobid nobid = QBID_NOBID_NO_TABLE;
        for (unsigned i = 0; i < 3000 && nobid != QBID_NOBID_NONE; i++) {
            turn(s, 1);
            nobid = ask(s, w, 0, &d);
        }
        assert_int_equal(nobid, QBID_NOBID_NONE);
    }
    turn(s, 5);
}

static int scene_open(void **state)
{
    static struct scene scene;
    static struct qbid_problems problems;
    struct scene *s = &scene;
    char why[QBID_KEY_FILE_WHY_MAX];
    memset(s, 0, sizeof *s);
    memset(&problems, 0, sizeof problems);
    snprintf(s->folder, sizeof s->folder, "%s/qbid-frequency-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(s->folder) ||
        qbid_config_parse(config_text, strlen(config_text), s->folder, &problems, &s->config) != 0)
        return -1;
    engine_open(s);
    account_apply(s);
    struct qbid_options options = {.size = sizeof options,
                                   .socket_path = s->config.handover.path,
                                   .notice_url = "http://127.0.0.1/n",
                                   .worker_timeout_ms = 1};
    if (qbid_open(&options, &s->qbid) != 0)
        return -1;
    for (unsigned w = 0; w < WORKERS; w++)
        if (qbid_worker_open(s->qbid, &s->worker[w]) != 0)
            return -1;
    wait_ready(s);
    if (qbid_key_file_load(s->config.keys.file, &s->keys, why) != 0)
        return -1;
    *state = s;
    return 0;
}

static int scene_drop(void **state)
{
    struct scene *s = *state;
    char command[192];
    for (unsigned w = 0; w < WORKERS; w++)
        qbid_worker_close(s->worker[w]);
    qbid_close(s->qbid);
    qbid_engine_free(s->engine);
    snprintf(command, sizeof command, "rm -rf '%.120s'", s->folder);
    return system(command);
}

/* The notice of a decision, as its markup would send it. */
static void notify(struct scene *s, unsigned worker, const char *kind,
                   const struct qbid_decision *d)
{
    char query[QBID_TOKEN_CHARS + 3] = "t=", location[64];
    size_t located;
    struct qbid_token token = {.nonce = d->nonce,
                               .context = d->context,
                               .bid_nanos = d->bid_micros,
                               .bid_time_ns = qbid_now_ns(),
                               .bid_unix_s = (uint32_t)(qbid_clock_unix_ns() / QBID_NS_PER_S),
                               .gen = (uint32_t)d->gen,
                               .line_item_id = d->line_item_id,
                               .creative_id = d->creative_id};
    assert_int_equal(qbid_token_sign(&s->keys, &token, query + 2), 0);
    assert_int_equal(qbid_worker_notice(s->worker[worker], kind, strlen(kind), query,
                                        2 + QBID_TOKEN_CHARS, qbid_now_ns(), location,
                                        sizeof location, &located),
                     200);
}

static void one_user_who_asks_fifty_times_sees_three(void **state)
{
    struct scene *s = *state;
    static const int64_t price[CAP] = {2000000, 1600000, 1200000};
    unsigned shown = 0, refused = 0;
    for (unsigned i = 0; i < 50; i++) {
        struct qbid_decision d;
        unsigned worker = i % WORKERS;
        enum qbid_nobid nobid = ask(s, worker, USER, &d);
        if (nobid == QBID_NOBID_NONE) {
            assert_true(shown < CAP);
            assert_int_equal(d.bid_micros, price[shown]);
            assert_int_equal(d.exposures, shown);
            notify(s, 1 - worker, "imp", &d); /* comes to the other worker, and twice */
            notify(s, worker, "imp", &d);
            shown++;
        } else {
            assert_int_equal(nobid, QBID_NOBID_FREQUENCY);
            refused++;
        }
        turn(s, 1);
    }
    assert_int_equal(shown, CAP);
    assert_int_equal(refused, 50 - CAP);
    struct qbid_frequency_counters c =
        qbid_frequency_book_counters(qbid_engine_frequency(s->engine));
    assert_int_equal(c.bids, CAP);
    assert_int_equal(c.shown, CAP);
    struct qbid_decision d;
    assert_int_equal(ask(s, 0, USER + 1, &d), QBID_NOBID_NONE); /* others are not meant */
    assert_int_equal(ask(s, 1, 0, &d), QBID_NOBID_NONE);        /* nor those without a key */
}

/* What the decision log says of one user's bids, and of what came of them. */
struct logged {
    unsigned bids, shown, rows;
    uint64_t nonce[CAP];
};

static int log_look(void *context, const struct qbid_decision_record *r)
{
    struct logged *logged = context;
    logged->rows += r->kind == QBID_DECISION_ROW;
    for (unsigned i = 0; i < CAP; i++) {
        if (r->nonce == 0 || r->nonce != logged->nonce[i])
            continue;
        logged->shown += r->kind == QBID_EVENT_IMP;
        if (r->kind != QBID_EVENT_BID)
            continue;
        logged->bids++;
        assert_true(r->line_item_id == 70 && r->u.bid.creative_id == 700);
        assert_true(r->u.bid.exposures == i && r->u.bid.propensity == 1.0f);
        assert_true(r->u.bid.creative_share == 1.0f && r->u.bid.bid_nanos > 0);
    }
    return 0;
}

static void the_decision_log_has_bids_exposures_and_outcomes_but_no_user(void **state)
{
    struct scene *s = *state;
    struct logged logged = {0};
    struct qbid_decision_reading reading;
    char folder[256];
    for (unsigned i = 0; i < CAP; i++) {
        struct qbid_decision d;
        assert_int_equal(ask(s, 0, USER, &d), QBID_NOBID_NONE);
        logged.nonce[i] = d.nonce;
        notify(s, 0, "imp", &d);
        turn(s, 1);
    }
    turn(s, 3);
    snprintf(folder, sizeof folder, "%.200s/decisions", s->config.state_dir);
    assert_int_equal(qbid_decision_files_read(folder, log_look, &logged, &reading), 0);
    assert_true(logged.bids == CAP && logged.shown == CAP && logged.rows > 0);
    assert_int_equal(reading.cut, 0);
    /* neither the user's key nor the hash under which it counts */
    char command[512];
    uint64_t user = USER;
    const unsigned char *b = (const unsigned char *)&user;
    snprintf(command, sizeof command,
             "LC_ALL=C grep -qaP '\\x%02x\\x%02x\\x%02x\\x%02x' %.200s/*.qdl", b[0], b[1], b[2],
             b[3], folder);
    assert_int_not_equal(system(command), 0);
}

static void while_qbidd_sleeps_each_worker_keeps_to_the_cap_by_itself(void **state)
{
    struct scene *s = *state;
    struct qbid_decision d;
    unsigned bids[WORKERS] = {0};
    for (unsigned i = 0; i < 50; i++)
        for (unsigned w = 0; w < WORKERS; w++)
            bids[w] += ask(s, w, USER, &d) == QBID_NOBID_NONE;
    for (unsigned w = 0; w < WORKERS; w++)
        assert_int_equal(bids[w], CAP); /* the stated bound, reached: workers x cap */
    turn(s, 3);
    for (unsigned w = 0; w < WORKERS; w++)
        assert_int_equal(ask(s, w, USER, &d), QBID_NOBID_FREQUENCY);
}

static void lost_bids_and_those_nobody_speaks_of_make_room_again(void **state)
{
    struct scene *s = *state;
    struct qbid_decision d[CAP], other;
    for (unsigned i = 0; i < CAP; i++) {
        assert_int_equal(ask(s, 0, USER, &d[i]), QBID_NOBID_NONE);
        turn(s, 1);
    }
    assert_int_equal(ask(s, 1, USER, &other), QBID_NOBID_FREQUENCY);
    notify(s, 0, "loss", &d[0]);
    notify(s, 0, "imp", &d[1]);
    turn(s, 3);
    assert_int_equal(ask(s, 1, USER, &other), QBID_NOBID_NONE);
    assert_int_equal(other.exposures, 2);
    notify(s, 1, "loss", &other);
    for (unsigned i = 0; i < 3100; i++) /* frequency_pending_ms, rounded up to seconds */
        turn(s, 1);
    assert_int_equal(ask(s, 0, USER, &other), QBID_NOBID_NONE);
    assert_int_equal(other.exposures, 1); /* the impression stays */
}

static void the_next_qbidd_knows_what_the_last_one_counted(void **state)
{
    struct scene *s = *state;
    struct qbid_decision d;
    for (unsigned i = 0; i < CAP; i++) {
        assert_int_equal(ask(s, 0, USER, &d), QBID_NOBID_NONE);
        notify(s, 0, "imp", &d);
        turn(s, 1);
    }
    qbid_engine_free(s->engine);
    engine_open(s);
    wait_ready(s);
    for (unsigned w = 0; w < WORKERS; w++)
        assert_int_equal(ask(s, w, USER, &d), QBID_NOBID_FREQUENCY);
}

/* Neither the key nor its hash is in what the engine leaves behind, but for the counts' file. */
static void no_file_but_the_counts_holds_a_key(void **state)
{
    struct scene *s = *state;
    struct qbid_decision d;
    char command[512];
    assert_int_equal(ask(s, 0, USER, &d), QBID_NOBID_NONE);
    notify(s, 0, "imp", &d);
    turn(s, 3);
    qbid_engine_persist(s->engine);
    /* the user key in memory order; control: the store's first bytes are found in the same way */
    snprintf(command, sizeof command,
             "grep -rlaP '\\xef\\xbe\\xfe\\xca\\xce\\xfa\\xed\\xfe' '%.120s/state'", s->folder);
    assert_int_not_equal(system(command), 0);
    snprintf(command, sizeof command, "grep -qaP 'SQLite format 3\\x00' '%.120s/state/qbid.db'",
             s->folder);
    assert_int_equal(system(command), 0);
}

enum format { JSON, PROTOBUF, FORMATS };

/* A bid request as an exchange sends it; why there is no bid, or NONE. */
static enum qbid_nobid ask_openrtb(struct scene *s, unsigned worker, enum format format,
                                   const char *exchange, const char *fields)
{
    static char out[65536];
    static struct pb pb;
    char text[1024];
    int len = snprintf(text, sizeof text,
                       "{\"id\":\"r%llu\",\"cur\":[\"CNY\"],\"imp\":[{\"id\":\"1\",\"banner\":"
                       "{\"w\":300,\"h\":250}}],%s}",
                       (unsigned long long)++s->asked, fields);
    assert_true(len > 0 && len < (int)sizeof text);
    assert_true(pb_from_json(text, (size_t)len, &pb));
    size_t bytes = format == JSON ? (size_t)len : pb.len;
    char *body = lines_padded(format == JSON ? text : (const char *)pb.at, bytes, 0);
    struct qbid_http_request request = {.size = sizeof request,
                                        .exchange = exchange,
                                        .body = {body, bytes},
                                        .content_type = {"application/json", 16}};
    if (format == PROTOBUF)
        request.content_type = (struct qbid_bytes){"application/x-protobuf", 22};
    struct qbid_http_answer answer = {.size = sizeof answer};
    assert_int_equal(
        qbid_worker_http(s->worker[worker], &request, qbid_now_ns(), out, sizeof out, &answer), 0);
    free(body);
    assert_int_equal(answer.answer.status, answer.answer.nobid == QBID_NOBID_NONE ? 200 : 204);
    return (enum qbid_nobid)answer.answer.nobid;
}

/* Every way to name a user, in either format, at either worker: past the cap there is no bid. */
static void users_of_bid_requests_are_capped(void **state)
{
    static const char *const user[] = {
        "\"user\":{\"id\":\"7\"}",
        "\"user\":{\"buyeruid\":\"7\"}",
        "\"user\":{\"eids\":[{\"source\":\"s\",\"uids\":[{\"id\":\"7\"}]}]}",
        "\"device\":{\"ifa\":\"7\"}",
    };
    struct scene *s = *state;
    for (unsigned u = 0; u < sizeof user / sizeof *user; u++) {
        for (unsigned i = 0; i < 4 * CAP; i++) {
            enum qbid_nobid want = i < CAP ? QBID_NOBID_NONE : QBID_NOBID_FREQUENCY;
            enum format format = (enum format)((i + u) % FORMATS);
            assert_int_equal(ask_openrtb(s, i / 2 % WORKERS, format, "x", user[u]), want);
            turn(s, 1);
        }
    }
    /* the identifiers that an exchange gives are its own: at another one 7 is somebody else */
    assert_int_equal(ask_openrtb(s, 0, JSON, "y", user[0]), QBID_NOBID_NONE);
    assert_int_equal(ask_openrtb(s, 0, JSON, "y", user[1]), QBID_NOBID_FREQUENCY);
    assert_int_equal(ask_openrtb(s, 0, JSON, "x", "\"user\":{\"id\":\"8\"}"), QBID_NOBID_NONE);
    for (unsigned i = 0; i < 2 * CAP; i++) /* nobody that could be counted */
        assert_int_equal(ask_openrtb(s, 0, (enum format)(i % FORMATS), "x", "\"user\":{}"),
                         QBID_NOBID_NONE);
}

/* Below the class open nobody is counted, so that line items with a cap bid as those without. */
static void whom_the_privacy_class_hides_is_not_counted(void **state)
{
    static const char *const hidden[] = {
        "\"user\":{\"id\":\"9\"},\"device\":{\"lmt\":1}",
        "\"user\":{\"id\":\"9\"},\"regs\":{\"us_privacy\":\"1YYN\"}",
        "\"user\":{\"id\":\"9\"},\"regs\":{\"gdpr\":1}",
        "\"user\":{\"id\":\"9\"},\"regs\":{\"coppa\":1}",
    };
    struct scene *s = *state;
    for (unsigned i = 0; i < sizeof hidden / sizeof *hidden * 4 * CAP; i++) {
        enum format format = (enum format)(i / 4 % FORMATS);
        assert_int_equal(ask_openrtb(s, i / 2 % WORKERS, format, "x", hidden[i % 4]),
                         QBID_NOBID_NONE);
        turn(s, 1);
    }
    struct qbid_frequency_counters c =
        qbid_frequency_book_counters(qbid_engine_frequency(s->engine));
    assert_int_equal(c.bids, 0);
    assert_int_equal(c.used, 0);
    for (unsigned i = 0; i < 2 * CAP; i++) /* the same user in the open: from nothing on */
        assert_int_equal(ask_openrtb(s, 0, JSON, "x", "\"user\":{\"id\":\"9\"}"),
                         i < CAP ? QBID_NOBID_NONE : QBID_NOBID_FREQUENCY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_user_who_asks_fifty_times_sees_three, scene_open,
                                        scene_drop),
        cmocka_unit_test_setup_teardown(
            the_decision_log_has_bids_exposures_and_outcomes_but_no_user, scene_open, scene_drop),
        cmocka_unit_test_setup_teardown(while_qbidd_sleeps_each_worker_keeps_to_the_cap_by_itself,
                                        scene_open, scene_drop),
        cmocka_unit_test_setup_teardown(lost_bids_and_those_nobody_speaks_of_make_room_again,
                                        scene_open, scene_drop),
        cmocka_unit_test_setup_teardown(the_next_qbidd_knows_what_the_last_one_counted, scene_open,
                                        scene_drop),
        cmocka_unit_test_setup_teardown(no_file_but_the_counts_holds_a_key, scene_open, scene_drop),
        cmocka_unit_test_setup_teardown(users_of_bid_requests_are_capped, scene_open, scene_drop),
        cmocka_unit_test_setup_teardown(whom_the_privacy_class_hides_is_not_counted, scene_open,
                                        scene_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
