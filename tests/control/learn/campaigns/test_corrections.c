/* SPDX-License-Identifier: Apache-2.0 */
/* The guarded correction in the learner: tables that do nothing, harm, break and grow old, on
 * simulated days with the real pacer; what they cost, and how soon they are off. QBID_DAYS=400
 * plays for longer than `make test` waits (tests/figures/04_rl.py). */
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

#include "control/learn/campaigns/correction_file.h"
#include "control/learn/state/learner_state.h"
#include "shm/error.h"
#include "shm/units.h"
#include "tests/control/learn/fixture.h"
#include "tools/sim/train/day.h"

#ifdef __SANITIZE_ADDRESS__
#define DAYS_LEAST 3
#else
#define DAYS_LEAST 16
#endif
#define PERIODS 480
#define SAMPLES 64
#define AUCTIONS 4000
#define DAYS_PROOF 300 /* from here on harm must have been found */
#define NOW_S INT64_C(1700000000)

static int days_wanted = DAYS_LEAST;

/* --- tables */

static struct qbid_correction_table *table_new(double (*step)(uint32_t trend))
{
    struct qbid_correction_table *t = malloc(sizeof *t);
    assert_non_null(t);
    qbid_correction_init(t);
    t->edge_cnt[QBID_CORRECTION_TREND] = 1; /* two states: prices fell, prices rose */
    for (uint32_t s = 0; s < 2; s++)
        t->step_lg[s] = (float)step(s);
    qbid_correction_seal(t, NOW_S, NOW_S + 1000 * 86400);
    assert_int_equal(qbid_correction_check(t, NOW_S), 0);
    return t;
}

static double step_none(uint32_t trend)
{
    (void)trend;
    return 0;
}

/* Away from the mean: what swings, swings more. */
static double step_away(uint32_t trend)
{
    return trend ? 0.3 : -0.3;
}

static double step_up(uint32_t trend)
{
    (void)trend;
    return 0.2;
}

static struct qbid_corrections corrections_of(double (*step)(uint32_t trend))
{
    struct qbid_corrections c = {0};
    struct qbid_correction_table *t = table_new(step);
    assert_int_equal(qbid_corrections_take(&c, t, NOW_S), 0);
    free(t);
    return c;
}

/* --- days */

/* What the learner knows of the campaign after a period. */
static void state_follow(struct qbid_campaign_state *state, const struct qbid_day_run *run)
{
    state->flight.bids = run->seen;
    state->flight.demand = (double)run->seen;
    state->flight.predicted_nanos = run->worth_nanos;
    state->flight.billed_nanos = run->spent_nanos;
    state->pacing = run->pacing;
    state->win_rate = run->win_rate;
}

/* Days of one campaign; corrections NULL: every period gets the step of `force`. Returns the mean
 * value against the best single multiplier. */
static double days_play(struct qbid_corrections *corrections, double (*force)(uint32_t trend),
                        int days, int *ret_corrected)
{
    struct qbid_shade shade = qbid_day_shade();
    struct qbid_day day;
    struct qbid_day_run *run = malloc(sizeof *run);
    struct qbid_campaign_state state = {.id = 1};
    const uint64_t period_ns = 86400 * QBID_NS_PER_S / PERIODS;
    double sum = 0;
    assert_non_null(run);
    assert_int_equal(qbid_day_init(&day, PERIODS, 2 * AUCTIONS), 0);
    for (int d = 0; d < days; d++) {
        struct qbid_random random = qbid_random_init(100 + (uint64_t)d);
        struct qbid_day_kind kind = qbid_day_kind_draw(AUCTIONS, &random);
        kind.truth = 0;
        qbid_day_draw(&day, &kind, &shade, &random);
        qbid_day_reset(run, &day, &shade, SAMPLES);
        qbid_corrections_begin(&state);
        double step = 0;
        for (int on = 1; on;) {
            on = qbid_day_step(run, step);
            state_follow(&state, run);
            uint64_t now_ns = period_ns * (uint64_t)(d * PERIODS + (int)run->period);
            if (corrections)
                qbid_corrections_step(corrections, &state, &run->in, period_ns, now_ns,
                                      NOW_S + (int64_t)(now_ns / QBID_NS_PER_S));
            else
                state.correction.step_lg =
                    force(run->situation.x[QBID_CORRECTION_TREND] >= 0 ? 1 : 0);
            step = state.correction.step_lg;
            assert_true(fabs(step) <= 0.3 + 1e-6);
            *ret_corrected += step != 0;
        }
        assert_true(run->spent_nanos <= day.budget_nanos);
        sum += run->worth_nanos / day.best_worth_nanos / days;
    }
    qbid_day_done(&day);
    free(run);
    return sum;
}

