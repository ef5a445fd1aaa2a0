/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded requests: the product's answer is the slow reference bidder's, and keeps the rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/conformance/product.h"
#include "tests/conformance/reference.h"
#include "tests/plugin/lines.h"

static struct product product;

struct tally {
    unsigned requests, answers, bids, deals, beyond;
};

static void compare(const char *name, unsigned number, const char *text, size_t len,
                    struct tally *tally)
{
    json_error_t error;
    bool beyond;
    json_t *request = rtb_load(text, len, &error, &beyond), *response = NULL;
    struct reference_answer want;
    tally->requests++;
    tally->beyond += beyond;
    int status = product_ask(&product, text, len);
    reference_answer(request, product.unix_s, &want);
    if (product.answer.body_bytes != 0) {
        bool unused;
        response = rtb_load(product.out, product.answer.body_bytes, &error, &unused);
        if (!response)
            fail_msg("%s line %u: the answer: %s", name, number, error.text);
    }
    const char *why = beyond ? NULL : reference_differs(&want, status, response);
    if (why)
        fail_msg("%s line %u: %s: %d with %.*s", name, number, why, status,
                 (int)product.answer.body_bytes, product.out);
    tally->answers += status == 200;
    tally->bids += want.cnt;
    for (unsigned i = 0; i < want.cnt; i++)
        tally->deals += want.bid[i].deal != NULL;
    json_decref(request);
    json_decref(response);
}

static void compare_file(const char *name, struct tally *tally)
{
    struct lines lines;
    if (!lines_open(&lines, name))
        skip();
    while (lines_next(&lines))
        compare(name, lines.number, lines.text, lines.len, tally);
    lines_close(&lines);
    print_message("%s: %u requests, %u answered with %u bids (%u on deals), %u that Jansson cannot "
                  "hold\n",
                  name, tally->requests, tally->answers, tally->bids, tally->deals, tally->beyond);
}

static void recorded_requests_are_answered_as_the_reference_does(void **state)
{
    struct tally tally = {0};
    (void)state;
    compare_file("requests.ndjson", &tally);
    assert_true(tally.requests > 4000 && tally.answers > 1000);
    assert_true(tally.beyond * 100 < tally.requests);
}

static void captured_requests_are_answered_as_the_reference_does(void **state)
{
    struct tally tally = {0};
    (void)state;
    compare_file("adx_2016_captured.ndjson", &tally);
    assert_true(tally.requests >= 500 && tally.answers > 0 && tally.beyond == 0);
}

static int setup(void **state)
{
    (void)state;
    product_open(&product);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    product_close(&product);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_requests_are_answered_as_the_reference_does),
        cmocka_unit_test(captured_requests_are_answered_as_the_reference_does),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
