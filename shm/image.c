/* SPDX-License-Identifier: Apache-2.0 */
/* Attaching a table image: header, directory and checksum; the content is image_check.c. */
#include "shm/image.h"

#include <stdbool.h>
#include <string.h>

#include "shm/error.h"
#include "shm/hash.h"
#include "shm/image_check.h"

/* Sections that a later minor version may add. */
#define SECTIONS_MAX 64

#define CHECKSUM_OFF offsetof(struct qbid_image_header, checksum)

static const uint32_t elem_bytes[QBID_SECTION_CNT] = {
#define X(upper, lower, type) sizeof(type),
    QBID_SECTION_LIST(X)
#undef X
};

static int check_header(const struct qbid_image_header *header, size_t bytes)
{
    if (header->magic != QBID_IMAGE_MAGIC || header->abi_major != QBID_ABI_MAJOR ||
        header->fingerprint != QBID_IMAGE_FINGERPRINT)
        return QBID_ERR_VERSION;
    if (header->bytes != bytes || bytes > QBID_IMAGE_BYTES_MAX || header->gen == 0)
        return QBID_ERR_CORRUPT;
    if (header->section_cnt < QBID_SECTION_CNT || header->section_cnt > SECTIONS_MAX ||
        (header->abi_minor == QBID_ABI_MINOR && header->section_cnt != QBID_SECTION_CNT))
        return QBID_ERR_CORRUPT;
    if (sizeof *header + header->section_cnt * sizeof(struct qbid_section_ref) > bytes)
        return QBID_ERR_CORRUPT;
    return 0;
}

/* A section lies behind the directory and inside the image; the products cannot overflow. */
static bool section_fits(const struct qbid_section_ref *ref, uint64_t first_off, uint64_t bytes)
{
    return ref->elem_bytes != 0 && ref->off % QBID_CACHE_LINE == 0 && ref->off >= first_off &&
           ref->off <= bytes && ref->cnt <= (bytes - ref->off) / ref->elem_bytes;
}

static bool sections_overlap(const struct qbid_section_ref *a, const struct qbid_section_ref *b)
{
    uint64_t a_end = a->off + a->cnt * a->elem_bytes;
    uint64_t b_end = b->off + b->cnt * b->elem_bytes;
    return a->cnt != 0 && b->cnt != 0 && a->off < b_end && b->off < a_end;
}

static int check_directory(const struct qbid_image_header *header,
                           const struct qbid_section_ref *directory)
{
    uint64_t first_off = sizeof *header + header->section_cnt * sizeof *directory;
    for (uint32_t i = 0; i < header->section_cnt; i++) {
        if (!section_fits(&directory[i], first_off, header->bytes))
            return QBID_ERR_CORRUPT;
        if (i < QBID_SECTION_CNT && directory[i].elem_bytes != elem_bytes[i])
            return QBID_ERR_CORRUPT;
        for (uint32_t j = 0; j < i; j++) {
            if (sections_overlap(&directory[i], &directory[j]))
                return QBID_ERR_CORRUPT;
        }
    }
    return 0;
}

/* Counts that readers use as 32-bit numbers. */
static int set_counts(struct qbid_image *image, const uint64_t cnt[QBID_SECTION_CNT])
{
    for (unsigned i = 0; i < QBID_SECTION_CNT; i++) {
        if (i != QBID_SECTION_ELIG && i != QBID_SECTION_STRINGS && cnt[i] > UINT32_MAX)
            return QBID_ERR_CORRUPT;
    }
    image->dict_mask = (uint32_t)cnt[QBID_SECTION_DICT] - 1;
    image->index_buckets = (uint32_t)cnt[QBID_SECTION_INDEX];
    image->line_item_cnt = (uint32_t)cnt[QBID_SECTION_LINE_ITEMS];
    image->creative_cnt = (uint32_t)cnt[QBID_SECTION_CREATIVES];
    image->segment_cnt = (uint32_t)cnt[QBID_SECTION_SHADES];
    image->qgroup_cnt = (uint32_t)cnt[QBID_SECTION_QROWS] / QBID_QSTATES;
    image->rate_cnt = (uint32_t)cnt[QBID_SECTION_RATES];
    image->partner_cnt = (uint32_t)cnt[QBID_SECTION_PARTNERS];
    image->strings_len = cnt[QBID_SECTION_STRINGS];
    image->level_cnt = 0;
    while (image->level_cnt < QBID_LEVEL_MAX && image->header->level_mask[image->level_cnt] != 0)
        image->level_cnt++;
    return 0;
}

