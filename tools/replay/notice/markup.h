/* SPDX-License-Identifier: Apache-2.0 */
/* The two URLs of an ad's HTML that this exchange follows: its pixel and its click link. */
#ifndef QBID_TOOLS_REPLAY_NOTICE_MARKUP_H
#define QBID_TOOLS_REPLAY_NOTICE_MARKUP_H

#include "tools/replay/text/buffer.h"

/**
 * Find the value of an attribute in the first element of that name that has it.
 *
 * Shapes:  names in lower case; found whatever their case in the markup. The value must be quoted.
 * Returns: true with the value as it stands in the markup (entities not resolved).
 */
bool qbid_replay_markup_find(const char *html, size_t len, const char *element,
                             const char *attribute, struct qbid_replay_span *ret_value);

/** Add an attribute's value with &amp; resolved: URLs with several parameters have it. */
void qbid_replay_markup_plain(struct qbid_replay_buffer *out, struct qbid_replay_span value);

#endif
