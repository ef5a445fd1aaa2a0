/* SPDX-License-Identifier: Apache-2.0 */
/* Appends records through a buffer; begins and removes files. */
#include "control/decisions/decision_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/decisions/decision_files.h"
#include "control/write_all.h"
#include "shm/error.h"

#define BUFFER_RECORDS 1024
#define BYTES_MIN (1u << 20)
#define PATH_BYTES 1200

struct qbid_decision_log {
    char folder[1024];
    uint64_t bytes_max, keep_below; /* of a nonce's hash */
    double share;
    uint32_t row_max;
    struct qbid_qrow *rows; /* as last noted; n 0xff = never */
    int fd;
    uint64_t number, file_bytes;
    struct qbid_decision_counters counters;
    uint32_t waiting;
    struct qbid_decision_record buffer[BUFFER_RECORDS];
};

static int file_path(const struct qbid_decision_log *log, uint64_t number, char path[PATH_BYTES])
{
    int len = snprintf(path, PATH_BYTES, "%s/%010llu" QBID_DECISION_SUFFIX, log->folder,
                       (unsigned long long)number);
    return len > 0 && len < PATH_BYTES ? 0 : QBID_ERR_LIMIT;
}

/* Remove the oldest files until a whole new one has room. */
static int room_make(struct qbid_decision_log *log)
{
    struct qbid_decision_files files;
    char path[PATH_BYTES];
    int err = qbid_decision_files_list(log->folder, &files);
    if (err)
        return err;
    uint64_t whole_file = log->bytes_max / QBID_DECISION_FILES + sizeof log->buffer;
    uint64_t room = log->bytes_max - whole_file, bytes = 0;
    for (uint32_t i = 0; i < files.cnt; i++)
        bytes += files.file[i].bytes;
    uint32_t first = 0;
    while (first < files.cnt && (bytes > room || files.cnt - first > 64)) {
        if (!file_path(log, files.file[first].number, path))
            (void)unlink(path);
        bytes -= files.file[first++].bytes;
    }
    log->counters.bytes = bytes;
    log->counters.files = files.cnt - first;
    if (files.cnt && log->number < files.file[files.cnt - 1].number)
        log->number = files.file[files.cnt - 1].number;
    qbid_decision_files_done(&files);
    return 0;
}

static void put(struct qbid_decision_log *log, struct qbid_decision_record *record)
{
    record->checksum = qbid_decision_checksum(record);
    log->buffer[log->waiting++] = *record;
}

static void put_row(struct qbid_decision_log *log, uint32_t at, uint32_t gen, uint64_t unix_ms)
{
    struct qbid_decision_record record;
    const struct qbid_qrow *row = &log->rows[at];
    memset(&record, 0, sizeof record);
    record.kind = QBID_DECISION_ROW;
    record.unix_ms = unix_ms;
    record.gen = gen;
    memcpy(record.u.row.ratio, row->ratio, sizeof record.u.row.ratio);
    record.u.row.explore_q32 = row->explore_q32;
    record.u.row.q_group = (uint16_t)(at / QBID_QSTATES);
    record.u.row.q_state = (uint8_t)(at % QBID_QSTATES);
    record.u.row.n = row->n;
    record.u.row.greedy = row->greedy;
    put(log, &record);
}

/* To the file that is open. A write that fails half-way is taken back, so that what comes later
 * stands on whole records. */
static int write_out(struct qbid_decision_log *log)
{
    size_t bytes = log->waiting * sizeof *log->buffer;
    if (log->waiting == 0)
        return 0;
    int err =
        log->fd < 0 ? QBID_ERR_SYS : qbid_write_all(log->fd, (const char *)log->buffer, bytes);
    if (err) {
        log->counters.lost += log->waiting;
        if (log->fd >= 0 && ftruncate(log->fd, (off_t)log->file_bytes) != 0) {
            close(log->fd); /* the next flush begins another file */
            log->fd = -1;
        }
    } else {
        log->counters.records += log->waiting;
        log->counters.bytes += bytes;
        log->file_bytes += bytes;
    }
    log->waiting = 0;
    return err;
}

static int file_begin(struct qbid_decision_log *log)
{
    char path[PATH_BYTES];
    struct qbid_decision_record head;
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
    int err = room_make(log);
    if (!err)
        err = file_path(log, log->number + 1, path);
    if (err)
        return err;
    log->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
    if (log->fd < 0)
        return QBID_ERR_SYS;
    log->number++;
    log->file_bytes = 0;
    log->counters.files++;
    memset(&head, 0, sizeof head);
    head.kind = QBID_DECISION_HEAD;
    head.u.head.magic = QBID_DECISION_MAGIC;
    head.u.head.record_bytes = sizeof head;
    head.u.head.share = (float)log->share;
    put(log, &head);
    for (uint32_t at = 0; at < log->row_max && !err; at++) {
        if (log->waiting == BUFFER_RECORDS)
            err = write_out(log);
        if (log->rows[at].n != UINT8_MAX)
            put_row(log, at, 0, 0);
    }
    return err ? err : write_out(log);
}

