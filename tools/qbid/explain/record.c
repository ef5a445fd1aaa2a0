/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a line and the answer inside it; numbers are read from their text, exactly. */
#include "tools/qbid/explain/record.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tools/replay/text/json.h"
#include "tools/replay/text/money.h"

#define NUMBER_BYTES 64

/* Reads the value of a member that it knows; otherwise QBID_ERR_NOENT, nothing read. */
typedef int (*member_fn)(void *context, struct qbid_replay_span key, struct qbid_replay_json *json);

static bool is(struct qbid_replay_span text, const char *name)
{
    return text.len == strlen(name) && memcmp(text.at, name, text.len) == 0;
}

static int read_object(struct qbid_replay_json *json, member_fn read, void *context)
{
    struct qbid_replay_span key;
    bool first = true;
    int more = qbid_replay_json_enter(json, '{');
    while (more >= 0 && (more = qbid_replay_json_member(json, &first, &key)) > 0) {
        more = read(context, key, json);
        if (more == QBID_ERR_NOENT)
            more = qbid_replay_json_skip(json);
    }
    return more;
}

static int read_objects(struct qbid_replay_json *json, member_fn read, void *context,
                        int (*begin)(void *context))
{
    bool first = true;
    int more = qbid_replay_json_enter(json, '[');
    while (more >= 0 && (more = qbid_replay_json_item(json, &first)) > 0) {
        more = begin ? begin(context) : 0;
        if (more == 0)
            more = read_object(json, read, context);
    }
    return more;
}

static int read_uint(struct qbid_replay_json *json, uint64_t max, uint64_t *ret_number)
{
    struct qbid_replay_span text;
    char digits[NUMBER_BYTES];
    int err = qbid_replay_json_number(json, &text);
    if (err || text.len >= sizeof digits)
        return QBID_ERR_PARSE;
    memcpy(digits, text.at, text.len);
    digits[text.len] = '\0';
    if (strspn(digits, "0123456789") != text.len)
        return QBID_ERR_PARSE;
    errno = 0;
    *ret_number = strtoull(digits, NULL, 10);
    return errno || *ret_number > max ? QBID_ERR_LIMIT : 0;
}

static int read_u32(struct qbid_replay_json *json, uint32_t *ret_number)
{
    uint64_t number;
    int err = read_uint(json, UINT32_MAX, &number);
    if (err == 0)
        *ret_number = (uint32_t)number;
    return err;
}

/* Six decimals as an integer; a server of ours writes no finer ones. */
static int read_micros(struct qbid_replay_json *json, int64_t *ret_micros)
{
    struct qbid_replay_span text;
    int err = qbid_replay_json_number(json, &text);
    if (err == 0)
        err = qbid_replay_money_parse(text.at, text.len, ret_micros);
    return err > 0 ? QBID_ERR_PARSE : err;
}

/* --- ext.qbid */

enum trace_field {
    TRACE_GEN = 1 << 0,
    TRACE_LINE_ITEM = 1 << 1,
    TRACE_CREATIVE = 1 << 2,
    TRACE_LEVEL = 1 << 3,
    TRACE_VALUE = 1 << 4,
    TRACE_PACE = 1 << 5,
    TRACE_Q_ACTION = 1 << 6,
    TRACE_Q_RATIO = 1 << 7,
    TRACE_SHADE_RATIO = 1 << 8,
    TRACE_Q_STATE = 1 << 9,
    TRACE_ALL = (1 << 10) - 1
};

struct trace {
    struct qbid_explain_bid *bid;
    unsigned seen; /* enum trace_field */
    bool exact;    /* the pace is known by its bits */
};

static int read_pace(struct trace *trace, struct qbid_replay_json *json)
{
    struct qbid_replay_span text;
    char digits[NUMBER_BYTES];
    int err = qbid_replay_json_number(json, &text);
    if (err || text.len >= sizeof digits)
        return QBID_ERR_PARSE;
    memcpy(digits, text.at, text.len);
    digits[text.len] = '\0';
    if (!trace->exact)
        trace->bid->pace = strtof(digits, NULL);
    return 0;
}

static int read_pace_bits(struct trace *trace, struct qbid_replay_json *json)
{
    uint32_t bits;
    int err = read_u32(json, &bits);
    if (err)
        return err;
    memcpy(&trace->bid->pace, &bits, sizeof bits);
    trace->exact = true;
    return isfinite(trace->bid->pace) ? 0 : QBID_ERR_PARSE;
}

static int read_trace_member(void *context, struct qbid_replay_span key,
                             struct qbid_replay_json *json)
{
    struct trace *trace = context;
    struct qbid_explain_bid *bid = trace->bid;
    struct qbid_explain_facts *facts = &bid->facts;
    const struct {
        const char *name;
        enum trace_field field;
        uint32_t *number;
        int64_t *micros;
    } fields[] = {
        {"line_item", TRACE_LINE_ITEM, &facts->line_item_id, NULL},
        {"creative", TRACE_CREATIVE, &facts->creative_id, NULL},
        {"level", TRACE_LEVEL, &facts->level, NULL},
        {"q_action", TRACE_Q_ACTION, &facts->q_action, NULL},
        {"q_state", TRACE_Q_STATE, &bid->qstate, NULL},
        {"value", TRACE_VALUE, NULL, &facts->value_micros},
        {"q_ratio", TRACE_Q_RATIO, NULL, &facts->q_ratio_ppm},
        {"shade_ratio", TRACE_SHADE_RATIO, NULL, &facts->shade_ratio_ppm},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (!is(key, fields[i].name))
            continue;
        trace->seen |= fields[i].field;
        return fields[i].number ? read_u32(json, fields[i].number)
                                : read_micros(json, fields[i].micros);
    }
    if (is(key, "pace") || is(key, "pace_bits")) {
        trace->seen |= TRACE_PACE;
        return key.len == 4 ? read_pace(trace, json) : read_pace_bits(trace, json);
    }
    if (is(key, "gen")) {
        trace->seen |= TRACE_GEN;
        return read_uint(json, UINT64_MAX, &bid->gen);
    }
    if (is(key, "exposures")) /* not told: none */
        return read_u32(json, &bid->exposures) || bid->exposures > UINT8_MAX ? QBID_ERR_PARSE : 0;
    return is(key, "unix_s") ? read_uint(json, UINT32_MAX, &bid->unix_s) : QBID_ERR_NOENT;
}

