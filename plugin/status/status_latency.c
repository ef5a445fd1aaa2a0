/* SPDX-License-Identifier: Apache-2.0 */
/* Writes latency histograms as JSON and for Prometheus. */
#include "plugin/status/status_latency.h"

/* Edges of the Prometheus buckets, 2^n ns: 64 ns to 1 ms by octaves, to 1 s by two. */
static const uint8_t lg_edge[] = {6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                  16, 17, 18, 19, 20, 22, 24, 26, 28, 30};

static const char *const kind_name[QBID_LATENCY_CNT] = {
#define X(upper, lower, text) #lower,
    QBID_LATENCY_LIST(X)
#undef X
};

static const char *const kind_text[QBID_LATENCY_CNT] = {
#define X(upper, lower, text) text,
    QBID_LATENCY_LIST(X)
#undef X
};

static void put_one(struct qbid_writer *w, const struct qbid_latency_view *view)
{
    QBID_PUT(w, "{\"count\":");
    qbid_put_u64(w, view->count);
    QBID_PUT(w, ",\"sum_ns\":");
    qbid_put_u64(w, view->sum_ns);
#define X(permille, name)                                                                          \
    QBID_PUT(w, ",\"" #name "_ns\":");                                                             \
    qbid_put_u64(w, qbid_latency_quantile(view, permille));
    QBID_LATENCY_QUANTILE_LIST(X)
#undef X
    QBID_PUT(w, ",\"max_ns\":");
    qbid_put_u64(w, view->max_ns);
    qbid_put_char(w, '}');
}

void qbid_status_latency_json(struct qbid_writer *w,
                              const struct qbid_latency_view of[QBID_LATENCY_CNT])
{
    for (unsigned kind = 0; kind < QBID_LATENCY_CNT; kind++) {
        qbid_put_word(w, kind == 0 ? "{\"" : ",\"");
        qbid_put_word(w, kind_name[kind]);
        QBID_PUT(w, "\":");
        put_one(w, &of[kind]);
    }
    qbid_put_char(w, '}');
}

/* Seconds, exact. */
static void put_ns(struct qbid_writer *w, uint64_t ns)
{
    char digits[10] = ".000000000";
    uint64_t rest = ns % QBID_NS_PER_S;
    for (unsigned i = 9; i > 0; i--, rest /= 10)
        digits[i] = (char)('0' + rest % 10);
    qbid_put_u64(w, ns / QBID_NS_PER_S);
    qbid_put(w, digits, sizeof digits);
}

/* qbid_decide_seconds_bucket{worker="7" */
static void put_series(struct qbid_writer *w, unsigned kind, const char *suffix, unsigned worker)
{
    QBID_PUT(w, "qbid_");
    qbid_put_word(w, kind_name[kind]);
    QBID_PUT(w, "_seconds");
    qbid_put_word(w, suffix);
    QBID_PUT(w, "{worker=\"");
    qbid_put_u64(w, worker);
    qbid_put_char(w, '"');
}

static void put_head(struct qbid_writer *w, unsigned kind)
{
    QBID_PUT(w, "# HELP qbid_");
    qbid_put_word(w, kind_name[kind]);
    QBID_PUT(w, "_seconds time of ");
    qbid_put_word(w, kind_text[kind]);
    QBID_PUT(w, " (one of qbid_latency_every)\n# TYPE qbid_");
    qbid_put_word(w, kind_name[kind]);
    QBID_PUT(w, "_seconds histogram\n");
}

static void put_buckets(struct qbid_writer *w, unsigned kind, const struct qbid_latency_view *view,
                        unsigned worker)
{
    for (unsigned i = 0; i < sizeof lg_edge; i++) {
        put_series(w, kind, "_bucket", worker);
        QBID_PUT(w, ",le=\"");
        put_ns(w, UINT64_C(1) << lg_edge[i]);
        QBID_PUT(w, "\"} ");
        qbid_put_u64(w, qbid_latency_below(view, lg_edge[i]));
        qbid_put_char(w, '\n');
    }
    put_series(w, kind, "_bucket", worker);
    QBID_PUT(w, ",le=\"+Inf\"} ");
    qbid_put_u64(w, view->count);
    qbid_put_char(w, '\n');
}

void qbid_status_latency_prometheus(struct qbid_writer *w,
                                    const struct qbid_latency_view of[QBID_LATENCY_CNT],
                                    unsigned worker)
{
    for (unsigned kind = 0; kind < QBID_LATENCY_CNT; kind++) {
        put_head(w, kind);
        put_buckets(w, kind, &of[kind], worker);
        put_series(w, kind, "_sum", worker);
        QBID_PUT(w, "} ");
        put_ns(w, of[kind].sum_ns);
        qbid_put_char(w, '\n');
        put_series(w, kind, "_count", worker);
        QBID_PUT(w, "} ");
        qbid_put_u64(w, of[kind].count);
        qbid_put_char(w, '\n');
    }
}
