/* SPDX-License-Identifier: Apache-2.0 */
/* qbid_status: the counters of all workers of this nginx, as JSON, for Prometheus or as a page. */
#include "plugin/nginx/handlers.h"
#include "plugin/nginx/host.h"
#include "plugin/nginx/reply.h"

#include "plugin/status/status_latency.h"
#include "plugin/status/status_merge.h"

#include <stdio.h>
#include <string.h>

#define STATUS_ENTRY_MAX 64 /* what stands around the text of one worker */
#define STATUS_HEAD_MAX 128
#define STATUS_MARKER "<!--STATUS-->"

/* NUL behind it: it has no other */
static const char page[] = {
#include "plugin/nginx/status_page.h"
    0};

static unsigned live_slots(const struct qbid_ngx_board *board)
{
    unsigned n = 0;

    for (unsigned i = 0; i < QBID_NGX_BOARD_SLOTS; i++)
        n += atomic_load_explicit(&board->slot[i].pid, memory_order_relaxed) != 0;
    return n;
}

/* "latency":{...} of all workers together. Whoever is out of time is left out, as in the list. */
static size_t board_latency(const struct qbid_ngx_board *board, struct qbid_latency_view *views,
                            uint64_t now_ns, char *out, size_t max)
{
    struct qbid_latency_view *all = views, *one = views + QBID_LATENCY_CNT;
    struct qbid_writer w = qbid_writer_init(out, max);
    uint64_t pid, age_ns;

    ngx_memzero(all, QBID_NGX_BOARD_LATENCY_MAX);
    for (unsigned i = 0; i < QBID_NGX_BOARD_SLOTS; i++) {
        if (qbid_ngx_slot_load(&board->slot[i], QBID_NGX_BOARD_LATENCY, now_ns, one, &pid,
                               &age_ns) != QBID_NGX_BOARD_LATENCY_MAX)
            continue;
        for (unsigned kind = 0; kind < QBID_LATENCY_CNT; kind++)
            qbid_latency_merge(&all[kind], &one[kind]);
    }
    QBID_PUT(&w, "\"latency\":");
    qbid_status_latency_json(&w, all);
    return qbid_writer_len(&w);
}

/* {"slots_max":128,"hidden":0,"latency":{...},"workers":[{"process":0,"age_ms":1,"pid":...},...]}
 * in the request's memory; no data when there is none. */
static ngx_str_t json_text(ngx_http_request_t *r, const struct qbid_ngx_board *board)
{
    unsigned live = live_slots(board), shown = 0;
    uint64_t now_ns = qbid_now_ns();
    size_t max = STATUS_HEAD_MAX + QBID_STATUS_LATENCY_MAX +
                 live * (size_t)(QBID_NGX_BOARD_JSON_MAX + STATUS_ENTRY_MAX);
    char *text = ngx_pnalloc(r->pool, QBID_NGX_BOARD_JSON_MAX);
    char *out = ngx_pnalloc(r->pool, max);
    struct qbid_latency_view *views = ngx_palloc(r->pool, 2 * QBID_NGX_BOARD_LATENCY_MAX);
    size_t n;

    if (text == NULL || out == NULL || views == NULL)
        return (ngx_str_t)ngx_null_string;
    n = (size_t)snprintf(
        out, max, "{\"slots_max\":%d,\"hidden\":%llu,", QBID_NGX_BOARD_SLOTS,
        (unsigned long long)atomic_load_explicit(&board->hidden, memory_order_relaxed));
    n += board_latency(board, views, now_ns, out + n, QBID_STATUS_LATENCY_MAX);
    n += (size_t)snprintf(out + n, max - n, ",\"workers\":[");
    for (unsigned i = 0; i < QBID_NGX_BOARD_SLOTS && shown < live; i++) {
        uint64_t pid, age_ns;
        size_t bytes =
            qbid_ngx_slot_load(&board->slot[i], QBID_NGX_BOARD_JSON, now_ns, text, &pid, &age_ns);

        if (bytes == 0)
            continue;
        n += (size_t)snprintf(out + n, max - n, "%s{\"process\":%u,\"age_ms\":%llu,",
                              shown > 0 ? "," : "", i, (unsigned long long)(age_ns / 1000000));
        ngx_memcpy(out + n, text, bytes);
        n += bytes;
        out[n++] = '}';
        shown++;
    }
    n += (size_t)snprintf(out + n, max - n, "]}\n");
    return (ngx_str_t){.data = (u_char *)out, .len = n};
}

