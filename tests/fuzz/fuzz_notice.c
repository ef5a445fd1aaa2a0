/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a notice: "kind?query", split, verified and priced; and as a landing page. */
#include <stdlib.h>
#include <string.h>

#include "plugin/markup.h"
#include "plugin/notice.h"
#include "plugin/qbid.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_replays = 200000;

static void must(int good)
{
    if (!good)
        abort();
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
    int64_t nanos = qbid_notice_price(&notice, &bid, &flags);
    must(nanos >= 0);
    must((flags & ~(QBID_EVENT_PRICE_UNKNOWN | QBID_EVENT_PRICE_ABOVE | QBID_EVENT_TEST)) == 0);
    if (notice.kind == QBID_EVENT_BILL && flags == 0)
        must(nanos <= bid.bid_nanos);
    if (flags & (QBID_EVENT_PRICE_UNKNOWN | QBID_EVENT_TEST))
        must(nanos == 0);
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
        "loss?l=102&m=1e-1&b=0.714285",
        "conv?v=19.99",
        "click?t=",
        "https://shop.example/p?id={{token}}&x={{y}}",
    };
    for (size_t i = 0; i < sizeof seed / sizeof seed[0]; i++)
        fn(context, seed[i], strlen(seed[i]));
}
