/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one line of the iPinYou log, column by column, refusing what is damaged. */
#include "tools/replay/source/row.h"

#include <string.h>

#include "shm/error.h"
#include "tools/replay/source/draw.h"
#include "tools/replay/text/money.h"

enum {
    COL_BIDID,
    COL_TIMESTAMP,
    COL_LOGTYPE,
    COL_USER,
    COL_UA,
    COL_IP,
    COL_REGION,
    COL_CITY,
    COL_EXCHANGE,
    COL_DOMAIN,
    COL_URL,
    COL_URLID,
    COL_SLOT,
    COL_WIDTH,
    COL_HEIGHT,
    COL_VISIBILITY,
    COL_FORMAT,
    COL_FLOOR,
    COL_CREATIVE,
    COL_BID,
    COL_PAID,
    COL_KEYPAGE,
    COL_ADVERTISER,
    COL_TAGS,
};
enum { LEADING_COLUMNS = QBID_REPLAY_ROW_COLUMNS_TRAIN - QBID_REPLAY_ROW_COLUMNS };
#define FEN_MAX UINT64_C(100000000)
#define PIXELS_MAX UINT64_C(65535)
#define EXCHANGE_MAX UINT64_C(1000000)
#define TIMESTAMP_MAX UINT64_C(99991231235959999)

static bool is_null(struct qbid_replay_span span)
{
    return span.len == 0 || (span.len == 4 && memcmp(span.at, "null", 4) == 0);
}

static struct qbid_replay_span text_column(struct qbid_replay_span span)
{
    return is_null(span) ? (struct qbid_replay_span){span.at, 0} : span;
}