static ngx_int_t status_json(ngx_http_request_t *r, const struct qbid_ngx_board *board)
{
    ngx_str_t json = json_text(r, board);

    if (json.data == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return qbid_ngx_reply_body(r, "application/json", json.data, json.len);
}

/* JSON as it may stand in a script element: whatever a text in it says, it ends nothing. */
static u_char *put_in_script(u_char *at, ngx_str_t json)
{
    for (size_t i = 0; i < json.len; i++) {
        if (json.data[i] == '<')
            at = ngx_cpymem(at, "\\u003c", 6);
        else
            *at++ = json.data[i];
    }
    return at;
}

/* What the page shows the counted reasons as. */
static const char reasons[] = "{\"reasons\":{\"\":\"\""
#define X(name, nbr, word, text) ",\"" word "\":\"" text "\""
    QBID_NOBID_LIST(X)
#undef X
        "},\"status\":";

static ngx_int_t status_html(ngx_http_request_t *r, const struct qbid_ngx_board *board)
{
    static ngx_str_t policy =
        ngx_string("default-src 'none'; style-src 'unsafe-inline'; "
                   "script-src 'unsafe-inline'; connect-src 'self'; "
                   "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    const char *marker = strstr(page, STATUS_MARKER);
    const char *rest = marker + sizeof(STATUS_MARKER) - 1;
    ngx_str_t json = json_text(r, board);
    u_char *out, *at;

    if (json.data == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    out = ngx_pnalloc(r->pool, sizeof(page) + sizeof(reasons) + 6 * json.len);
    if (out == NULL || qbid_ngx_reply_header(r, "Content-Security-Policy", policy) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    at = ngx_cpymem(out, page, (size_t)(marker - page));
    at = ngx_cpymem(at, reasons, sizeof(reasons) - 1);
    at = put_in_script(at, json);
    *at++ = '}';
    at = ngx_cpymem(at, rest, (size_t)(page + sizeof(page) - 1 - rest));
    return qbid_ngx_reply_body(r, "text/html; charset=utf-8", out, (size_t)(at - out));
}

static ngx_uint_t is_json_wanted(const ngx_http_request_t *r)
{
    return r->args.len == 4 && ngx_memcmp(r->args.data, "json", 4) == 0;
}

static size_t board_metrics(const struct qbid_ngx_board *board, char *out, size_t max)
{
    return (size_t)snprintf(
        out, max,
        "# HELP qbid_nginx_slots_max workers that the status can show\n"
        "# TYPE qbid_nginx_slots_max gauge\nqbid_nginx_slots_max %d\n"
        "# HELP qbid_nginx_slots_hidden workers that the status cannot show\n"
        "# TYPE qbid_nginx_slots_hidden gauge\nqbid_nginx_slots_hidden %llu\n",
        QBID_NGX_BOARD_SLOTS,
        (unsigned long long)atomic_load_explicit(&board->hidden, memory_order_relaxed));
}

static ngx_int_t status_metrics(ngx_http_request_t *r, const struct qbid_ngx_board *board)
{
    unsigned live = live_slots(board), n = 0;
    uint64_t now_ns = qbid_now_ns();
    char *store = ngx_pnalloc(r->pool, (size_t)(live + 1) * QBID_NGX_BOARD_METRICS_MAX);
    struct qbid_status_text *texts = ngx_palloc(r->pool, (live + 1) * sizeof(*texts));
    size_t head;
    char *out;

    if (store == NULL || texts == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    for (unsigned i = 0; i < QBID_NGX_BOARD_SLOTS && n < live; i++) {
        char *at = store + (size_t)n * QBID_NGX_BOARD_METRICS_MAX;
        uint64_t pid, age_ns;
        size_t bytes =
            qbid_ngx_slot_load(&board->slot[i], QBID_NGX_BOARD_METRICS, now_ns, at, &pid, &age_ns);

        if (bytes > 0)
            texts[n++] = (struct qbid_status_text){.at = at, .bytes = bytes, .process = i};
    }
    out = ngx_pnalloc(r->pool, qbid_status_merge_bound(texts, n) + QBID_NGX_BOARD_METRICS_MAX);
    if (out == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    head = board_metrics(board, out, QBID_NGX_BOARD_METRICS_MAX);
    head += qbid_status_merge(texts, n, out + head);
    return qbid_ngx_reply_body(r, "text/plain; version=0.0.4", (const u_char *)out, head);
}

ngx_int_t qbid_ngx_status_handler(ngx_http_request_t *r)
{
    struct qbid_ngx_main_conf *main = ngx_http_get_module_main_conf(r, ngx_http_qbid_module);
    struct qbid_ngx_loc_conf *loc = ngx_http_get_module_loc_conf(r, ngx_http_qbid_module);
    struct qbid_ngx_board *board = main->zone->data;
    ngx_str_t no_store = ngx_string("no-store");
    ngx_int_t rc;

    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)))
        return qbid_ngx_reply_method(r, "GET, HEAD");
    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK)
        return rc;
    if (main->host != NULL)
        qbid_ngx_host_publish(main->host);
    if (qbid_ngx_reply_header(r, "Cache-Control", no_store) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (loc->status_format == QBID_NGX_STATUS_PROMETHEUS)
        return status_metrics(r, board);
    if (loc->status_format == QBID_NGX_STATUS_HTML && !is_json_wanted(r))
        return status_html(r, board);
    return status_json(r, board);
}
