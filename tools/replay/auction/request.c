/* SPDX-License-Identifier: Apache-2.0 */
/* One row of the log as OpenRTB 2.6: what the log does not tell is left out of the request. */
#include "tools/replay/auction/request.h"

#include <stdio.h>
#include <string.h>

#include "tools/replay/auction/device.h"

/* pos of OpenRTB: 1 above the fold, 3 below the fold, 0 unknown. */
static int banner_position(struct qbid_replay_span visibility)
{
    if (visibility.len == 9 && memcmp(visibility.at, "FirstView", 9) == 0)
        return 1;
    if (visibility.len == 0 || (visibility.len == 2 && memcmp(visibility.at, "Na", 2) == 0))
        return 0;
    return 3;
}

size_t qbid_replay_request_id(const struct qbid_replay_row *row,
                              char out[QBID_REPLAY_REQUEST_ID_BYTES])
{
    memcpy(out, row->bidid.at, row->bidid.len);
    out[row->bidid.len] = '\0';
    if (row->repeat == 0)
        return row->bidid.len;
    int len = snprintf(out + row->bidid.len, QBID_REPLAY_REQUEST_ID_BYTES - row->bidid.len, "-%u",
                       row->repeat + 1);
    return row->bidid.len + (size_t)len;
}

static void add_span_json(struct qbid_replay_buffer *out, struct qbid_replay_span span)
{
    qbid_replay_buffer_add_json(out, span.at, span.len);
}

/* `,"name":"value"`, or nothing when the log has no value; *first saves the comma. */
static void add_text(struct qbid_replay_buffer *out, bool *first, const char *name,
                     struct qbid_replay_span value)
{
    if (value.len == 0)
        return;
    if (!*first)
        qbid_replay_buffer_add(out, ",", 1);
    *first = false;
    qbid_replay_buffer_add(out, "\"", 1);
    qbid_replay_buffer_add_text(out, name);
    qbid_replay_buffer_add(out, "\":", 2);
    add_span_json(out, value);
}

static void add_imp(struct qbid_replay_buffer *out, const struct qbid_replay_row *row)
{
    qbid_replay_buffer_add_text(out, ",\"imp\":[{\"id\":\"1\"");
    bool first = false;
    add_text(out, &first, "tagid", row->slot);
    qbid_replay_buffer_add_text(out, ",\"banner\":{");
    if (row->width != 0 && row->height != 0)
        qbid_replay_buffer_print(out, "\"w\":%u,\"h\":%u,\"format\":[{\"w\":%u,\"h\":%u}],",
                                 row->width, row->height, row->width, row->height);
    qbid_replay_buffer_add_text(out, "\"pos\":");
    qbid_replay_buffer_add_int(out, banner_position(row->visibility));
    qbid_replay_buffer_add_text(out, "},\"bidfloor\":");
    qbid_replay_buffer_add_micros(out, row->floor_micros);
    qbid_replay_buffer_add_text(out, ",\"bidfloorcur\":\"CNY\",\"secure\":0}]");
}

static void add_site(struct qbid_replay_buffer *out, const struct qbid_replay_row *row)
{
    bool first = true;
    qbid_replay_buffer_add_text(out, ",\"site\":{");
    add_text(out, &first, "id", row->domain);
    add_text(out, &first, "domain", row->domain);
    if (row->domain.len != 0 && row->url.len != 0) {
        qbid_replay_buffer_add_text(out, ",\"page\":");
        char page[512];
        int len = snprintf(page, sizeof page, "http://%.*s/%.*s",
                           QBID_REPLAY_SPAN_ARGS(row->domain), QBID_REPLAY_SPAN_ARGS(row->url));
        qbid_replay_buffer_add_json(out, page, (size_t)len < sizeof page ? (size_t)len : 511);
    }
    qbid_replay_buffer_add(out, "}", 1);
}

/* The log hides the last part of the address behind a star. */
static void add_ip(struct qbid_replay_buffer *out, struct qbid_replay_span ip)
{
    char text[64];
    if (ip.len == 0 || ip.len >= sizeof text)
        return;
    for (size_t i = 0; i < ip.len; i++)
        text[i] = ip.at[i] == '*' ? '0' : ip.at[i];
    bool first = false;
    add_text(out, &first, "ip", (struct qbid_replay_span){text, ip.len});
}

