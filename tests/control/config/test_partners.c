/* SPDX-License-Identifier: Apache-2.0 */
/* Partner profiles: what a good file gives, what a wrong one is told, and the files of keys. */
#include "control/config/partners.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/hash.h"

static struct qbid_config config;
static struct qbid_problems problems;

/* Behind the text stands what every file has to say. */
static int parse(const char *text)
{
    char whole[8192];
    int len = snprintf(whole, sizeof whole, "%sprivacy: {gdpr_unknown: applies}\n", text);
    assert_in_range(len, 1, sizeof whole - 1);
    memset(&problems, 0, sizeof problems);
    problems.file = "q.yaml";
    return qbid_config_parse(whole, (size_t)len, "/base", &problems, &config);
}

static void a_profile_has_all_that_it_says(void **state)
{
    (void)state;
    assert_int_equal(parse("rates: [{currency: EUR, per_unit: 1.1}]\n"
                           "partners:\n"
                           "  - name: adx\n"
                           "    id: 7\n"
                           "    price: google\n"
                           "    price_per: impression\n"
                           "    price_age_max_s: 3600\n"
                           "    price_macro: '${AUCTION_PRICE:GGL}'\n"
                           "    key_file: keys/adx\n"
                           "    currency: EUR\n"
                           "    seat: '42-a'\n"
                           "    tmax_ms: 80\n"
                           "    margin_ms: 15\n"
                           "    no_bid: nbr\n"
                           "    test: decline\n"
                           "    required: [crid, size]\n"
                           "    notices: [burl, lurl]\n"
                           "  - {name: '*', id: 1, price: aes-ecb, key_file: /k}\n"
                           "  - {name: '3', id: 255, win_bills: true}\n"),
                     0);
    assert_int_equal(config.partner_cnt, 3);
    const struct qbid_partner *p = &config.partner[0];
    assert_true(p->exchange_hash == qbid_hash_dim(QBID_DIM_EXCHANGE, "adx", 3));
    assert_int_equal(p->id, 7);
    assert_int_equal(p->coding, QBID_PRICE_CODING_GOOGLE);
    assert_int_equal(p->flags,
                     QBID_PARTNER_PER_IMPRESSION | QBID_PARTNER_NBR | QBID_PARTNER_TEST_DECLINE);
    assert_int_equal(p->price_age_max_s, 3600);
    assert_int_equal(p->macro_len, 20);
    assert_memory_equal(p->macro, "${AUCTION_PRICE:GGL}", 20);
    assert_string_equal(config.partner_key_file[0], "/base/keys/adx");
    assert_int_equal(p->currency, qbid_currency_parse("EUR"));
    assert_int_equal(p->seat_len, 4);
    assert_int_equal(p->tmax_ms, 80);
    assert_int_equal(p->margin_ms, 15);
    assert_int_equal(p->required, 1 << QBID_PARTNER_FIELD_CRID | 1 << QBID_PARTNER_FIELD_SIZE);
    assert_int_equal(p->notices, 1 << QBID_PARTNER_BURL | 1 << QBID_PARTNER_LURL);
    assert_true(config.partner[1].exchange_hash == 0);
    assert_int_equal(config.partner[1].coding, QBID_PRICE_CODING_AES_ECB);
    assert_int_equal(config.partner[1].notices, 7);
    assert_string_equal(config.partner_key_file[1], "/k");
    assert_int_equal(config.partner[2].flags, QBID_PARTNER_WIN_BILLS);
    assert_int_equal(config.partner[2].notices, 1 << QBID_PARTNER_NURL | 1 << QBID_PARTNER_LURL);
    assert_string_equal(config.partner_key_file[2], "");
    /* the account's own currency needs no rate */
    assert_int_equal(parse("currency: EUR\npartners: [{name: a, id: 1, currency: EUR}]\n"), 0);
    assert_int_equal(config.partner[0].currency, qbid_currency_parse("EUR"));
}

