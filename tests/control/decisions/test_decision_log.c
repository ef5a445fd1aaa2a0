/* SPDX-License-Identifier: Apache-2.0 */
/* The decision log: what is written comes back, whole, within its room, whatever ends a file. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/decisions/decision_files.h"
#include "control/decisions/decision_log.h"
#include "shm/error.h"

#define ROWS (2 * QBID_QSTATES)

static char folder[64];

static int folder_open(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/qbid-decisions-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static void file_path(uint64_t number, char path[128])
{
    snprintf(path, 128, "%s/%010llu.qdl", folder, (unsigned long long)number);
}

static int folder_close(void **state)
{
    struct qbid_decision_files files;
    char path[128];
    (void)state;
    if (qbid_decision_files_list(folder, &files) == 0) {
        for (uint32_t i = 0; i < files.cnt; i++) {
            file_path(files.file[i].number, path);
            unlink(path);
        }
        qbid_decision_files_done(&files);
    }
    return rmdir(folder);
}

static struct qbid_decision_log *open_log(uint64_t bytes_max, double share)
{
    struct qbid_decision_log *log;
    struct qbid_decision_log_params params = {folder, bytes_max, share, ROWS};
    assert_int_equal(qbid_decision_log_new(&params, &log), 0);
    return log;
}

static struct qbid_outcome outcome(uint8_t kind, uint64_t nonce)
{
    return (struct qbid_outcome){.nonce = nonce,
                                 .context = nonce * 3,
                                 .bid_nanos = (int64_t)nonce + 5,
                                 .price_nanos = (int64_t)nonce + 1,
                                 .line_item_id = 100,
                                 .creative_id = 1001,
                                 .gen = 9,
                                 .value_micros = 2.5f,
                                 .pace = 0.5f,
                                 .propensity = 0.98f,
                                 .creative_share = 0.25f,
                                 .q_state = 99,
                                 .segment = 255,
                                 .kind = kind,
                                 .level = 1,
                                 .privacy = 2,
                                 .action = 4,
                                 .exposures = 3,
                                 .flags = QBID_EVENT_FIRST_PRICE};
}

/* What was read: counts by kind and the last of each. */
struct seen {
    unsigned cnt[256];
    struct qbid_decision_record last[256];
    uint64_t nonce_sum[256];
};

static int look(void *context, const struct qbid_decision_record *record)
{
    struct seen *seen = context;
    seen->cnt[record->kind]++;
    seen->last[record->kind] = *record;
    seen->nonce_sum[record->kind] += record->nonce;
    return 0;
}

static struct seen *read_all(struct qbid_decision_reading *reading)
{
    static struct seen seen;
    memset(&seen, 0, sizeof seen);
    assert_int_equal(qbid_decision_files_read(folder, look, &seen, reading), 0);
    return &seen;
}

static void what_is_written_comes_back(void **state)
{
    (void)state;
    struct qbid_decision_reading reading;
    struct qbid_decision_log *log = open_log(1 << 20, 1);
    struct qbid_outcome o = outcome(QBID_EVENT_BID, 7);
    qbid_decision_log_post(log, &o, 3, 123456);
    o = outcome(QBID_EVENT_WIN, 7);
    qbid_decision_log_post(log, &o, 3, 123457);
    o = outcome(QBID_EVENT_EXPOSE, 7); /* whom it counts for is nobody's business */
    o.exposure_key = 42;
    qbid_decision_log_post(log, &o, 3, 123457);
    assert_int_equal(read_all(&reading)->cnt[QBID_EVENT_BID], 0);
    assert_int_equal(qbid_decision_log_flush(log), 0);
    const struct seen *seen = read_all(&reading);
    assert_int_equal(reading.records, 3);
    assert_int_equal(reading.cut, 0);
    const struct qbid_decision_record *bid = &seen->last[QBID_EVENT_BID];
    assert_true(bid->nonce == 7 && bid->unix_ms == 123456 && bid->gen == 9);
    assert_true(bid->line_item_id == 100 && bid->level == 1 && bid->privacy == 2);
    assert_true(bid->flags == QBID_EVENT_FIRST_PRICE && bid->u.bid.context == 21);
    assert_true(bid->u.bid.bid_nanos == 12 && bid->u.bid.creative_id == 1001);
    assert_true(bid->u.bid.value_micros == 2.5f && bid->u.bid.pace == 0.5f);
    assert_true(bid->u.bid.propensity == 0.98f && bid->u.bid.creative_share == 0.25f);
    assert_true(bid->u.bid.q_group == 3 && bid->u.bid.q_state == 99 && bid->u.bid.action == 4);
    assert_true(bid->u.bid.segment == 255 && bid->u.bid.exposures == 3);
    assert_int_equal(seen->last[QBID_EVENT_WIN].u.notice.price_nanos, 8);
    assert_int_equal(qbid_decision_log_counters(log).records, 3);
    qbid_decision_log_free(log);
}

