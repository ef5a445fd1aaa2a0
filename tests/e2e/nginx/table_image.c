/* SPDX-License-Identifier: Apache-2.0 */
/* A small table image for the end-to-end tests of the nginx module. */
#include "tests/e2e/nginx/table_image.h"

#include <stdio.h>

#include "tests/shm/image_fixture.h"

static void add_line_item(struct image_fixture *f, uint32_t i, uint32_t slot)
{
    uint16_t width = i % 2 == 0 ? 300 : 728, height = i % 2 == 0 ? 250 : 90;
    char crid[16], value[64];
    uint32_t creative;
    uint32_t item = image_fixture_line_item(
        f, (struct qbid_line_item){.id = 100 + i,
                                   .campaign_id = 10 + i,
                                   .budget_idx = i,
                                   .value_micros = 1e6f + 1e4f * (float)(i + f->header.gen % 16),
                                   .adomain_hash = qbid_hash_name("brand.example", 13),
                                   .tenant = 1,
                                   .flags = QBID_LINE_ITEM_ACTIVE | QBID_LINE_ITEM_SECURE});

    snprintf(crid, sizeof(crid), "crid-%u", i);
    snprintf(value, sizeof(value), "banner:%ux%u", width, height);
    creative = image_fixture_creative(
        f, &(struct image_fixture_creative){.id = 200 + i,
                                            .line_item_id = 100 + i,
                                            .width = width,
                                            .height = height,
                                            .slot_idx = (uint16_t)slot,
                                            .markup = "<a href=\"{{click_url}}\"><img "
                                                      "src=\"https://cdn.example/a.png\"></a><img "
                                                      "src=\"{{imp_url}}\">",
                                            .crid = crid,
                                            .adomain = "brand.example",
                                            .landing = TABLE_LANDING,
                                            .cat = "IAB3-1"});
    image_fixture_target(f, item, QBID_DIM_SLOT, slot);
    image_fixture_draws(f, item, (uint16_t)slot, 1, &creative, (const double[]){1});
}

void *table_image_build(uint64_t gen, size_t *ret_bytes)
{
    struct image_fixture f;
    uint32_t slot[2];
    void *base;

    image_fixture_init(&f);
    f.header.gen = gen;
    slot[0] = image_fixture_value(&f, QBID_DIM_SLOT, "banner:300x250");
    slot[1] = image_fixture_value(&f, QBID_DIM_SLOT, "banner:728x90");
    image_fixture_value(&f, QBID_DIM_EXCHANGE, "2");
    image_fixture_rate(&f, "USD", 7100000);
    for (uint32_t i = 0; i < TABLE_LINE_ITEMS; i++)
        add_line_item(&f, i, slot[i % 2]);
    base = image_fixture_build(&f, ret_bytes);
    image_fixture_done(&f);
    return base;
}
