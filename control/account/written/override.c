/* SPDX-License-Identifier: Apache-2.0 */
/* Words in a fixed order, the reason last. */
#include "control/account/written/override.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/account/written/instant.h"
#include "control/account/written/money.h"
#include "shm/units.h"

#define WORD_MAX 40

/* The next word, up to a blank; false when there is none or it is too long. */
static bool word_next(const char **at, char out[WORD_MAX])
{
    while (**at == ' ')
        ++*at;
    size_t len = strcspn(*at, " ");
    if (len == 0 || len >= WORD_MAX)
        return false;
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len;
    return true;
}

static const char *fixed_read(const char *text, struct qbid_override *o)
{
    if (qbid_money_parse_micros(text, strlen(text), &o->fixed_micros) != 0)
        return "has a fixed bid that is not a plain decimal with at most 6 decimals";
    if (o->fixed_micros < 1 || o->fixed_micros > QBID_PRICE_MICROS_MAX)
        return "has a fixed bid that is not above 0, or is over the highest price";
    if ((int64_t)(float)o->fixed_micros != o->fixed_micros)
        return "has a fixed bid of too many digits: up to 16.777216 all six decimals are held, "
               "above that multiples of 0.01 up to 268.43";
    o->kind = QBID_OVERRIDE_FIXED;
    return NULL;
}

static const char *multiplier_read(const char *text, struct qbid_override *o)
{
    char *end;
    o->multiplier = strtod(text, &end);
    if (end == text || *end || ((*text < '0' || *text > '9') && *text != '.'))
        return "has a multiplier that is no number";
    if (!(o->multiplier >= 0 && o->multiplier <= QBID_OVERRIDE_MULTIPLIER_MAX))
        return "has a multiplier outside 0 to 16";
    o->kind = QBID_OVERRIDE_MULTIPLIER;
    return NULL;
}

static const char *what_read(const char **at, struct qbid_override *o)
{
    char word[WORD_MAX];
    if (!word_next(at, word))
        return "is not 'fixed PRICE until TIME' or 'xFACTOR until TIME'";
    if (*word == 'x')
        return multiplier_read(word + 1, o);
    if (strcmp(word, "fixed") != 0 || !word_next(at, word))
        return "is not 'fixed PRICE until TIME' or 'xFACTOR until TIME'";
    return fixed_read(word, o);
}

static const char *until_read(const char **at, int64_t now_unix_s, struct qbid_override *o)
{
    char word[WORD_MAX];
    if (!word_next(at, word) || strcmp(word, "until") != 0 || !word_next(at, word))
        return "lacks 'until TIME': an override has an end";
    size_t len = strlen(word);
    if (len > 1 && word[len - 1] == ':') { /* the reason follows at once */
        word[len - 1] = '\0';
        --*at;
    }
    if (qbid_instant_parse(word, now_unix_s, &o->until_unix_s) != 0)
        return "has an end that is neither RFC 3339 (2013-06-06T00:00:00Z) nor +90s, +30m, +24h, "
               "+7d";
    return NULL;
}

static bool printable(const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s; s++)
        if (*s < 0x20 || *s == 0x7f)
            return false;
    return true;
}

static const char *tail_read(const char *at, struct qbid_override *o)
{
    size_t len = strcspn(at, ":");
    if (strncmp(at, " by ", 4) == 0) {
        if (len - 4 < 1 || len - 4 >= sizeof o->by)
            return "has an author that is missing or too long";
        memcpy(o->by, at + 4, len - 4);
        o->by[len - 4] = '\0';
        at += len;
    }
    while (*at == ' ')
        at++;
    if (*at && *at != ':')
        return "goes on behind its end; 'by WHOM' and ': REASON' may follow";
    at += *at == ':';
    at += strspn(at, " ");
    if (strlen(at) >= sizeof o->why)
        return "has a reason of over 200 bytes";
    strcpy(o->why, at);
    return printable(o->by) && printable(o->why) ? NULL : "holds a control character";
}

const char *qbid_override_parse(const char *text, int64_t now_unix_s,
                                struct qbid_override *ret_override)
{
    struct qbid_override o = {0};
    const char *wrong = NULL, *at = text;
    if (*text) {
        wrong = what_read(&at, &o);
        if (!wrong)
            wrong = until_read(&at, now_unix_s, &o);
        if (!wrong)
            wrong = tail_read(at, &o);
    }
    if (!wrong)
        *ret_override = o;
    return wrong;
}

void qbid_override_what(const struct qbid_override *override, char *out, unsigned bytes)
{
    char money[QBID_MONEY_TEXT_MAX];
    qbid_money_format_micros(override->fixed_micros, money);
    if (override->kind == QBID_OVERRIDE_FIXED)
        snprintf(out, bytes, "fixed %s", money);
    else
        snprintf(out, bytes, "x%.9g", override->multiplier);
}

void qbid_override_format(const struct qbid_override *override, char out[QBID_OVERRIDE_TEXT_MAX])
{
    char what[WORD_MAX], until[QBID_INSTANT_TEXT_MAX];
    *out = '\0';
    if (override->kind == QBID_OVERRIDE_NONE)
        return;
    qbid_override_what(override, what, sizeof what);
    qbid_instant_format(override->until_unix_s, until);
    snprintf(out, QBID_OVERRIDE_TEXT_MAX, "%s until %s%s%s%s%s", what, until,
             *override->by ? " by " : "", override->by, *override->why ? ": " : "", override->why);
}
