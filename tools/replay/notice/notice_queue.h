/* SPDX-License-Identifier: Apache-2.0 */
/* Notices that wait to be sent, in the order in which they are due; memory is used again. */
#ifndef QBID_TOOLS_REPLAY_NOTICE_NOTICE_QUEUE_H
#define QBID_TOOLS_REPLAY_NOTICE_NOTICE_QUEUE_H

#include "tools/replay/notice/notice.h"

/* All zero is an empty queue. */
struct qbid_replay_notice_queue {
    struct qbid_replay_notices *head, *tail;
    struct qbid_replay_notices *spare;
    unsigned cnt;
};

/** Release everything, also what still waits. */
void qbid_replay_notice_queue_done(struct qbid_replay_notice_queue *queue);

/** Notices to plan into, to be given back by a push or recycle; NULL when out of memory. */
struct qbid_replay_notices *qbid_replay_notice_queue_take(struct qbid_replay_notice_queue *queue);

/** Put behind the others. */
void qbid_replay_notice_queue_push(struct qbid_replay_notice_queue *queue,
                                   struct qbid_replay_notices *notices);

/** Put before the others: its next step is due at once. */
void qbid_replay_notice_queue_push_front(struct qbid_replay_notice_queue *queue,
                                         struct qbid_replay_notices *notices);

/** Take the first of a queue that is not empty. */
struct qbid_replay_notices *qbid_replay_notice_queue_pop(struct qbid_replay_notice_queue *queue);

/** These are done with. */
void qbid_replay_notice_queue_recycle(struct qbid_replay_notice_queue *queue,
                                      struct qbid_replay_notices *notices);

#endif
