/* SPDX-License-Identifier: Apache-2.0 */
/* Table images for tests: a small writer of its own, independent of control's builder.
 *
 *     struct image_fixture f;
 *     image_fixture_init(&f);                                 header and segment 0 preset
 *     uint32_t big = image_fixture_value(&f, QBID_DIM_SLOT, "banner:300x250");
 *     uint32_t li = image_fixture_line_item(&f, (struct qbid_line_item){.id = 7, ...});
 *     image_fixture_target(&f, li, QBID_DIM_SLOT, big);       without: accepts every value
 *     image_fixture_row(&f, 0, context, 0, 1, &li, &value);
 *     size_t bytes;
 *     void *base = image_fixture_build(&f, &bytes);           64-byte aligned, checksum set; free()
 *     image_fixture_done(&f);
 *
 * Wrong use and lack of memory abort. What the caller writes in f.header (gen, masks, ceiling,
 * clocks, currency...) is taken over; counts, sizes and the checksum are computed. Values that a
 * test wants wrong it damages in the built bytes.
 */
#ifndef QBID_TESTS_SHM_IMAGE_FIXTURE_H
#define QBID_TESTS_SHM_IMAGE_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "shm/image.h"

/* A growing array of the type of *item. */
#define IMAGE_FIXTURE_ARRAY(type)                                                                  \
    struct {                                                                                       \
        type *item;                                                                                \
        uint32_t cnt, max;                                                                         \
    }

struct image_fixture_dir { /* draws and what they serve */
    uint32_t line_item_idx;
    struct qbid_slot_dir dir; /* its draw is set when an image is built */
    struct qbid_draw draw[QBID_DRAW_MAX];
};

struct image_fixture_row {
    uint64_t key;
    uint32_t first, cnt; /* in candidates */
    uint32_t segment;
};

struct image_fixture_candidate {
    uint32_t line_item_idx;
    float value_micros;
};

struct image_fixture_pair {
    uint32_t line_item_idx;
    uint32_t dim;
    uint64_t value; /* value index, or hash of a category */
};

struct image_fixture {
    uint32_t dict_sparse; /* places for each value at least: 8, as image_fixture_init() says */
    struct qbid_image_header header;
    IMAGE_FIXTURE_ARRAY(struct qbid_dict_entry) dict;
    IMAGE_FIXTURE_ARRAY(struct qbid_line_item) line_items;
    IMAGE_FIXTURE_ARRAY(struct image_fixture_pair) targets;
    IMAGE_FIXTURE_ARRAY(struct image_fixture_pair) cats;
    IMAGE_FIXTURE_ARRAY(struct image_fixture_row) rows;
    IMAGE_FIXTURE_ARRAY(struct image_fixture_candidate) candidates;
    IMAGE_FIXTURE_ARRAY(struct qbid_qrow) qrows;
    IMAGE_FIXTURE_ARRAY(struct qbid_shade) shades;
    IMAGE_FIXTURE_ARRAY(struct image_fixture_dir) dirs;
    IMAGE_FIXTURE_ARRAY(struct qbid_creative) creatives;
    IMAGE_FIXTURE_ARRAY(struct qbid_traits) traits; /* of each */
    IMAGE_FIXTURE_ARRAY(struct qbid_rate) rates;
    IMAGE_FIXTURE_ARRAY(struct qbid_partner) partners;
    IMAGE_FIXTURE_ARRAY(char) strings;
    IMAGE_FIXTURE_ARRAY(float) exposures;
    uint32_t value_cnt[QBID_DIM_CNT]; /* indices given out, 0 included */
};

struct image_fixture_creative {
    uint32_t id;
    uint32_t line_item_id;
    uint16_t width, height;
    uint16_t format;                                     /* 0 = banner */
    uint16_t slot_idx;                                   /* value index of QBID_DIM_SLOT */
    const char *markup, *crid, *adomain, *landing, *cat; /* NULL = "" */
    struct qbid_traits traits;
};

/** Preset: generation 1, level masks of four levels, valid for an hour from now on this boot,
 *  notice times, a ceiling of 10^5 units, currency CNY, segment 0 = identity, Q group 0 without a
 *  table. */
void image_fixture_init(struct image_fixture *f);
void image_fixture_done(struct image_fixture *f);

/** Give a raw value the next index of its dimension (or the one that it has). */
uint32_t image_fixture_value(struct image_fixture *f, unsigned dim, const char *raw);

/** Add a line item; a zero ceiling becomes the image's. Returns its index. Targeting, categories
 *  and draws are added with the calls below. */
uint32_t image_fixture_line_item(struct image_fixture *f, struct qbid_line_item item);

/** The line item accepts this value index, and of this dimension only those named so. */
void image_fixture_target(struct image_fixture *f, uint32_t line_item_idx, unsigned dim,
                          uint32_t index);

/** A category of the line item, by name. */
void image_fixture_cat(struct image_fixture *f, uint32_t line_item_idx, const char *name);

/** The candidates of a context at a level; the first call for a context counts, and the first value
 *  for a line item. */
void image_fixture_row(struct image_fixture *f, unsigned level, uint64_t context, uint32_t segment,
                       uint32_t cnt, const uint32_t *line_item_idx, const float *value_micros);

/** Add a creative; returns its index. */
uint32_t image_fixture_creative(struct image_fixture *f, const struct image_fixture_creative *c);

/** The creatives (by index, within 65,535 of each other) of a line item for a slot value, with
 *  weights > 0. */
void image_fixture_draws(struct image_fixture *f, uint32_t line_item_idx, uint16_t slot_idx,
                         unsigned n, const uint32_t *creative_idx, const double *weight);

/** Cap a line item, with n values r(k). */
void image_fixture_cap(struct image_fixture *f, uint32_t line_item_idx, uint8_t cap, unsigned n,
                       const float *value);

/** Add a shade table; returns its segment. */
uint32_t image_fixture_shade(struct image_fixture *f, const struct qbid_shade *shade);

/** Replace segment 0. */
void image_fixture_shade_default(struct image_fixture *f, const struct qbid_shade *shade);

/** Add a Q group in which every state has this row; returns its number. */
uint32_t image_fixture_q_group(struct image_fixture *f, const struct qbid_qrow *row);

/** Account currency for one unit of another ("USD"). */
void image_fixture_partner(struct image_fixture *f, const struct qbid_partner *partner);
void image_fixture_rate(struct image_fixture *f, const char *currency, int64_t micros);

/** Lay everything out; the caller frees the result. f can be changed and built again. */
void *image_fixture_build(const struct image_fixture *f, size_t *ret_bytes);

/** Set the checksum again after a test changed bytes. */
void image_fixture_sum(void *base, size_t bytes);

#endif
