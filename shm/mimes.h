/* SPDX-License-Identifier: Apache-2.0 */
/* Content types that requests accept and creatives have, by number: masks compare in one step. */
#ifndef QBID_SHM_MIMES_H
#define QBID_SHM_MIMES_H

#include <stdint.h>
#include <string.h>

/* A type's place in this list is its bit: part of the image's layout. Bit 0 is all other types: a
 * request may name it, a creative cannot have it. */
/* clang-format off */
#define QBID_MIME_LIST(X)                 \
    X(OTHER,        "other")              \
    X(HTML,         "text/html")          \
    X(TEXT_JS,      "text/javascript")    \
    X(APP_JS,       "application/javascript") \
    X(FLASH,        "application/x-shockwave-flash") \
    X(JPEG,         "image/jpeg")         \
    X(JPG,          "image/jpg")          \
    X(PNG,          "image/png")          \
    X(GIF,          "image/gif")          \
    X(WEBP,         "image/webp")         \
    X(SVG,          "image/svg+xml")      \
    X(MP4,          "video/mp4")          \
    X(WEBM,         "video/webm")         \
    X(OGV,          "video/ogg")          \
    X(V3GPP,        "video/3gpp")         \
    X(QUICKTIME,    "video/quicktime")    \
    X(X_FLV,        "video/x-flv")        \
    X(FLV,          "video/flv")          \
    X(WMV,          "video/x-ms-wmv")     \
    X(MPEG,         "video/mpeg")         \
    X(X_MPEGURL,    "application/x-mpegurl") \
    X(HLS,          "application/vnd.apple.mpegurl") \
    X(DASH,         "application/dash+xml") \
    X(A_MP4,        "audio/mp4")          \
    X(A_MPEG,       "audio/mpeg")         \
    X(A_MP3,        "audio/mp3")          \
    X(A_AAC,        "audio/aac")          \
    X(A_OGG,        "audio/ogg")          \
    X(A_WEBM,       "audio/webm")         \
    X(A_WAV,        "audio/wav")          \
    X(XML,          "application/xml")
/* clang-format on */

enum qbid_mime {
#define X(name, text) QBID_MIME_##name,
    QBID_MIME_LIST(X)
#undef X
        QBID_MIME_CNT
};

#ifdef __cplusplus
extern "C" {
#endif

/** The bit of a content type, capital letters and parameters (";codecs=...") aside; bit 0 for one
 *  that is not in the list, 0 for an empty text. Cost: some 20 ns. */
uint64_t qbid_mime_bit(const char *text, uint32_t len);

#ifdef __cplusplus
}
#endif

#endif
