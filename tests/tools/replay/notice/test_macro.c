/* SPDX-License-Identifier: Apache-2.0 */
/* Substitution macros. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "tools/replay/notice/macro.h"

static void every_macro_of_the_list_is_replaced_and_nothing_else(void **state)
{
    static const struct {
        const char *text, *expanded;
    } cases[] = {
        {"", ""},
        {"plain $ { } text", "plain $ { } text"},
        {"${AUCTION_ID}", "id"},
        {"/w?p=${AUCTION_PRICE}&a=${AUCTION_ID}&p=${AUCTION_PRICE}", "/w?p=0.69&a=id&p=0.69"},
        {"${AUCTION_BID_ID}${AUCTION_IMP_ID}${AUCTION_SEAT_ID}${AUCTION_AD_ID}", "bidimpseatad"},
        {"${AUCTION_CURRENCY}|${AUCTION_MBR}|${AUCTION_LOSS}|${AUCTION_MIN_TO_WIN}", "CNY|0.5||"},
        {"${AUCTION_PRICE", "${AUCTION_PRICE"},
        {"${auction_price}${AUCTION_PRICE:B64}${X}", "${auction_price}${AUCTION_PRICE:B64}${X}"},
        {"${${AUCTION_ID}}", "${id}"},
        {"$${AUCTION_ID}}", "$id}"},
        {"${}", "${}"},
        {"${", "${"},
    };
    struct qbid_replay_macros macros = {{
        [QBID_REPLAY_AUCTION_ID] = QBID_REPLAY_SPAN("id"),
        [QBID_REPLAY_AUCTION_BID_ID] = QBID_REPLAY_SPAN("bid"),
        [QBID_REPLAY_AUCTION_IMP_ID] = QBID_REPLAY_SPAN("imp"),
        [QBID_REPLAY_AUCTION_SEAT_ID] = QBID_REPLAY_SPAN("seat"),
        [QBID_REPLAY_AUCTION_AD_ID] = QBID_REPLAY_SPAN("ad"),
        [QBID_REPLAY_AUCTION_PRICE] = QBID_REPLAY_SPAN("0.69"),
        [QBID_REPLAY_AUCTION_CURRENCY] = QBID_REPLAY_SPAN("CNY"),
        [QBID_REPLAY_AUCTION_MBR] = QBID_REPLAY_SPAN("0.5"),
    }};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_buffer out = {0};
        qbid_replay_macro_expand(&out, cases[i].text, strlen(cases[i].text), &macros);
        qbid_replay_buffer_add(&out, "", 1);
        assert_string_equal(out.text, cases[i].expanded);
        qbid_replay_buffer_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_macro_of_the_list_is_replaced_and_nothing_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
