/* SPDX-License-Identifier: Apache-2.0 */
/* The table image: one immutable generation of everything that a decision reads.
 *
 *   +--------+-----------+------------------------------------------------------------+
 *   | header | directory | sections, each 64-byte aligned: dict elig line_items index |
 *   | 192 B  | 24 B each | rows qrows shades slot_dirs draws creatives strings ...    |
 *   +--------+-----------+------------------------------------------------------------+
 *
 * Offsets are bytes from the start of the image. Built once (control/publish), sealed, never
 * written again. A reader calls qbid_image_attach() once, which checks every offset, count and
 * cross reference, and then trusts it: the fast path has no bounds checks left to do, except for
 * indices that come from the live page.
 */
#ifndef QBID_SHM_IMAGE_H
#define QBID_SHM_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dims.h"
#include "shm/draw.h"
#include "shm/index.h"
#include "shm/partner.h"
#include "shm/privacy.h"
#include "shm/qtable.h"
#include "shm/shade.h"
#include "shm/shelf.h"
#include "shm/summary.h"
#include "shm/traits.h"
#include "shm/units.h"

#define QBID_IMAGE_MAGIC UINT64_C(0x31474d4944494251) /* "QBIDIMG1" */
#define QBID_ABI_MAJOR 5
#define QBID_ABI_MINOR 0

#define QBID_IMAGE_BYTES_MAX (UINT64_C(64) << 30)
#define QBID_LINE_ITEMS_MAX 131072
#define QBID_DICT_PROBE_MAX 64
#define QBID_SEGMENTS_MAX 256 /* market segments (shade tables) */
#define QBID_TARGETS_PER_LINE_MAX 64

/* Sections: name, element type. */
/* clang-format off */
#define QBID_SECTION_LIST(X)                       \
    X(DICT,       dict,       struct qbid_dict_entry) \
    X(ELIG_ROWS,  elig_rows,  struct qbid_elig_dim)   \
    X(ELIG,       elig,       uint64_t)               \
    X(LINE_ITEMS, line_items, struct qbid_line_item)  \
    X(SHELVES,    shelves,    struct qbid_shelf)      \
    X(INDEX,      index,      struct qbid_index_bucket) \
    X(ROWS,       rows,       struct qbid_row_block)  \
    X(QROWS,      qrows,      struct qbid_qrow)       \
    X(QHEADS,     qheads,     struct qbid_qhead)      \
    X(SHADES,     shades,     struct qbid_shade)      \
    X(SLOT_DIRS,  slot_dirs,  struct qbid_slot_dir)   \
    X(DRAWS,      draws,      struct qbid_draw)       \
    X(CREATIVES,  creatives,  struct qbid_creative)   \
    X(NAMES,      names,      uint64_t)               \
    X(RATES,      rates,      struct qbid_rate)       \
    X(STRINGS,    strings,    char)                   \
    X(PARTNERS,   partners,   struct qbid_partner)    \
    X(EXPOSURE_VALUES, exposure_values, float)        \
    X(TRAITS,     traits,     struct qbid_traits)     \
    X(SUMMARIES,  summaries,  struct qbid_summary)
/* clang-format on */

enum qbid_section {
#define X(upper, lower, type) QBID_SECTION_##upper,
    QBID_SECTION_LIST(X)
#undef X
        QBID_SECTION_CNT
};

struct qbid_section_ref {
    uint64_t off; /* bytes from the image's start, multiple of 64 */
    uint64_t cnt; /* elements */
    uint32_t elem_bytes;
    uint32_t pad;
};
_Static_assert(sizeof(struct qbid_section_ref) == 24, "directory layout is ABI");

