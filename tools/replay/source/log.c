/* SPDX-License-Identifier: Apache-2.0 */
/* The log in memory: the text of its files, an entry for each auction, an index while reading. */
#include "tools/replay/source/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tools/replay/source/log_folder.h"

struct entry {
    const char *line;
    uint32_t len;
    uint32_t repeat : 30;
    uint32_t click : 1;
    uint32_t from_click_file : 1;
};

struct qbid_replay_log {
    char **texts; /* each file as it was read */
    struct entry *entries;
    size_t entries_cap;
    struct qbid_replay_log_facts facts;
};

/* Row index + 1, and how many rows have that bidid. Open addressing, at most half full. */
struct slot {
    uint32_t row;
    uint32_t cnt;
};
struct index {
    struct slot *slots;
    size_t cap;
    size_t used;
};
enum { INDEX_FIRST_CAP = 1 << 12 };

struct reading {
    struct qbid_replay_log *log;
    struct index index;
    bool skip_damaged;
    char *message;
};

static bool same_id(const struct qbid_replay_log *log, uint32_t row, struct qbid_replay_span id)
{
    struct qbid_replay_row other;
    qbid_replay_log_load(log, row, &other);
    return other.bidid.len == id.len && memcmp(other.bidid.at, id.at, id.len) == 0;
}

static struct slot *index_find(const struct index *index, const struct qbid_replay_log *log,
                               const struct qbid_replay_row *row)
{
    size_t at = qbid_replay_row_hash(row, 0) & (index->cap - 1);
    while (index->slots[at].row != 0 && !same_id(log, index->slots[at].row - 1, row->bidid))
        at = (at + 1) & (index->cap - 1);
    return &index->slots[at];
}

static int index_grow(struct index *index, const struct qbid_replay_log *log)
{
    struct index grown = {NULL, index->cap ? index->cap * 2 : INDEX_FIRST_CAP, index->used};
    grown.slots = calloc(grown.cap, sizeof *grown.slots);
    if (!grown.slots)
        return QBID_ERR_NOMEM;
    for (size_t i = 0; i < index->cap; i++) {
        if (index->slots[i].row == 0)
            continue;
        struct qbid_replay_row row;
        qbid_replay_log_load(log, index->slots[i].row - 1, &row);
        *index_find(&grown, log, &row) = index->slots[i];
    }
    free(index->slots);
    *index = grown;
    return 0;
}

static int add_entry(struct qbid_replay_log *log, struct entry entry)
{
    if (log->facts.rows == QBID_REPLAY_LOG_ROWS_MAX)
        return QBID_ERR_LIMIT;
    if (log->facts.rows == log->entries_cap) {
        size_t cap = log->entries_cap ? log->entries_cap * 2 : 1024;
        struct entry *entries = realloc(log->entries, cap * sizeof *entries);
        if (!entries)
            return QBID_ERR_NOMEM;
        log->entries = entries;
        log->entries_cap = cap;
    }
    log->entries[log->facts.rows++] = entry;
    log->facts.clicks += entry.click;
    return 0;
}

static int add_row(struct reading *reading, const struct qbid_replay_row *row,
                   enum qbid_replay_row_kind kind, const char *line, size_t len)
{
    struct qbid_replay_log *log = reading->log;
    struct index *index = &reading->index;
    if (index->used * 2 >= index->cap) {
        int err = index_grow(index, log);
        if (err)
            return err;
    }
    struct slot *slot = index_find(index, log, row);
    if (slot->row != 0 && kind == QBID_REPLAY_ROW_CLICK) {
        struct entry *known = &log->entries[slot->row - 1];
        if (!known->from_click_file) {
            log->facts.joined++;
            log->facts.clicks += !known->click;
            known->click = 1;
            return 0;
        }
    }
    struct entry entry = {line, (uint32_t)len, slot->cnt & 0x3FFFFFFF, row->click,
                          kind == QBID_REPLAY_ROW_CLICK};
    int err = add_entry(log, entry);
    if (err)
        return err;
    if (slot->row == 0) {
        slot->row = (uint32_t)log->facts.rows;
        index->used++;
    } else {
        log->facts.repeated++;
    }
    slot->cnt++;
    return 0;
}

