/* SPDX-License-Identifier: Apache-2.0 */
/* Times in words, and latency tables. */
#include "tools/qbid/times.h"

#include <stdio.h>

#include "tools/qbid/columns.h"
#include "tools/qbid/tool.h"

static const char *const kinds[] = {"decide", "answer", "notice"};
#define KIND_CNT (sizeof kinds / sizeof kinds[0])

void qbid_times_format(double ns, char out[QBID_TIMES_TEXT_MAX])
{
    static const char *const unit[] = {"ns", "us", "ms", "s"};
    unsigned at = 0;
    while (at < 3 && ns >= 999.5) {
        ns /= 1000;
        at++;
    }
    int digits = at == 0 || ns >= 99.95 ? 0 : ns >= 9.995 ? 1 : 2;
    snprintf(out, QBID_TIMES_TEXT_MAX, "%.*f %s", digits, ns < 1e9 ? ns : 1e9, unit[at]);
}

void qbid_times_span(double seconds, char out[QBID_TIMES_TEXT_MAX])
{
    static const struct {
        double least, seconds;
        const char *format;
    } units[] = {{2 * 86400, 86400, "%.1f d"}, {7200, 3600, "%.1f h"}, {120, 60, "%.0f min"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (seconds >= units[i].least) {
            snprintf(out, QBID_TIMES_TEXT_MAX, units[i].format, seconds / units[i].seconds);
            return;
        }
    snprintf(out, QBID_TIMES_TEXT_MAX, "%.0f s", seconds);
}

static void time_add(struct qbid_columns *columns, const cJSON *of, const char *name)
{
    char text[QBID_TIMES_TEXT_MAX];
    qbid_times_format(qbid_tool_number(of, name), text);
    qbid_columns_add(columns, "%s", text);
}

/* who is NULL for all workers together. */
static unsigned rows_add(struct qbid_columns *columns, const cJSON *who, const cJSON *of)
{
    static const char *const times[] = {"p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns"};
    unsigned rows = 0;
    for (size_t k = 0; k < KIND_CNT; k++) {
        const cJSON *one = qbid_tool_member(of, kinds[k]);
        if (qbid_tool_number(one, "count") == 0)
            continue;
        qbid_columns_add(columns, "%s", kinds[k]);
        if (who) {
            qbid_columns_add(columns, "%.0f", qbid_tool_number(who, "uid"));
            qbid_columns_add(columns, "%.0f", qbid_tool_number(who, "pid"));
            qbid_columns_add(columns, "1 of %.0f", qbid_tool_number(who, "every"));
        } else {
            qbid_columns_add(columns, "all");
            qbid_columns_add(columns, "-");
            qbid_columns_add(columns, "-");
        }
        qbid_columns_add(columns, "%.0f", qbid_tool_number(one, "count"));
        for (size_t t = 0; t < sizeof times / sizeof times[0]; t++)
            time_add(columns, one, times[t]);
        rows++;
    }
    return rows;
}

void qbid_times_print(const cJSON *latency, bool bold)
{
    static const char *const heads[] = {"<LATENCY", "WORKER", "PID",   "TIMED", "COUNT", "P50",
                                        "P90",      "P99",    "P99.9", "MAX",   NULL};
    struct qbid_columns columns;
    const cJSON *w;
    qbid_columns_init(&columns, heads);
    unsigned rows = rows_add(&columns, NULL, qbid_tool_member(latency, "all"));
    cJSON_ArrayForEach(w, qbid_tool_member(latency, "workers")) rows += rows_add(&columns, w, w);
    if (rows)
        qbid_columns_print(&columns, stdout, bold);
    else
        puts("latency: nothing was timed (qbid_latency off, no worker, or no request yet)");
    qbid_columns_done(&columns);
}

void qbid_times_print_answer(FILE *out, const cJSON *latency)
{
    const cJSON *answer = qbid_tool_member(qbid_tool_member(latency, "all"), "answer");
    const cJSON *decide = qbid_tool_member(qbid_tool_member(latency, "all"), "decide");
    char p50[QBID_TIMES_TEXT_MAX], p99[QBID_TIMES_TEXT_MAX];
    if (qbid_tool_number(answer, "count") == 0)
        return;
    qbid_times_format(qbid_tool_number(answer, "p50_ns"), p50);
    qbid_times_format(qbid_tool_number(answer, "p99_ns"), p99);
    fprintf(out, "answer: p50 %s, p99 %s", p50, p99);
    qbid_times_format(qbid_tool_number(decide, "p50_ns"), p50);
    qbid_times_format(qbid_tool_number(decide, "p99_ns"), p99);
    fprintf(out, "; decision: p50 %s, p99 %s (since the workers started)\n", p50, p99);
}