int qbid_decision_log_new(const struct qbid_decision_log_params *params,
                          struct qbid_decision_log **ret_log)
{
    struct stat folder;
    if (params->bytes_max < BYTES_MIN || !(params->share > 0 && params->share <= 1) ||
        strlen(params->folder) >= sizeof((struct qbid_decision_log *)0)->folder)
        return QBID_ERR_INVAL;
    if (mkdir(params->folder, 0750) != 0 &&
        (errno != EEXIST || stat(params->folder, &folder) != 0 || !S_ISDIR(folder.st_mode)))
        return QBID_ERR_SYS;
    struct qbid_decision_log *log = calloc(1, sizeof *log);
    if (!log)
        return QBID_ERR_NOMEM;
    strcpy(log->folder, params->folder);
    log->bytes_max = params->bytes_max;
    log->share = params->share;
    log->keep_below = params->share < 1 ? (uint64_t)(params->share * 0x1p64) : UINT64_MAX;
    log->row_max = params->row_max;
    log->fd = -1;
    log->rows =
        aligned_alloc(_Alignof(struct qbid_qrow), (params->row_max + 1) * sizeof(struct qbid_qrow));
    int err = log->rows ? 0 : QBID_ERR_NOMEM;
    for (uint32_t at = 0; at < log->row_max && !err; at++)
        log->rows[at].n = UINT8_MAX;
    if (!err)
        err = file_begin(log);
    if (err) {
        int why = errno;
        qbid_decision_log_free(log);
        errno = why;
        return err;
    }
    *ret_log = log;
    return 0;
}

void qbid_decision_log_free(struct qbid_decision_log *log)
{
    if (!log)
        return;
    (void)write_out(log);
    if (log->fd >= 0)
        close(log->fd);
    free(log->rows);
    free(log);
}

int qbid_decision_log_flush(struct qbid_decision_log *log)
{
    int err = write_out(log);
    bool full = log->file_bytes >= log->bytes_max / QBID_DECISION_FILES;
    return !err && (full || log->fd < 0) ? file_begin(log) : err;
}

/* Room for one more record. */
static bool ready(struct qbid_decision_log *log)
{
    if (log->waiting == BUFFER_RECORDS)
        (void)qbid_decision_log_flush(log);
    return log->waiting < BUFFER_RECORDS;
}

static void put_bid(struct qbid_decision_log *log, struct qbid_decision_record *record,
                    const struct qbid_outcome *o, uint16_t q_group)
{
    record->u.bid.context = o->context;
    record->u.bid.bid_nanos = o->bid_nanos;
    record->u.bid.creative_id = o->creative_id;
    record->u.bid.value_micros = o->value_micros;
    record->u.bid.pace = o->pace;
    record->u.bid.propensity = o->propensity;
    record->u.bid.creative_share = o->creative_share;
    record->u.bid.q_group = q_group;
    record->u.bid.q_state = (uint8_t)o->q_state;
    record->u.bid.action = o->action;
    record->u.bid.segment = (uint8_t)o->segment;
    record->u.bid.exposures = o->exposures;
    put(log, record);
}

void qbid_decision_log_post(struct qbid_decision_log *log, const struct qbid_outcome *outcome,
                            uint16_t q_group, uint64_t unix_ms)
{
    bool known = (outcome->kind >= QBID_EVENT_BID && outcome->kind <= QBID_EVENT_CONV) ||
                 outcome->kind == QBID_OUTCOME_EXPIRED;
    struct qbid_decision_record record;
    if (!known || qbid_mix64(outcome->nonce) > log->keep_below || !ready(log))
        return;
    memset(&record, 0, sizeof record);
    record.kind = outcome->kind;
    record.level = outcome->level;
    record.privacy = outcome->privacy;
    record.flags = outcome->flags;
    record.nonce = outcome->nonce;
    record.unix_ms = unix_ms;
    record.gen = outcome->gen;
    record.line_item_id = outcome->line_item_id;
    if (outcome->kind == QBID_EVENT_BID) {
        put_bid(log, &record, outcome, q_group);
    } else {
        record.u.notice.price_nanos = outcome->price_nanos;
        put(log, &record);
    }
}

void qbid_decision_log_pace(struct qbid_decision_log *log, const struct qbid_outcome *bid,
                            const struct qbid_pace_terms *terms, uint64_t unix_ms)
{
    struct qbid_decision_record record;
    if (qbid_mix64(bid->nonce) > log->keep_below || !ready(log))
        return;
    memset(&record, 0, sizeof record);
    record.kind = QBID_DECISION_PACE;
    record.unix_ms = unix_ms;
    record.line_item_id = bid->line_item_id;
    record.u.pace.pace = bid->pace;
    record.u.pace.terms = *terms;
    put(log, &record);
}

uint64_t qbid_decision_log_file(const struct qbid_decision_log *log)
{
    return log->number;
}

static bool row_same(const struct qbid_qrow *a, const struct qbid_qrow *b)
{
    return a->n == b->n && a->greedy == b->greedy && a->explore_q32 == b->explore_q32 &&
           memcmp(a->ratio, b->ratio, sizeof a->ratio) == 0;
}

void qbid_decision_log_rows(struct qbid_decision_log *log, uint32_t gen,
                            const struct qbid_qrow *rows, uint32_t group_cnt, uint64_t unix_ms)
{
    for (uint32_t at = 0; at < group_cnt * QBID_QSTATES && at < log->row_max; at++) {
        if (row_same(&rows[at], &log->rows[at]))
            continue;
        log->rows[at] = rows[at];
        if (ready(log))
            put_row(log, at, gen, unix_ms);
    }
}

struct qbid_decision_counters qbid_decision_log_counters(const struct qbid_decision_log *log)
{
    return log->counters;
}
