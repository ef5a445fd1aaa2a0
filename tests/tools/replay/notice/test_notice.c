/* SPDX-License-Identifier: Apache-2.0 */
/* Which notices an outcome calls for, and their paths. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tools/replay/notice/notice.h"

#define HOST "http://127.0.0.1:8080"
#define MACROS                                                                                     \
    "p=${AUCTION_PRICE}&a=${AUCTION_ID}&b=${AUCTION_BID_ID}&i=${AUCTION_IMP_ID}&s=${AUCTION_SEAT_" \
    "ID}"                                                                                          \
    "&d=${AUCTION_AD_ID}&c=${AUCTION_CURRENCY}&m=${AUCTION_MBR}&l=${AUCTION_LOSS}"                 \
    "&w=${AUCTION_MIN_TO_WIN}"

static const char text[] =
    "{\"id\":\"r1\",\"bidid\":\"bb\",\"cur\":\"CNY\",\"seatbid\":[{\"seat\":\"s\\u00321\",\"bid\":["
    "{\"id\":\"b\","
    "\"impid\":\"1\",\"adid\":\"ad\",\"price\":1.5,\"nurl\":\"" HOST "/win?" MACROS
    "\",\"burl\":\"" HOST "\\/bill?p=${AUCTION_PRICE}\",\"lurl\":\"" HOST "/loss?" MACROS
    "\",\"adm\":\"<a href=\\\"" HOST "/n/click?t=1&amp;u=2\\\"><img src=\\\"" HOST
    "/imp?t=${AUCTION_PRICE}\\\"></a>\"}]}]}";

static const struct qbid_replay_notice_terms plain = {
    .copies = 1, .seed = 1, .authority = "127.0.0.1:8080", .conversion_micros = 1500000};

static struct qbid_replay_row row_of(bool click)
{
    return (struct qbid_replay_row){.bidid = QBID_REPLAY_SPAN("r1"),
                                    .floor_micros = 300000,
                                    .market_micros = 750000,
                                    .click = click};
}

/* Plans and writes "kind:path" lines. */
static void plan(const char *answer_text, const struct qbid_replay_notice_terms *terms,
                 const struct qbid_replay_row *row, struct qbid_replay_notices *notices, char *out,
                 size_t out_bytes)
{
    struct qbid_replay_answer answer;
    size_t len = 0;
    assert_int_equal(qbid_replay_answer_parse(answer_text, strlen(answer_text), &answer), 0);
    struct qbid_replay_outcome outcome =
        qbid_replay_auction_settle(QBID_REPLAY_SECOND_PRICE, row, &answer);
    assert_int_equal(qbid_replay_notice_plan(notices, terms, row, &answer, &outcome), 0);
    out[0] = '\0';
    for (uint32_t i = 0; i < notices->steps_cnt; i++) {
        const struct qbid_replay_notice_step *step = &notices->steps[i];
        len += (size_t)snprintf(out + len, out_bytes - len, "%s:%.*s\n",
                                qbid_replay_notice_name(step->kind), (int)step->path_len,
                                notices->paths.text + step->path_off);
    }
}

static void assert_plan(const char *answer_text, const struct qbid_replay_notice_terms *terms,
                        const struct qbid_replay_row *row, const char *expected)
{
    struct qbid_replay_notices notices = {0};
    char out[4096];
    plan(answer_text, terms, row, &notices, out, sizeof out);
    assert_string_equal(out, expected);
    qbid_replay_buffer_done(&notices.paths);
}

static void a_win_sends_win_billing_and_impression_with_the_settled_price(void **state)
{
    struct qbid_replay_row row = row_of(false);
    (void)state;
    assert_plan(text, &plain, &row,
                "win:/win?p=0.75&a=r1&b=bb&i=1&s=s21&d=ad&c=CNY&m=0.5&l=0&w=0.75\n"
                "billing:/bill?p=0.75\nimpression:/imp?t=0.75\n");
}

