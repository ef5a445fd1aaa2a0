/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs against a bidder in this process; what is expected is worked out row by row beside it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "shm/error.h"
#include "tests/tools/replay/bidder.h"
#include "tests/tools/replay/source/rows.h"
#include "tools/replay/exchange.h"
#include "tools/replay/report.h"
#include "tools/replay/text/money.h"

#define MS UINT64_C(1000000)
enum { ROWS = 400 };

static const char *const names[] = {"imp.a.txt", "answers.ndjson"};

/* The recorded auction number i. */
static int64_t floor_fen(int i)
{
    return (i * 37) % 50;
}
static int64_t paid_fen(int i)
{
    return 1 + (i * 7919) % 170;
}
static bool is_clicked(int i)
{
    return i % 3 == 0;
}

struct setup {
    char folder[64];
    char answers[128];
    char url[96];
    char authority[64];
    struct qbid_replay_log *log;
    struct qbid_replay_source source;
    struct bidder bidder;
    struct server *server;
    struct sockaddr_in address;
    struct qbid_replay_options options;
    struct qbid_replay_stats *stats;
    int signal_fd;
};

static void write_log(struct setup *setup, int rows)
{
    char path[128];
    snprintf(path, sizeof path, "%s/imp.a.txt", setup->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < rows; i++) {
        char line[1024];
        snprintf(line, sizeof line, "%s", ROW_LINE("r%d", "%d", "%d", "%d", "%d", "null"));
        fprintf(file, line, i, i, is_clicked(i) ? 2 : 1, (int)floor_fen(i), (int)paid_fen(i));
        fputc('\n', file);
    }
    fclose(file);
}

static struct setup *begin(int rows)
{
    struct setup *setup = calloc(1, sizeof *setup);
    char message[QBID_REPLAY_LOG_MESSAGE_BYTES];
    struct qbid_replay_source_terms terms = {.count_max = 0};
    assert_non_null(setup);
    make_folder(setup->folder);
    write_log(setup, rows);
    const char *paths[] = {setup->folder};
    assert_int_equal(qbid_replay_log_new(paths, 1, false, &setup->log, message), 0);
    assert_int_equal(qbid_replay_source_init(&setup->source, setup->log, NULL, &terms), 0);
    setup->server = server_start(bidder_serve, &setup->bidder, &setup->address);
    snprintf(setup->authority, sizeof setup->authority, "127.0.0.1:%d",
             ntohs(setup->address.sin_port));
    snprintf(setup->url, sizeof setup->url, "http://%s", setup->authority);
    setup->bidder.url = setup->url;
    snprintf(setup->answers, sizeof setup->answers, "%s/answers.ndjson", setup->folder);
    setup->options = (struct qbid_replay_options){
        .seed = 1,
        .request = {.auction = QBID_REPLAY_SECOND_PRICE, .tmax_ms = 100},
        .notices = {.seed = 1, .copies = 1},
        .connections = 6,
        .timeout_ns = 5000 * MS, /* far above what a busy machine needs */
        .notice_timeout_ns = 5000 * MS,
        .answers_every = 1,
    };
    setup->stats = calloc(1, sizeof *setup->stats);
    assert_non_null(setup->stats);
    setup->signal_fd = -1;
    return setup;
}

static int run(struct setup *setup)
{
    struct qbid_replay_answers_file answers;
    struct qbid_replay_progress progress;
    struct qbid_replay_exchange_terms terms = {
        .options = &setup->options,
        .source = &setup->source,
        .address_len = sizeof setup->address,
        .authority = setup->authority,
        .path = "/bid",
        .signal_fd = setup->signal_fd,
        .gone_ns = 300 * MS,
        .answers = &answers,
        .progress = &progress,
    };
    memcpy(&terms.address, &setup->address, sizeof setup->address);
    assert_int_equal(qbid_replay_answers_file_init(&answers, setup->options.answers,
                                                   setup->options.answers_every),
                     0);
    qbid_replay_progress_init(&progress, NULL, false, setup->source.count, 0);
    int result = qbid_replay_exchange_run(&terms, setup->stats);
    if (setup->server)
        server_stop(setup->server); /* from here on the bidder's ledger stands still */
    setup->server = NULL;
    assert_int_equal(qbid_replay_answers_file_done(&answers), 0);
    return result;
}