static void a_share_of_bids_is_kept_with_all_their_notices(void **state)
{
    (void)state;
    struct qbid_decision_reading reading;
    struct qbid_decision_log *log = open_log(32 << 20, 0.1);
    for (uint64_t nonce = 1; nonce <= 50000; nonce++) {
        struct qbid_outcome o = outcome(QBID_EVENT_BID, nonce);
        qbid_decision_log_post(log, &o, 0, 1);
    }
    for (uint64_t nonce = 1; nonce <= 50000; nonce++) {
        struct qbid_outcome o = outcome(QBID_EVENT_CLICK, nonce);
        qbid_decision_log_post(log, &o, 0, 2);
    }
    qbid_decision_log_free(log);
    const struct seen *seen = read_all(&reading);
    assert_in_range(seen->cnt[QBID_EVENT_BID], 4700, 5300); /* 5 sigma are 335 */
    assert_int_equal(seen->cnt[QBID_EVENT_BID], seen->cnt[QBID_EVENT_CLICK]);
    assert_int_equal(seen->nonce_sum[QBID_EVENT_BID], seen->nonce_sum[QBID_EVENT_CLICK]);
    assert_true(seen->last[QBID_DECISION_HEAD].u.head.share == 0.1f);
}

static void rows_are_told_once_and_again_at_the_head_of_a_file(void **state)
{
    (void)state;
    static struct qbid_qrow rows[ROWS];
    struct qbid_decision_reading reading;
    struct qbid_decision_log *log = open_log(1 << 20, 1);
    for (uint32_t at = 0; at < ROWS; at++)
        rows[at] = (struct qbid_qrow){.explore_q32 = at, .n = 7, .greedy = 3};
    qbid_decision_log_rows(log, 1, rows, 2, 1);
    qbid_decision_log_rows(log, 2, rows, 2, 1);
    rows[150].greedy = 4;
    qbid_decision_log_rows(log, 3, rows, 2, 1);
    qbid_decision_log_flush(log);
    const struct seen *seen = read_all(&reading);
    assert_int_equal(seen->cnt[QBID_DECISION_ROW], ROWS + 1);
    const struct qbid_decision_record *row = &seen->last[QBID_DECISION_ROW];
    assert_true(row->gen == 3 && row->u.row.q_group == 1 && row->u.row.q_state == 50);
    assert_true(row->u.row.greedy == 4 && row->u.row.n == 7 && row->u.row.explore_q32 == 150);
    struct qbid_outcome o = outcome(QBID_EVENT_BID, 1);
    for (int i = 0; i < 3000; i++) /* past an eighth of the room: a file of its own begins */
        qbid_decision_log_post(log, &o, 0, 1);
    qbid_decision_log_flush(log);
    assert_int_equal(qbid_decision_log_counters(log).files, 2);
    assert_int_equal(read_all(&reading)->cnt[QBID_DECISION_ROW], 2 * ROWS + 1);
    qbid_decision_log_free(log);
}

