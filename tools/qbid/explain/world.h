/* SPDX-License-Identifier: Apache-2.0 */
/* A saved generation and the live words of a private worker, as the fast path wants to see them.
 *
 *   GEN.qbi, mapped read-only   ->  image
 *   memory of our own           ->  live (every pace 1), alone (every pace 0), a worker page;
 *                                   exposures as they are given, leases without end, allowances
 * without end
 */
#ifndef QBID_TOOLS_QBID_EXPLAIN_WORLD_H
#define QBID_TOOLS_QBID_EXPLAIN_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fastpath/decide.h"

#define QBID_EXPLAIN_NOW_NS 1 /* before every deadline of a world */

/* Where a line item lies in the image. */
struct qbid_explain_line_item {
    uint32_t id;
    uint32_t idx;
};

struct qbid_explain_world {
    struct qbid_image image;
    struct qbid_live live;
    struct qbid_live alone;
    struct qbid_page page;
    struct qbid_explain_line_item *line_items; /* by id, without holes */
    uint32_t line_item_cnt;
    uint8_t *assumed; /* exposures by line item index, at first 0 */
    void *image_base;
    size_t image_bytes;
    void *live_base;
    void *alone_base;
    void *page_base;
};

/**
 * Map and check an image file and lay out the pages; release it with qbid_explain_world_done().
 *
 * Errors:  QBID_ERR_SYS (errno), NOMEM, and what qbid_image_attach() says.
 */
int qbid_explain_world_init(struct qbid_explain_world *world, const char *path);

/** Release; an all-zero world is fine. */
void qbid_explain_world_done(struct qbid_explain_world *world);

/** Index of a line item by its id; QBID_ERR_NOENT. */
int64_t qbid_explain_world_find(const struct qbid_explain_world *world, uint32_t line_item_id);

/** What a decision may read: the page on which every other pace is 1, or the one where it is 0. */
struct qbid_view qbid_explain_world_view(const struct qbid_explain_world *world, bool alone);

/** Decide one request; the money that it reserves is given back. trace may be NULL. */
enum qbid_nobid qbid_explain_world_decide(const struct qbid_view *view,
                                          const struct qbid_request *request,
                                          struct qbid_decision *ret_decision,
                                          struct qbid_trace *trace);

/** Whether the image is past its valid-until: at a wall-clock time, or now (NULL). */
bool qbid_explain_world_stale(const struct qbid_explain_world *world, const uint64_t *unix_s);

/** Whether decisions of this image may depend on a dimension: by a level's rows, or by targeting.
 */
bool qbid_explain_world_uses(const struct qbid_explain_world *world, unsigned dim);

#endif