static void end(struct setup *setup)
{
    if (setup->server)
        server_stop(setup->server);
    qbid_replay_source_done(&setup->source);
    qbid_replay_log_free(setup->log);
    qbid_replay_stats_done(setup->stats);
    remove_folder(setup->folder, names, 2);
    free(setup->stats);
    free(setup);
}

/* What the rules of the exchange and the faults of the bidder make of the log. */
struct expected {
    unsigned faults[PLAIN + 1];
    unsigned wins, below_floor, outbid, clicks;
    int64_t spend_micros, min_to_win_micros;
};

static struct expected work_out(const struct bidder *bidder, int rows, bool first_price)
{
    struct expected expected = {0};
    for (int i = 0; i < rows; i++) {
        enum bidder_fault fault = bidder_fault(bidder, i);
        int64_t floor = floor_fen(i) * 10000, paid = paid_fen(i) * 10000;
        int64_t needed = paid > floor ? paid : floor;
        expected.faults[fault]++;
        if (fault == WRONG_ID || fault == WRONG_CURRENCY)
            expected.min_to_win_micros += needed;
        if (fault != PLAIN && fault != CLOSING && fault != CHUNKED)
            continue;
        if (BIDDER_BID_MICROS >= needed) {
            expected.wins++;
            expected.clicks += is_clicked(i);
            expected.spend_micros += first_price ? BIDDER_BID_MICROS : needed;
        } else {
            expected.below_floor += BIDDER_BID_MICROS < floor;
            expected.outbid += BIDDER_BID_MICROS >= floor;
            expected.min_to_win_micros += needed;
        }
    }
    return expected;
}

static void assert_results(const struct setup *setup, const struct expected *expected)
{
    const struct qbid_replay_stats *stats = setup->stats;
    const struct bidder *bidder = &setup->bidder;
    assert_int_equal(stats->wins, expected->wins);
    assert_int_equal(stats->below_floor, expected->below_floor);
    assert_int_equal(stats->outbid, expected->outbid);
    assert_int_equal(stats->bids, expected->wins + expected->below_floor + expected->outbid);
    assert_int_equal(stats->clicks, expected->clicks);
    assert_true(stats->spend_nanos == expected->spend_micros);
    assert_true(stats->charged_nanos == expected->spend_micros);
    assert_true(bidder->billed_micros == expected->spend_micros);
    assert_int_equal(bidder->notices[WIN], expected->wins);
    assert_int_equal(bidder->notices[BILL], expected->wins);
    assert_int_equal(bidder->notices[IMP], expected->wins);
    assert_int_equal(bidder->notices[CLICK], expected->clicks);
    assert_int_equal(bidder->out_of_order, 0);
    assert_int_equal(stats->notices[QBID_REPLAY_NOTICE_WIN].ok, expected->wins);
    assert_int_equal(stats->notices[QBID_REPLAY_NOTICE_BILLING].ok, expected->wins);
    assert_int_equal(stats->notices[QBID_REPLAY_NOTICE_IMPRESSION].ok, expected->wins);
    assert_int_equal(stats->notices[QBID_REPLAY_NOTICE_CLICK].ok, expected->clicks);
}

static void assert_every_row_was_asked_once(const struct bidder *bidder, int rows)
{
    for (int i = 0; i < rows; i++)
        assert_int_equal(bidder->by_row[i], 1);
}