static uint64_t bytes_in_folder(uint32_t *ret_cnt)
{
    struct qbid_decision_files files;
    uint64_t bytes = 0;
    assert_int_equal(qbid_decision_files_list(folder, &files), 0);
    for (uint32_t i = 0; i < files.cnt; i++)
        bytes += files.file[i].bytes;
    *ret_cnt = files.cnt;
    qbid_decision_files_done(&files);
    return bytes;
}

static void the_oldest_file_makes_room(void **state)
{
    (void)state;
    struct qbid_decision_reading reading;
    struct qbid_decision_log *log = open_log(1 << 20, 1);
    uint32_t cnt;
    for (uint64_t nonce = 1; nonce <= 60000; nonce++) {
        struct qbid_outcome o = outcome(QBID_EVENT_BID, nonce);
        qbid_decision_log_post(log, &o, 0, 1);
        if (nonce % 500 == 0) {
            qbid_decision_log_flush(log);
            uint64_t bytes = bytes_in_folder(&cnt);
            assert_true(bytes <= 1 << 20 && cnt <= QBID_DECISION_FILES);
            assert_int_equal(bytes, qbid_decision_log_counters(log).bytes);
        }
    }
    qbid_decision_log_free(log);
    const struct seen *seen = read_all(&reading);
    assert_int_equal(seen->last[QBID_EVENT_BID].nonce, 60000);
    assert_in_range(seen->cnt[QBID_EVENT_BID], 9000,
                    13107); /* the latest, nearly all of the room */
    uint64_t n = seen->cnt[QBID_EVENT_BID];
    assert_int_equal(seen->nonce_sum[QBID_EVENT_BID], n * 60000 - n * (n - 1) / 2);
}

static void what_a_crash_leaves_behind_is_passed_over(void **state)
{
    (void)state;
    struct qbid_decision_reading reading;
    char path[128];
    for (uint64_t life = 0; life < 3; life++) {
        struct qbid_decision_log *log = open_log(1 << 20, 1);
        for (uint64_t i = 0; i < 100; i++) {
            struct qbid_outcome o = outcome(QBID_EVENT_BID, life * 100 + i + 1);
            qbid_decision_log_post(log, &o, 0, 1);
        }
        qbid_decision_log_free(log);
    }
    file_path(1, path); /* cut in the middle of its last record */
    assert_int_equal(truncate(path, 100 * 80 + 33), 0);
    file_path(2, path); /* a page of zeros behind the last good one, as a power failure leaves */
    int fd = open(path, O_WRONLY);
    const char zeros[160] = {0};
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, 51 * 80), 160);
    close(fd);
    const struct seen *seen = read_all(&reading);
    assert_int_equal(reading.files, 3);
    assert_int_equal(seen->cnt[QBID_EVENT_BID], 99 + 50 + 100);
    assert_int_equal(reading.cut, 33 + 50 * 80);
}

/* Every record is one that was written, whatever became of the file. */
static int look_whole(void *context, const struct qbid_decision_record *record)
{
    unsigned *cnt = context;
    (*cnt)++;
    assert_true(record->kind == QBID_DECISION_HEAD ||
                (record->kind == QBID_EVENT_BID && record->nonce >= 1 && record->nonce <= 200 &&
                 record->u.bid.context == record->nonce * 3));
    return 0;
}

