/* SPDX-License-Identifier: Apache-2.0 */
/* Headers in one pass each, without regard to case, blanks allowed where HTTP allows them. */
#include "plugin/coding.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct qbid_text trim(struct qbid_text text)
{
    while (text.len > 0 && is_blank(text.at[0])) {
        text.at++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.at[text.len - 1]))
        text.len--;
    return text;
}

/* Cut off what stands in front of the next mark, or all; trimmed. */
static struct qbid_text cut(struct qbid_text *rest, char mark)
{
    const char *end = rest->len ? memchr(rest->at, mark, rest->len) : NULL;
    uint32_t len = end ? (uint32_t)(end - rest->at) : rest->len;
    struct qbid_text piece = {rest->at, len};
    uint32_t skip = end ? len + 1 : len;
    rest->at = rest->len ? rest->at + skip : rest->at;
    rest->len -= skip;
    return trim(piece);
}

/* Whether text is word, which is in lower case. */
static bool is_word(struct qbid_text text, const char *word)
{
    if (text.len != strlen(word))
        return false;
    for (uint32_t i = 0; i < text.len; i++)
        if (qbid_text_lower(text.at[i]) != word[i])
            return false;
    return true;
}

static bool is_gzip(struct qbid_text text)
{
    return is_word(text, "gzip") || is_word(text, "x-gzip"); /* RFC 9110, 8.4.1.3: the same */
}

static bool holds_json(struct qbid_text text)
{
    for (uint32_t i = 0; i + 4 <= text.len; i++)
        if (is_word((struct qbid_text){text.at + i, 4}, "json"))
            return true;
    return false;
}

enum qbid_media qbid_media_of(struct qbid_text content_type)
{
    if (qbid_text_is(content_type, "application/json")) /* what nearly all of them say */
        return QBID_MEDIA_JSON;
    struct qbid_text type = cut(&content_type, ';');
    if (is_word(type, "application/x-protobuf") || is_word(type, "application/protobuf") ||
        is_word(type, "application/vnd.google.protobuf"))
        return QBID_MEDIA_PROTOBUF;
    return type.len == 0 || holds_json(type) || is_word(type, "text/plain") ||
                   is_word(type, "application/x-www-form-urlencoded")
               ? QBID_MEDIA_JSON
               : QBID_MEDIA_UNKNOWN;
}

enum qbid_coding qbid_coding_of(struct qbid_text content_encoding)
{
    struct qbid_text coding = trim(content_encoding);
    return coding.len == 0 || is_word(coding, "identity") ? QBID_CODING_IDENTITY
           : is_gzip(coding)                              ? QBID_CODING_GZIP
                                                          : QBID_CODING_UNKNOWN;
}

/* Whether the parameters of an entry make it q=0: "q=0", "q=0.0". */
static bool is_refused(struct qbid_text parameters)
{
    while (parameters.len > 0) {
        struct qbid_text parameter = cut(&parameters, ';');
        if (parameter.len < 3 || qbid_text_lower(parameter.at[0]) != 'q' || parameter.at[1] != '=')
            continue;
        bool zero = true;
        for (uint32_t i = 2; i < parameter.len; i++)
            zero &= parameter.at[i] == '0' || parameter.at[i] == '.';
        return zero;
    }
    return false;
}

bool qbid_coding_accepts_gzip(struct qbid_text accept_encoding)
{
    bool any = false;
    while (accept_encoding.len > 0) {
        struct qbid_text entry = cut(&accept_encoding, ',');
        struct qbid_text name = cut(&entry, ';');
        if (is_gzip(name))
            return !is_refused(entry);
        any |= is_word(name, "*") && !is_refused(entry);
    }
    return any;
}

bool qbid_coding_version_known(struct qbid_text version)
{
    struct qbid_text minor = trim(version), major = cut(&minor, '.');
    for (uint32_t i = 0; i < major.len; i++)
        if (major.at[i] < '0' || major.at[i] > '9')
            return true;
    return major.len == 0 || qbid_text_is(major, "2");
}