static int read_line(struct reading *reading, const char *path, size_t number, const char *line,
                     size_t len)
{
    struct qbid_replay_row row;
    enum qbid_replay_row_kind kind;
    const char *reason = "out of memory or over the highest number of rows";
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (len == 0)
        return 0;
    reading->log->facts.lines++;
    int err =
        len > UINT32_MAX ? QBID_ERR_PARSE : qbid_replay_row_parse(line, len, &row, &kind, &reason);
    if (err && reading->skip_damaged) {
        reading->log->facts.damaged++;
        return 0;
    }
    if (!err)
        err = add_row(reading, &row, kind, line, len);
    if (err)
        snprintf(reading->message, QBID_REPLAY_LOG_MESSAGE_BYTES, "%s:%zu: %s", path, number,
                 reason);
    return err;
}

static int read_file(struct reading *reading, const char *path)
{
    struct qbid_replay_log *log = reading->log;
    char *text;
    size_t len, number = 0;
    int err = qbid_replay_log_folder_read(path, &text, &len);
    if (err) {
        snprintf(reading->message, QBID_REPLAY_LOG_MESSAGE_BYTES, "%s: %s", path, strerror(errno));
        return err;
    }
    log->texts[log->facts.files++] = text;
    for (const char *at = text, *end = text + len; at < end && !err;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        err = read_line(reading, path, ++number, at, (size_t)(stop - at));
        at = stop + 1;
    }
    return err;
}

/* Impressions first: a click line can then mark its impression whatever the order of the arguments.
 */
static int read_files(struct reading *reading, const struct qbid_replay_log_folder *folder)
{
    int err = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < folder->paths_cnt && !err; i++)
            if (qbid_replay_log_folder_is_click(folder->paths[i]) == (pass == 1))
                err = read_file(reading, folder->paths[i]);
    if (!err && reading->log->facts.rows == 0) {
        snprintf(reading->message, QBID_REPLAY_LOG_MESSAGE_BYTES, "%s: no auction in the log",
                 folder->paths[0]);
        return QBID_ERR_NOENT;
    }
    return err;
}

int qbid_replay_log_new(const char *const *paths, size_t paths_cnt, bool skip_damaged,
                        struct qbid_replay_log **ret_log,
                        char message[QBID_REPLAY_LOG_MESSAGE_BYTES])
{
    struct qbid_replay_log_folder folder;
    int err = qbid_replay_log_folder_init(&folder, paths, paths_cnt, message);
    if (err)
        return err;
    struct reading reading = {
        .log = calloc(1, sizeof *reading.log), .skip_damaged = skip_damaged, .message = message};
    if (reading.log)
        reading.log->texts = calloc(folder.paths_cnt, sizeof *reading.log->texts);
    if (reading.log && reading.log->texts) {
        err = read_files(&reading, &folder);
    } else {
        err = QBID_ERR_NOMEM;
        snprintf(message, QBID_REPLAY_LOG_MESSAGE_BYTES, "out of memory");
    }
    free(reading.index.slots);
    qbid_replay_log_folder_done(&folder);
    if (err)
        qbid_replay_log_free(reading.log);
    else
        *ret_log = reading.log;
    return err;
}

void qbid_replay_log_free(struct qbid_replay_log *log)
{
    if (!log)
        return;
    for (size_t i = 0; i < log->facts.files; i++)
        free(log->texts[i]);
    free(log->texts);
    free(log->entries);
    free(log);
}

struct qbid_replay_log_facts qbid_replay_log_query(const struct qbid_replay_log *log)
{
    return log->facts;
}

void qbid_replay_log_load(const struct qbid_replay_log *log, size_t idx,
                          struct qbid_replay_row *ret_row)
{
    const struct entry *entry = &log->entries[idx];
    enum qbid_replay_row_kind kind;
    const char *reason;
    int err = qbid_replay_row_parse(entry->line, entry->len, ret_row, &kind, &reason);
    assert(!err);
    (void)err;
    ret_row->click = entry->click;
    ret_row->repeat = entry->repeat;
}

bool qbid_replay_log_is_case(const struct qbid_replay_log *log, size_t idx)
{
    return log->entries[idx].from_click_file;
}
