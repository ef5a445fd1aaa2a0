/* SPDX-License-Identifier: Apache-2.0 */
/* The traits line of a creative in the image. */
#ifndef QBID_CONTROL_PUBLISH_SECTION_TRAITS_H
#define QBID_CONTROL_PUBLISH_SECTION_TRAITS_H

#include <stdbool.h>

#include "control/account/account.h"

/** What a creative declares, and what its markup tells where that is not declared: a banner's ad
 *  type (iframe, script, else banner), that a video or audio ad is linear. *ret_traits is zeroed
 *  before. */
void qbid_section_traits_fill(const struct qbid_line_item_def *line_item,
                              const struct qbid_creative_def *creative,
                              struct qbid_traits *ret_traits);

/** Whether an impression has to say something for this creative to be shown (or not to). */
bool qbid_section_traits_need(const struct qbid_traits *traits);

#endif
