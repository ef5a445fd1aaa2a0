/* SPDX-License-Identifier: Apache-2.0 */
/* One auction: what the exchange knew, what it cleared at, whether it was clicked. */
#ifndef QBID_TOOLS_REPLAY_SOURCE_ROW_H
#define QBID_TOOLS_REPLAY_SOURCE_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/replay/text/buffer.h"

/* Columns of the iPinYou raw log; the training variant has click, weekday and hour before them. */
#define QBID_REPLAY_ROW_COLUMNS 24
#define QBID_REPLAY_ROW_COLUMNS_TRAIN 27
/* Longest auction id that is read: it goes into every request and notice. */
#define QBID_REPLAY_ROW_ID_MAX 64
/* Text of a generated row. */
#define QBID_REPLAY_ROW_STORE_BYTES 1024

/* Spans point into the log or `store`: a row is not copied. A "null" column is an empty span. */
struct qbid_replay_row {
    struct qbid_replay_span bidid;
    struct qbid_replay_span user;
    struct qbid_replay_span ua;
    struct qbid_replay_span ip; /* as logged: the last part may be "*" */
    struct qbid_replay_span region;
    struct qbid_replay_span city;
    struct qbid_replay_span domain;
    struct qbid_replay_span url;
    struct qbid_replay_span slot;
    struct qbid_replay_span visibility;
    struct qbid_replay_span tags; /* segment ids with commas between them */
    uint64_t timestamp;    /* yyyymmddhhmmssmmm of the log, the row's number when generated */
    int64_t floor_micros;  /* lowest price the seller takes, CPM */
    int64_t market_micros; /* highest price of the others, CPM */
    double true_ctr;       /* of a generated row; 0 for a logged one */
    uint32_t exchange;
    uint32_t width;
    uint32_t height;
    uint32_t repeat; /* rows with this bidid before this one: makes the request id unique */
    bool click;
    char store[QBID_REPLAY_ROW_STORE_BYTES];
};

enum qbid_replay_row_kind {
    QBID_REPLAY_ROW_IMPRESSION,
    QBID_REPLAY_ROW_CLICK,
    QBID_REPLAY_ROW_TRAIN, /* 27 columns, the first says whether it was clicked */
};

/**
 * Read one line of the log, without its line end.
 *
 * Units:   log prices are fen CPM; the row has micros of CNY CPM.
 * Returns: 0; ret_row's spans point into the line. `repeat` is 0 and `store` is not written.
 * Errors:  QBID_ERR_PARSE, *ret_reason says what is wrong with which column.
 * Threads: any.
 */
int qbid_replay_row_parse(const char *line, size_t len, struct qbid_replay_row *ret_row,
                          enum qbid_replay_row_kind *ret_kind, const char **ret_reason);

/** Hash of the row's bidid with a seed: what splits, orders and draws for the row. */
uint64_t qbid_replay_row_hash(const struct qbid_replay_row *row, uint64_t seed);

/**
 * A number in [0, 1) that depends on the seed, the row (its bidid and repeat) and the use alone.
 *
 * Shapes:  use is any small number that keeps the draws of one row apart, see enum below.
 */
double qbid_replay_row_draw(const struct qbid_replay_row *row, uint64_t seed, uint32_t use);

enum qbid_replay_row_use {
    QBID_REPLAY_DRAW_CONVERSION = 1,
    QBID_REPLAY_DRAW_BASELINE_NARROW,
    QBID_REPLAY_DRAW_BASELINE_WIDE,
    QBID_REPLAY_DRAW_DROP, /* plus the kind and the copy of the notice: the last of the list */
};

#endif
