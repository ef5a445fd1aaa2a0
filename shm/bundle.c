/* SPDX-License-Identifier: Apache-2.0 */
/* Holds the parts of a table together. */
#include "shm/bundle.h"

#include <stdlib.h>
#include <string.h>

static const struct qbid_seat empty_seat = {.slot = QBID_LIVE_SLOT_NONE};

void qbid_bundle_init(struct qbid_bundle *bundle)
{
    memset(bundle, 0, sizeof *bundle);
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++)
        bundle->seat[c] = empty_seat;
}

void qbid_bundle_copy(struct qbid_bundle *bundle, const struct qbid_bundle *from)
{
    *bundle = *from;
    qbid_part_hold(bundle->image);
    qbid_part_hold(bundle->live);
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++)
        qbid_part_hold(bundle->seat[c].page);
}

void qbid_bundle_done(struct qbid_bundle *bundle)
{
    qbid_part_drop(bundle->image);
    qbid_part_drop(bundle->live);
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++)
        qbid_part_drop(bundle->seat[c].page);
    explicit_bzero(&bundle->keys, sizeof bundle->keys);
    explicit_bzero(bundle->partner_keys, sizeof bundle->partner_keys);
    qbid_bundle_init(bundle);
}

void qbid_bundle_set_seat(struct qbid_bundle *bundle, unsigned cookie, struct qbid_seat seat)
{
    qbid_part_drop(bundle->seat[cookie].page);
    bundle->seat[cookie] = seat;
}

struct qbid_table *qbid_bundle_table(const struct qbid_bundle *bundle)
{
    struct qbid_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return NULL;
    if (bundle->image != NULL) {
        table->image = bundle->image->as.image;
        table->deadline_ns = bundle->image->deadline_ns;
    }
    if (bundle->live != NULL)
        table->live = bundle->live->as.live;
    table->keys = bundle->keys;
    memcpy(table->partner_keys, bundle->partner_keys, sizeof table->partner_keys);
    for (unsigned c = 0; c < QBID_HANDOVER_COOKIES_MAX; c++) {
        const struct qbid_seat *seat = &bundle->seat[c];
        if (seat->page != NULL)
            table->page[c] = seat->page->as.page;
        table->slot[c] = seat->slot;
        table->uid[c] = seat->uid;
    }
    return table;
}

void qbid_table_free(struct qbid_table *table)
{
    if (table != NULL) {
        explicit_bzero(&table->keys, sizeof table->keys);
        explicit_bzero(table->partner_keys, sizeof table->partner_keys);
    }
    free(table);
}