static void a_clicked_win_also_follows_the_link_and_converts(void **state)
{
    struct qbid_replay_notice_terms terms = plain;
    struct qbid_replay_row row = row_of(true);
    (void)state;
    terms.feedback = QBID_REPLAY_FEEDBACK_WIN_ONLY;
    assert_plan(text, &terms, &row,
                "win:/win?p=0.75&a=r1&b=bb&i=1&s=s21&d=ad&c=CNY&m=0.5&l=0&w=\n"
                "billing:/bill?p=0.75\nimpression:/imp?t=0.75\nclick:/n/click?t=1&u=2\n");
    terms.conversion_rate = 1;
    assert_plan(text, &terms, &row,
                "win:/win?p=0.75&a=r1&b=bb&i=1&s=s21&d=ad&c=CNY&m=0.5&l=0&w=\n"
                "billing:/bill?p=0.75\nimpression:/imp?t=0.75\nclick:/n/click?t=1&u=2\n"
                "conversion:/n/conv?t=1&u=2&v=1.5\n");
}

static void a_loss_sends_its_reason_and_the_price_to_win_as_the_feedback_allows(void **state)
{
    struct qbid_replay_notice_terms terms = plain;
    struct qbid_replay_row row = row_of(true);
    (void)state;
    row.market_micros = 2010000;
    assert_plan(text, &terms, &row,
                "loss:/loss?p=&a=r1&b=bb&i=1&s=s21&d=ad&c=CNY&m=&l=102&w=2.01\n");
    terms.feedback = QBID_REPLAY_FEEDBACK_WIN_ONLY;
    assert_plan(text, &terms, &row, "loss:/loss?p=&a=r1&b=bb&i=1&s=s21&d=ad&c=CNY&m=&l=102&w=\n");
    terms.feedback = QBID_REPLAY_FEEDBACK_NONE;
    assert_plan(text, &terms, &row, "");
    row.floor_micros = 1500001;
    terms.feedback = QBID_REPLAY_FEEDBACK_FULL;
    assert_plan(text, &terms, &row,
                "loss:/loss?p=&a=r1&b=bb&i=1&s=s21&d=ad&c=CNY&m=&l=100&w=2.01\n");
}

static void copies_are_sent_one_after_the_other_and_dropped_ones_are_counted(void **state)
{
    struct qbid_replay_notice_terms terms = plain;
    struct qbid_replay_row row = row_of(false);
    struct qbid_replay_notices notices = {0};
    char out[4096];
    (void)state;
    terms.copies = QBID_REPLAY_NOTICE_COPIES_MAX;
    plan(text, &terms, &row, &notices, out, sizeof out);
    assert_int_equal(notices.steps_cnt, 3 * QBID_REPLAY_NOTICE_COPIES_MAX);
    for (uint32_t i = 0; i < notices.steps_cnt; i++)
        assert_int_equal(notices.steps[i].kind, i / QBID_REPLAY_NOTICE_COPIES_MAX);
    terms.drop_rate = 1;
    plan(text, &terms, &row, &notices, out, sizeof out);
    assert_int_equal(notices.steps_cnt, 0);
    assert_int_equal(notices.dropped[QBID_REPLAY_NOTICE_WIN], QBID_REPLAY_NOTICE_COPIES_MAX);
    qbid_replay_buffer_done(&notices.paths);
}

static void about_the_asked_share_is_dropped(void **state)
{
    enum { ROWS = 4000 };
    struct qbid_replay_notice_terms terms = plain;
    struct qbid_replay_notices notices = {0};
    unsigned dropped = 0;
    char out[4096], id[16], answer[2048];
    (void)state;
    terms.drop_rate = 0.25;
    for (int i = 0; i < ROWS; i++) {
        struct qbid_replay_row row = row_of(false);
        snprintf(id, sizeof id, "r%d", i);
        row.bidid = (struct qbid_replay_span){id, strlen(id)};
        snprintf(answer, sizeof answer, "{\"id\":\"%s\"%s", id, strstr(text, ",\"bidid\""));
        plan(answer, &terms, &row, &notices, out, sizeof out);
        for (int kind = 0; kind < QBID_REPLAY_NOTICE_KINDS; kind++)
            dropped += notices.dropped[kind];
    }
    /* 12,000 draws: 3,000 expected, standard deviation 47 */
    assert_in_range(dropped, 3000 - 5 * 47, 3000 + 5 * 47);
    qbid_replay_buffer_done(&notices.paths);
}

#define BID(fields)                                                                                \
    "{\"id\":\"r1\",\"cur\":\"CNY\",\"seatbid\":[{\"bid\":[{\"impid\":\"1\",\"price\":1.5" fields  \
    "}]}]}"

