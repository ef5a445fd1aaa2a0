/* SPDX-License-Identifier: Apache-2.0 */
/* Strings of TCF, GPP and us_privacy, against what the IAB's own libraries read from them, and
 * against strings of ours where those libraries cannot write what may come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plugin/privacy/bits.h"
#include "plugin/privacy/gpp.h"
#include "plugin/privacy/tcf.h"
#include "plugin/privacy/us_privacy.h"
#include "shm/error.h"
#include "shm/privacy.h"
#include "tests/plugin/privacy/bit_writer.h"
#include "tests/plugin/privacy/vectors.h"

#define TEXT(literal) ((struct qbid_text){literal, sizeof(literal) - 1})

static uint32_t hex(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 16);
}

/* --- against the libraries */

static void check_tcf(void *context, const struct vector *v)
{
    struct qbid_tcf tcf = {.purposes = 77, .features = 77};
    uint16_t vendor = (uint16_t)atoi(v->field[2]);
    bool valid = v->field[3][0] == '1';
    unsigned *with_basis = context;
    int err = qbid_tcf_read(vector_text(v->field[1]), vendor, &tcf);
    if (err != (valid ? 0 : QBID_ERR_PARSE) || (!valid && tcf.purposes != 77))
        fail_msg("vendor %u of %s: %d", vendor, v->field[1], err);
    if (valid && (tcf.purposes != hex(v->field[4]) || tcf.features != hex(v->field[5])))
        fail_msg("vendor %u of %s: %x %x", vendor, v->field[1], tcf.purposes, tcf.features);
    *with_basis += valid && tcf.purposes != 0;
}

static void tcf_strings_are_read_as_the_library_does(void **state)
{
    (void)state;
    unsigned with_basis = 0;
    unsigned cnt = vectors_each("tcf", check_tcf, &with_basis);
    print_message("%u vendors of TCF strings, %u with a basis\n", cnt, with_basis);
    assert_true(cnt > 400);
    assert_in_range(with_basis, 100, cnt - 100);
}

static void check_section(void *context, const struct vector *v)
{
    struct qbid_text text = {NULL, 0};
    unsigned section = (unsigned)atoi(v->field[2]);
    bool there = strcmp(v->field[3], "-") != 0;
    int err = qbid_gpp_find(vector_text(v->field[1]), section, &text);
    assert_int_equal(err, there ? 0 : QBID_ERR_NOENT);
    if (!there)
        return;
    assert_int_equal(text.len, strlen(v->field[3]));
    assert_memory_equal(text.at, v->field[3], text.len);
    *(unsigned *)context += 1;
}

static void gpp_sections_are_found_as_the_library_does(void **state)
{
    (void)state;
    unsigned found = 0;
    unsigned cnt = vectors_each("gpp", check_section, &found);
    print_message("%u sections of GPP strings, %u of them there\n", cnt, found);
    assert_true(found > 150 && cnt - found > 50);
}

static void check_us(void *context, const struct vector *v)
{
    unsigned *by_section = context;
    unsigned section = (unsigned)atoi(v->field[1]);
    bool want = v->field[3][0] == '1';
    int got = qbid_gpp_us_read(section, vector_text(v->field[2]));
    if (got != want)
        fail_msg("section %u, %s: %d", section, v->field[2], got);
    by_section[section * 2 + want]++;
}

static void sections_of_states_are_read_as_the_library_does(void **state)
{
    (void)state;
    unsigned by_section[64] = {0};
    print_message("%u sections of states\n", vectors_each("us", check_us, by_section));
    for (unsigned s = QBID_GPP_US_FIRST; s <= QBID_GPP_US_LAST; s++)
        assert_true(by_section[s * 2] > 0 && by_section[s * 2 + 1] > 0);
}

