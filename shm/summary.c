/* SPDX-License-Identifier: Apache-2.0 */
/* What a summary holds. */
#include "shm/summary.h"

#include <string.h>

#include "shm/image.h"

/* Whether the slots of a shelf fit: few, in the shelf's line, and a byte holds what a slot draws.
 */
static bool slots_fit(const struct qbid_shelf *shelf)
{
    if (shelf->inline_cnt != shelf->dir_cnt || shelf->dir_cnt > QBID_SUMMARY_SLOTS)
        return false;
    for (unsigned i = 0; i < shelf->dir_cnt; i++)
        if (shelf->slot_idx[i] > UINT8_MAX || shelf->draw[i] > UINT8_MAX)
            return false;
    return true;
}

void qbid_summary_fill(struct qbid_summary *summary, const struct qbid_line_item *item,
                       const struct qbid_shelf *shelf)
{
    memset(summary, 0, sizeof *summary);
    summary->dir_cnt = shelf->dir_cnt;
    summary->cat_cnt = shelf->cat_cnt;
    memcpy(summary->cat_tag, shelf->cat_tag, sizeof summary->cat_tag);
    summary->adomain_tag = (uint32_t)item->adomain_hash;
    summary->floor_micros = item->floor_micros;
    summary->ceiling_micros = item->ceiling_micros;
    summary->id = item->id;
    summary->campaign_id = item->campaign_id;
    summary->budget_idx = (uint16_t)item->budget_idx;
    summary->q_group = item->q_group;
    summary->flags = item->flags;
    summary->targeted = item->targeted;
    summary->deal = item->deal_hash != 0;
    if (!slots_fit(shelf))
        return;
    summary->draw_first = shelf->draw_first;
    summary->slot_cnt = (uint8_t)shelf->dir_cnt;
    for (unsigned i = 0; i < shelf->dir_cnt; i++) {
        summary->slot_idx[i] = (uint8_t)shelf->slot_idx[i];
        summary->draw[i] = (uint8_t)shelf->draw[i];
    }
}