static void a_run_settles_every_auction_of_the_log(void **state)
{
    (void)state;
    for (int kind = QBID_REPLAY_FIRST_PRICE; kind <= QBID_REPLAY_SECOND_PRICE; kind++) {
        struct setup *setup = begin(ROWS);
        setup->options.request.auction = (enum qbid_replay_auction_kind)kind;
        setup->options.notices.conversion_rate = 1;
        setup->options.notices.conversion_micros = 2500000;
        assert_int_equal(run(setup), 0);
        struct expected expected = work_out(&setup->bidder, ROWS, kind == QBID_REPLAY_FIRST_PRICE);
        assert_true(expected.wins > 50 && expected.outbid > 50);
        assert_results(setup, &expected);
        assert_every_row_was_asked_once(&setup->bidder, ROWS);
        const struct qbid_replay_stats *stats = setup->stats;
        assert_int_equal(stats->auctions, ROWS);
        assert_int_equal(stats->answered_200, ROWS);
        assert_int_equal(stats->timeouts + stats->lost + stats->answered_other, 0);
        assert_int_equal(stats->latency.total_cnt, ROWS);
        assert_int_equal(stats->pool.errors, 0);
        assert_int_equal(stats->conversions, expected.clicks);
        assert_int_equal(setup->bidder.notices[CONV], expected.clicks);
        assert_int_equal(setup->bidder.conv_with_value, expected.clicks);
        assert_int_equal(setup->bidder.notices[LOSS], expected.below_floor + expected.outbid);
        assert_true(setup->bidder.min_to_win_micros == expected.min_to_win_micros);
        assert_int_equal(stats->generations.distinct, 4);
        assert_int_equal(stats->generations.first, 7);
        assert_int_equal(stats->generations.highest, 10);
        uint64_t slices = 0, wins = 0;
        for (int i = 0; i < QBID_REPLAY_STATS_SLICES; i++) {
            assert_int_equal(stats->slices[i].auctions, ROWS / QBID_REPLAY_STATS_SLICES);
            slices += (uint64_t)stats->slices[i].spend_nanos;
            wins += stats->slices[i].wins;
        }
        assert_true(slices == (uint64_t)stats->spend_nanos && wins == stats->wins);
        end(setup);
    }
}

/* The record of the run, read by another parser, tells the same as its counters. */
static void assert_record(const struct setup *setup)
{
    const struct qbid_replay_stats *stats = setup->stats;
    FILE *file = fopen(setup->answers, "r");
    char *line = NULL;
    size_t cap = 0, lines = 0, timeouts = 0, lost = 0, wins = 0, unparsed = 0, refused = 0;
    int64_t spend_micros = 0;
    ssize_t len;
    assert_non_null(file);
    while ((len = getline(&line, &cap, file)) > 0) {
        cJSON *json = cJSON_ParseWithLength(line, (size_t)len);
        assert_non_null(json);
        const char *outcome = cJSON_GetStringValue(cJSON_GetObjectItem(json, "outcome"));
        const char *id =
            cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "request"), "id"));
        const char *answer = cJSON_GetStringValue(cJSON_GetObjectItem(json, "answer"));
        int row = atoi(id + 1);
        enum bidder_fault fault = bidder_fault(&setup->bidder, row);
        assert_int_equal(cJSON_GetObjectItem(json, "x")->valueint, 3);
        assert_int_equal(cJSON_GetObjectItem(json, "click")->valueint, is_clicked(row));
        assert_true(cJSON_GetObjectItem(json, "market")->valuedouble ==
                    (double)(paid_fen(row) * 10000) / 1e6);
        timeouts += strcmp(outcome, "timeout") == 0 && fault == LATE && !*answer;
        lost += strcmp(outcome, "lost") == 0 && fault == CUT && !*answer;
        unparsed += strcmp(outcome, "unparsed") == 0 && fault == NOT_JSON;
        refused += strcmp(outcome, "refused") == 0 && fault == STATUS_500;
        if (strcmp(outcome, "win") == 0) {
            wins++;
            assert_int_equal(cJSON_GetObjectItem(json, "code")->valueint, 200);
            assert_non_null(strstr(answer, id));
            spend_micros +=
                (int64_t)(cJSON_GetObjectItem(json, "settled")->valuedouble * 1e6 + 0.5);
        }
        lines++;
        cJSON_Delete(json);
    }
    free(line);
    fclose(file);
    assert_int_equal(lines, ROWS);
    assert_int_equal(timeouts, stats->timeouts);
    assert_int_equal(lost, stats->lost);
    assert_int_equal(unparsed, stats->unparsed);
    assert_int_equal(refused, stats->answered_other);
    assert_int_equal(wins, stats->wins);
    assert_true(spend_micros == stats->spend_nanos);
}

/* Late, cut and broken answers, answers of an unusable kind, and connections that close: each is
 * counted once, no row is asked twice, and the auctions between are settled as ever. */
