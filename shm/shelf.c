/* SPDX-License-Identifier: Apache-2.0 */
/* What a shelf holds, and slots that do not fit into it. */
#include "shm/shelf.h"

#include <string.h>

/* Whether a line can say it all: few slots, whose draws lie not far behind the first one's. */
static bool slots_fit(const struct qbid_slot_dir *dir, uint32_t cnt)
{
    if (cnt > QBID_SHELF_SLOTS)
        return false;
    for (uint32_t i = 0; i < cnt; i++) {
        if (dir[i].slot_idx == 0 || dir[i].cnt - 1u >= QBID_DRAW_MAX ||
            dir[i].draw - dir[0].draw > UINT16_MAX >> QBID_SHELF_CNT_BITS)
            return false;
    }
    return true;
}

void qbid_shelf_fill(struct qbid_shelf *shelf, const struct qbid_slot_dir *dirs, uint32_t dir_first,
                     uint16_t dir_cnt, const uint64_t *names, uint32_t cat_first, uint8_t cat_cnt)
{
    memset(shelf, 0, sizeof *shelf);
    shelf->dir_first = dir_first;
    shelf->dir_cnt = dir_cnt;
    shelf->cat_first = cat_first;
    shelf->cat_cnt = cat_cnt;
    for (unsigned i = 0; i < cat_cnt && i < QBID_SHELF_CATS; i++)
        shelf->cat_tag[i] = (uint32_t)names[cat_first + i];
    if (dir_cnt == 0 || !slots_fit(dirs + dir_first, dir_cnt))
        return;
    shelf->inline_cnt = (uint8_t)dir_cnt;
    shelf->draw_first = dirs[dir_first].draw;
    for (unsigned i = 0; i < dir_cnt; i++) {
        shelf->slot_idx[i] = dirs[dir_first + i].slot_idx;
        shelf->draw[i] =
            qbid_shelf_draws(dirs[dir_first + i].draw - shelf->draw_first, dirs[dir_first + i].cnt);
    }
}

bool qbid_shelf_find_dir(const struct qbid_shelf *shelf, const struct qbid_slot_dir *dirs,
                         uint32_t slot_idx, struct qbid_shelf_slot *ret_slot)
{
    const struct qbid_slot_dir *dir = dirs + shelf->dir_first;
    uint32_t cnt = shelf->dir_cnt;
    if (cnt == 0)
        return false;
    for (uint32_t half; (half = cnt / 2) != 0; cnt -= half)
        dir += dir[half - 1].slot_idx < slot_idx ? half : 0;
    if (dir->slot_idx != slot_idx)
        return false;
    *ret_slot = (struct qbid_shelf_slot){dir->draw, dir->cnt, slot_idx};
    return true;
}