struct qbid_image_header {
    uint64_t magic;
    uint16_t abi_major; /* another major is refused */
    uint16_t abi_minor; /* a newer minor only adds sections at the end */
    uint32_t section_cnt;
    uint64_t fingerprint; /* QBID_IMAGE_FINGERPRINT */
    uint64_t bytes;       /* of the whole image, as sealed */
    uint64_t gen;         /* >= 1 */
    uint64_t checksum;    /* XXH3 of the image with this field zero */
    uint64_t seed;        /* of the random streams */
    uint64_t built_unix_ns;
    uint64_t built_boot_ns;              /* CLOCK_BOOTTIME of the building host */
    uint64_t valid_ns;                   /* how long after that it may be used */
    uint64_t boot_hash;                  /* of the boot id: another boot goes by the wall clock */
    uint64_t level_mask[QBID_LEVEL_MAX]; /* packed-context bits by level; 0 = level unused */
    uint64_t notice_ttl_ns;              /* win, loss, bill: age of the bid at most */
    uint64_t event_ttl_ns;               /* imp, click, conv */
    int64_t price_ceiling_micros;        /* no bid above this, checked last */
    uint32_t currency;                   /* account currency, 'C','N','Y',0 in memory order */
    uint32_t elig_words;                 /* 64-bit words in one eligibility row */
    float stale_factor;  /* conservative multiplier past valid-until; 0 = decline (on_stale) */
    uint32_t capped_cnt; /* line items with a frequency cap; 0 = exposures are not asked for */
    struct qbid_privacy_rules privacy; /* what the operator has chosen; zero is the strictest */
    uint32_t deal_bits[2]; /* of line items' deals: bit deal_hash % 64; another deal is not ours */
    uint32_t pad[4];
};
_Static_assert(sizeof(struct qbid_image_header) == 192, "image header layout is ABI");

/* Raw value hash -> value index, open addressing, linear probing, power of two, load <= 0.5;
 * builders keep it far below, so that almost every value lies in its first place. */
struct qbid_dict_entry {
    uint64_t hash;  /* 0 = empty; qbid_hash_dim(), seeds keep dimensions apart */
    uint32_t index; /* 0 in an empty one */
    uint32_t dim;
};

/* Rows of `elig` by dimension: the row of value index i is first_row + i, i in [0, value_cnt). Row
 * i has a bit for each line item whose targeting of this dimension accepts value i (0 = unknown).
 */
struct qbid_elig_dim {
    uint32_t first_row;
    uint32_t value_cnt;
};

enum qbid_line_item_flag {
    QBID_LINE_ITEM_SECURE = 1u << 0, /* all creatives are HTTPS only */
    QBID_LINE_ITEM_ACTIVE = 1u << 1,
    QBID_LINE_ITEM_NEEDS = 1u << 2 /* a creative needs what not every impression has (API, room to
                                      expand, a kind of placement, another
                                      category taxonomy than 1) */
};

/* A line item's place (its index) is fixed for its life: the live page uses the same index. */
struct qbid_line_item {
    uint32_t id; /* 0 = hole */
    uint32_t campaign_id;
    uint32_t budget_idx;    /* column of the live page's allowances */
    float value_micros;     /* expected value where no row knows better, CPM */
    int64_t floor_micros;   /* never bids below */
    int64_t ceiling_micros; /* never bids above */
    uint64_t deal_hash;     /* 0 = open auction, else bids on this deal only */
    uint64_t adomain_hash;
    uint16_t q_group; /* qrows[q_group * QBID_QSTATES + state] */
    uint16_t tenant;
    uint8_t flags;    /* enum qbid_line_item_flag */
    uint8_t targeted; /* by dimension, 1 << dim: some value of it is not accepted. The others need
                         no test; a hole has all bits */
    uint8_t frequency_cap;   /* impressions that one user sees in a window, 0 = any number */
    uint8_t exposure_cnt;    /* values r(k); 0 = 1 for every k, the last one goes on */
    uint32_t exposure_first; /* in exposure_values */
    uint8_t pad[4];
};
_Static_assert(sizeof(struct qbid_line_item) == QBID_CACHE_LINE, "a line item is one cache line");