static void add_device(struct qbid_replay_buffer *out, const struct qbid_replay_row *row)
{
    struct qbid_replay_device device = qbid_replay_device_query(row->ua);
    bool first = false;
    qbid_replay_buffer_add_text(out, ",\"device\":{\"devicetype\":");
    qbid_replay_buffer_add_int(out, device.type);
    add_text(out, &first, "ua", row->ua);
    add_ip(out, row->ip);
    if (device.os)
        add_text(out, &first, "os", (struct qbid_replay_span){device.os, strlen(device.os)});
    qbid_replay_buffer_add_text(out, ",\"geo\":{\"country\":\"CHN\"");
    add_text(out, &first, "region", row->region);
    add_text(out, &first, "city", row->city);
    qbid_replay_buffer_add_text(out, "}}");
}

static void add_segments(struct qbid_replay_buffer *out, struct qbid_replay_span tags)
{
    const char *at = tags.at, *end = tags.at + tags.len;
    bool first = true;
    qbid_replay_buffer_add_text(out, "\"data\":[{\"id\":\"ipinyou\",\"segment\":[");
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        if (stop > at) {
            qbid_replay_buffer_add_text(out, first ? "{\"id\":" : ",{\"id\":");
            qbid_replay_buffer_add_json(out, at, (size_t)(stop - at));
            qbid_replay_buffer_add(out, "}", 1);
            first = false;
        }
        at = stop + 1;
    }
    qbid_replay_buffer_add_text(out, "]}]");
}

static void add_user(struct qbid_replay_buffer *out, const struct qbid_replay_row *row,
                     bool omit_tags)
{
    bool first = true, has_tags = row->tags.len != 0 && !omit_tags;
    if (row->user.len == 0 && !has_tags)
        return;
    qbid_replay_buffer_add_text(out, ",\"user\":{");
    add_text(out, &first, "id", row->user);
    if (has_tags) {
        if (!first)
            qbid_replay_buffer_add(out, ",", 1);
        add_segments(out, row->tags);
    }
    qbid_replay_buffer_add(out, "}", 1);
}

void qbid_replay_request_body(struct qbid_replay_buffer *out, const struct qbid_replay_row *row,
                              const struct qbid_replay_request_terms *terms)
{
    char id[QBID_REPLAY_REQUEST_ID_BYTES];
    size_t id_len = qbid_replay_request_id(row, id);
    qbid_replay_buffer_add_text(out, "{\"id\":");
    qbid_replay_buffer_add_json(out, id, id_len);
    add_imp(out, row);
    add_site(out, row);
    add_device(out, row);
    add_user(out, row, terms->omit_tags);
    qbid_replay_buffer_add_text(out, ",\"source\":{\"tid\":");
    qbid_replay_buffer_add_json(out, id, id_len);
    qbid_replay_buffer_add_text(out, "},\"at\":");
    qbid_replay_buffer_add_int(out, terms->auction);
    qbid_replay_buffer_add_text(out, ",\"tmax\":");
    qbid_replay_buffer_add_int(out, terms->tmax_ms);
    qbid_replay_buffer_add_text(out, ",\"cur\":[\"CNY\"]}");
}

void qbid_replay_request_post(struct qbid_replay_buffer *out, const char *authority,
                              const char *path, uint32_t exchange,
                              const struct qbid_replay_buffer *body)
{
    qbid_replay_buffer_add_text(out, "POST ");
    qbid_replay_buffer_add_text(out, path);
    qbid_replay_buffer_add_text(out, strchr(path, '?') ? "&x=" : "?x=");
    qbid_replay_buffer_add_int(out, exchange);
    qbid_replay_buffer_add_text(out, " HTTP/1.1\r\nHost: ");
    qbid_replay_buffer_add_text(out, authority);
    qbid_replay_buffer_add_text(out, "\r\nContent-Type: application/json\r\n"
                                     "x-openrtb-version: 2.6\r\nContent-Length: ");
    qbid_replay_buffer_add_int(out, (int64_t)body->len);
    qbid_replay_buffer_add_text(out, "\r\n\r\n");
    qbid_replay_buffer_add(out, body->text, body->len);
}

void qbid_replay_request_get(struct qbid_replay_buffer *out, const char *authority,
                             struct qbid_replay_span path)
{
    qbid_replay_buffer_add_text(out, "GET ");
    qbid_replay_buffer_add_span(out, path);
    qbid_replay_buffer_add_text(out, " HTTP/1.1\r\nHost: ");
    qbid_replay_buffer_add_text(out, authority);
    qbid_replay_buffer_add_text(out, "\r\n\r\n");
}
