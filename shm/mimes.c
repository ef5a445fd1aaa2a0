/* SPDX-License-Identifier: Apache-2.0 */
/* Looks a content type up by its length, then its text. */
#include "shm/mimes.h"

static const struct {
    const char *text;
    uint32_t len;
} mime[QBID_MIME_CNT] = {
#define X(name, text) {text, sizeof(text) - 1},
    QBID_MIME_LIST(X)
#undef X
};

static int is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static int same(const char *text, const char *word, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        if ((is_upper(text[i]) ? text[i] - 'A' + 'a' : text[i]) != word[i])
            return 0;
    return 1;
}

uint64_t qbid_mime_bit(const char *text, uint32_t len)
{
    const char *parameters = len ? memchr(text, ';', len) : NULL;
    if (parameters)
        len = (uint32_t)(parameters - text);
    while (len > 0 && text[len - 1] == ' ')
        len--;
    if (len == 0)
        return 0;
    for (unsigned i = QBID_MIME_OTHER + 1; i < QBID_MIME_CNT; i++)
        if (mime[i].len == len && same(text, mime[i].text, len))
            return UINT64_C(1) << i;
    return UINT64_C(1) << QBID_MIME_OTHER;
}
