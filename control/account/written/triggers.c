/* SPDX-License-Identifier: Apache-2.0 */
/* Words with an optional number, between commas. */
#include "control/account/written/triggers.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word;
    double ratio, factor;
    const char *text;
} kinds[QBID_TRIGGER_CNT] = {
#define X(upper, word, ratio, factor, text) {word, ratio, factor, text},
    QBID_TRIGGER_LIST(X)
#undef X
};

const char *qbid_trigger_word(enum qbid_trigger_kind kind)
{
    return kinds[kind].word;
}

const char *qbid_trigger_text(enum qbid_trigger_kind kind)
{
    return kinds[kind].text;
}

double qbid_trigger_ratio(enum qbid_trigger_kind kind)
{
    return kinds[kind].ratio;
}

/* One entry; *at moves behind it. */
static const char *entry_read(const char **at, struct qbid_triggers *t)
{
    size_t len = strcspn(*at, "=, "), kind = 0;
    while (kind < QBID_TRIGGER_CNT &&
           (strlen(kinds[kind].word) != len || strncmp(kinds[kind].word, *at, len) != 0))
        kind++;
    if (kind == QBID_TRIGGER_CNT)
        return "is not a list of cpc, ctr, win, each with =FACTOR or without";
    *at += len;
    t->factor[kind] = kinds[kind].factor;
    if (**at == '=') {
        char *end;
        if ((*at)[1] != '.' && ((*at)[1] < '0' || (*at)[1] > '9'))
            return "has a factor that is no number";
        t->factor[kind] = strtod(*at + 1, &end);
        *at = end;
    }
    *at += strspn(*at, " ");
    return t->factor[kind] >= 0.5 && t->factor[kind] <= 2 ? NULL : "has a factor outside 0.5 to 2";
}

const char *qbid_triggers_parse(const char *text, struct qbid_triggers *ret_triggers)
{
    struct qbid_triggers t = {{0}};
    const char *at = text, *wrong = NULL;
    while (*at && !wrong) {
        wrong = entry_read(&at, &t);
        if (!wrong && *at && *at != ',')
            wrong = "is not a list of cpc, ctr, win, each with =FACTOR or without";
        if (!wrong && *at == ',')
            at += 1 + strspn(at + 1, " ");
    }
    if (!wrong)
        *ret_triggers = t;
    return wrong;
}