static void an_empty_table_is_the_pacer_alone(void **state)
{
    (void)state;
    int corrected = 0;
    struct qbid_corrections c = corrections_of(step_none);
    double with = days_play(&c, NULL, days_wanted, &corrected);
    double alone = days_play(NULL, step_none, days_wanted, &corrected);
    assert_true(with == alone && corrected == 0);
    assert_int_not_equal(c.guard.phase, QBID_GUARD_SERVING);
    assert_true(c.guard.blocks_all > (uint64_t)days_wanted * 20);
    qbid_corrections_done(&c);
}

static void a_harmful_table_costs_a_small_part_of_what_it_could(void **state)
{
    (void)state;
    int corrected = 0, none = 0, all = 0;
    struct qbid_corrections c = corrections_of(step_away);
    double alone = days_play(NULL, step_none, days_wanted, &none);
    double unguarded = days_play(NULL, step_away, days_wanted, &all);
    double guarded = days_play(&c, NULL, days_wanted, &corrected);
    print_message("days %d, blocks %d\n", days_wanted, (int)c.guard.blocks_all);
    print_message("value: pacer %.4f, harmful table unguarded %.4f, guarded %.4f (%s: %s; %.3f of "
                  "the periods corrected)\n",
                  alone, unguarded, guarded, qbid_guard_phase_text(c.guard.phase),
                  qbid_guard_why_text(c.guard.why), (double)corrected / days_wanted / PERIODS);
    assert_int_not_equal(c.guard.phase, QBID_GUARD_SERVING);
    assert_true(days_wanted < DAYS_PROOF || c.guard.why == QBID_GUARD_WHY_HARM);
    assert_true(alone - unguarded > 0.005);
    assert_true(alone - guarded < 0.4 * (alone - unguarded));
    assert_true((double)corrected / days_wanted / PERIODS < 0.3);
    qbid_corrections_done(&c);
}

/* --- one campaign, period by period */

struct bench {
    struct qbid_corrections corrections;
    struct qbid_campaign_state state;
    struct qbid_pacing_in in;
    uint64_t now_ns;
};

static struct bench bench_make(double (*step)(uint32_t trend))
{
    struct bench b = {.corrections = corrections_of(step), .now_ns = QBID_NS_PER_S};
    b.in = (struct qbid_pacing_in){
        .budget_nanos = 1e9, .spent_nanos = 1e8, .plan_done = 0.2, .plan_step = 0.001};
    struct qbid_pacing_params params = qbid_pacing_defaults();
    b.state.pacing = qbid_pacing_start(&params, 0.5);
    b.state.pacing.rho_nanos = 1000;
    b.state.win_rate = 0.2;
    return b;
}

static double bench_step(struct bench *b)
{
    b->now_ns += QBID_NS_PER_S;
    qbid_corrections_step(&b->corrections, &b->state, &b->in, QBID_NS_PER_S, b->now_ns,
                          NOW_S + (int64_t)(b->now_ns / QBID_NS_PER_S));
    return b->state.correction.step_lg;
}

/* Periods until the step in force is not 0. */
static void until_corrected(struct bench *b)
{
    int periods = 0;
    while (bench_step(b) == 0)
        assert_true(periods++ < 20000);
}

static void blocks_are_drawn_by_the_share_and_last(void **state)
{
    (void)state;
    struct bench b = bench_make(step_up);
    int on = 0, periods = 60000, changes = 0;
    double last = 0;
    for (int k = 0; k < periods; k++) {
        double step = bench_step(&b);
        assert_true(step == 0 || step == (double)0.2f);
        on += step != 0;
        changes += step != last;
        last = step;
    }
    print_message("corrected %.3f of the periods, %d changes\n", (double)on / periods, changes);
    assert_true(fabs((double)on / periods - 0.2) < 0.1);
    assert_true(changes <= 2 * periods / 300);
    qbid_corrections_done(&b.corrections);
}

static void a_broken_table_is_off_within_the_period(void **state)
{
    (void)state;
    const float odd[] = {NAN, INFINITY, -INFINITY, 0.5f, -3};
    for (int i = 0; i < 5; i++) {
        struct bench b = bench_make(step_up);
        until_corrected(&b);
        for (int s = 0; s < 2; s++)
            b.corrections.table->step_lg[s] = odd[i];
        assert_true(bench_step(&b) == 0);
        assert_int_equal(b.corrections.guard.phase, QBID_GUARD_OFF);
        assert_int_equal(b.corrections.guard.why, QBID_GUARD_WHY_FAULT);
        assert_int_equal(b.corrections.faults, 1);
        for (int k = 0; k < 5000; k++)
            assert_true(bench_step(&b) == 0);
        qbid_corrections_done(&b.corrections);
    }
}

