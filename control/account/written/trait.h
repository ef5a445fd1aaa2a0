/* SPDX-License-Identifier: Apache-2.0 */
/* What operators declare of a creative, as words in files and store, as bits in the image. */
#ifndef QBID_CONTROL_ACCOUNT_WRITTEN_TRAIT_H
#define QBID_CONTROL_ACCOUNT_WRITTEN_TRAIT_H

#include "shm/traits.h"

/* Key in files and column in the store. Lists are comma-separated. */
/* clang-format off */
#define QBID_TRAIT_LIST(X)                                                     \
    X(ATTR,      attr,      "creative attributes (OpenRTB list), 1..63")       \
    X(API,       api,       "API frameworks that the markup needs, 1..15")     \
    X(MIMES,     mimes,     "content types of its renditions")                 \
    X(PROTOCOLS, protocols, "video and audio protocols of its renditions, 1..15") \
    X(DURATION,  duration,  "seconds, 1..65535")                               \
    X(BITRATE,   bitrate,   "kbit/s, 1..65535")                                \
    X(LINEARITY, linearity, "1 linear, 2 not")                                 \
    X(DELIVERY,  delivery,  "1 streaming, 2 progressive, 3 download")          \
    X(LANGUAGE,  language,  "en, pt-BR")                                       \
    X(BUNDLE,    bundle,    "the advertised app's id in its store")            \
    X(BTYPE,     btype,     "1 text, 2 banner, 3 JavaScript, 4 iframe")        \
    X(EXPDIR,    expdir,    "directions in which it expands, 1..5")            \
    X(NOT_FOR,   not_for,   "inline interstitial plain rewarded instream accompanying " \
                            "interstitial_video standalone")                   \
    X(TITLE,     title,     "native: characters of the title, 1..255")         \
    X(ICON,      icon,      "native: size of the icon, WxH")                   \
    X(IMAGE,     image,     "native: size of the main image, WxH")             \
    X(DATA,      data,      "native: data assets, KIND:CHARACTERS")
/* clang-format on */

enum qbid_trait {
#define X(upper, lower, text) QBID_TRAIT_##upper,
    QBID_TRAIT_LIST(X)
#undef X
        QBID_TRAIT_CNT
};

/** Put what a text says of one trait into *traits; an empty text says nothing. Returns: NULL, or
 * why the text is wrong. */
const char *qbid_trait_read(enum qbid_trait trait, const char *text, struct qbid_traits *traits);

/** The trait of a key, QBID_TRAIT_CNT when it is none. */
enum qbid_trait qbid_trait_find(const char *key);

#endif
