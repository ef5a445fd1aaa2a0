/* SPDX-License-Identifier: Apache-2.0 */
/* Random requests: each answer keeps the rules, by the independent checker, and is the slow
 * reference bidder's. With REQUESTS=n in the environment that many, for the figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/conformance/checker.h"
#include "tests/conformance/generator.h"
#include "tests/conformance/product.h"
#include "tests/conformance/reference.h"

#ifdef __SANITIZE_ADDRESS__
#define REQUESTS 4000
#else
#define REQUESTS 20000
#endif

static struct product product;
static struct generator generator;

struct tally {
    uint64_t requests, answered, declined, malformed, bids, deals, beyond, violations, differences;
    uint64_t held[CHECKER_CNT]; /* answers that break a rule */
};

static void report(const char *what, const char *why)
{
    print_message("%s: %s\n  %.*s\n  %d %.*s\n", what, why, (int)generator.len, generator.text,
                  product.answer.status, (int)product.answer.body_bytes, product.out);
}

static void note_violations(struct tally *t, uint32_t violated)
{
    t->violations += violated != 0;
    for (unsigned rule = 0; rule < CHECKER_CNT; rule++)
        if (violated >> rule & 1 && t->held[rule]++ < 2)
            report("violated", checker_text[rule]);
}

static void compare(struct tally *t, const json_t *request)
{
    struct reference_answer want;
    json_error_t error;
    bool beyond;
    json_t *response = NULL;
    reference_answer(request, product.unix_s, &want);
    if (product.answer.body_bytes != 0)
        response = rtb_load(product.out, product.answer.body_bytes, &error, &beyond);
    const char *why = reference_differs(&want, product.answer.status, response);
    if (why && t->differences++ < 3)
        report("not the reference's answer", why);
    for (unsigned i = 0; i < want.cnt; i++)
        t->deals += want.bid[i].deal != NULL;
    json_decref(response);
}

static void ask_one(struct tally *t)
{
    json_error_t error;
    bool beyond;
    unsigned bids = 0;
    generator_next(&generator);
    json_t *request = rtb_load(generator.text, generator.len, &error, &beyond);
    if (!request && !beyond)
        fail_msg("the generator wrote no JSON: %s: %.*s", error.text, (int)generator.len,
                 generator.text);
    int status = product_ask(&product, generator.text, generator.len);
    t->requests++;
    t->beyond += beyond;
    t->answered += status == 200;
    t->declined += status == 204;
    t->malformed += status == 400;
    if (status == 200)
        note_violations(t, checker_check(request, product.out, product.answer.body_bytes, &bids));
    t->bids += bids;
    if (!beyond)
        compare(t, request);
    json_decref(request);
}

static void random_requests_get_answers_that_keep_the_rules(void **state)
{
    const char *wanted = getenv("REQUESTS");
    uint64_t requests = wanted ? strtoull(wanted, NULL, 10) : REQUESTS;
    struct tally t = {0};
    (void)state;
    generator_init(&generator, 4);
    while (t.requests < requests)
        ask_one(&t);
    print_message("requests %llu answered %llu bids %llu deals %llu declined %llu malformed %llu "
                  "beyond %llu violations %llu differences %llu\n",
                  (unsigned long long)t.requests, (unsigned long long)t.answered,
                  (unsigned long long)t.bids, (unsigned long long)t.deals,
                  (unsigned long long)t.declined, (unsigned long long)t.malformed,
                  (unsigned long long)t.beyond, (unsigned long long)t.violations,
                  (unsigned long long)t.differences);
    assert_true(t.answered > requests / 5 && t.declined > requests / 5 && t.malformed > 0);
    assert_true(t.deals > requests / 100);
    assert_int_equal(t.violations, 0);
    assert_int_equal(t.differences, 0);
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
        cmocka_unit_test(random_requests_get_answers_that_keep_the_rules),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