static void a_stale_table_and_stale_data_are_off_within_the_period(void **state)
{
    (void)state;
    struct bench b = bench_make(step_up);
    until_corrected(&b);
    b.state.pacing.why = QBID_PACING_WHY_HELD;
    assert_true(bench_step(&b) == 0);
    b.state.pacing.why = 0;
    assert_true(bench_step(&b) != 0);
    b.in.spent_nanos = NAN;
    assert_true(bench_step(&b) == 0);
    b.in.spent_nanos = 1e8;
    assert_int_equal(b.corrections.guard.phase, QBID_GUARD_TRIAL);
    until_corrected(&b);
    b.corrections.table->valid_until_unix_s = NOW_S + (int64_t)(b.now_ns / QBID_NS_PER_S);
    assert_true(bench_step(&b) == 0);
    assert_int_equal(b.corrections.guard.phase, QBID_GUARD_OFF);
    assert_int_equal(b.corrections.guard.why, QBID_GUARD_WHY_STALE);
    qbid_corrections_done(&b.corrections);
}

static void tables_that_cannot_be_used_are_refused(void **state)
{
    (void)state;
    struct qbid_corrections c = corrections_of(step_up);
    struct qbid_correction_table *t = table_new(step_none);
    uint64_t kept = c.table->checksum;
    t->step_lg[1] = 0.1f; /* not sealed anew */
    assert_int_equal(qbid_corrections_take(&c, t, NOW_S), QBID_ERR_CORRUPT);
    t->magic++;
    assert_int_equal(qbid_corrections_take(&c, t, NOW_S), QBID_ERR_VERSION);
    assert_true(c.table->checksum == kept && c.guard.phase == QBID_GUARD_TRIAL);
    qbid_correction_seal(t, NOW_S - 10, NOW_S);
    assert_int_equal(qbid_corrections_take(&c, t, NOW_S), 0);
    assert_int_equal(c.guard.why, QBID_GUARD_WHY_STALE);
    assert_int_equal(qbid_corrections_take(&c, NULL, NOW_S), 0);
    assert_null(c.table);
    free(t);
}

static void files_come_back_and_damaged_ones_say_why(void **state)
{
    (void)state;
    char path[] = "/tmp/qbid_correction_XXXXXX", why[QBID_CORRECTION_FILE_WHY_MAX];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct qbid_correction_table *t = table_new(step_away), *back;
    assert_int_equal(qbid_correction_file_write(path, t, why), 0);
    assert_int_equal(qbid_correction_file_load(path, NOW_S, &back, why), 0);
    assert_memory_equal(t, back, sizeof *t);
    assert_string_equal(why, "");
    free(back);
    assert_int_equal(qbid_correction_file_load(path, NOW_S + 1001 * 86400, &back, why), 0);
    assert_non_null(strstr(why, "older than it may be used for"));
    free(back);
    assert_int_equal(truncate(path, 1000), 0);
    assert_int_equal(qbid_correction_file_load(path, NOW_S, &back, why), QBID_ERR_CORRUPT);
    assert_non_null(strstr(why, "length"));
    t->step_lg[0] = 1;
    assert_int_equal(qbid_correction_file_write(path, t, why), 0);
    assert_int_equal(qbid_correction_file_load(path, NOW_S, &back, why), QBID_ERR_CORRUPT);
    assert_non_null(strstr(why, "damaged"));
    t->version++;
    assert_int_equal(qbid_correction_file_write(path, t, why), 0);
    assert_int_equal(qbid_correction_file_load(path, NOW_S, &back, why), QBID_ERR_VERSION);
    unlink(path);
    close(fd);
    assert_int_equal(qbid_correction_file_load(path, NOW_S, &back, why), QBID_ERR_SYS);
    assert_non_null(strstr(why, "No such file"));
    assert_int_equal(qbid_correction_file_write("/nowhere/table", t, why), QBID_ERR_SYS);
    free(t);
}

/* --- the learner itself */

static struct qbid_learner *learner_make(void)
{
    struct qbid_learner_params p = {.segment_mask = qbid_dim_mask(QBID_DIM_EXCHANGE),
                                    .cell_max = 100,
                                    .context_max = 10,
                                    .sample_max = 100,
                                    .pace_min = 1.0 / 64,
                                    .pace_max = 64,
                                    .pace_period_ns = QBID_NS_PER_S,
                                    .step_log2_max = 0.3};
    struct qbid_learner *learner;
    p.level_mask[0] = qbid_dim_mask(QBID_DIM_EXCHANGE);
    assert_int_equal(qbid_learner_new(&p, &learner), 0);
    return learner;
}