/* Whatever is cut off a string takes nothing away from what it protects. */
static void check_cut(void *context, const struct vector *v)
{
    struct qbid_tcf whole, tcf;
    uint16_t vendor = (uint16_t)atoi(v->field[2]);
    struct qbid_text text = vector_text(v->field[1]);
    if (qbid_tcf_read(text, vendor, &whole) != 0)
        return;
    for (uint32_t len = 0; len < text.len; len += 1 + len / 64) {
        char *own = malloc(len + 1);
        memcpy(own, text.at, len);
        int err = qbid_tcf_read((struct qbid_text){own, len}, vendor, &tcf);
        free(own);
        *(unsigned *)context += err == 0;
        if (err == 0 && (tcf.purposes != whole.purposes || tcf.features != whole.features))
            fail_msg("%u characters of %s", len, v->field[1]);
        assert_true(err == 0 || err == QBID_ERR_PARSE);
    }
}

static void a_cut_tcf_string_is_refused_or_the_same(void **state)
{
    (void)state;
    unsigned same = 0;
    vectors_each("tcf", check_cut, &same);
    assert_true(same > 0);
}

/* --- TCF, bit by bit */

#define P(n) QBID_PRIVACY_PURPOSE(n)
#define EVERY QBID_PRIVACY_PURPOSE_ALL

static struct bit_writer w;
static const struct bit_tcf sound = {
    .version = 2, .policy = 4, .specific = true, .features = 0x801, .consent = P(1) | P(2) | P(24)};

static int read_tcf(uint16_t vendor, struct qbid_tcf *ret)
{
    return qbid_tcf_read(bit_text(&w), vendor, ret);
}

static void no_restrictions(void)
{
    bit_put(&w, 12, 0);
}

static void vendors_are_in_fields_or_in_ranges(void **state)
{
    (void)state;
    struct qbid_tcf tcf;
    bit_put_tcf(&w, &sound);
    bit_put_field(&w, 30, 30);
    bit_put_range(&w, 5, 9);
    no_restrictions();
    assert_int_equal(read_tcf(30, &tcf), 0);
    assert_int_equal(tcf.purposes, sound.consent);
    assert_int_equal(tcf.features, 0x801);
    static const uint16_t others[] = {0, 1, 29, 31, 65535};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(read_tcf(others[i], &tcf), 0);
        assert_int_equal(tcf.purposes, 0);
    }
    struct bit_tcf by_interest = {2, 4, true, 0, 0, EVERY};
    bit_put_tcf(&w, &by_interest);
    bit_put_range(&w, 3, 3);
    bit_put_range(&w, 0, 9); /* 0 is nobody */
    no_restrictions();
    static const uint16_t vendor[] = {0, 1, 5, 9, 10};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(read_tcf(vendor[i], &tcf), 0);
        /* TCF 2.2: 1 and 3 to 6 need consent */
        uint32_t all = EVERY & ~(P(1) | P(3) | P(4) | P(5) | P(6));
        assert_int_equal(tcf.purposes, i == 0 || i == 4 ? 0 : all);
    }
}

static void consent_of_another_version_policy_or_scope_is_none(void **state)
{
    (void)state;
    struct qbid_tcf tcf;
    for (unsigned i = 0; i < 6; i++) {
        struct bit_tcf head = sound;
        head.version = i == 1 ? 1 : i == 2 ? 3 : 2;
        head.policy = i == 3 ? 3 : i == 4 ? 63 : 4;
        head.specific = i != 5;
        bit_put_tcf(&w, &head);
        bit_put_field(&w, 8, 8);
        bit_put_field(&w, 0, 0);
        no_restrictions();
        assert_int_equal(read_tcf(8, &tcf), i == 0 || i == 4 ? 0 : QBID_ERR_PARSE);
    }
    assert_int_equal(qbid_tcf_read((struct qbid_text){NULL, 0}, 8, &tcf), QBID_ERR_PARSE);
    assert_int_equal(qbid_tcf_read(TEXT("."), 8, &tcf), QBID_ERR_PARSE);
    assert_int_equal(qbid_tcf_read(TEXT("CP****"), 8, &tcf), QBID_ERR_PARSE);
}

