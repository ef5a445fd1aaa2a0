/* SPDX-License-Identifier: Apache-2.0 */
/* What a shelf holds, and slots that do not fit into it. */
#include "shm/shelf.h"

#include <string.h>

/* Whether a line can say it all: few slots over one run of creatives, an only creative's number in
 * a byte. */
static bool slots_fit(const struct qbid_alias_dir *dir,
                      const struct qbid_alias_entry (*alias)[QBID_ALIAS_MAX], uint32_t cnt)
{
    if (cnt > QBID_SHELF_SLOTS)
        return false;
    for (uint32_t i = 0; i < cnt; i++) {
        if (dir[i].creative_first != dir[0].creative_first || dir[i].slot_idx == 0 ||
            dir[i].cnt > QBID_ALIAS_MAX)
            return false;
        if (dir[i].cnt == 1 &&
            (alias[i][0].creative > UINT8_MAX || alias[i][0].alias != alias[i][0].creative))
            return false;
    }
    return true;
}

void qbid_shelf_fill(struct qbid_shelf *shelf, const struct qbid_alias_dir *dirs,
                     const struct qbid_alias_entry (*aliases)[QBID_ALIAS_MAX], uint32_t dir_first,
                     uint16_t dir_cnt, const uint64_t *names, uint32_t cat_first, uint8_t cat_cnt)
{
    memset(shelf, 0, sizeof *shelf);
    shelf->dir_first = dir_first;
    shelf->dir_cnt = dir_cnt;
    shelf->cat_first = cat_first;
    shelf->cat_cnt = cat_cnt;
    for (unsigned i = 0; i < cat_cnt && i < QBID_SHELF_CATS; i++)
        shelf->cat_tag[i] = (uint32_t)names[cat_first + i];
    if (dir_cnt == 0 || !slots_fit(dirs + dir_first, aliases + dir_first, dir_cnt))
        return;
    shelf->inline_cnt = (uint8_t)dir_cnt;
    shelf->creative_first = dirs[dir_first].creative_first;
    for (unsigned i = 0; i < dir_cnt; i++) {
        const struct qbid_alias_dir *dir = &dirs[dir_first + i];
        shelf->slot_idx[i] = dir->slot_idx;
        shelf->cnt[i] = (uint8_t)dir->cnt;
        if (dir->cnt == 1)
            shelf->only[i] = (uint8_t)aliases[dir_first + i][0].creative;
    }
}

bool qbid_shelf_find_dir(const struct qbid_shelf *shelf, const struct qbid_alias_dir *dirs,
                         uint32_t slot_idx, struct qbid_shelf_slot *ret_slot)
{
    const struct qbid_alias_dir *dir = dirs + shelf->dir_first;
    uint32_t cnt = shelf->dir_cnt;
    if (cnt == 0)
        return false;
    for (uint32_t half; (half = cnt / 2) != 0; cnt -= half)
        dir += dir[half - 1].slot_idx < slot_idx ? half : 0;
    if (dir->slot_idx != slot_idx)
        return false;
    *ret_slot = (struct qbid_shelf_slot){.alias = dir->alias,
                                         .creative_first = dir->creative_first,
                                         .cnt = dir->cnt,
                                         .slot_idx = dir->slot_idx,
                                         .only = QBID_ALIAS_NONE};
    return true;
}
