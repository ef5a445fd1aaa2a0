/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of notices: order, and memory that is used again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tools/replay/notice/notice_queue.h"

static void first_in_is_first_out_unless_put_in_front(void **state)
{
    struct qbid_replay_notice_queue queue = {0};
    struct qbid_replay_notices *taken[4];
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++)
            assert_non_null(taken[i] = qbid_replay_notice_queue_take(&queue));
        qbid_replay_notice_queue_push_front(&queue, taken[2]); /* into an empty queue */
        qbid_replay_notice_queue_push(&queue, taken[0]);
        qbid_replay_notice_queue_push(&queue, taken[1]);
        qbid_replay_notice_queue_push_front(&queue, taken[3]);
        assert_int_equal(queue.cnt, 4);
        static const int order[] = {3, 2, 0, 1};
        for (int i = 0; i < 4; i++) {
            struct qbid_replay_notices *notices = qbid_replay_notice_queue_pop(&queue);
            assert_ptr_equal(notices, taken[order[i]]);
            qbid_replay_notice_queue_recycle(&queue, notices);
        }
        assert_int_equal(queue.cnt, 0);
        assert_null(queue.head);
        assert_null(queue.tail);
    }
    qbid_replay_notice_queue_done(&queue);
}

static void recycled_notices_are_taken_again(void **state)
{
    struct qbid_replay_notice_queue queue = {0};
    (void)state;
    struct qbid_replay_notices *notices = qbid_replay_notice_queue_take(&queue);
    assert_non_null(notices);
    qbid_replay_notice_queue_recycle(&queue, notices);
    assert_ptr_equal(qbid_replay_notice_queue_take(&queue), notices);
    qbid_replay_notice_queue_push(&queue, notices); /* done() frees what still waits */
    qbid_replay_notice_queue_done(&queue);
    assert_int_equal(queue.cnt, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_is_first_out_unless_put_in_front),
        cmocka_unit_test(recycled_notices_are_taken_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
