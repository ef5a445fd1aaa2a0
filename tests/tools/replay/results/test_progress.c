/* SPDX-License-Identifier: Apache-2.0 */
/* What a run says while it lasts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tools/replay/results/progress.h"

#define SECOND UINT64_C(1000000000)

static void lines_come_every_few_seconds_and_a_bar_more_often(void **state)
{
    (void)state;
    for (int is_terminal = 0; is_terminal <= 1; is_terminal++) {
        char text[8192] = "";
        struct qbid_replay_stats *stats = calloc(1, sizeof *stats);
        struct qbid_replay_progress progress;
        unsigned spoken = 0;
        FILE *out = fmemopen(text, sizeof text, "w");
        assert_non_null(stats);
        assert_non_null(out);
        stats->begin_ns = 100 * SECOND;
        qbid_replay_progress_init(&progress, out, is_terminal, 1000, 0);
        /* ten seconds in steps of 100 ms; 50 auctions a second of 1000 */
        for (unsigned step = 0; step <= 100; step++) {
            uint64_t before = progress.next_ns;
            stats->auctions = step * 5;
            qbid_replay_progress_tick(&progress, stats, stats->begin_ns + step * SECOND / 10);
            spoken += progress.next_ns != before;
        }
        qbid_replay_progress_done(&progress);
        fclose(out);
        assert_int_equal(spoken, is_terminal ? 51 : 3);
        assert_non_null(strstr(text, " 50 %  500 auctions  50/s  0:10 left"));
        assert_int_equal(strchr(text, '\n') != NULL, !is_terminal);
        assert_int_equal(strstr(text, "[############............]") != NULL, is_terminal);
        free(stats);
    }
}

static void a_run_by_duration_knows_its_end_and_silence_is_silent(void **state)
{
    char text[1024] = "";
    struct qbid_replay_stats *stats = calloc(1, sizeof *stats);
    struct qbid_replay_progress progress;
    FILE *out = fmemopen(text, sizeof text, "w");
    (void)state;
    assert_non_null(stats);
    assert_non_null(out);
    stats->begin_ns = SECOND;
    qbid_replay_progress_init(&progress, out, false, 0, 60 * SECOND);
    qbid_replay_progress_tick(&progress, stats, SECOND + 1);
    qbid_replay_progress_tick(&progress, stats, 16 * SECOND);
    fclose(out);
    assert_non_null(strstr(text, " 25 %  0 auctions  0/s  0:45 left"));
    qbid_replay_progress_init(&progress, NULL, false, 0, 60 * SECOND);
    qbid_replay_progress_tick(&progress, stats, 16 * SECOND);
    qbid_replay_progress_tick(&progress, stats, 32 * SECOND);
    qbid_replay_progress_done(&progress);
    assert_true(progress.next_ns > 32 * SECOND);
    free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_every_few_seconds_and_a_bar_more_often),
        cmocka_unit_test(a_run_by_duration_knows_its_end_and_silence_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
