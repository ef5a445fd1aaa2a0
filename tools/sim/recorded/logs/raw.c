/* SPDX-License-Identifier: Apache-2.0 */
/* Raw iPinYou rows as auctions with contexts. */
#include <stdio.h>
#include <string.h>

#include "control/account/dictionary.h"
#include "shm/error.h"
#include "tools/replay/auction/device.h"
#include "tools/replay/source/log.h"
#include "tools/replay/text/money.h"
#include "tools/sim/recorded/logs/log.h"
#include "tools/sim/recorded/logs/text.h"

#define TEXT_BYTES 256

_Static_assert(QBID_RECORDED_MESSAGE_BYTES == QBID_REPLAY_LOG_MESSAGE_BYTES, "one message");

static uint64_t value_pack(struct qbid_recorded_log *log, uint64_t context, unsigned dim,
                           const char *text)
{
    return qbid_dim_pack(context, dim, qbid_dictionary_add(log->dictionary, dim, text));
}

static int position_of(struct qbid_replay_span view)
{
    if (view.len == 0 || (view.len == 2 && memcmp(view.at, "Na", 2) == 0))
        return 0;
    return view.len == 9 && memcmp(view.at, "FirstView", 9) == 0 ? 1 : 3;
}

/* Hour of the week, Monday 0, of yyyymmddhhmmssmmm; -1 when the date is none. */
static int hour_of_week(uint64_t timestamp)
{
    static const int before[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4}; /* Sakamoto 1992 */
    int hour = (int)(timestamp / 10000000 % 100), day = (int)(timestamp / 1000000000 % 100);
    int month = (int)(timestamp / 100000000000 % 100), year = (int)(timestamp / 10000000000000);
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || year < 1)
        return -1;
    year -= month < 3;
    int sunday0 = (year + year / 4 - year / 100 + year / 400 + before[month - 1] + day) % 7;
    return (sunday0 + 6) % 7 * 24 + hour;
}

/* What a bid request of this row tells. The user's tags are left out: on clicked rows of the
 * published sample they are there or not by the click. */
static uint64_t context_of(struct qbid_recorded_log *log, const struct qbid_replay_row *row)
{
    char text[TEXT_BYTES];
    uint64_t context = 0;
    snprintf(text, sizeof text, "%u", row->exchange);
    context = value_pack(log, context, QBID_DIM_EXCHANGE, text);
    snprintf(text, sizeof text, "banner:%ux%u", row->width, row->height);
    context = value_pack(log, context, QBID_DIM_SLOT, text);
    snprintf(text, sizeof text, "%d", position_of(row->visibility));
    context = value_pack(log, context, QBID_DIM_POSITION, text);
    struct qbid_replay_device device = qbid_replay_device_query(row->ua);
    snprintf(text, sizeof text, "%d/%s", (int)device.type, device.os ? device.os : "");
    context = value_pack(log, context, QBID_DIM_DEVICE, text);
    snprintf(text, sizeof text, "CHN/%.*s", QBID_REPLAY_SPAN_ARGS(row->region));
    context = value_pack(log, context, QBID_DIM_GEO, text);
    if (row->domain.len > 0 && row->domain.len < sizeof text) {
        snprintf(text, sizeof text, "%.*s", QBID_REPLAY_SPAN_ARGS(row->domain));
        context = value_pack(log, context, QBID_DIM_SITE, text);
    }
    int hour = hour_of_week(row->timestamp);
    if (hour >= 0) {
        snprintf(text, sizeof text, "%d", hour);
        context = value_pack(log, context, QBID_DIM_HOUR, text);
    }
    return context;
}

static int64_t price_of(const struct qbid_replay_row *row)
{
    int64_t micros =
        row->market_micros > row->floor_micros ? row->market_micros : row->floor_micros;
    return micros / QBID_REPLAY_MICROS_PER_FEN;
}

static int row_add(struct qbid_recorded_log *log, const struct qbid_replay_row *row, bool is_case,
                   char *message)
{
    int64_t price = price_of(row);
    if (price > QBID_RECORDED_PRICE_MAX) {
        snprintf(message, QBID_RECORDED_MESSAGE_BYTES,
                 "%s: payprice or slotprice of bidid %.*s is above %d fen", log->path,
                 QBID_REPLAY_SPAN_ARGS(row->bidid), QBID_RECORDED_PRICE_MAX);
        return QBID_ERR_PARSE;
    }
    struct qbid_recorded_auction a = {.context = context_of(log, row),
                                      .time = (int64_t)row->timestamp,
                                      .price = (int32_t)price,
                                      .click = row->click,
                                      .is_case = is_case};
    return qbid_recorded_log_add(log, a);
}

/* Click lines that are no impression of the log can only be a case-control sample's. */
static int rows_take(struct qbid_recorded_log *log, const struct qbid_replay_log *raw,
                     char *message)
{
    struct qbid_replay_log_facts facts = qbid_replay_log_query(raw);
    uint64_t cases = 0;
    int err = 0;
    for (size_t i = 0; i < facts.rows && !err; i++) {
        struct qbid_replay_row row;
        qbid_replay_log_load(raw, i, &row);
        bool is_case = qbid_replay_log_is_case(raw, i);
        cases += is_case;
        err = row_add(log, &row, is_case, message);
    }
    /* of the clicked impressions this share is among the sample; half a click where none is */
    if (cases > 0)
        log->sampled = facts.joined > 0 ? (double)facts.joined / (double)(facts.joined + cases)
                                        : 0.5 / ((double)cases + 0.5);
    return err;
}

int qbid_recorded_read_raw(struct qbid_recorded_log *log, char *message)
{
    struct qbid_replay_log *raw;
    const char *paths[] = {log->path};
    int err = qbid_dictionary_new(&log->dictionary);
    if (!err)
        err = qbid_replay_log_new(paths, 1, false, &raw, message);
    if (err)
        return err;
    err = rows_take(log, raw, message);
    qbid_replay_log_free(raw);
    return err;
}
