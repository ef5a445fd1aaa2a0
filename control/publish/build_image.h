/* SPDX-License-Identifier: Apache-2.0 */
/* The table builder: account + dictionary + plan -> image bytes. Pure: equal input, equal bytes. */
#ifndef QBID_CONTROL_PUBLISH_BUILD_IMAGE_H
#define QBID_CONTROL_PUBLISH_BUILD_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "control/account/account.h"
#include "control/account/dictionary.h"
#include "control/learn/plan/plan.h"
#include "shm/image.h"

/* What the header says beside the plan. */
struct qbid_build_params {
    uint64_t gen;
    uint64_t seed;
    uint64_t built_unix_ns;
    uint64_t built_boot_ns;
    uint64_t valid_ns;
    uint64_t boot_hash;
    uint64_t notice_ttl_ns;
    uint64_t event_ttl_ns;
    int64_t price_ceiling_micros;
    float stale_factor;
    struct qbid_privacy_rules privacy;
    const struct qbid_rate *rates;
    uint32_t rate_cnt;
    const struct qbid_partner *partners;
    uint32_t partner_cnt;
    uint64_t account_version; /* another one after every change of the account; 0 = not known */
};

struct qbid_builder; /* opaque: the laid-out sections of the last build */

/** Lay out an image; nothing is written yet. Account, dictionary, plan, rates and partners are used
 * until it was filled. INVAL with *ret_why (static text) for impossible input, NOMEM, LIMIT. */
int qbid_builder_new(const struct qbid_account *account, const struct qbid_dictionary *dictionary,
                     const struct qbid_plan *plan, const struct qbid_build_params *params,
                     struct qbid_builder **ret_builder, const char **ret_why);

/**
 * Lay out the next image in the same builder: what would come out the same as last time is not made
 * again. The image is that of a new builder, byte for byte.
 *
 * Shapes:  the dictionary is the same while it is the same object of the same length (it only
 *          grows); the account while it is the same object of the same version; contexts and
 *          creatives' probabilities are compared.
 * Errors:  as qbid_builder_new(). The builder can be renewed again, but not filled.
 * Cost:    of a new one, less dictionary, bitmaps, creatives, strings and the order of the
 * contexts.
 */
int qbid_builder_renew(struct qbid_builder *builder, const struct qbid_account *account,
                       const struct qbid_dictionary *dictionary, const struct qbid_plan *plan,
                       const struct qbid_build_params *params, const char **ret_why);
void qbid_builder_free(struct qbid_builder *builder);

/** Bytes of the image. */
size_t qbid_builder_bytes(const struct qbid_builder *builder);

/** Write it, checksum included, into zeroed memory of that many bytes. */
void qbid_builder_fill(const struct qbid_builder *builder, void *base);

/** Whether a line item's targeting accepts a value index (0 = unknown) of a dimension. The
 *  eligibility bitmaps and the plan's rows both come from this. */
int qbid_target_accepts(const struct qbid_line_item_def *line_item, unsigned dim, uint32_t index,
                        const struct qbid_dictionary *dictionary);

#endif
