/* SPDX-License-Identifier: Apache-2.0 */
/* A creative's markup template with its macros replaced, written as the inside of a JSON string.
 *
 *   {{click_url}}     our click notice; it answers with a redirect to the landing page
 *   {{imp_url}}       our impression notice
 *   {{landing_url}}   the landing page itself
 *   {{width}} {{height}} {{creative_id}} {{cachebuster}}
 *
 * A value is escaped for where it stands: as it is, for HTML or XML text and quoted attributes;
 * {{name|url}} percent-encoded, as a part of another URL; {{name|json}} as the inside of a JSON
 * string (native markup). Control counts unknown macros and filters when a creative is imported;
 * here they become nothing, so that a template can never put raw text into a page.
 */
#ifndef QBID_PLUGIN_MARKUP_H
#define QBID_PLUGIN_MARKUP_H

#include "plugin/writer.h"

/* clang-format off */
#define QBID_MARKUP_LIST(X)      \
    X(CLICK_URL,   click_url)    \
    X(IMP_URL,     imp_url)      \
    X(LANDING_URL, landing_url)  \
    X(WIDTH,       width)        \
    X(HEIGHT,      height)       \
    X(CREATIVE_ID, creative_id)  \
    X(CACHEBUSTER, cachebuster)
/* clang-format on */

enum qbid_markup_macro {
#define X(upper, lower) QBID_MARKUP_##upper,
    QBID_MARKUP_LIST(X)
#undef X
        QBID_MARKUP_CNT
};

#define QBID_MARKUP_VALUE_MAX 4096 /* of a value to be escaped: a longer one becomes nothing */

/* Where the values come from: only those that a template has are made. */
struct qbid_markup {
    void (*put)(struct qbid_writer *w, const void *context, enum qbid_markup_macro macro); /* raw */
    const void *context;
    uint32_t clean; /* bit by macro: the value has no character that HTML or JSON would escape */
};

/** Write a template. What stands between {{ and }} is trimmed of spaces; braces without their
 *  partner are text. */
void qbid_markup_write(struct qbid_writer *w, const struct qbid_markup *markup,
                       const char *template_text, size_t len);

/** Replace {{token}} in a landing page's URL by a text that needs no escaping in URLs; other
 *  macros become nothing. Bytes that a URL cannot hold are percent-encoded. */
void qbid_markup_landing(struct qbid_writer *w, struct qbid_text token, const char *landing,
                         size_t len);

#endif