/* Each kind of restriction, for and beside the vendor and the purpose. */
static void restrictions_take_a_basis_away(void **state)
{
    (void)state;
    struct bit_tcf both = {2, 5, true, 0, P(2) | P(7), P(2) | P(7) | P(8)};
    for (unsigned kind = 0; kind < 4; kind++) {
        struct qbid_tcf tcf;
        bit_put_tcf(&w, &both);
        bit_put_field(&w, 8, 8);
        bit_put_field(&w, 8, 8);
        bit_put(&w, 12, 4);
        static const unsigned purpose[] = {7, 8, 0, 25};
        for (unsigned i = 0; i < 4; i++) {
            bit_put(&w, 6, purpose[i]);
            bit_put(&w, 2, kind);
            bit_put(&w, 12, 2); /* ranges: 3, 6 to 8 */
            bit_put(&w, 1, 0);
            bit_put(&w, 16, 3);
            bit_put(&w, 1, 1);
            bit_put(&w, 16, 6);
            bit_put(&w, 16, 8);
        }
        assert_int_equal(read_tcf(8, &tcf), 0);
        uint32_t left = kind == 1 ? P(7) : kind == 2 ? P(7) | P(8) : 0;
        assert_int_equal(tcf.purposes, P(2) | left);
        bit_put_tcf(&w, &both); /* the same, and only consent */
        bit_put_field(&w, 8, 8);
        bit_put_field(&w, 8, 0);
        bit_put(&w, 12, 1);
        bit_put(&w, 6, 7);
        bit_put(&w, 2, kind);
        bit_put(&w, 12, 1);
        bit_put(&w, 1, 0);
        bit_put(&w, 16, 8);
        assert_int_equal(read_tcf(8, &tcf), 0);
        assert_int_equal(tcf.purposes, kind == 1 ? P(2) | P(7) : P(2));
    }
}

static void a_restriction_without_its_ranges_is_refused(void **state)
{
    (void)state;
    struct qbid_tcf tcf;
    bit_put_tcf(&w, &sound);
    bit_put_field(&w, 8, 8);
    bit_put_field(&w, 8, 0);
    bit_put(&w, 12, 4095);
    bit_put(&w, 6, 2);
    bit_put(&w, 2, 0);
    bit_put(&w, 12, 4095);
    assert_int_equal(read_tcf(8, &tcf), QBID_ERR_PARSE);
}

/* --- GPP, bit by bit */

/* A header of entries; a pair with equal ends is written as one section. */
static void put_header(unsigned type, unsigned version, unsigned cnt, const unsigned (*ends)[2])
{
    unsigned last = 0;
    w = (struct bit_writer){0};
    bit_put(&w, 6, type);
    bit_put(&w, 6, version);
    bit_put(&w, 12, cnt);
    for (unsigned i = 0; i < cnt; i++) {
        bit_put(&w, 1, ends[i][0] != ends[i][1]);
        bit_put_fibonacci(&w, ends[i][0] - last);
        if (ends[i][0] != ends[i][1])
            bit_put_fibonacci(&w, ends[i][1] - ends[i][0]);
        last = ends[i][1];
    }
}

static struct qbid_text gpp_with(const char *parts)
{
    struct qbid_text header = bit_text(&w);
    memcpy(w.text + header.len, parts, strlen(parts));
    return (struct qbid_text){w.text, header.len + (uint32_t)strlen(parts)};
}

static void sections_stand_in_the_order_of_the_header(void **state)
{
    (void)state;
    static const unsigned ends[][2] = {{2, 2}, {6, 9}, {12, 13}, {1000, 1000}};
    static const unsigned there[] = {2, 6, 7, 8, 9, 12, 13, 1000};
    put_header(3, 1, 4, ends);
    struct qbid_text gpp = gpp_with("~a~b~c~d~e~f~g~h"), text;
    for (unsigned s = 0, at = 0; s <= 1001; s++) {
        int err = qbid_gpp_find(gpp, s, &text);
        bool is = at < 8 && there[at] == s;
        assert_int_equal(err, is ? 0 : QBID_ERR_NOENT);
        if (is)
            assert_true(text.len == 1 && text.at[0] == (char)('a' + at++));
    }
    gpp = gpp_with("~a~b");
    assert_int_equal(qbid_gpp_find(gpp, 7, &text), QBID_ERR_PARSE);
    gpp = gpp_with("~");
    assert_int_equal(qbid_gpp_find(gpp, 2, &text), 0);
    assert_int_equal(text.len, 0);
}

