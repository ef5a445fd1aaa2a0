/* SPDX-License-Identifier: Apache-2.0 */
/* Every combination of the signals, against a table of what each asks for. */
#include "plugin/privacy/privacy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plugin/openrtb/openrtb_protobuf.h"
#include "tests/plugin/lines.h"
#include "tests/plugin/privacy/signals.h"
#include "tests/plugin/openrtb/protobuf_encode.h"
#include "tests/rounds.h"

static void describe(const struct combination *c, char text[128])
{
    int len = 0;
    for (unsigned s = 0; s < SIGNALS; s++)
        len += sprintf(text + len, "%u ", c->at[s]);
}

/* The class is the table's; the reason is one of those of this class, and the last of them. */
static void check(const struct combination *c, struct qbid_privacy got, const char *how)
{
    struct verdict want = signals_verdict(c);
    unsigned last = 31 - (unsigned)__builtin_clz(want.reasons);
    char text[128];
    if (got.reason == last && got.geo == want.geo &&
        qbid_privacy_class_of(got.reason) == want.class_)
        return;
    describe(c, text);
    fail_msg("%s, states %s: reason %d not %u, class %d not %d, place %d not %d", how, text,
             got.reason, last, qbid_privacy_class_of(got.reason), want.class_, got.geo, want.geo);
}

static bool next(struct combination *c)
{
    for (unsigned s = 0; s < SIGNALS; s++) {
        if (++c->at[s] < signals_states[s])
            return true;
        c->at[s] = 0;
    }
    return false;
}

static struct qbid_openrtb_request *asked;

static void every_combination_has_the_class_of_the_table(void **state)
{
    (void)state;
    struct combination c = {{0}};
    /* all for a figure, else some: primes, so that all states meet */
    const unsigned long stride = (unsigned long)rounds(1, 13, 97);
    unsigned long cnt = 0, of_class[QBID_PRIVACY_CLASS_CNT] = {0};
    for (unsigned long i = 0;; i++) {
        if (i % stride == 0) {
            signals_put(&c, asked);
            struct qbid_privacy got = qbid_privacy_of(asked, signals_rules(&c));
            check(&c, got, "in memory");
            of_class[qbid_privacy_class_of(got.reason)]++;
            cnt++;
        }
        if (!next(&c))
            break;
    }
    print_message("%lu combinations: %lu open, %lu restricted, %lu contextual, %lu no bid\n", cnt,
                  of_class[0], of_class[1], of_class[2], of_class[3]);
    assert_true(of_class[0] > 0 && of_class[1] > 0 && of_class[2] > 0 && of_class[3] > 0);
}

/* --- the same from bytes */

struct json {
    size_t len;
    char text[8192];
};

static void put(struct json *j, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    j->len += (size_t)vsnprintf(j->text + j->len, sizeof j->text - j->len, format, args);
    va_end(args);
    assert_true(j->len < sizeof j->text);
}

static void put_text(struct json *j, const char *name, struct qbid_text text)
{
    if (text.len)
        put(j, ",\"%s\":\"%.*s\"", name, (int)text.len, text.at);
}

static void put_list(struct json *j, const int *sid, bool too_many)
{
    if (sid[0] == 0)
        return;
    put(j, ",\"gpp_sid\":[");
    for (const int *at = sid; *at != 0; at++)
        put(j, "%s%d", at == sid ? "" : ",", *at);
    for (unsigned i = 0; too_many && i < QBID_OPENRTB_SECTIONS_MAX; i++)
        put(j, ",7"); /* one more than there is room for */
    put(j, "]");
}

static void put_regs(struct json *j, const struct combination *c,
                     const struct qbid_openrtb_regs *regs)
{
    put(j, "\"regs\":{\"x\":1");
    if (regs->coppa)
        put(j, ",\"coppa\":1");
    if (regs->gdpr != QBID_TRI_ABSENT)
        put(j, ",\"gdpr\":%d", regs->gdpr == QBID_TRI_YES);
    if (regs->dsa_required)
        put(j, ",\"dsa\":{\"dsarequired\":%d}", regs->dsa_required);
    put_text(j, "us_privacy", regs->us_privacy);
    put_text(j, "gpp", regs->gpp);
    put_list(j, signals_sids(c, false), signals_too_many(c));
    put(j, ",\"ext\":{\"x\":1");
    if (regs->coppa_ext)
        put(j, ",\"coppa\":1");
    if (regs->gpc)
        put(j, ",\"gpc\":\"1\"");
    if (regs->gdpr_ext != QBID_TRI_ABSENT)
        put(j, ",\"gdpr\":%d", regs->gdpr_ext == QBID_TRI_YES);
    if (regs->dsa_required_ext)
        put(j, ",\"dsa\":{\"dsarequired\":%d}", regs->dsa_required_ext);
    put_text(j, "us_privacy", regs->us_privacy_ext);
    put_text(j, "gpp", regs->gpp_ext);
    put_list(j, signals_sids(c, true), false);
    put(j, "}}");
}