static int attach(const void *base, size_t bytes, bool summed, struct qbid_image *ret_image)
{
    const char *at = base;
    const struct qbid_image_header *header = base;
    if ((uintptr_t)base % QBID_CACHE_LINE != 0)
        return QBID_ERR_INVAL;
    if (bytes < sizeof *header)
        return QBID_ERR_CORRUPT;
    int rc = check_header(header, bytes);
    if (rc < 0)
        return rc;
    if (summed && qbid_image_checksum(base, bytes) != header->checksum)
        return QBID_ERR_CORRUPT;
    const struct qbid_section_ref *directory = (const void *)(at + sizeof *header);
    rc = check_directory(header, directory);
    if (rc < 0)
        return rc;

    struct qbid_image image = {.header = header};
    uint64_t cnt[QBID_SECTION_CNT];
    for (unsigned i = 0; i < QBID_SECTION_CNT; i++)
        cnt[i] = directory[i].cnt;
#define X(upper, lower, type)                                                                      \
    image.lower = (const void *)(at + directory[QBID_SECTION_##upper].off);
    QBID_SECTION_LIST(X)
#undef X
    rc = set_counts(&image, cnt);
    if (rc == 0)
        rc = qbid_image_check(&image, cnt);
    if (rc == 0)
        *ret_image = image;
    return rc;
}

int qbid_image_attach(const void *base, size_t bytes, struct qbid_image *ret_image)
{
    return attach(base, bytes, true, ret_image);
}

int qbid_image_attach_unsummed(const void *base, size_t bytes, struct qbid_image *ret_image)
{
    return attach(base, bytes, false, ret_image);
}

uint64_t qbid_image_checksum(const void *base, size_t bytes)
{
    static const uint64_t zero = 0;
    const char *at = base;
    size_t behind = CHECKSUM_OFF + sizeof zero;
    XXH3_state_t state; /* 576 bytes */
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, at, CHECKSUM_OFF);
    XXH3_64bits_update(&state, &zero, sizeof zero);
    XXH3_64bits_update(&state, at + behind, bytes - behind);
    return XXH3_64bits_digest(&state);
}

static uint64_t sub_sat(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

uint64_t qbid_image_deadline_ns(const struct qbid_image_header *header, uint64_t now_boot_ns,
                                uint64_t now_unix_ns, uint64_t boot_hash)
{
    /* A build time in the future counts as now: no clock step makes an image live longer. */
    uint64_t age_ns = header->boot_hash == boot_hash ? sub_sat(now_boot_ns, header->built_boot_ns)
                                                     : sub_sat(now_unix_ns, header->built_unix_ns);
    if (header->valid_ns < age_ns)
        return sub_sat(now_boot_ns, age_ns - header->valid_ns);
    uint64_t deadline_ns;
    if (__builtin_add_overflow(now_boot_ns, header->valid_ns - age_ns, &deadline_ns))
        return UINT64_MAX;
    return deadline_ns;
}

uint32_t qbid_image_value_far(const struct qbid_image *image, uint64_t hash)
{
    for (uint32_t i = 0; i < QBID_DICT_PROBE_MAX; i++) {
        const struct qbid_dict_entry *e = &image->dict[(hash + i) & image->dict_mask];
        if (e->hash == hash || e->hash == 0)
            return e->index; /* of an empty entry it is 0 */
    }
    return 0;
}