static void urls_of_other_hosts_are_counted_and_not_sent(void **state)
{
    struct qbid_replay_notice_terms terms = plain;
    struct qbid_replay_row row = row_of(true);
    struct qbid_replay_notices notices = {0};
    char out[4096];
    static const char foreign[] =
        BID(",\"nurl\":\"http://ads.example/win\",\"burl\":\"/bill here\",\"adm\":\"<a "
            "href='http://127.0.0.1/n/click'><img src='/imp'>\"");
    (void)state;
    plan(foreign, &terms, &row, &notices, out, sizeof out);
    assert_string_equal(out, "impression:/imp\n");
    assert_int_equal(notices.foreign[QBID_REPLAY_NOTICE_WIN], 1);
    assert_int_equal(notices.foreign[QBID_REPLAY_NOTICE_BILLING], 1);
    assert_int_equal(notices.foreign[QBID_REPLAY_NOTICE_CLICK], 1);
    terms.alias_authority = "ADS.example:80";
    plan(foreign, &terms, &row, &notices, out, sizeof out);
    assert_string_equal(out, "win:/win\nimpression:/imp\n");
    qbid_replay_buffer_done(&notices.paths);
}

static void the_bidders_own_pixels_and_link_are_found_among_others(void **state)
{
    struct qbid_replay_notice_terms terms = plain;
    struct qbid_replay_row row = row_of(true);
    struct qbid_replay_notices notices = {0};
    char out[4096];
    static const char mixed[] =
        BID(",\"nurl\":\"/w\",\"burl\":\"/b\",\"adm\":\"<a href='http://shop.example/'><img "
            "src='https://cdn.example/a.png'></a><img src='/imp?1'><a href='/n/click?2'><img "
            "src='/imp?3'><img src='/imp?4'><img src='/imp?5'><img src='/imp?6'>\"");
    (void)state;
    terms.conversion_rate = 1;
    plan(mixed, &terms, &row, &notices, out, sizeof out);
    assert_string_equal(out, "win:/w\nbilling:/b\nimpression:/imp?1\nimpression:/imp?3\n"
                             "impression:/imp?4\nimpression:/imp?5\nclick:/n/click?2\n"
                             "conversion:/n/conv?2&v=1.5\n");
    assert_int_equal(notices.foreign[QBID_REPLAY_NOTICE_IMPRESSION], 0);
    assert_int_equal(notices.foreign[QBID_REPLAY_NOTICE_CLICK], 0);
    terms.copies = QBID_REPLAY_NOTICE_COPIES_MAX;
    plan(mixed, &terms, &row, &notices, out, sizeof out);
    assert_int_equal(notices.steps_cnt, QBID_REPLAY_NOTICE_STEPS_MAX);
    qbid_replay_buffer_done(&notices.paths);
}

static void missing_urls_are_counted(void **state)
{
    struct qbid_replay_notice_terms terms = plain;
    struct qbid_replay_row row = row_of(true);
    struct qbid_replay_notices notices = {0};
    char out[4096];
    (void)state;
    terms.conversion_rate = 1;
    plan(BID(""), &terms, &row, &notices, out, sizeof out);
    assert_string_equal(out, "");
    for (int kind = QBID_REPLAY_NOTICE_WIN; kind <= QBID_REPLAY_NOTICE_CLICK; kind++)
        assert_int_equal(notices.missing[kind], 1);
    /* a link that does not end in /click has no conversion */
    plan(BID(",\"adm\":\"<a href='/go?t=1'>\""), &terms, &row, &notices, out, sizeof out);
    assert_string_equal(out, "click:/go?t=1\n");
    assert_int_equal(notices.missing[QBID_REPLAY_NOTICE_CONVERSION], 1);
    plan(BID(",\"adm\":\"<a href='/click'>\""), &terms, &row, &notices, out, sizeof out);
    assert_string_equal(out, "click:/click\nconversion:/conv?v=1.5\n");
    qbid_replay_buffer_done(&notices.paths);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_win_sends_win_billing_and_impression_with_the_settled_price),
        cmocka_unit_test(a_clicked_win_also_follows_the_link_and_converts),
        cmocka_unit_test(a_loss_sends_its_reason_and_the_price_to_win_as_the_feedback_allows),
        cmocka_unit_test(copies_are_sent_one_after_the_other_and_dropped_ones_are_counted),
        cmocka_unit_test(about_the_asked_share_is_dropped),
        cmocka_unit_test(urls_of_other_hosts_are_counted_and_not_sent),
        cmocka_unit_test(the_bidders_own_pixels_and_link_are_found_among_others),
        cmocka_unit_test(missing_urls_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