static void put_json(struct json *j, const struct combination *c,
                     const struct qbid_openrtb_request *q)
{
    j->len = 0;
    put(j, "{\"id\":\"r\",\"imp\":[{\"id\":\"1\"}],\"device\":{\"lmt\":%d,\"dnt\":%d},", q->lmt,
        q->dnt);
    put(j, "\"user\":{\"x\":1");
    put_text(j, "consent", q->consent);
    put(j, ",\"ext\":{\"x\":1");
    put_text(j, "consent", q->consent_ext);
    put(j, "}},");
    put_regs(j, c, &q->regs);
    put(j, "}");
}

static struct qbid_openrtb *parser;
static struct qbid_protobuf *protobuf;
static struct qbid_openrtb_request *parsed;
static char *body; /* of the last parse: its texts point there */
static struct pb pb;

static int parse(const char *text, size_t len)
{
    free(body);
    body = lines_padded(text, len, ' ');
    return qbid_openrtb_parse(parser, body, len, parsed);
}

static bool check_bytes(const struct combination *c)
{
    static struct json j;
    signals_put(c, asked);
    put_json(&j, c, asked);
    assert_int_equal(parse(j.text, j.len), 0);
    assert_false(parsed->wrong_type);
    check(c, qbid_privacy_of(parsed, signals_rules(c)), "in JSON");
    if (!pb_from_json(j.text, j.len, &pb))
        return false; /* has a field that the IAB's protobuf has no place for */
    assert_int_equal(qbid_protobuf_parse(protobuf, (const char *)pb.at, pb.len, parsed), 0);
    check(c, qbid_privacy_of(parsed, signals_rules(c)), "in protobuf");
    return true;
}

/* All states of every two signals, the others absent or as they happen to be. */
static void every_pair_of_states_is_read_from_bytes(void **state)
{
    (void)state;
    unsigned cnt = 0, in_protobuf = 0;
    uint64_t roll = 88172645463325252;
    for (unsigned a = 0; a < SIGNALS; a++) {
        for (unsigned b = 0; b < a; b++) {
            for (unsigned i = 0; i < signals_states[a] * signals_states[b]; i++) {
                struct combination c = {{0}};
                c.at[a] = i % signals_states[a];
                c.at[b] = i / signals_states[a];
                in_protobuf += check_bytes(&c);
                for (unsigned s = 0; s < SIGNALS; s++) {
                    roll ^= roll << 13; /* xorshift64: Marsaglia 2003 */
                    roll ^= roll >> 7;
                    roll ^= roll << 17;
                    c.at[s] = s == a || s == b ? c.at[s] : (unsigned)(roll % signals_states[s]);
                }
                in_protobuf += check_bytes(&c);
                cnt += 2;
            }
        }
    }
    print_message("%u requests in JSON, %u of them in protobuf\n", cnt, in_protobuf);
    assert_true(in_protobuf > 1000);
}

/* A request without rules is the strictest: all purposes, the GDPR applies, no vendor is us. */
static void rules_of_zero_are_the_strictest(void **state)
{
    (void)state;
    static const struct qbid_privacy_rules zero, ours = {SIGNALS_VENDOR, 0, 0};
    struct combination c = {.at = {[CONSENT] = 6}}; /* BASIS, for purposes 1 to 4 of vendor 21 */
    signals_put(&c, asked);
    assert_int_equal(qbid_privacy_of(asked, &zero).reason, QBID_PRIVACY_REASON_GDPR_NO_BASIS);
    assert_int_equal(qbid_privacy_of(asked, &ours).reason, QBID_PRIVACY_REASON_GDPR_NO_BASIS);
    assert_int_equal(qbid_privacy_of(asked, signals_rules(&c)).reason, QBID_PRIVACY_REASON_NONE);
}

static int open_all(void **state)
{
    (void)state;
    signals_open();
    asked = calloc(1, sizeof *asked);
    parsed = calloc(1, sizeof *parsed);
    return asked && parsed && qbid_openrtb_new(&parser) == 0 ? qbid_protobuf_new(parser, &protobuf)
                                                             : -1;
}

static int close_all(void **state)
{
    (void)state;
    qbid_protobuf_free(protobuf);
    qbid_openrtb_free(parser);
    free(body);
    free(parsed);
    free(asked);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_has_the_class_of_the_table),
        cmocka_unit_test(every_pair_of_states_is_read_from_bytes),
        cmocka_unit_test(rules_of_zero_are_the_strictest),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