static void faulty_answers_are_counted_and_nothing_is_asked_twice(void **state)
{
    struct setup *setup = begin(ROWS);
    (void)state;
    setup->bidder.faulty = true;
    setup->bidder.late_ms = 2500;
    setup->bidder.late_from = 3 * 20; /* three late ones */
    setup->options.timeout_ns = 2000 * MS;
    setup->options.answers = setup->answers;
    assert_int_equal(run(setup), 0);
    struct expected expected = work_out(&setup->bidder, ROWS, false);
    const struct qbid_replay_stats *stats = setup->stats;
    assert_int_equal(expected.faults[LATE], 3);
    assert_int_equal(expected.faults[CUT], ROWS / 20);
    assert_results(setup, &expected);
    assert_every_row_was_asked_once(&setup->bidder, ROWS);
    assert_int_equal(stats->auctions, ROWS);
    assert_int_equal(stats->timeouts, expected.faults[LATE]);
    assert_int_equal(stats->lost, expected.faults[CUT]);
    assert_int_equal(stats->answered, ROWS - expected.faults[LATE] - expected.faults[CUT]);
    assert_int_equal(stats->answered_204, expected.faults[NO_CONTENT]);
    assert_int_equal(stats->answered_other, expected.faults[STATUS_500]);
    assert_int_equal(stats->unparsed, expected.faults[NOT_JSON]);
    assert_int_equal(stats->no_bid_200, expected.faults[NBR]);
    assert_int_equal(stats->nbr[8], expected.faults[NBR]);
    assert_int_equal(stats->invalid_reasons[QBID_REPLAY_LOSS_INVALID_AUCTION_ID],
                     expected.faults[WRONG_ID]);
    assert_int_equal(stats->invalid_reasons[QBID_REPLAY_LOSS_INVALID_RESPONSE],
                     expected.faults[WRONG_CURRENCY]);
    assert_int_equal(stats->answered_200,
                     stats->unparsed + stats->invalid + stats->no_bid_200 + stats->bids);
    assert_int_equal(setup->bidder.notices[LOSS], stats->invalid + stats->bids - stats->wins);
    assert_true(setup->bidder.min_to_win_micros == expected.min_to_win_micros);
    /* each time-out, cut and announced close makes one connection anew */
    assert_int_equal(stats->pool.errors, expected.faults[CUT]);

    assert_record(setup);
    end(setup);
}

static void notices_are_dropped_doubled_and_delayed_as_asked(void **state)
{
    struct setup *setup = begin(ROWS);
    (void)state;
    setup->options.notices.copies = 2;
    setup->options.notices.drop_rate = 0.3;
    setup->options.late_ns = 50 * MS;
    setup->options.notices.feedback = QBID_REPLAY_FEEDBACK_NONE;
    assert_int_equal(run(setup), 0);
    struct expected expected = work_out(&setup->bidder, ROWS, false);
    assert_int_equal(setup->stats->wins, expected.wins);
    assert_true(setup->stats->spend_nanos == expected.spend_micros);
    static const int kinds[] = {WIN, BILL, IMP};
    unsigned dropped = 0, sent = 0;
    for (int i = 0; i < 3; i++) {
        const struct qbid_replay_notice_counts *counts = &setup->stats->notices[kinds[i]];
        assert_int_equal(counts->sent + counts->dropped, 2 * expected.wins);
        assert_int_equal(counts->sent, setup->bidder.notices[kinds[i]]);
        assert_int_equal(counts->ok, counts->sent);
        dropped += (unsigned)counts->dropped;
        sent += (unsigned)counts->sent;
    }
    /* 0.3 of them, within five standard deviations */
    assert_in_range(dropped, 0.22 * (dropped + sent), 0.38 * (dropped + sent));
    assert_int_equal(setup->bidder.notices[LOSS], 0);
    /* what the bidder was told twice is charged once, what it was not told is not */
    int64_t charged = 0;
    for (int i = 0; i < ROWS; i++) {
        int64_t floor = floor_fen(i) * 10000, paid = paid_fen(i) * 10000;
        if (setup->bidder.by_row_notices[i][BILL])
            charged += paid > floor ? paid : floor;
    }
    assert_true(setup->stats->charged_nanos == charged);
    assert_true(charged < setup->stats->spend_nanos);
    end(setup);
}

