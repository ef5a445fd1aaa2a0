/* SPDX-License-Identifier: Apache-2.0 */
/* What novelty says of short series, and on the Numenta anomaly benchmark beside the detectors
 * whose published scores show that the benchmark is scored right. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/models/watch/novelty.h"
#include "tests/control/models/rng.h"
#include "tests/control/models/watch/nab.h"

static struct qbid_novelty novelty;

static double feed(double value, uint32_t times)
{
    double score = 0;
    for (uint32_t i = 0; i < times; i++)
        score = qbid_novelty_next(&novelty, value);
    return score;
}

static void a_score_is_the_gap_over_gap_and_range(void **state)
{
    (void)state;
    qbid_novelty_init(&novelty, 2);
    feed(0, 1);
    feed(10, 1);
    assert_true(feed(0, 1) == 0);
    assert_true(fabs(feed(12, 1) - 2.0 / 12) < 1e-12);
    assert_true(feed(12, 1) == 0);       /* known now */
    assert_true(feed(6, 1) == 4.0 / 16); /* far from 10 and from 0: more than before */
    assert_true(feed(3, 1) == 0);        /* 3/15: less, and too soon */
    feed(0, QBID_NOVELTY_QUIET);
    assert_true(fabs(feed(13, 1) - 1.0 / 13) < 1e-12);
    assert_true(feed(NAN, 1) == 0 && feed(INFINITY, 1) == 0);
    assert_true(novelty.seen[novelty.cnt - 1] == 13);
}

static void nothing_is_new_while_learning_or_when_flat(void **state)
{
    (void)state;
    qbid_novelty_init(&novelty, 50);
    struct rng r = rng_init(3);
    for (int i = 0; i < 50; i++)
        assert_true(qbid_novelty_next(&novelty, rng_normal(&r)) == 0);
    qbid_novelty_init(&novelty, 0);
    assert_true(feed(5, 1000) == 0);
    assert_true(feed(6, 1) == 1); /* any change of what never changed */
}

/* Full memory: the range stays, and no value that was seen becomes new by more than a fraction of
 * the spacing. */
static void memory_is_bounded_and_forgets_only_neighbours(void **state)
{
    (void)state;
    struct rng r = rng_init(5);
    double low = INFINITY, high = -INFINITY, worst = 0;
    qbid_novelty_init(&novelty, UINT32_MAX);
    for (int i = 0; i < 20000; i++) {
        double value = rng_uniform(&r);
        low = fmin(low, value);
        high = fmax(high, value);
        qbid_novelty_next(&novelty, value);
    }
    assert_int_equal(novelty.cnt, QBID_NOVELTY_SEEN_MAX);
    assert_true(novelty.seen[0] == low && novelty.seen[novelty.cnt - 1] == high);
    for (uint32_t i = 1; i < novelty.cnt; i++) {
        assert_true(novelty.seen[i] > novelty.seen[i - 1]);
        worst = fmax(worst, novelty.seen[i] - novelty.seen[i - 1]);
    }
    assert_true(worst < 6.0 / QBID_NOVELTY_SEEN_MAX);
}

static void the_benchmark_is_scored_as_its_board_says(void **state)
{
    (void)state;
    static const struct {
        const char *detector;
        double score[3]; /* computed with the benchmark's own results, rounded on its board */
    } board[] = {{"windowedGaussian", {39.65, 20.87, 47.41}},
                 {"relativeEntropy", {54.64, 47.60, 58.84}}};
    struct nab *nab = nab_open();
    if (!nab) {
        print_message("skipped: no " NAB_FOLDER "\n");
        skip();
    }
    assert_true(nab->file_cnt == 58 && nab->window_cnt == 116);
    for (unsigned d = 0; d < 2; d++) {
        nab_read_scores(nab, board[d].detector);
        for (unsigned p = 0; p < 3; p++) {
            double threshold, score = nab_score(nab, &nab_profiles[p], &threshold);
            print_message("NAB %s, %s: %.2f, its board %.2f\n", board[d].detector,
                          nab_profiles[p].name, score, board[d].score[p]);
            assert_true(fabs(score - board[d].score[p]) <= 0.05);
        }
    }
    nab_close(nab);
}

static void novelty_beats_relative_entropy_on_the_benchmark(void **state)
{
    (void)state;
    struct nab *nab = nab_open();
    if (!nab) {
        print_message("skipped: no " NAB_FOLDER "\n");
        skip();
    }
    for (uint32_t i = 0; i < nab->file_cnt; i++) {
        struct nab_file *file = &nab->file[i];
        qbid_novelty_init(&novelty, file->learn);
        for (uint32_t k = 0; k < file->cnt; k++)
            file->score[k] = qbid_novelty_next(&novelty, file->value[k]);
    }
    double score[3], threshold[3];
    for (unsigned p = 0; p < 3; p++)
        score[p] = nab_score(nab, &nab_profiles[p], &threshold[p]);
    print_message("NAB novelty: %.2f standard, %.2f low FP, %.2f low FN; threshold %.4f\n",
                  score[0], score[1], score[2], threshold[0]);
    assert_true(score[0] >= 54.6);
    assert_true(fabs(threshold[0] - QBID_NOVELTY_ALARM) < 0.0005);
    nab_close(nab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_score_is_the_gap_over_gap_and_range),
        cmocka_unit_test(nothing_is_new_while_learning_or_when_flat),
        cmocka_unit_test(memory_is_bounded_and_forgets_only_neighbours),
        cmocka_unit_test(the_benchmark_is_scored_as_its_board_says),
        cmocka_unit_test(novelty_beats_relative_entropy_on_the_benchmark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