static bool number_column(struct qbid_replay_span span, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (span.len == 0)
        return false;
    for (size_t i = 0; i < span.len; i++) {
        if (span.at[i] < '0' || span.at[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(span.at[i] - '0');
        if (number > max)
            return false;
    }
    *ret_number = number;
    return true;
}

/* Splits at tabs; returns how many columns there are, at most one more than the training log has.
 */
static size_t split_columns(const char *line, size_t len, struct qbid_replay_span *columns)
{
    const char *at = line, *end = line + len;
    size_t cnt = 0;
    while (cnt <= QBID_REPLAY_ROW_COLUMNS_TRAIN) {
        const char *tab = memchr(at, '\t', (size_t)(end - at));
        columns[cnt++] = (struct qbid_replay_span){at, (size_t)((tab ? tab : end) - at)};
        if (!tab)
            break;
        at = tab + 1;
    }
    return cnt;
}

static bool is_id(struct qbid_replay_span span)
{
    if (is_null(span) || span.len > QBID_REPLAY_ROW_ID_MAX)
        return false;
    for (size_t i = 0; i < span.len; i++)
        if (span.at[i] <= ' ' || span.at[i] > '~')
            return false;
    return true;
}

static int parse_numbers(const struct qbid_replay_span *columns, struct qbid_replay_row *row,
                         const char **ret_reason)
{
    uint64_t exchange = 0, width, height, floor_fen, paid_fen;
    const char *reason = NULL;
    if (!number_column(columns[COL_TIMESTAMP], TIMESTAMP_MAX, &row->timestamp))
        reason = "timestamp (column 2 of 24) is not a number of at most 17 digits";
    else if (!is_null(columns[COL_EXCHANGE]) &&
             !number_column(columns[COL_EXCHANGE], EXCHANGE_MAX, &exchange))
        reason = "adexchange (column 9 of 24) is not a number";
    else if (!number_column(columns[COL_WIDTH], PIXELS_MAX, &width) ||
             !number_column(columns[COL_HEIGHT], PIXELS_MAX, &height))
        reason = "slotwidth or slotheight (columns 14, 15 of 24) is not in 0..65535";
    else if (!number_column(columns[COL_FLOOR], FEN_MAX, &floor_fen))
        reason = "slotprice (column 18 of 24) is not in 0..100000000 fen";
    else if (!number_column(columns[COL_PAID], FEN_MAX, &paid_fen))
        reason = "payprice (column 21 of 24) is not in 0..100000000 fen";
    if (reason) {
        *ret_reason = reason;
        return QBID_ERR_PARSE;
    }
    row->exchange = (uint32_t)exchange;
    row->width = (uint32_t)width;
    row->height = (uint32_t)height;
    row->floor_micros = (int64_t)floor_fen * QBID_REPLAY_MICROS_PER_FEN;
    row->market_micros = (int64_t)paid_fen * QBID_REPLAY_MICROS_PER_FEN;
    return 0;
}

static int parse_kind(const struct qbid_replay_span *columns, size_t cnt,
                      enum qbid_replay_row_kind *ret_kind, bool *ret_click, const char **ret_reason)
{
    uint64_t mark;
    if (cnt == QBID_REPLAY_ROW_COLUMNS_TRAIN) {
        if (!number_column(columns[0], 1, &mark)) {
            *ret_reason = "click (column 1 of 27) is neither 0 nor 1";
            return QBID_ERR_PARSE;
        }
        *ret_kind = QBID_REPLAY_ROW_TRAIN;
        *ret_click = mark == 1;
        return 0;
    }
    if (!number_column(columns[COL_LOGTYPE], 2, &mark) || mark == 0) {
        *ret_reason = "logtype (column 3 of 24) is neither 1, an impression, nor 2, a click";
        return QBID_ERR_PARSE;
    }
    *ret_kind = mark == 2 ? QBID_REPLAY_ROW_CLICK : QBID_REPLAY_ROW_IMPRESSION;
    *ret_click = mark == 2;
    return 0;
}

int qbid_replay_row_parse(const char *line, size_t len, struct qbid_replay_row *ret_row,
                          enum qbid_replay_row_kind *ret_kind, const char **ret_reason)
{
    struct qbid_replay_span all[QBID_REPLAY_ROW_COLUMNS_TRAIN + 1];
    enum qbid_replay_row_kind kind;
    size_t cnt = split_columns(line, len, all);
    if (cnt != QBID_REPLAY_ROW_COLUMNS && cnt != QBID_REPLAY_ROW_COLUMNS_TRAIN) {
        *ret_reason =
            "a row has 24 columns (or 27 with click, weekday, hour) with tabs between them";
        return QBID_ERR_PARSE;
    }
    int err = parse_kind(all, cnt, &kind, &ret_row->click, ret_reason);
    if (err)
        return err;
    const struct qbid_replay_span *columns = all;
    if (kind == QBID_REPLAY_ROW_TRAIN)
        columns += LEADING_COLUMNS;
    if (!is_id(columns[COL_BIDID])) {
        *ret_reason = "bidid (column 1 of 24) is not 1 to 64 printable characters";
        return QBID_ERR_PARSE;
    }
    err = parse_numbers(columns, ret_row, ret_reason);
    if (err)
        return err;
    ret_row->bidid = columns[COL_BIDID];
    ret_row->user = text_column(columns[COL_USER]);
    ret_row->ua = text_column(columns[COL_UA]);
    ret_row->ip = text_column(columns[COL_IP]);
    ret_row->region = text_column(columns[COL_REGION]);
    ret_row->city = text_column(columns[COL_CITY]);
    ret_row->domain = text_column(columns[COL_DOMAIN]);
    ret_row->url = text_column(columns[COL_URL]);
    ret_row->slot = text_column(columns[COL_SLOT]);
    ret_row->visibility = text_column(columns[COL_VISIBILITY]);
    ret_row->tags = text_column(columns[COL_TAGS]);
    ret_row->true_ctr = 0;
    ret_row->repeat = 0;
    *ret_kind = kind;
    return 0;
}

uint64_t qbid_replay_row_hash(const struct qbid_replay_row *row, uint64_t seed)
{
    return XXH3_64bits_withSeed(row->bidid.at, row->bidid.len, seed);
}

double qbid_replay_row_draw(const struct qbid_replay_row *row, uint64_t seed, uint32_t use)
{
    uint64_t word = qbid_replay_draw_word(seed, use, qbid_replay_row_hash(row, seed), row->repeat);
    return qbid_replay_draw_unit(word);
}
