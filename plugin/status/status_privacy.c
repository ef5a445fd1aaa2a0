/* SPDX-License-Identifier: Apache-2.0 */
/* Writes counts of privacy classes as JSON and for Prometheus. */
#include "plugin/status/status_privacy.h"

#include "plugin/privacy/privacy.h"

static void put_count(struct qbid_writer *w, unsigned i, const char *word, uint64_t count)
{
    qbid_put_word(w, i == 0 ? "\"" : ",\"");
    qbid_put_word(w, word);
    QBID_PUT(w, "\":");
    qbid_put_u64(w, count);
}

void qbid_status_privacy_json(struct qbid_writer *w, const uint64_t of[QBID_PRIVACY_REASON_CNT])
{
    uint64_t of_class[QBID_PRIVACY_CLASS_CNT] = {0};
    for (unsigned i = 0; i < QBID_PRIVACY_REASON_CNT; i++)
        of_class[qbid_privacy_class_of(i)] += of[i];
    QBID_PUT(w, "{\"class\":{");
    for (unsigned i = 0; i < QBID_PRIVACY_CLASS_CNT; i++)
        put_count(w, i, qbid_privacy_class_word(i), of_class[i]);
    QBID_PUT(w, "},\"reason\":{");
    for (unsigned i = 0; i < QBID_PRIVACY_REASON_CNT; i++)
        put_count(w, i, qbid_privacy_reason_word(i), of[i]);
    QBID_PUT(w, "}}");
}

void qbid_status_privacy_prometheus(struct qbid_writer *w,
                                    const uint64_t of[QBID_PRIVACY_REASON_CNT], unsigned worker)
{
    QBID_PUT(w, "# HELP qbid_privacy_total bid requests, by privacy class and its reason\n"
                "# TYPE qbid_privacy_total counter\n");
    for (unsigned i = 0; i < QBID_PRIVACY_REASON_CNT; i++) {
        QBID_PUT(w, "qbid_privacy_total{worker=\"");
        qbid_put_u64(w, worker);
        QBID_PUT(w, "\",class=\"");
        qbid_put_word(w, qbid_privacy_class_word(qbid_privacy_class_of(i)));
        QBID_PUT(w, "\",reason=\"");
        qbid_put_word(w, qbid_privacy_reason_word(i));
        QBID_PUT(w, "\"} ");
        qbid_put_u64(w, of[i]);
        qbid_put_char(w, '\n');
    }
}
