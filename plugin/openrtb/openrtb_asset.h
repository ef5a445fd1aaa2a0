/* SPDX-License-Identifier: Apache-2.0 */
/* One asset of a native request, and what it adds to the terms. C and C++: both readers use it. */
#ifndef QBID_PLUGIN_OPENRTB_OPENRTB_ASSET_H
#define QBID_PLUGIN_OPENRTB_OPENRTB_ASSET_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/terms.h"

/* An asset before it is known whether it is required. */
struct qbid_native_asset {
    bool required, title, image, data, video;
    int32_t title_len, image_kind, data_kind, data_len;
    struct qbid_native_image_terms size;
};

static inline void qbid_native_keep_shortest(uint16_t *most, int32_t len)
{
    if (len > 0 && (*most == 0 || len < *most))
        *most = (uint16_t)(len < UINT16_MAX ? len : UINT16_MAX);
}

static inline bool qbid_native_has_image(const struct qbid_native_asset *asset)
{
    return asset->image && (asset->image_kind == 1 || asset->image_kind == 3);
}

static inline bool qbid_native_has_data(const struct qbid_native_asset *asset)
{
    return asset->data && asset->data_kind >= 1 && asset->data_kind <= QBID_NATIVE_DATA_CNT;
}

/** What an asset adds to the terms: nothing unless it is required. */
static inline void qbid_native_add(const struct qbid_native_asset *asset,
                                   struct qbid_native_terms *terms)
{
    if (!asset->required)
        return;
    if (asset->title) {
        terms->title = true;
        if (asset->title_len > 0 && (terms->title_len == 0 || asset->title_len < terms->title_len))
            terms->title_len = asset->title_len;
    }
    if (qbid_native_has_image(asset)) {
        struct qbid_native_image_terms *image =
            &terms->image[asset->image_kind == 1 ? QBID_NATIVE_ICON : QBID_NATIVE_MAIN];
        terms->unmeetable |= image->required; /* two of a kind */
        *image = asset->size;
        image->required = true;
    }
    if (qbid_native_has_data(asset)) {
        terms->data = (uint16_t)(terms->data | 1u << asset->data_kind);
        qbid_native_keep_shortest(&terms->data_len[asset->data_kind], asset->data_len);
    }
    bool known = asset->title || qbid_native_has_image(asset) || qbid_native_has_data(asset);
    terms->unmeetable |= asset->video || !known;
}

#endif
