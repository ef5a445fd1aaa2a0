/* SPDX-License-Identifier: Apache-2.0 */
/* A bundle: the parts that make one consistent table, with a reference on each. */
#ifndef QBID_SHM_BUNDLE_H
#define QBID_SHM_BUNDLE_H

#include <stdint.h>

#include "shm/part.h"
#include "shm/watcher.h"

/* What belongs to one worker. Page, slot and uid change together: a page's committed money counts
 * against the limits of that slot. */
struct qbid_seat {
    struct qbid_part *page; /* NULL = none */
    uint16_t slot;          /* QBID_LIVE_SLOT_NONE = no lease */
    uint16_t uid;
};

struct qbid_bundle {
    struct qbid_part *image; /* NULL = none */
    struct qbid_part *live;  /* NULL = none */
    struct qbid_keys keys;
    struct qbid_partner_keys partner_keys[QBID_PARTNERS_MAX];
    struct qbid_seat seat[QBID_HANDOVER_COOKIES_MAX];
};

/** Empty. */
void qbid_bundle_init(struct qbid_bundle *bundle);

/** Another reference on each part. */
void qbid_bundle_copy(struct qbid_bundle *bundle, const struct qbid_bundle *from);

/** Drop every part. */
void qbid_bundle_done(struct qbid_bundle *bundle);

/** Change one worker's seat; the bundle takes over the caller's reference on the page. */
void qbid_bundle_set_seat(struct qbid_bundle *bundle, unsigned cookie, struct qbid_seat seat);

/** The table that readers see of this bundle, on the heap; NULL without memory. */
struct qbid_table *qbid_bundle_table(const struct qbid_bundle *bundle);

/** Free a table that no reader sees any more; wipes the keys. */
void qbid_table_free(struct qbid_table *table);

#endif