static void damaged_bytes_never_come_back_as_records(void **state)
{
    (void)state;
    struct qbid_decision_reading reading;
    char path[128];
    unsigned whole = 0, damaged = 0, refused = 0;
    uint64_t random = 1;
    struct qbid_decision_log *log = open_log(1 << 20, 1);
    for (uint64_t nonce = 1; nonce <= 200; nonce++) {
        struct qbid_outcome o = outcome(QBID_EVENT_BID, nonce);
        qbid_decision_log_post(log, &o, 0, 1);
    }
    qbid_decision_log_free(log);
    file_path(1, path);
    assert_int_equal(qbid_decision_files_read(folder, look_whole, &whole, &reading), 0);
    assert_int_equal(whole, 201);
    for (int round = 0; round < 2000; round++) {
        unsigned cnt = 0;
        int fd = open(path, O_RDWR);
        random = qbid_mix64(random + 1);
        off_t at = (off_t)(random % (201 * 80));
        unsigned char byte, changed;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        changed = (unsigned char)(byte ^ (1u << (random >> 40 & 7)));
        assert_int_equal(pwrite(fd, &changed, 1, at), 1);
        int err = qbid_decision_files_read(folder, look_whole, &cnt, &reading);
        assert_int_equal(cnt, err ? 0 : at / 80); /* those before it */
        assert_int_equal(err, at < 80 ? QBID_ERR_VERSION : 0);
        refused += err != 0;
        damaged += err == 0;
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
    }
    assert_true(damaged > 1900 && refused > 0);
}

static void a_file_that_is_no_log_is_named(void **state)
{
    (void)state;
    struct qbid_decision_reading reading;
    struct seen seen;
    char path[128];
    qbid_decision_log_free(open_log(1 << 20, 1));
    file_path(2, path);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 100; i++)
        fputs("not a record\n", file);
    fclose(file);
    assert_int_equal(qbid_decision_files_read(folder, look, &seen, &reading), QBID_ERR_VERSION);
    assert_string_equal(reading.bad, "0000000002.qdl");
    assert_int_equal(qbid_decision_files_read("/nowhere", look, &seen, &reading), QBID_ERR_SYS);
}

static void a_disk_that_refuses_costs_records_not_wholeness(void **state)
{
    (void)state;
    struct qbid_decision_reading reading;
    struct rlimit old, small;
    struct qbid_decision_log *log = open_log(32 << 20, 1);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 50 * 80 + 13;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int refused = 0;
    for (uint64_t nonce = 1; nonce <= 100; nonce++) {
        struct qbid_outcome o = outcome(QBID_EVENT_BID, nonce);
        qbid_decision_log_post(log, &o, 0, 1);
        refused += qbid_decision_log_flush(log) != 0;
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    struct qbid_outcome o = outcome(QBID_EVENT_BID, 1000);
    qbid_decision_log_post(log, &o, 0, 1);
    qbid_decision_log_free(log);
    const struct seen *seen = read_all(&reading);
    assert_int_equal(refused, 100 - 49);
    assert_int_equal(seen->cnt[QBID_EVENT_BID], 49 + 1);
    assert_int_equal(seen->last[QBID_EVENT_BID].nonce, 1000);
    assert_int_equal(reading.cut, 0);
}

static void impossible_parameters_are_refused(void **state)
{
    (void)state;
    struct qbid_decision_log *log;
    struct qbid_decision_log_params params = {folder, 1000, 1, ROWS};
    assert_int_equal(qbid_decision_log_new(&params, &log), QBID_ERR_INVAL);
    params = (struct qbid_decision_log_params){folder, 1 << 20, 0, ROWS};
    assert_int_equal(qbid_decision_log_new(&params, &log), QBID_ERR_INVAL);
    params = (struct qbid_decision_log_params){"/proc/none/such", 1 << 20, 1, ROWS};
    assert_int_equal(qbid_decision_log_new(&params, &log), QBID_ERR_SYS);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_open, folder_close)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(what_is_written_comes_back),
        IN_FOLDER(a_share_of_bids_is_kept_with_all_their_notices),
        IN_FOLDER(rows_are_told_once_and_again_at_the_head_of_a_file),
        IN_FOLDER(the_oldest_file_makes_room),
        IN_FOLDER(what_a_crash_leaves_behind_is_passed_over),
        IN_FOLDER(damaged_bytes_never_come_back_as_records),
        IN_FOLDER(a_file_that_is_no_log_is_named),
        IN_FOLDER(a_disk_that_refuses_costs_records_not_wholeness),
        IN_FOLDER(impossible_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
