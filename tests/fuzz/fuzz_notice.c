/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a notice: "kind?query", split, verified and priced; and as a landing page. */
#include <stdlib.h>
#include <string.h>

#include "plugin/markup.h"
#include "plugin/notice/notice.h"
#include "plugin/qbid.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_replays = 200000;

static void must(int good)
{
    if (!good)
        abort();
}

static void check_code(const struct qbid_notice *notice)
{
    uint8_t flags = 0;
    uint16_t code = qbid_notice_code(notice, &flags);
    must((flags & ~QBID_EVENT_CODE_UNREADABLE) == 0);
    must(notice->kind != QBID_EVENT_VIDEO || code <= QBID_VIDEO_CNT);
    must(notice->kind == QBID_EVENT_LOSS || notice->kind == QBID_EVENT_VIDEO || code == 0);
    must(flags == 0 || code == QBID_LOSS_UNKNOWN || code == QBID_VIDEO_CNT);
}

/* The same bytes as a price in every coding. */
static void check_coded(const struct qbid_notice *notice, const struct qbid_token *bid)
{
    static struct qbid_clearing_reader *reader;
    static const struct qbid_partner_keys keys[] = {{.len = {32, 32}, .secret = {{1}, {2}}},
                                                    {.len = {16, 0}, .secret = {{3}}}};
    if (!reader)
        must(qbid_clearing_reader_new(&reader) == 0);
    for (uint8_t coding = 0; coding < QBID_PRICE_CODING_CNT; coding++)
        for (unsigned i = 0; i < 2; i++) {
            struct qbid_notice_prices prices = {
                .reader = reader,
                .rule = {.coding = coding, .per_impression = i != 0, .keys = &keys[i]}};
            uint8_t flags = 0;
            int64_t nanos = qbid_notice_price(notice, bid, &prices, &flags);
            must(nanos >= 0);
            must(notice->kind != QBID_EVENT_BILL || flags != 0 || nanos <= bid->bid_nanos);
        }
}

static void check_notice(const char *text, size_t size)
{
    static const struct qbid_keys keys = {.id = {1, 2}};
    const struct qbid_token bid = {.bid_nanos = 5000000};
    struct qbid_notice notice;
    struct qbid_token token;
    uint8_t flags = 0;
    const char *mark = memchr(text, '?', size);
    size_t kind_len = mark ? (size_t)(mark - text) : 0;
    const char *query = mark ? mark + 1 : text;
    if (qbid_notice_parse(text, kind_len, query, size - (size_t)(query - text), &notice) != 0)
        return;
    must(size <= 2 * QBID_NOTICE_MAX + 1);
    struct qbid_notice_prices prices = {.unix_s = 946749888};
    int64_t nanos = qbid_notice_price(&notice, &bid, &prices, &flags);
    must(nanos >= 0);
    must((flags & ~(QBID_EVENT_PRICE_UNKNOWN | QBID_EVENT_PRICE_ABOVE | QBID_EVENT_TEST)) == 0);
    if (notice.kind == QBID_EVENT_BILL && flags == 0)
        must(nanos <= bid.bid_nanos);
    if (flags & (QBID_EVENT_PRICE_UNKNOWN | QBID_EVENT_TEST))
        must(nanos == 0);
    check_code(&notice);
    check_coded(&notice, &bid);
    /* nobody guesses a MAC */
    must(qbid_token_verify(&keys, notice.token, notice.token_len, &token) < 0);
}

static void check_landing(const char *text, size_t size)
{
    static char out[1 << 16];
    struct qbid_writer w = qbid_writer_init(out, sizeof out);
    qbid_markup_landing(&w, (struct qbid_text){"TOKEN", 5}, text, size);
    for (size_t i = 0; i < qbid_writer_len(&w); i++)
        must((unsigned char)out[i] > ' ' && (unsigned char)out[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* of its own, so that a byte too far is seen */
    memcpy(text, data, size);
    check_notice(text, size);
    check_landing(text, size);
    free(text);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    static const char *const seed[] = {
        "win?t=AQEEAAEAAAAAAAAAAABkACEAAAAAAAAAQEtMAAAAAABwN5MYlQMAANLyAmsBAAAAAQAAAGUAAABWsQkbWufi"
        "ggf2HXnA48eo&p=1.25&m=0.5&b=3",
        "bill?p=%24%7BAUCTION_PRICE%7D&t=x",
        "bill?p=AUDIT",
        "imp?t=x&a=QVVESVQ%3D",
        "loss?l=102&m=1e-1&b=0.714285",
        "conv?v=19.99",
        "click?t=",
        "bill?p=OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ&t=x",
        "bill?p=dECaWQHohYFCCQs4Po3Euw==",
        "win?p=ZGVmZ2hpamtsbW5vfDXtU8gd34MVs1HRIWpVl4HHcqE",
        "loss?l=555&m=",
        "video?e=thirdQuartile&t=x",
        "https://shop.example/p?id={{token}}&x={{y}}",
    };
    for (size_t i = 0; i < sizeof seed / sizeof seed[0]; i++)
        fn(context, seed[i], strlen(seed[i]));
}