enum qbid_creative_format {
    QBID_FORMAT_BANNER = 1,
    QBID_FORMAT_VIDEO = 2,
    QBID_FORMAT_AUDIO = 3,
    QBID_FORMAT_NATIVE = 4
};

struct qbid_creative {
    uint32_t id;
    uint32_t line_item_id;
    uint16_t width;
    uint16_t height;
    uint16_t format;     /* enum qbid_creative_format, OpenRTB mtype */
    uint16_t slot_idx;   /* its value of QBID_DIM_SLOT */
    uint32_t markup_off; /* into strings; template with macros, see plugin/markup.h */
    uint32_t markup_len;
    uint32_t crid_off; /* the creative id that exchanges see */
    uint32_t crid_len;
    uint32_t adomain_off;
    uint32_t adomain_len;
    uint32_t landing_off; /* where a click goes */
    uint32_t landing_len;
    uint32_t cat_off; /* comma-separated category ids */
    uint32_t cat_len;
};

/* Account currency for one unit of another: price_account = price * micros / 10^6. */
struct qbid_rate {
    uint32_t currency; /* three letters in memory order */
    uint32_t pad;
    int64_t micros;
};

#define QBID_IMAGE_FINGERPRINT                                                                     \
    ((uint64_t)sizeof(struct qbid_image_header) | ((uint64_t)sizeof(struct qbid_line_item) << 8) | \
     ((uint64_t)sizeof(struct qbid_creative) << 16) | ((uint64_t)QBID_DIM_CNT << 24) |             \
     ((uint64_t)QBID_DIM_SHIFT_END << 28) | ((uint64_t)QBID_QSTATES << 36) |                       \
     ((uint64_t)sizeof(struct qbid_shade) << 44))

/* A verified image, by section: what readers use. Valid as long as the mapping is. */
struct qbid_image {
    const struct qbid_image_header *header;
#define X(upper, lower, type) const type *lower;
    QBID_SECTION_LIST(X)
#undef X
    uint64_t dict_mask; /* entries - 1 */
    uint32_t index_buckets;
    uint32_t line_item_cnt;
    uint32_t creative_cnt;
    uint32_t segment_cnt;
    uint32_t qgroup_cnt;
    uint32_t rate_cnt;
    uint32_t partner_cnt;
    uint32_t level_cnt;
    uint64_t strings_len;
};

/**
 * Check an image completely and resolve its sections.
 *
 * Shapes:  base is 64-byte aligned, bytes long. Nothing in it is believed before it is checked:
 *          - magic, ABI, fingerprint, size, generation >= 1, checksum
 *          - sections inside the image, aligned, not overlapping, of the known element sizes
 *          - level masks of whole dimensions, used levels first; ceiling in range, stale_factor in
 *            [0, 1]
 *          - dict: power of two >= 1, half empty, each entry found by a lookup of its hash, its
 *            index inside its dimension, that of an empty one 0
 *          - elig: a row for each value, value 0 included; no bit at or beyond line_item_cnt
 *          - line items, holes too: prices in [0, QBID_PRICE_MICROS_MAX], budget_idx <
 *            QBID_LIVE_BUDGETS_MAX, q_group in range (so at least one Q group, if only of rows with
 *            n = 0, and one segment: 0 serves requests without a row); `targeted` holds every
 *            dimension of which a value is not accepted
 *          - the bit of each line item's deal
 *          - a shelf for each line item, categories and slot directories in range, as
 *            qbid_shelf_fill() makes it
 *          - a summary for each line item, as qbid_summary_fill() makes it of line item and shelf
 *          - index: >= 1 bucket, each row inside the section, of the bucket's size and tag, and
 *            found by a lookup of its hash; line items ascending, in range in the padding as well,
 *            values finite and >= 0, padding values 0
 *          - traits for each creative
 *          - caps <= QBID_FREQUENCY_CAP_MAX, as many as capped_cnt says; exposure values in [0, 1]
 *          - Q rows valid or n = 0, each with its head, shade tables in [0, 1.0001], strings and
 *            rates in range
 *          - slot directories: draws in range, bounds ascending to UINT32_MAX, ids and propensities
 *            those of the creatives and bounds
 *          - partners with an id and an exchange of their own, and texts that need no escaping
 * Returns: 0 and *ret_image; QBID_ERR_VERSION (magic, ABI, fingerprint), QBID_ERR_CORRUPT (rest).
 * Threads: any. Cost: two passes over the image, 0.15-0.3 ms for a MB.
 */
