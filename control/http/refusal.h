/* SPDX-License-Identifier: Apache-2.0 */
/* Why a request is refused, as problem details (RFC 9457):
 *
 *   {"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"...",
 *    "errors":[{"field":"metrics.clicks","reason":"is above metrics.impressions"}]}
 */
#ifndef QBID_CONTROL_HTTP_REFUSAL_H
#define QBID_CONTROL_HTTP_REFUSAL_H

#include <stdint.h>

#define QBID_REFUSAL_FIELDS_MAX 16
#define QBID_REFUSAL_FIELD_MAX 80
#define QBID_REFUSAL_TEXT_MAX 320

struct qbid_refusal {
    int status; /* of HTTP; 0 = nothing is refused */
    char detail[QBID_REFUSAL_TEXT_MAX];
    uint32_t field_cnt; /* all that are wrong, also those beyond the array */
    struct {
        char name[QBID_REFUSAL_FIELD_MAX], reason[QBID_REFUSAL_TEXT_MAX];
    } field[QBID_REFUSAL_FIELDS_MAX];
};

/** Refuse as a whole; the first refusal stays. */
void qbid_refuse(struct qbid_refusal *refusal, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** One more field that is wrong: 422. */
void qbid_refuse_field(struct qbid_refusal *refusal, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Reason phrase of a status that is used here; "Error" for another. */
const char *qbid_http_phrase(int status);

/** The body, malloc'd; NULL without memory. */
char *qbid_refusal_body(const struct qbid_refusal *refusal);

#endif