static void late_notices_wait_and_those_of_an_auction_stay_together(void **state)
{
    struct setup *setup = begin(ROWS);
    (void)state;
    setup->options.late_ns = 50 * MS;
    setup->options.connections = 1;
    assert_int_equal(run(setup), 0);
    struct expected expected = work_out(&setup->bidder, ROWS, false);
    assert_results(setup, &expected);
    assert_true(setup->bidder.soonest_ns >= (int64_t)(50 * MS));
    assert_int_equal(setup->bidder.interleaved, 0);
    end(setup);
}

static void urls_that_the_bidder_refuses_are_counted(void **state)
{
    struct setup *setup = begin(ROWS);
    char url[128];
    (void)state;
    snprintf(url, sizeof url, "%s/elsewhere", setup->url);
    setup->bidder.url = url;
    assert_int_equal(run(setup), 0);
    assert_true(setup->stats->wins > 0);
    assert_int_equal(setup->stats->notices[QBID_REPLAY_NOTICE_WIN].refused, setup->stats->wins);
    assert_int_equal(setup->stats->notices[QBID_REPLAY_NOTICE_WIN].ok, 0);
    assert_int_equal(setup->stats->charged_nanos, 0);
    end(setup);
}

static void the_rate_is_never_passed(void **state)
{
    enum { FEW = 60, RATE = 300 };
    struct setup *setup = begin(FEW);
    (void)state;
    setup->options.rate = RATE;
    assert_int_equal(run(setup), 0);
    assert_int_equal(setup->stats->auctions, FEW);
    assert_int_equal(setup->stats->lag.total_cnt, FEW);
    assert_true(setup->stats->end_ns - setup->stats->begin_ns >=
                (uint64_t)(FEW - 1) * 1000000000 / RATE);
    end(setup);
}

static void interrupt_at_100(struct bidder *bidder)
{
    if (bidder->requests == 100)
        kill(getpid(), SIGUSR1);
}

static void a_signal_ends_the_run_with_all_answers_and_notices_counted(void **state)
{
    struct setup *setup;
    sigset_t signals;
    (void)state;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* before the server's threads begin */
    setup = begin(ROWS);
    setup->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK);
    setup->bidder.at_request = interrupt_at_100;
    setup->options.rate = 1000;
    setup->options.late_ns = 60000 * MS; /* what waits is sent when the run ends */
    assert_int_equal(run(setup), SIGUSR1);
    assert_in_range(setup->stats->auctions, 100, ROWS - 1);
    assert_int_equal(setup->stats->auctions, setup->stats->answered);
    assert_int_equal(setup->stats->auctions, setup->bidder.requests);
    assert_int_equal(setup->stats->lost, 0);
    assert_int_equal(setup->bidder.notices[BILL], setup->stats->wins);
    assert_true(setup->bidder.billed_micros == setup->stats->spend_nanos);
    close(setup->signal_fd);
    end(setup);
}

static void a_server_that_is_not_there_is_an_error(void **state)
{
    struct setup *setup = begin(ROWS);
    (void)state;
    server_stop(setup->server);
    setup->server = NULL;
    assert_int_equal(run(setup), QBID_ERR_CLOSED);
    assert_int_equal(setup->stats->auctions, 0);
    assert_int_equal(setup->stats->pool.connects, 0);
    end(setup);
}

static void go_away_at_100(struct bidder *bidder)
{
    if (bidder->requests == 100) {
        bidder->is_gone = true;
        server_refuse(bidder->server);
    }
}

static void a_server_that_goes_away_ends_the_run_with_what_was_counted(void **state)
{
    struct setup *setup = begin(ROWS);
    (void)state;
    setup->bidder.server = setup->server;
    setup->bidder.at_request = go_away_at_100;
    setup->options.notices.feedback = QBID_REPLAY_FEEDBACK_NONE;
    assert_int_equal(run(setup), QBID_ERR_CLOSED);
    const struct qbid_replay_stats *stats = setup->stats;
    assert_int_equal(stats->auctions, stats->answered + stats->lost);
    assert_int_equal(stats->auctions, setup->bidder.requests);
    assert_in_range(stats->lost, 1, setup->options.connections);
    assert_in_range(stats->auctions, 100, 100 + setup->options.connections);
    end(setup);
}

