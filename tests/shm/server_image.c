/* SPDX-License-Identifier: Apache-2.0 */
/* Images of which a reader can tell that all it reads is of one generation. */
#include <stdlib.h>

#include "tests/shm/image_fixture.h"
#include "tests/shm/server.h"

#define IMAGE_ITEMS 100
#define IMAGE_ROWS 300

void *server_image_build(uint64_t gen, size_t *ret_bytes)
{
    struct image_fixture f;
    float value[40];
    uint32_t idx[40];
    image_fixture_init(&f);
    f.header.gen = gen;
    f.header.built_boot_ns = f.header.built_unix_ns = f.header.boot_hash = 0; /* always the same */
    f.header.valid_ns = UINT64_C(1) << 62;
    for (uint32_t i = 0; i < IMAGE_ITEMS; i++)
        image_fixture_line_item(&f, (struct qbid_line_item){.id = i + 1,
                                                            .campaign_id = (uint32_t)gen,
                                                            .budget_idx = i % SERVER_BUDGETS,
                                                            .value_micros = (float)gen,
                                                            .deal_hash = gen});
    for (uint32_t i = 0; i < IMAGE_ROWS; i++) {
        for (uint32_t j = 0; j < 40; j++) {
            idx[j] = (i + j) % IMAGE_ITEMS;
            value[j] = (float)gen;
        }
        image_fixture_row(&f, 0, qbid_dim_pack(0, QBID_DIM_SITE, i + 1), 0, 1 + i % 40, idx, value);
    }
    void *base = image_fixture_build(&f, ret_bytes);
    image_fixture_done(&f);
    return base;
}

int server_image_is_whole(const struct qbid_image *image)
{
    uint64_t gen = image->header->gen, mask = image->header->level_mask[0];
    uint32_t found = 0;
    if (image->line_item_cnt != IMAGE_ITEMS)
        return 0;
    for (uint32_t i = 0; i < IMAGE_ITEMS; i++) {
        const struct qbid_line_item *item = &image->line_items[i];
        if (item->campaign_id != (uint32_t)gen || item->deal_hash != gen ||
            item->value_micros != (float)gen)
            return 0;
    }
    for (uint32_t i = 0; i < IMAGE_ROWS; i++) {
        uint64_t context = qbid_dim_pack(0, QBID_DIM_SITE, i + 1);
        struct qbid_row_ref row = qbid_image_row(image, qbid_context_key(context, mask, 0));
        found += row.cnt == 1 + i % 40;
        for (uint32_t j = 0; j < row.cnt; j++) {
            if (row.value_micros[j] != (float)gen)
                return 0;
        }
    }
    return found == IMAGE_ROWS;
}