static int read_ext_member(void *context, struct qbid_replay_span key,
                           struct qbid_replay_json *json)
{
    struct trace trace = {.bid = context};
    if (!is(key, "qbid"))
        return QBID_ERR_NOENT;
    int err = read_object(json, read_trace_member, &trace);
    trace.bid->traced = err == 0 && trace.seen == TRACE_ALL;
    return err;
}

/* --- answer */

static int begin_bid(void *context)
{
    struct qbid_explain_record *record = context;
    if (record->bid_cnt == QBID_OPENRTB_IMPS_MAX)
        return QBID_ERR_LIMIT;
    record->bid[record->bid_cnt++] = (struct qbid_explain_bid){0};
    return 0;
}

static int read_bid_member(void *context, struct qbid_replay_span key,
                           struct qbid_replay_json *json)
{
    struct qbid_explain_record *record = context;
    struct qbid_explain_bid *bid = &record->bid[record->bid_cnt - 1];
    if (is(key, "impid")) {
        bid->has_impid = true;
        return qbid_replay_json_string(json, &bid->impid);
    }
    if (is(key, "price"))
        return read_micros(json, &bid->facts.price_micros);
    return is(key, "ext") ? read_object(json, read_ext_member, bid) : QBID_ERR_NOENT;
}

static int read_seat_member(void *context, struct qbid_replay_span key,
                            struct qbid_replay_json *json)
{
    return is(key, "bid") ? read_objects(json, read_bid_member, context, begin_bid)
                          : QBID_ERR_NOENT;
}

static int read_answer_member(void *context, struct qbid_replay_span key,
                              struct qbid_replay_json *json)
{
    return is(key, "seatbid") ? read_objects(json, read_seat_member, context, NULL)
                              : QBID_ERR_NOENT;
}

static int read_answer(struct qbid_explain_record *record)
{
    if (record->answer.failed)
        return QBID_ERR_NOMEM;
    struct qbid_replay_json json = qbid_replay_json_start(record->answer.text, record->answer.len);
    int err = read_object(&json, read_answer_member, record);
    return err ? err : qbid_replay_json_finish(&json);
}

/* --- line */

static int read_exchange(struct qbid_explain_record *record, struct qbid_replay_json *json)
{
    struct qbid_replay_span raw;
    struct qbid_replay_buffer text = {0};
    bool quoted = qbid_replay_json_peek(json) == '"';
    int err = quoted ? qbid_replay_json_string(json, &raw) : qbid_replay_json_number(json, &raw);
    if (err)
        return err;
    qbid_replay_json_unescape(&text, raw);
    record->has_exchange = !text.failed && text.len < sizeof record->exchange;
    if (record->has_exchange) {
        memcpy(record->exchange, text.text ? text.text : "", text.len);
        record->exchange[text.len] = '\0';
    }
    qbid_replay_buffer_done(&text);
    return record->has_exchange ? 0 : QBID_ERR_LIMIT;
}

static int read_line_member(void *context, struct qbid_replay_span key,
                            struct qbid_replay_json *json)
{
    struct qbid_explain_record *record = context;
    struct qbid_replay_span raw;
    int err = QBID_ERR_NOENT;
    if (is(key, "x"))
        return read_exchange(record, json);
    if (is(key, "code")) {
        record->has_code = true;
        return read_uint(json, 999, &record->code);
    }
    if (is(key, "time"))
        return read_uint(json, UINT32_MAX, &record->unix_s);
    if (is(key, "request")) {
        qbid_replay_json_peek(json);
        const char *from = json->at;
        err = qbid_replay_json_skip(json);
        record->request = (struct qbid_replay_span){from, (size_t)(json->at - from)};
    } else if (is(key, "answer")) {
        err = qbid_replay_json_string(json, &raw);
        if (err == 0)
            qbid_replay_json_unescape(&record->answer, raw);
    }
    return err;
}

int qbid_explain_record_read(struct qbid_explain_record *record, const char *line, size_t len,
                             const char **ret_why)
{
    record->has_exchange = record->has_code = false;
    record->request = (struct qbid_replay_span){0};
    record->code = record->unix_s = 0;
    record->bid_cnt = 0;
    qbid_replay_buffer_clear(&record->answer);
    struct qbid_replay_json json = qbid_replay_json_start(line, len);
    int err = read_object(&json, read_line_member, record);
    if (err == 0)
        err = qbid_replay_json_finish(&json);
    *ret_why = "no line of qbid-replay --answers";
    if (err || !record->has_code)
        return err ? err : QBID_ERR_PARSE;
    if (record->code == QBID_EXPLAIN_CODE_BID) {
        if (record->request.len == 0 || *record->request.at != '{')
            return QBID_ERR_PARSE;
        *ret_why = "the answer of code 200 is no bid response";
        err = read_answer(record);
    }
    return err;
}

void qbid_explain_record_done(struct qbid_explain_record *record)
{
    qbid_replay_buffer_done(&record->answer);
}