/* Pace of the first line item after one more second. */
static double learner_pace(struct qbid_learner *learner, struct learn_fixture *f, int second)
{
    struct qbid_learner_money money[2] = {{INT64_C(1000000000), 0, 0}, {INT64_C(1000000000), 0, 0}};
    struct qbid_learner_pace out[3];
    int64_t unix_ns = (f->campaign[0].start_unix_s + second) * (int64_t)QBID_NS_PER_S;
    assert_int_equal(qbid_learner_pace(learner, &f->account, money,
                                       (uint64_t)(second + 1) * QBID_NS_PER_S, unix_ns, out),
                     3);
    return (double)out[0].pace;
}

struct rows {
    uint32_t kind[64], bytes[64], cnt;
    uint64_t key[64];
    unsigned char data[64][65536];
};

static int row_keep(void *context, uint32_t kind, uint64_t key, const void *data, uint32_t bytes)
{
    struct rows *rows = context;
    assert_true(rows->cnt < 64 && bytes <= sizeof rows->data[0]);
    rows->kind[rows->cnt] = kind;
    rows->key[rows->cnt] = key;
    rows->bytes[rows->cnt] = bytes;
    memcpy(rows->data[rows->cnt++], data, bytes);
    return 0;
}

static struct qbid_learner *learner_again(const struct rows *rows, double (*step)(uint32_t trend))
{
    struct qbid_learner *learner = learner_make();
    struct qbid_correction_table *t = table_new(step);
    assert_int_equal(qbid_learner_correct(learner, t, NOW_S), 0);
    for (uint32_t i = 0; i < rows->cnt; i++)
        assert_int_equal(qbid_learner_restore(learner, rows->kind[i], rows->key[i], rows->data[i],
                                              rows->bytes[i]),
                         0);
    free(t);
    return learner;
}

static void the_learner_serves_the_step_and_remembers_its_guard(void **state)
{
    (void)state;
    struct learn_fixture f;
    static struct rows rows;
    learn_fixture_init(&f);
    f.campaign[0].end_unix_s = f.campaign[1].end_unix_s = f.campaign[0].start_unix_s + 30000;
    struct qbid_learner *with = learner_make(), *without = learner_make();
    struct qbid_correction_table *t = table_new(step_up);
    assert_false(qbid_learner_correction(with).table);
    assert_int_equal(qbid_learner_correct(with, t, NOW_S), 0);
    int on = 0;
    for (int second = 0; second < 20000; second++) {
        double a = learner_pace(with, &f, second), b = learner_pace(without, &f, second);
        double lg = log2(a / b);
        on += lg > 0.1;
        assert_true(fabs(lg) < 1e-5 || fabs(lg - 0.2) < 1e-5);
    }
    assert_true(on > 1000 && on < 9000);
    with->corrections.guard.proof[2] = 1.25;
    rows.cnt = 0;
    assert_int_equal(qbid_learner_save(with, true, row_keep, &rows), 0);
    struct qbid_learner *same = learner_again(&rows, step_up);
    struct qbid_learner *other = learner_again(&rows, step_away);
    assert_true(same->corrections.guard.proof[2] == 1.25);
    assert_true(other->corrections.guard.proof[2] == 0);
    struct qbid_learner_correction c = qbid_learner_correction(same);
    assert_true(c.table && c.evidence > 1 && c.share == 0.2);
    assert_string_equal(c.phase, "trial");
    qbid_learner_free(with);
    qbid_learner_free(without);
    qbid_learner_free(same);
    qbid_learner_free(other);
    free(t);
}

int main(void)
{
    const char *longer = getenv("QBID_DAYS");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_is_the_pacer_alone),
        cmocka_unit_test(a_harmful_table_costs_a_small_part_of_what_it_could),
        cmocka_unit_test(blocks_are_drawn_by_the_share_and_last),
        cmocka_unit_test(a_broken_table_is_off_within_the_period),
        cmocka_unit_test(a_stale_table_and_stale_data_are_off_within_the_period),
        cmocka_unit_test(tables_that_cannot_be_used_are_refused),
        cmocka_unit_test(files_come_back_and_damaged_ones_say_why),
        cmocka_unit_test(the_learner_serves_the_step_and_remembers_its_guard),
    };
    if (longer && atoi(longer) > DAYS_LEAST)
        days_wanted = atoi(longer);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
