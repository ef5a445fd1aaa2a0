/* SPDX-License-Identifier: Apache-2.0 */
/* Latency histograms of the workers, one by one and all together, as stat and top show them. */
#include "control/api/command.h"

static const char *const kind_name[QBID_LATENCY_CNT] = {
#define X(upper, lower, text) #lower,
    QBID_LATENCY_LIST(X)
#undef X
};

static void view_add(cJSON *to, const char *name, const struct qbid_latency_view *view)
{
    cJSON *item = cJSON_AddObjectToObject(to, name);
    qbid_json_count(item, "count", view->count);
    qbid_json_count(item, "sum_ns", view->sum_ns);
#define X(permille, quantile)                                                                      \
    qbid_json_count(item, #quantile "_ns", qbid_latency_quantile(view, permille));
    QBID_LATENCY_QUANTILE_LIST(X)
#undef X
    qbid_json_count(item, "max_ns", view->max_ns);
}

static void worker_add(cJSON *list, const struct qbid_publisher_worker *worker,
                       struct qbid_latency_view all[QBID_LATENCY_CNT])
{
    const struct qbid_page_header *h = worker->page->header;
    struct qbid_latency_view view;
    cJSON *to = qbid_json_row(list);
    cJSON_AddNumberToObject(to, "slot", worker->slot);
    cJSON_AddNumberToObject(to, "uid", worker->uid);
    cJSON_AddNumberToObject(to, "pid", worker->pid);
    cJSON_AddNumberToObject(to, "every",
                            atomic_load_explicit(&h->latency_every, memory_order_relaxed));
    for (unsigned kind = 0; kind < QBID_LATENCY_CNT; kind++) {
        qbid_latency_load(&worker->page->latency[kind], &view);
        qbid_latency_merge(&all[kind], &view);
        view_add(to, kind_name[kind], &view);
    }
}

void qbid_command_latency(cJSON *to, const struct qbid_publisher_worker *workers, uint32_t cnt)
{
    struct qbid_latency_view all[QBID_LATENCY_CNT] = {0};
    cJSON *list = cJSON_AddArrayToObject(to, "workers");
    for (uint32_t w = 0; w < cnt; w++)
        worker_add(list, &workers[w], all);
    cJSON *together = cJSON_AddObjectToObject(to, "all");
    for (unsigned kind = 0; kind < QBID_LATENCY_CNT; kind++)
        view_add(together, kind_name[kind], &all[kind]);
}
