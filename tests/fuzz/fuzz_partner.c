/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any text as the partners of a configuration and, behind a zero byte, as a partner's
 * key file. What is accepted the hosts accept as well; what is refused has a place and a reason,
 * and no reason shows a key. */
#include <stdlib.h>
#include <string.h>

#include "control/config/partners.h"
#include "shm/error.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_replays = 20000;

static void must(bool good)
{
    if (!good)
        abort();
}

/* What qbid_image_check() asks of a profile, and what the hosts take for granted. */
static void check_profile(const struct qbid_config *config, uint32_t idx)
{
    const struct qbid_partner *p = &config->partner[idx];
    must(p->id != 0 && p->coding < QBID_PRICE_CODING_CNT);
    must(p->required < 1u << QBID_PARTNER_FIELD_CNT && p->notices < 1u << QBID_PARTNER_NOTICE_CNT);
    must(p->name_len >= 1 && p->name_len <= QBID_PARTNER_TEXT);
    must(p->seat_len <= QBID_PARTNER_TEXT && p->macro_len <= QBID_PARTNER_TEXT);
    must(qbid_partner_text_fits(p->seat, p->seat_len));
    must(qbid_partner_text_fits(p->macro, p->macro_len));
    must(p->tmax_ms <= 60000 && p->margin_ms <= 60000);
    must((p->coding == QBID_PRICE_CODING_PLAIN) == (config->partner_key_file[idx][0] == '\0'));
    must(p->price_age_max_s == 0 || p->coding == QBID_PRICE_CODING_GOOGLE);
    if (p->flags & QBID_PARTNER_WIN_BILLS)
        must((p->notices & (1u << QBID_PARTNER_NURL | 1u << QBID_PARTNER_BURL)) ==
             1u << QBID_PARTNER_NURL);
    for (uint32_t i = 0; i < idx; i++)
        must(config->partner[i].id != p->id &&
             config->partner[i].exchange_hash != p->exchange_hash);
}

static void check_config(const char *text, size_t size)
{
    static struct qbid_config config;
    struct qbid_problems problems = {.file = "fuzz"};
    char line[QBID_PROBLEM_LINE_MAX];
    int err = qbid_config_parse(text, size, "/base", &problems, &config);
    must((err == 0) == (problems.cnt == 0));
    for (uint32_t i = 0; i < qbid_problems_kept(&problems); i++)
        must(qbid_problems_format(&problems, i, line) > strlen("fuzz: "));
    must(config.partner_cnt <= QBID_PARTNERS_MAX || err != 0);
    for (uint32_t i = 0; err == 0 && i < config.partner_cnt; i++)
        check_profile(&config, i);
}

static void check_keys(const char *text, size_t size)
{
    for (unsigned coding = 1; coding < QBID_PRICE_CODING_CNT; coding++) {
        struct qbid_partner_keys keys = {0};
        char *copy = malloc(size + 1); /* of its own, so that a byte too far is seen */
        memcpy(copy, text, size);
        copy[size] = '\0';
        const char *wrong = qbid_partner_keys_parse(copy, coding, &keys);
        free(copy);
        if (wrong) {
            must(strlen(wrong) > 10 && strlen(wrong) < QBID_KEY_FILE_WHY_MAX);
        } else if (coding == QBID_PRICE_CODING_GOOGLE) {
            must(keys.len[0] == 32 && keys.len[1] == 32);
        } else {
            must((keys.len[0] == 16 || keys.len[0] == 32) && keys.len[1] == 0);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *zero = size > 0 ? memchr(text, '\0', size) : NULL;
    size_t yaml = zero ? (size_t)(zero - text) : size;
    check_config(text, yaml);
    if (zero)
        check_keys(zero + 1, size - yaml - 1);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
#define SEED(text) fn(context, text, sizeof(text) - 1)
    SEED("partners: [{name: adx, id: 1}]\n");
    SEED("rates: [{currency: EUR, per_unit: 1.1}]\n"
         "partners:\n"
         "  - {name: adx, id: 7, price: google, price_per: impression, price_age_max_s: 3600,\n"
         "     price_macro: '${AUCTION_PRICE:GGL}', key_file: keys/adx, currency: EUR,\n"
         "     seat: '42-a', tmax_ms: 80, margin_ms: 15, no_bid: nbr, test: decline,\n"
         "     required: [crid, adomain, cat, size], notices: [nurl, burl, lurl]}\n"
         "  - {name: '*', id: 255, price: aes-ecb, key_file: /k, win_bills: true}\n"
         "\0# two keys\nsIxwz7yw62yrfoLGt12lIHKuYrK_S5kLuApI2BQe7Ac=\n"
         "v3fsVcMBMMHYzRhi7SpM0sdqwzvAxM6KPTu9OtVod5I=\n");
    SEED("partners: [{name: x, id: 3, price: aes-gcm, key_file: k}]\n"
         "\0"
         "00112233445566778899aabbccddeeff\n");
    SEED("partners: []\n\0bf77ec55c30130c1d8cd1862ed2a4cd2c76ac33bc0c4ce8a3d3bbd3ad5687792");
    SEED("partners: [{name: a, id: 0}, {name: a, id: 256}]\n\0#\n");
#undef SEED
}