static void an_error_names_line_key_and_reason(void **state)
{
    static const struct {
        const char *more, *want;
    } row[] = {
        {"name: ''", "partners[1].name: is not 1 to 32 bytes long"},
        {"name: 123456789012345678901234567890123", "partners[1].name: is not 1 to 32 bytes long"},
        {"name: first", "partners[1].name: another partner has it"},
        {"id: 0", "partners[1].id: 0 is not in 1..255"},
        {"id: 256", "partners[1].id: 256 is not in 1..255"},
        {"id: 9", "partners[1].id: another partner has it"},
        {"price: blowfish",
         "partners[1].price: 'blowfish' is none of: plain, google, aes-ecb, aes-gcm"},
        {"price: aes-gcm", "partners[1].key_file: is missing: the coding of the price needs it"},
        {"key_file: k", "partners[1].key_file: a plain price has no key"},
        {"price_age_max_s: 5",
         "partners[1].price_age_max_s: only prices of coding google have an age"},
        {"price_age_max_s: 4294967296",
         "partners[1].price_age_max_s: 4294967296 is not in 0..4294967295"},
        {"price_macro: 'a\"b'", "partners[1].price_macro: has a character"},
        {"price_macro: ''", "partners[1].price_macro: is empty"},
        {"seat: '<b>'", "partners[1].seat: has a character"},
        {"seat: 123456789012345678901234567890123", "partners[1].seat: is over 32 bytes"},
        {"tmax_ms: 60001", "partners[1].tmax_ms: 60001 is not in 0..60000"},
        {"margin_ms: 60001", "partners[1].margin_ms: 60001 is not in 0..60000"},
        {"currency: euro", "partners[1].currency: is not three upper-case letters"},
        {"currency: EUR", "partners[1].currency: has no rate (see rates)"},
        {"required: [adm]", "partners[1].required: knows crid, adomain, cat and size"},
        {"required: [cat, cat]", "partners[1].required: names something twice"},
        {"notices: [surl]", "partners[1].notices: knows nurl, burl and lurl"},
        {"win_bills: true, notices: [burl]", "partners[1].win_bills: needs nurl among the notices"},
        {"no_bids: nbr", "unknown key 'no_bids' in partners[1]; did you mean 'no_bid'?"},
        {"test: maybe", "partners[1].test: 'maybe' is none of: bid, decline"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char text[512], line[QBID_PROBLEM_LINE_MAX];
        bool name = strncmp(row[i].more, "name", 4) == 0, id = strncmp(row[i].more, "id", 2) == 0;
        snprintf(text, sizeof text, "partners:\n  - {name: first, id: 9}\n  - {%s%s%s}\n",
                 name ? "" : "name: x, ", id ? "" : "id: 2, ", row[i].more);
        assert_int_equal(parse(text), QBID_ERR_PARSE);
        assert_true(problems.cnt >= 1);
        bool found = false;
        for (uint32_t p = 0; p < qbid_problems_kept(&problems); p++) {
            qbid_problems_format(&problems, p, line);
            found |= strstr(line, row[i].want) != NULL && strncmp(line, "q.yaml:3:", 9) == 0;
        }
        if (!found)
            fail_msg("'%s': '%s' is not in '%s'", row[i].more, row[i].want, line);
    }
    assert_int_equal(parse("partners:\n  - {id: 1}\n"), QBID_ERR_PARSE);
    char path[QBID_CONFIG_PATH_MAX + 100], text[QBID_CONFIG_PATH_MAX + 200];
    memset(path, 'k', QBID_CONFIG_PATH_MAX - 2);
    path[QBID_CONFIG_PATH_MAX - 2] = '\0';
    snprintf(text, sizeof text, "partners: [{name: a, id: 1, price: google, key_file: %s}]\n",
             path);
    assert_int_equal(parse(text), QBID_ERR_PARSE);
    assert_non_null(strstr(problems.problem[0].text, "is too long a path"));
}

static char folder[] = "/tmp/qbid-test-XXXXXX";
static char path[64];

static int load(const char *coding, const char *content, mode_t mode,
                struct qbid_partner_keys *list, char *why)
{
    char text[256];
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
    assert_int_equal(chmod(path, mode), 0);
    snprintf(text, sizeof text,
             "partners: [{name: a, id: 1}, {name: b, id: 5, price: %s, key_file: %s}]\n", coding,
             path);
    assert_int_equal(parse(text), 0);
    memset(list, 0xee, QBID_PARTNERS_MAX * sizeof *list);
    return qbid_partner_keys_load(&config, list, why);
}

static void keys_are_hexadecimal_or_base64(void **state)
{
    struct qbid_partner_keys list[QBID_PARTNERS_MAX];
    char why[QBID_PARTNERS_WHY_MAX] = "";
    static const uint8_t first[4] = {0xb0, 0x8c, 0x70, 0xcf}, second[4] = {0xbf, 0x77, 0xec, 0x55};
    (void)state;
    assert_int_equal(load("google",
                          "# of the account 1\n"
                          "sIxwz7yw62yrfoLGt12lIHKuYrK_S5kLuApI2BQe7Ac=\r\n"
                          "bf77ec55c30130c1d8cd1862ed2a4cd2c76ac33bc0c4ce8a3d3bbd3ad5687792\n",
                          0600, list, why),
                     0);
    assert_int_equal(list[0].id, 0);
    assert_int_equal(list[1].id, 5);
    assert_int_equal(list[1].len[0], 32);
    assert_int_equal(list[1].len[1], 32);
    assert_memory_equal(list[1].secret[0], first, 4);
    assert_memory_equal(list[1].secret[1], second, 4);
    assert_int_equal(load("aes-ecb", "00112233445566778899AABBCCDDEEFF", 0400, list, why), 0);
    assert_int_equal(list[1].len[0], 16);
    assert_int_equal(list[1].len[1], 0);
    assert_int_equal(list[1].secret[0][10], 0xaa);
    assert_int_equal(load("aes-gcm", "ABEiM0RVZneImaq7zN3u/w", 0600, list, why), 0); /* of 16 */
    assert_int_equal(list[1].len[0], 16);
    assert_int_equal(list[1].secret[0][15], 0xff);
}

static void key_files_that_are_wrong_are_told_without_their_content(void **state)
{
    static const struct {
        const char *coding, *content, *want;
        mode_t mode;
        int err;
    } row[] = {
        {"google", "", "must hold an encryption and an integrity key", 0600, QBID_ERR_PARSE},
        {"aes-gcm", "# no\n", "holds no key", 0600, QBID_ERR_PARSE},
        {"aes-gcm", "00112233445566778899aabbccddeeff\n00112233445566778899aabbccddeeff",
         "holds more than one key", 0600, QBID_ERR_PARSE},
        {"google", "00112233445566778899aabbccddeeff\n00112233445566778899aabbccddeeff",
         "has a key that is not 32 bytes long", 0600, QBID_ERR_PARSE},
        {"google",
         "sIxwz7yw62yrfoLGt12lIHKuYrK_S5kLuApI2BQe7Ac=\nsIxwz7yw62yrfoLGt12lIHKuYrK_"
         "S5kLuApI2BQe7Ac=\nx",
         "holds more than an encryption and an integrity key", 0600, QBID_ERR_PARSE},
        {"aes-ecb", "0011223344556677889-aabbccddeef!", "has a line that is no key", 0600,
         QBID_ERR_PARSE},
        {"aes-ecb", "!0112233445566778899aabbccddeeff", "has a line that is no key", 0600,
         QBID_ERR_PARSE},
        {"aes-ecb", "0!112233445566778899aabbccddeeff", "has a line that is no key", 0600,
         QBID_ERR_PARSE},
        {"aes-ecb",
         "\x11"
         "0112233445566778899aabbccddeefF",
         "has a line that is no key", 0600, QBID_ERR_PARSE},
        {"aes-ecb", "ABEiM0RVZneImaq7zN3u", "has a line that is no key", 0600, QBID_ERR_PARSE},
        {"aes-ecb", "0011", "has a line that is no key", 0600, QBID_ERR_PARSE},
        {"aes-ecb", "00112233445566778899aabbccddeeff", "its mode must be 0600", 0640,
         QBID_ERR_DENIED},
    };
    struct qbid_partner_keys list[QBID_PARTNERS_MAX];
    char why[QBID_PARTNERS_WHY_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        assert_int_equal(load(row[i].coding, row[i].content, row[i].mode, list, why), row[i].err);
        if (!strstr(why, row[i].want) || !strstr(why, "partners[1].key_file /tmp/qbid-test-"))
            fail_msg("'%s' is not in '%s'", row[i].want, why);
        assert_null(strstr(why, "00112233"));
        assert_int_equal(list[1].len[0], 0); /* nothing is left behind */
        assert_int_equal(list[1].secret[0][0], 0);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(qbid_partner_keys_load(&config, list, why), QBID_ERR_NOENT);
    assert_non_null(strstr(why, "the file is missing"));
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/key", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_has_all_that_it_says),
        cmocka_unit_test(an_error_names_line_key_and_reason),
        cmocka_unit_test(keys_are_hexadecimal_or_base64),
        cmocka_unit_test(key_files_that_are_wrong_are_told_without_their_content),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
