/* SPDX-License-Identifier: Apache-2.0 */
/* Random bids, logged as qbidd logs them, replayed from the log and the image file. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "control/decisions/decision_log.h"
#include "tests/fastpath/random_account.h"
#include "tools/qbid/explain/event.h"
#include "tools/qbid/explain/explain.h"

#define TEXT_MAX 16384

struct fixture {
    char folder[64];
    char out[TEXT_MAX], err[TEXT_MAX];
};

static int setup(void **state)
{
    static struct fixture f;
    strcpy(f.folder, "/tmp/qbid-explain-XXXXXX");
    *state = &f;
    return mkdtemp(f.folder) ? 0 : -1;
}

static int teardown(void **state)
{
    const struct fixture *f = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    return system(command);
}

static void image_keep(const struct fixture *f, const struct stage *s)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%llu.qbi", f->folder, (unsigned long long)s->image.header->gen);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(s->image_base, 1, s->image_bytes, file), s->image_bytes);
    fclose(file);
}

/* What ingest makes of the bid's event. */
static struct qbid_outcome outcome_of(const struct qbid_decision *d)
{
    bool first = d->auction == QBID_AUCTION_FIRST_PRICE;
    return (struct qbid_outcome){.nonce = d->nonce,
                                 .context = d->context,
                                 .bid_nanos = qbid_nanos_from_cpm_micros(d->bid_micros),
                                 .line_item_id = d->line_item_id,
                                 .creative_id = d->creative_id,
                                 .gen = (uint32_t)d->gen,
                                 .value_micros = d->value_micros,
                                 .pace = d->pace,
                                 .propensity = 1,
                                 .creative_share = 1,
                                 .q_state = d->q_state,
                                 .segment = d->segment,
                                 .kind = QBID_EVENT_BID,
                                 .level = d->level,
                                 .action = d->q_action,
                                 .exposures = d->exposures,
                                 .flags = (uint8_t)((first ? QBID_EVENT_FIRST_PRICE : 0) |
                                                    (d->deal ? QBID_EVENT_DEAL : 0) |
                                                    (d->stale ? QBID_EVENT_STALE : 0))};
}

static int explain(struct fixture *f, uint64_t nonce, bool json)
{
    char number[32], *argv[] = {(char[]){"explain"},
                                (char[]){"--bid"},
                                number,
                                (char[]){"--log"},
                                f->folder,
                                (char[]){"--images"},
                                f->folder,
                                (char[]){"--output"},
                                json ? (char[]){"json"} : (char[]){"table"},
                                NULL};
    FILE *out = tmpfile(), *err = tmpfile();
    if (nonce)
        snprintf(number, sizeof number, "%llu", (unsigned long long)nonce);
    else
        strcpy(number, "last");
    int code = qbid_explain_run(9, argv, out, err);
    rewind(out);
    rewind(err);
    f->out[fread(f->out, 1, TEXT_MAX - 1, out)] = 0;
    f->err[fread(f->err, 1, TEXT_MAX - 1, err)] = 0;
    fclose(out);
    fclose(err);
    return code;
}

