/* SPDX-License-Identifier: Apache-2.0 */
/* Frequency rules from their text. */
#include "control/account/written/frequency.h"

#include <stdlib.h>
#include <string.h>

static const char *skip(const char *at)
{
    return at + strspn(at, " ");
}

/* Digits only: strtoul() would take signs and other leading characters. */
static const char *number(const char *at, unsigned long *ret)
{
    char *end;
    if (*at < '0' || *at > '9')
        return NULL;
    *ret = strtoul(at, &end, 10);
    return end - at <= 7 ? end : NULL;
}

static const char *values_parse(const char *at, struct qbid_frequency_rule *rule)
{
    double before = 1;
    at = skip(at);
    if (strncmp(at, "learned", 7) == 0 && *skip(at + 7) == 0) {
        rule->learned = true;
        return NULL;
    }
    for (;;) {
        char *end;
        at = skip(at);
        if (rule->value_cnt == QBID_FREQUENCY_VALUES_MAX)
            return "has more than 16 values";
        if (*at != '.' && (*at < '0' || *at > '9'))
            return "has a value that is not a number";
        double value = strtod(at, &end);
        if (!(value >= 0 && value <= 1))
            return "has a value outside 0..1";
        if (rule->value_cnt == 0 && value != 1)
            return "has a first value other than 1: a line item's value is that of the first one";
        if (value > before)
            return "has values that rise: a later impression is never worth more";
        rule->value[rule->value_cnt++] = before = value;
        at = skip(end);
        if (*at == 0)
            return NULL;
        if (*at++ != ',')
            return "has a value that is not a number";
    }
}

const char *qbid_frequency_rule_parse(const char *text, struct qbid_frequency_rule *ret_rule)
{
    static const char form[] =
        "is not like '3 per 24h', '3 per 24h: 1, 0.8, 0.6' or '3 per 24h: learned'";
    struct qbid_frequency_rule rule = {0};
    unsigned long cap, span;
    const char *at = skip(text);
    if (*at == 0) {
        *ret_rule = rule;
        return NULL;
    }
    at = number(at, &cap);
    if (!at || cap < 1 || cap > QBID_FREQUENCY_CAP_MAX)
        return at ? "has a cap outside 1..100" : form;
    at = skip(at);
    if (strncmp(at, "per ", 4) != 0 || !(at = number(skip(at + 4), &span)))
        return form;
    unsigned long unit = *at == 'm' ? 1 : *at == 'h' ? 60 : *at == 'd' ? 1440 : 0;
    if (unit == 0)
        return "has a span that is not like 90m, 24h or 7d";
    if (span < 1 || span * unit > QBID_FREQUENCY_MINUTES_MAX)
        return "has a span outside 1m..30d";
    rule.cap = (uint32_t)cap;
    rule.minutes = (uint32_t)(span * unit);
    at = skip(at + 1);
    const char *wrong = NULL;
    if (*at == ':')
        wrong = values_parse(at + 1, &rule);
    else if (*at != 0)
        wrong = form;
    if (!wrong)
        *ret_rule = rule;
    return wrong;
}
