/* SPDX-License-Identifier: Apache-2.0 */
/* What a bid request's headers say of its body and of the answer (RFC 9110, 8.3, 8.4, 12.5.3). */
#ifndef QBID_PLUGIN_CODING_H
#define QBID_PLUGIN_CODING_H

#include <stdbool.h>

#include "plugin/text.h"

enum qbid_media { QBID_MEDIA_JSON, QBID_MEDIA_PROTOBUF, QBID_MEDIA_UNKNOWN };
enum qbid_coding { QBID_CODING_IDENTITY, QBID_CODING_GZIP, QBID_CODING_UNKNOWN };

/** Of a Content-Type; parameters are not looked at, and an absent one is JSON. */
enum qbid_media qbid_media_of(struct qbid_text content_type);

/** Of a Content-Encoding; two codings one over the other are unknown. */
enum qbid_coding qbid_coding_of(struct qbid_text content_encoding);

/** Whether an Accept-Encoding allows gzip: by name, or by * where gzip has no entry of its own. */
bool qbid_coding_accepts_gzip(struct qbid_text accept_encoding);

/** Whether an x-openrtb-version can be read: 2, 2.5, 2.6-202309, 2.99; what is no number is no
 *  version, and an absent one is ours. */
bool qbid_coding_version_known(struct qbid_text version);

#endif