/* The JSON report says what was counted. */
static void the_report_is_json_with_the_counters(void **state)
{
    struct setup *setup = begin(ROWS);
    struct qbid_replay_buffer out = {0}, text = {0};
    char money[QBID_REPLAY_MONEY_TEXT_BYTES];
    (void)state;
    assert_int_equal(run(setup), 0);
    const struct qbid_replay_stats *stats = setup->stats;
    struct qbid_replay_report_context context = {.options = &setup->options, .log = setup->log};
    qbid_replay_report_json(&out, &context, stats);
    assert_int_equal(out.text[out.len - 1], '\n');
    assert_null(memchr(out.text, '\n', out.len - 1));
    cJSON *json = cJSON_ParseWithLength(out.text, out.len);
    assert_non_null(json);
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {{"schema_version", 1},
                  {"auctions", stats->auctions},
                  {"answered_200", ROWS},
                  {"wins", stats->wins},
                  {"clicks", stats->clicks},
                  {"bids", stats->bids},
                  {"outbid", stats->outbid},
                  {"below_floor", stats->below_floor},
                  {"timeouts", 0},
                  {"lost", 0},
                  {"non_2xx", 0},
                  {"connection_errors", 0},
                  {"offered_clicks", (ROWS + 2) / 3}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const cJSON *found = cJSON_GetObjectItem(json, counts[i].name);
        if (!found || found->valuedouble != (double)counts[i].count)
            fail_msg("%s", counts[i].name);
    }
    snprintf(money, sizeof money, "%lld", (long long)stats->spend_nanos);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "spend_nanos")), money);
    qbid_replay_money_print(stats->spend_nanos, 9, money);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "spend_cny")), money);
    double cpm = (double)stats->spend_nanos / (double)stats->wins / 1e6;
    assert_true(cJSON_GetObjectItem(json, "cpm_cny")->valuedouble - cpm < 1e-6);
    assert_true(cJSON_GetObjectItem(json, "win_rate")->valuedouble -
                    (double)stats->wins / (double)stats->bids <
                1e-6);
    const cJSON *slices = cJSON_GetObjectItem(json, "slices"), *slice;
    int64_t spend = 0;
    assert_int_equal(cJSON_GetArraySize(slices), QBID_REPLAY_STATS_SLICES);
    cJSON_ArrayForEach(slice, slices) spend +=
        strtoll(cJSON_GetStringValue(cJSON_GetObjectItem(slice, "spend_nanos")), NULL, 10);
    assert_true(spend == stats->spend_nanos);
    const cJSON *notices = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "notices"), "billing");
    assert_int_equal(cJSON_GetObjectItem(notices, "ok")->valueint, (int)stats->wins);
    const cJSON *latency = cJSON_GetObjectItem(json, "latency_us");
    assert_int_equal(cJSON_GetObjectItem(latency, "count")->valueint, ROWS);
    assert_true(cJSON_GetObjectItem(latency, "max")->valuedouble >=
                cJSON_GetObjectItem(latency, "p50")->valuedouble);
    qbid_replay_report_text(&text, &context, stats);
    qbid_replay_buffer_add(&text, "", 1);
    assert_non_null(strstr(text.text, money));
    assert_non_null(strstr(text.text, "a bid equal to the market price wins"));
    cJSON_Delete(json);
    qbid_replay_buffer_done(&out);
    qbid_replay_buffer_done(&text);
    end(setup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_settles_every_auction_of_the_log),
        cmocka_unit_test(faulty_answers_are_counted_and_nothing_is_asked_twice),
        cmocka_unit_test(notices_are_dropped_doubled_and_delayed_as_asked),
        cmocka_unit_test(late_notices_wait_and_those_of_an_auction_stay_together),
        cmocka_unit_test(urls_that_the_bidder_refuses_are_counted),
        cmocka_unit_test(the_rate_is_never_passed),
        cmocka_unit_test(a_signal_ends_the_run_with_all_answers_and_notices_counted),
        cmocka_unit_test(a_server_that_is_not_there_is_an_error),
        cmocka_unit_test(a_server_that_goes_away_ends_the_run_with_what_was_counted),
        cmocka_unit_test(the_report_is_json_with_the_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
