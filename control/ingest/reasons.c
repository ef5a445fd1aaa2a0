/* SPDX-License-Identifier: Apache-2.0 */
/* Counts losses by reason and video events; whatever number an exchange sends is kept. */
#include "control/ingest/reasons.h"

#include <stdio.h>

static const struct {
    uint16_t code;
    const char *name;
} losses[] = {
#define X(code, word) {code, "loss." word},
    QBID_LOSS_LIST(X)
#undef X
};

static void other_count(struct qbid_reasons *reasons, uint16_t code)
{
    for (unsigned i = 0; i < QBID_REASONS_OTHER; i++)
        if (reasons->other[i].cnt == 0 || reasons->other[i].code == code) {
            reasons->other[i].code = code;
            reasons->other[i].cnt++;
            return;
        }
    reasons->loss_other++;
}

static void loss_count(struct qbid_reasons *reasons, uint16_t code)
{
    for (unsigned i = 0; i < QBID_REASONS_LOSSES; i++)
        if (losses[i].code == code) {
            reasons->loss[i]++;
            return;
        }
    if (code == QBID_LOSS_UNKNOWN)
        reasons->loss_unknown++;
    else if (code == QBID_LOSS_WITHDRAWN)
        reasons->loss_withdrawn++;
    else
        other_count(reasons, code);
}

void qbid_reasons_count(struct qbid_reasons *reasons, unsigned kind, uint16_t code, uint8_t flags)
{
    reasons->code_unreadable += (flags & QBID_EVENT_CODE_UNREADABLE) != 0;
    if (kind == QBID_EVENT_LOSS)
        loss_count(reasons, code);
    else if (code < QBID_VIDEO_CNT)
        reasons->video[code]++;
    else
        reasons->video_unknown++;
}

static void visit(qbid_reasons_fn *fn, void *context, const char *name, uint64_t count)
{
    if (count != 0)
        fn(context, name, count);
}

void qbid_reasons_visit(const struct qbid_reasons *reasons, qbid_reasons_fn *fn, void *context)
{
    static const char *const videos[QBID_VIDEO_CNT] = {
#define X(upper, word) "video." word,
        QBID_VIDEO_LIST(X)
#undef X
    };
    char name[32];
    for (unsigned i = 0; i < QBID_REASONS_LOSSES; i++)
        visit(fn, context, losses[i].name, reasons->loss[i]);
    for (unsigned i = 0; i < QBID_REASONS_OTHER; i++) {
        snprintf(name, sizeof name, "loss.code_%u", reasons->other[i].code);
        visit(fn, context, name, reasons->other[i].cnt);
    }
    visit(fn, context, "loss.other", reasons->loss_other);
    visit(fn, context, "loss.unknown", reasons->loss_unknown);
    visit(fn, context, "loss.withdrawn", reasons->loss_withdrawn);
    for (unsigned i = 0; i < QBID_VIDEO_CNT; i++)
        visit(fn, context, videos[i], reasons->video[i]);
    visit(fn, context, "video.unknown", reasons->video_unknown);
    visit(fn, context, "notice.code_unreadable", reasons->code_unreadable);
}