int qbid_image_attach(const void *base, size_t bytes, struct qbid_image *ret_image);

/** The same without the checksum: for tests that damage images on purpose. */
int qbid_image_attach_unsummed(const void *base, size_t bytes, struct qbid_image *ret_image);

/** Checksum of an image as it must stand in its header. */
uint64_t qbid_image_checksum(const void *base, size_t bytes);

/** Deadline of an image on this host's CLOCK_BOOTTIME, given now on both clocks and this boot. */
uint64_t qbid_image_deadline_ns(const struct qbid_image_header *header, uint64_t now_boot_ns,
                                uint64_t now_unix_ns, uint64_t boot_hash);

/** qbid_image_value() of a value that is not in its first place. Pure: nothing that its caller has
 *  loaded before needs to be loaded again behind it. */
__attribute__((pure)) uint32_t qbid_image_value_far(const struct qbid_image *image, uint64_t hash);

/**
 * Value index of a raw value; 0 = unknown.
 *
 * Threads: any, wait-free. Cost: a cache line as a rule; at most QBID_DICT_PROBE_MAX entries.
 */
static inline uint32_t qbid_image_value(const struct qbid_image *image, uint64_t hash)
{
    const struct qbid_dict_entry *e = &image->dict[hash & image->dict_mask];
    if (__builtin_expect(e->hash != hash, 0))
        return qbid_image_value_far(image, hash);
    return e->index;
}

/** Whether a deal may be one of a line item's; false is certain. */
static inline bool qbid_image_deal_likely(const struct qbid_image *image, uint64_t deal_hash)
{
    return image->header->deal_bits[deal_hash >> 5 & 1] >> (deal_hash & 31) & 1;
}

/**
 * Profile of the partner behind an exchange's name: its own, else the one for all others.
 *
 * Returns: NULL when there is neither. Cost: at most QBID_PARTNERS_MAX compares.
 */
static inline const struct qbid_partner *qbid_image_partner(const struct qbid_image *image,
                                                            uint64_t exchange_hash)
{
    const struct qbid_partner *other = NULL;
    for (uint32_t i = 0; i < image->partner_cnt; i++) {
        if (image->partners[i].exchange_hash == exchange_hash)
            return &image->partners[i];
        if (image->partners[i].exchange_hash == 0)
            other = &image->partners[i];
    }
    return other;
}

/** The same by the id that a token holds. */
static inline const struct qbid_partner *qbid_image_partner_by_id(const struct qbid_image *image,
                                                                  uint8_t id)
{
    for (uint32_t i = 0; i < image->partner_cnt; i++)
        if (image->partners[i].id == id)
            return &image->partners[i];
    return NULL;
}

/** Row of a context key (qbid_context_key): qbid_index_find() of the image's index. */
static inline struct qbid_row_ref qbid_image_row(const struct qbid_image *image, uint64_t key)
{
    return qbid_index_find(image->index, image->index_buckets, image->rows, key);
}

/** Eligibility row of one value of one dimension: elig_words words. Index must be < value_cnt. */
static inline const uint64_t *qbid_image_elig(const struct qbid_image *image, unsigned dim,
                                              uint32_t index)
{
    const struct qbid_elig_dim *d = &image->elig_rows[dim];
    uint32_t row = d->first_row + (index < d->value_cnt ? index : 0);
    return image->elig + (size_t)row * image->header->elig_words;
}

#endif
