/* SPDX-License-Identifier: Apache-2.0 */
/* Line items and their creatives: draws, directories, names and strings of an image. */
#ifndef QBID_CONTROL_PUBLISH_SECTION_CREATIVES_H
#define QBID_CONTROL_PUBLISH_SECTION_CREATIVES_H

#include <stdint.h>

#include "control/account/account.h"
#include "control/account/dictionary.h"
#include "control/learn/plan/plan.h"
#include "shm/image.h"

#define QBID_CATEGORIES_MAX 64 /* of one line item, parents included */

/* Growing arrays that become sections. */
struct qbid_section_creatives {
    struct qbid_line_item *line_item; /* by index; a hole has no id and is targeted away */
    struct qbid_shelf *shelf;         /* likewise */
    struct qbid_slot_dir *dir;
    struct qbid_draw *draw; /* those of a slot in one cache line where they fit into one */
    struct qbid_creative *creative;
    struct qbid_traits *traits; /* of each creative */
    uint64_t *name;
    char *string;
    float *exposure;  /* values r(k) */
    uint8_t *learned; /* by line item index: its r(k) come from the plan */
    uint32_t dir_cnt, draw_cnt, creative_cnt, name_cnt;
    uint64_t string_bytes;
    uint32_t exposure_cnt;
    uint32_t capped_cnt;                              /* line items with a cap */
    uint64_t dir_max, draw_max, name_max, string_max; /* capacities */
};

/**
 * Lay out all line items and creatives, in order of line item index, then creative id.
 *
 * A creative serves its own slot value, a video also "video:any". Each slot gets the eight most
 * probable creatives (of equals those with lower ids) that have a probability above 0; where the
 * plan says nothing about any of them, all are equal. Creatives and line items that are switched
 * off stay in the image, because clicks on what they showed still come, but serve nothing.
 *
 * Errors:  NOMEM, LIMIT, INVAL with *ret_why. The result is released by
 * qbid_section_creatives_done() in each case.
 */
int qbid_section_creatives_make(const struct qbid_account *account,
                                const struct qbid_dictionary *dictionary,
                                const struct qbid_plan *plan, struct qbid_section_creatives *ret,
                                const char **ret_why);
/** Take line items' default values, Q groups and learned r(k) from another plan, all else being
 * equal. */
void qbid_section_creatives_revalue(const struct qbid_plan *plan, uint32_t line_item_max,
                                    struct qbid_section_creatives *section);

void qbid_section_creatives_done(struct qbid_section_creatives *section);

#endif