static void logged_bids_are_replayed_to_the_identical_price(void **state)
{
    struct fixture *f = *state;
    static struct qbid_decision bid[300];
    struct rng r = rng_init(5);
    struct stage s;
    struct qbid_decision_log *log;
    struct qbid_decision_log_params params = {f->folder, 4 << 20, 1, QBID_QSTATES};
    unsigned cnt = 0, identical = 0, bounded = 0, priced = 0;
    stage_init(&s);
    random_account_fill(&s, &r, 200);
    stage_open(&s);
    random_account_scramble(&s, &r);
    image_keep(f, &s);
    assert_int_equal(qbid_decision_log_new(&params, &log), 0);
    for (unsigned tries = 0; cnt < 300 && tries < 200000; tries++) {
        struct random_request request;
        random_request_fill(&s, &r, &request);
        if (stage_decide(&s, &request.request, &bid[cnt]) != QBID_NOBID_NONE)
            continue;
        struct qbid_outcome o = outcome_of(&bid[cnt++]);
        qbid_decision_log_post(log, &o, 0, 1);
    }
    qbid_decision_log_free(log);
    assert_true(cnt >= 200);
    for (unsigned i = 0; i < cnt; i++) {
        if (explain(f, bid[i].nonce, true) != QBID_EXPLAIN_OK)
            fail_msg("%s%s", f->out, f->err);
        cJSON *a = cJSON_Parse(f->out);
        const char *replay = cJSON_GetObjectItem(a, "replay")->valuestring;
        double replayed = cJSON_GetObjectItem(a, "replayed_micros")->valuedouble, product = 1;
        const cJSON *term;
        cJSON_ArrayForEach(term, cJSON_GetObjectItem(a, "terms")) product *=
            cJSON_GetObjectItem(term, "factor")->valuedouble;
        assert_int_equal(llround(product), bid[i].bid_micros);
        /* the price before floors and ceilings is the bidder's own to the micro */
        double price =
            bid[i].pace < 0
                ? (double)-bid[i].pace
                : (double)(bid[i].value_micros * bid[i].pace * bid[i].q_ratio * bid[i].shade_ratio);
        price = fmin(price, (double)QBID_PRICE_MICROS_MAX);
        priced += bid[i].pace < 0;
        assert_int_equal(bid[i].pace < 0, strstr(f->out, "\"operator\"") != NULL);
        assert_true(fabs(replayed - price) <= 1 + 1e-6 * price);
        assert_int_equal(strcmp(replay, "identical") == 0, replayed == (double)bid[i].bid_micros);
        identical += strcmp(replay, "identical") == 0;
        bounded += strcmp(replay, "bounded") == 0;
        cJSON_Delete(a);
    }
    assert_int_equal(identical + bounded, cnt);
    assert_true(identical > cnt / 4 && bounded > 0 && priced > 10);
    assert_int_equal(explain(f, 0, false), QBID_EXPLAIN_OK);
    assert_non_null(strstr(f->out, "terms     value"));
    assert_int_equal(explain(f, 12345, false), QBID_EXPLAIN_FAILED);
    assert_non_null(strstr(f->err, "no bid 12345 among"));
    stage_done(&s);
}

static void a_bid_of_another_generation_differs(void **state)
{
    struct fixture *f = *state;
    struct stage s;
    struct qbid_decision d;
    struct qbid_decision_log *log;
    struct qbid_decision_log_params params = {f->folder, 4 << 20, 1, QBID_QSTATES};
    stage_init(&s);
    stage_line_item(&s, (struct qbid_line_item){.id = 7, .value_micros = 2e6f});
    stage_open(&s);
    image_keep(f, &s);
    struct qbid_request request = stage_request();
    assert_int_equal(stage_decide(&s, &request, &d), QBID_NOBID_NONE);
    struct qbid_outcome good = outcome_of(&d), value = good, price = good, gone = good;
    value.nonce = 2;
    value.value_micros = 3e6f;
    price.nonce = 3;
    price.bid_nanos += 1;
    gone.nonce = 4;
    gone.gen = 99;
    assert_int_equal(qbid_decision_log_new(&params, &log), 0);
    const struct qbid_outcome *all[] = {&good, &value, &price, &gone};
    for (int i = 0; i < 4; i++)
        qbid_decision_log_post(log, all[i], 0, 1);
    qbid_decision_log_free(log);
    assert_int_equal(explain(f, good.nonce, false), QBID_EXPLAIN_OK);
    assert_non_null(strstr(f->out, "the generation gives this very price"));
    assert_int_equal(explain(f, 2, false), QBID_EXPLAIN_FAILED);
    assert_non_null(strstr(f->out, "2.000000 x r(k) 1.000000 there, 3.000000 in the event"));
    assert_int_equal(explain(f, 3, false), QBID_EXPLAIN_FAILED);
    assert_non_null(strstr(f->out, "the generation does not give this bid"));
    assert_int_equal(explain(f, 4, false), QBID_EXPLAIN_FAILED);
    assert_non_null(strstr(f->err, "generation 99: is not kept any more"));
    stage_done(&s);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(logged_bids_are_replayed_to_the_identical_price),
        IN_FOLDER(a_bid_of_another_generation_differs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
