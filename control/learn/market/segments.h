/* SPDX-License-Identifier: Apache-2.0 */
/* Market segments: what prices win where, and the shade tables that come of it. */
#ifndef QBID_CONTROL_LEARN_MARKET_SEGMENTS_H
#define QBID_CONTROL_LEARN_MARKET_SEGMENTS_H

#include <stdint.h>

#include "control/ingest/outcome.h"
#include "control/keymap.h"
#include "control/models/landscape/landscape.h"
#include "shm/image.h"

/* Segment 0 is the whole market and the parent of the others; the others are the values of the
 * segment dimensions in order of arrival. Past QBID_SEGMENTS_MAX new ones go by segment 0. */
struct qbid_segments {
    uint64_t mask;
    struct qbid_keymap map;
    struct qbid_landscape *landscape; /* QBID_SEGMENTS_MAX of them */
    uint64_t key[QBID_SEGMENTS_MAX];
    uint8_t dirty[QBID_SEGMENTS_MAX]; /* changed since the last save */
    uint32_t cnt;                     /* segments in use, >= 1 */
    uint64_t refused;
};

int qbid_segments_init(struct qbid_segments *segments, uint64_t mask);
void qbid_segments_done(struct qbid_segments *segments);

/** Learn from the first word of a win, a LOSS or EXPIRED; others are ignored. */
void qbid_segments_post(struct qbid_segments *segments, const struct qbid_outcome *outcome);

/** Segment of a context that has all segment dimensions; 0 when it is not known. */
uint16_t qbid_segments_find(const struct qbid_segments *segments, uint64_t context);

/** Segment with this key, made when missing (restore); 0 when full. */
uint16_t qbid_segments_touch(struct qbid_segments *segments, uint64_t key);

/** Fill one shade table by segment: cnt of them. Cost: about 50 us a segment. */
void qbid_segments_shades(const struct qbid_segments *segments, struct qbid_shade *shades);

#endif