static void a_header_that_is_none_is_refused(void **state)
{
    (void)state;
    static const unsigned ends[][2] = {{2, 2}, {99000, 100001}};
    struct qbid_text text;
    put_header(3, 1, 2, ends);
    assert_int_equal(qbid_gpp_find(gpp_with("~a~b"), 2, &text), QBID_ERR_PARSE);
    put_header(3, 2, 1, ends);
    assert_int_equal(qbid_gpp_find(gpp_with("~a"), 2, &text), QBID_ERR_PARSE);
    put_header(2, 1, 1, ends);
    assert_int_equal(qbid_gpp_find(gpp_with("~a"), 2, &text), QBID_ERR_PARSE);
    for (unsigned cnt = 1; cnt <= 2; cnt++) { /* a number in Fibonacci code that does not end */
        w = (struct bit_writer){0};
        bit_put(&w, 24, 3 << 18 | 1 << 12 | cnt);
        bit_put(&w, 32, 0);
        assert_int_equal(qbid_gpp_find(bit_text(&w), 2, &text), QBID_ERR_PARSE);
    }
    assert_int_equal(qbid_gpp_find(TEXT("DBA"), 2, &text), QBID_ERR_PARSE);
    assert_int_equal(qbid_gpp_find((struct qbid_text){NULL, 0}, 2, &text), QBID_ERR_PARSE);
    assert_int_equal(qbid_gpp_find(TEXT("~a"), 2, &text), QBID_ERR_PARSE);
}

static void fibonacci_codes_of_all_sections_are_read(void **state)
{
    (void)state;
    for (unsigned s = 1; s <= 3000; s++) {
        struct qbid_text text;
        const unsigned ends[][2] = {{s, s}};
        put_header(3, 1, 1, ends);
        struct qbid_text gpp = gpp_with("~x");
        assert_int_equal(qbid_gpp_find(gpp, s, &text), 0);
        assert_int_equal(qbid_gpp_find(gpp, s + 1, &text), QBID_ERR_NOENT);
    }
}

static void sections_that_are_not_known_are_told_from_broken_ones(void **state)
{
    (void)state;
    assert_int_equal(qbid_gpp_us_read(28, TEXT("BAAAAAAAAAAA")), QBID_ERR_NOENT);
    assert_int_equal(qbid_gpp_us_read(6, TEXT("BAAAAAAAAAAA")), QBID_ERR_NOENT);
    assert_int_equal(qbid_gpp_us_read(7, TEXT("DAAAAAAAAAAA")), QBID_ERR_NOENT); /* version 3 */
    assert_int_equal(qbid_gpp_us_read(8, TEXT("CAAAAAAAAAAA")), QBID_ERR_NOENT);
    assert_int_equal(qbid_gpp_us_read(7, TEXT("BAAA")), QBID_ERR_PARSE);
    assert_int_equal(qbid_gpp_us_read(7, TEXT("")), QBID_ERR_PARSE);
    assert_int_equal(qbid_gpp_us_read(7, (struct qbid_text){NULL, 0}), QBID_ERR_PARSE);
    assert_int_equal(qbid_gpp_us_read(7, TEXT("BAAAAAAAA*")), QBID_ERR_PARSE);
    assert_int_equal(qbid_gpp_us_read(7, TEXT("BAAAAAAAAAAA.")), QBID_ERR_PARSE);
    assert_int_equal(qbid_gpp_us_read(7, TEXT("BAAAAAAAAAAA.Q")), 0); /* 01 0: control is off */
    assert_int_equal(qbid_gpp_us_read(7, TEXT("BAAAAAAAAAAA.Y")), 1); /* 01 1 */
    assert_int_equal(qbid_gpp_us_read(7, TEXT("BAAAAAAAAAAA.o")), 0); /* 10 1: something else */
    assert_int_equal(qbid_gpp_us_read(7, TEXT("BAAAAAAAAAAA.Q.Y")), 1);
    assert_int_equal(qbid_gpp_us_read(25, TEXT("BAAAAAAAAAAA.Y")), 0); /* has another part there */
}

