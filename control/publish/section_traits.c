/* SPDX-License-Identifier: Apache-2.0 */
/* Declared traits, then defaults. */
#include "control/publish/section_traits.h"

#include <string.h>

#define BTYPE_BANNER 2
#define BTYPE_SCRIPT 3
#define BTYPE_IFRAME 4

static unsigned banner_type(const char *markup)
{
    return strcasestr(markup, "<iframe")   ? BTYPE_IFRAME
           : strcasestr(markup, "<script") ? BTYPE_SCRIPT
                                           : BTYPE_BANNER;
}

void qbid_section_traits_fill(const struct qbid_line_item_def *line_item,
                              const struct qbid_creative_def *creative,
                              struct qbid_traits *ret_traits)
{
    bool timed = creative->format == QBID_FORMAT_VIDEO || creative->format == QBID_FORMAT_AUDIO;
    *ret_traits = (struct qbid_traits){0};
    for (unsigned i = 0; i < QBID_TRAIT_CNT; i++) /* what is wrong was refused on import */
        (void)qbid_trait_read((enum qbid_trait)i, creative->trait[i], ret_traits);
    if (creative->format == QBID_FORMAT_BANNER && ret_traits->btype == 0 && creative->markup)
        ret_traits->btype = (uint8_t)(1u << banner_type(creative->markup));
    if (timed && ret_traits->delivery_line >> 4 == 0)
        ret_traits->delivery_line = (uint8_t)(ret_traits->delivery_line | 1u << 4);
    if (line_item->categories && *line_item->categories)
        ret_traits->cattax = (uint8_t)(line_item->cattax ? line_item->cattax : 1);
}

bool qbid_section_traits_need(const struct qbid_traits *traits)
{
    return traits->api != 0 || traits->expdir != 0 || traits->places != 0 || traits->cattax > 1;
}
