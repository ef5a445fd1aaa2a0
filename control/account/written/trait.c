/* SPDX-License-Identifier: Apache-2.0 */
/* Words and numbers of traits; each list element is refused by itself. */
#include "control/account/written/trait.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/hash.h"
#include "shm/mimes.h"

#define WORD_MAX 256

static const char *const keys[QBID_TRAIT_CNT] = {
#define X(upper, lower, text) #lower,
    QBID_TRAIT_LIST(X)
#undef X
};

static const char *const hints[QBID_TRAIT_CNT] = {
#define X(upper, lower, text) text,
    QBID_TRAIT_LIST(X)
#undef X
};

/* In the order of the bits of enum qbid_place_bit. */
static const char *const places[] = {
    "inline",       "interstitial",       "plain",     "rewarded", "instream",
    "accompanying", "interstitial_video", "standalone"};

enum qbid_trait qbid_trait_find(const char *key)
{
    unsigned i = 0;
    while (i < QBID_TRAIT_CNT && strcmp(keys[i], key) != 0)
        i++;
    return (enum qbid_trait)i;
}

/* A number in [1, most] and nothing else; 0 when it is not. */
static unsigned number(const char *word, unsigned most)
{
    char *end;
    unsigned long value = strtoul(word, &end, 10);
    return word[0] >= '0' && word[0] <= '9' && *end == '\0' && value <= most ? (unsigned)value : 0;
}

static bool size_read(const char *word, uint16_t *w, uint16_t *h)
{
    unsigned width, height;
    char rest;
    if (sscanf(word, "%5ux%5u%c", &width, &height, &rest) != 2 || width == 0 || height == 0 ||
        width > 32767 || height > 32767)
        return false;
    *w = (uint16_t)width;
    *h = (uint16_t)height;
    return true;
}

static bool data_read(const char *word, struct qbid_traits *t)
{
    unsigned kind, len;
    char rest;
    if (sscanf(word, "%2u:%3u%c", &kind, &len, &rest) != 2 || kind < 1 ||
        kind > QBID_NATIVE_DATA_CNT || len < 1 || len > UINT8_MAX)
        return false;
    uint8_t *most = &t->data_len[qbid_traits_data(kind)];
    t->data = (uint16_t)(t->data | 1u << kind);
    *most = (uint8_t)(len > *most ? len : *most);
    return true;
}

static bool place_read(const char *word, struct qbid_traits *t)
{
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strcmp(word, places[i]) == 0) {
            t->places = (uint8_t)(t->places | 1u << i);
            return true;
        }
    return false;
}

static bool mime_read(const char *word, struct qbid_traits *t)
{
    uint64_t bit = qbid_mime_bit(word, (uint32_t)strlen(word));
    t->mimes |= bit;
    return bit > 1;
}

static bool bundle_read(const char *word, struct qbid_traits *t)
{
    char lower[WORD_MAX];
    size_t len = strlen(word);
    for (size_t i = 0; i < len; i++)
        lower[i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] - 'A' + 'a') : word[i];
    t->bundle_hash = qbid_hash_name(lower, len);
    return true;
}

static bool language_read(const char *word, struct qbid_traits *t)
{
    t->language = qbid_language(word, (uint32_t)strlen(word));
    for (const char *c = word; *c; c++)
        if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') && *c != '-')
            return false;
    return t->language != 0;
}

/* One element of a list. */
static bool word_read(enum qbid_trait trait, const char *word, struct qbid_traits *t)
{
    unsigned most = trait == QBID_TRAIT_ATTR                                      ? 63
                    : trait == QBID_TRAIT_LINEARITY                               ? 2
                    : trait == QBID_TRAIT_DELIVERY                                ? 3
                    : trait == QBID_TRAIT_BTYPE                                   ? 4
                    : trait == QBID_TRAIT_EXPDIR                                  ? 5
                    : trait == QBID_TRAIT_TITLE                                   ? 255
                    : trait == QBID_TRAIT_DURATION || trait == QBID_TRAIT_BITRATE ? 65535
                                                                                  : 15;
    unsigned n = number(word, most);
    switch (trait) {
    case QBID_TRAIT_ATTR:
        t->attr |= UINT64_C(1) << n;
        return n != 0;
    case QBID_TRAIT_API:
        t->api = (uint16_t)(t->api | 1u << n);
        return n != 0;
    case QBID_TRAIT_PROTOCOLS:
        t->protocols = (uint16_t)(t->protocols | 1u << n);
        return n != 0;
    case QBID_TRAIT_DURATION:
        t->duration_s = (uint16_t)n;
        return n != 0;
    case QBID_TRAIT_BITRATE:
        t->bitrate_kbps = (uint16_t)n;
        return n != 0;
    case QBID_TRAIT_LINEARITY:
        t->delivery_line = (uint8_t)((t->delivery_line & 15u) | n << 4);
        return n != 0;
    case QBID_TRAIT_DELIVERY:
        t->delivery_line = (uint8_t)(t->delivery_line | 1u << n);
        return n != 0;
    case QBID_TRAIT_BTYPE:
        t->btype = (uint8_t)(t->btype | 1u << n);
        return n != 0;
    case QBID_TRAIT_EXPDIR:
        t->expdir = (uint8_t)(t->expdir | 1u << n);
        return n != 0;
    case QBID_TRAIT_TITLE:
        t->title_len = (uint8_t)n;
        return n != 0;
    case QBID_TRAIT_MIMES:
        return mime_read(word, t);
    case QBID_TRAIT_LANGUAGE:
        return language_read(word, t);
    case QBID_TRAIT_BUNDLE:
        return bundle_read(word, t);
    case QBID_TRAIT_NOT_FOR:
        return place_read(word, t);
    case QBID_TRAIT_ICON:
        return size_read(word, &t->image_w[QBID_NATIVE_ICON], &t->image_h[QBID_NATIVE_ICON]);
    case QBID_TRAIT_IMAGE:
        return size_read(word, &t->image_w[QBID_NATIVE_MAIN], &t->image_h[QBID_NATIVE_MAIN]);
    case QBID_TRAIT_DATA:
        return data_read(word, t);
    case QBID_TRAIT_CNT:
        break;
    }
    return false;
}

static bool is_list(enum qbid_trait trait)
{
    return trait != QBID_TRAIT_DURATION && trait != QBID_TRAIT_BITRATE &&
           trait != QBID_TRAIT_LINEARITY && trait != QBID_TRAIT_LANGUAGE &&
           trait != QBID_TRAIT_BUNDLE && trait != QBID_TRAIT_TITLE && trait != QBID_TRAIT_ICON &&
           trait != QBID_TRAIT_IMAGE;
}

const char *qbid_trait_read(enum qbid_trait trait, const char *text, struct qbid_traits *traits)
{
    while (text && *text) {
        char word[WORD_MAX];
        size_t len = strcspn(text, ",");
        if (len >= sizeof word || (text[len] == ',' && !is_list(trait)))
            return hints[trait];
        memcpy(word, text, len);
        word[len] = '\0';
        if (!word_read(trait, word, traits))
            return hints[trait];
        text += len + (text[len] == ',');
    }
    return NULL;
}