/* --- us_privacy: all texts of four characters of an alphabet that has all that matters */

static void all_us_privacy_strings_are_read(void **state)
{
    (void)state;
    static const char some[] = "012YyNn-Zz \xc3";
    const unsigned n = sizeof some - 1;
    for (unsigned i = 0; i < n * n * n * n; i++) {
        char text[4] = {some[i % n], some[i / n % n], some[i / n / n % n], some[i / n / n / n]};
        bool sound_text = text[0] == '1' && strchr("YyNn-", text[1]) && strchr("YyNn-", text[2]) &&
                          strchr("YyNn-", text[3]);
        int want = !sound_text ? QBID_ERR_PARSE : text[2] == 'Y' || text[2] == 'y';
        assert_int_equal(qbid_us_privacy_read((struct qbid_text){text, 4}), want);
    }
    assert_int_equal(qbid_us_privacy_read(TEXT("1YN")), QBID_ERR_PARSE);
    assert_int_equal(qbid_us_privacy_read(TEXT("1YNNN")), QBID_ERR_PARSE);
    assert_int_equal(qbid_us_privacy_read((struct qbid_text){NULL, 0}), QBID_ERR_PARSE);
}

/* --- bits */

static void bits_are_read_across_characters(void **state)
{
    (void)state;
    uint64_t roll = 88172645463325252;
    for (unsigned round = 0; round < 2000; round++) {
        uint32_t number[40];
        unsigned width[40];
        w = (struct bit_writer){0};
        for (unsigned i = 0; i < 40; i++) {
            roll ^= roll << 13; /* xorshift64: Marsaglia 2003 */
            roll ^= roll >> 7;
            roll ^= roll << 17;
            width[i] = 1 + (unsigned)(roll % QBID_BITS_READ_MAX);
            number[i] = (uint32_t)(roll >> 20) & ((UINT32_C(1) << width[i]) - 1);
            bit_put(&w, width[i], number[i]);
        }
        struct qbid_bits bits = qbid_bits_init(bit_text(&w));
        for (unsigned i = 0; i < 40; i++)
            assert_int_equal(qbid_bits_read(&bits, width[i]), number[i]);
        assert_false(bits.bad);
        assert_int_equal(qbid_bits_read(&bits, 6), 0);
        assert_true(bits.bad);
        assert_int_equal(qbid_bits_read(&bits, 1), 0);
    }
}

static void every_other_character_is_bad(void **state)
{
    (void)state;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (unsigned c = 0; c < 256; c++) {
        char text[3] = {'A', (char)c, 'A'};
        const char *at = c ? strchr(alphabet, (int)c) : NULL;
        struct qbid_bits bits = qbid_bits_init((struct qbid_text){text, 3});
        assert_int_equal(bits.bad, at == NULL);
        qbid_bits_skip(&bits, 6);
        assert_int_equal(qbid_bits_read(&bits, 6), at ? at - alphabet : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcf_strings_are_read_as_the_library_does),
        cmocka_unit_test(gpp_sections_are_found_as_the_library_does),
        cmocka_unit_test(sections_of_states_are_read_as_the_library_does),
        cmocka_unit_test(a_cut_tcf_string_is_refused_or_the_same),
        cmocka_unit_test(vendors_are_in_fields_or_in_ranges),
        cmocka_unit_test(consent_of_another_version_policy_or_scope_is_none),
        cmocka_unit_test(restrictions_take_a_basis_away),
        cmocka_unit_test(a_restriction_without_its_ranges_is_refused),
        cmocka_unit_test(sections_stand_in_the_order_of_the_header),
        cmocka_unit_test(a_header_that_is_none_is_refused),
        cmocka_unit_test(fibonacci_codes_of_all_sections_are_read),
        cmocka_unit_test(sections_that_are_not_known_are_told_from_broken_ones),
        cmocka_unit_test(all_us_privacy_strings_are_read),
        cmocka_unit_test(bits_are_read_across_characters),
        cmocka_unit_test(every_other_character_is_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
