/* SPDX-License-Identifier: Apache-2.0 */
/* A linked list with two ends and a list of spare entries. */
#include "tools/replay/notice/notice_queue.h"

#include <stdlib.h>

static void free_list(struct qbid_replay_notices *notices)
{
    while (notices) {
        struct qbid_replay_notices *next = notices->link;
        qbid_replay_buffer_done(&notices->paths);
        free(notices);
        notices = next;
    }
}

void qbid_replay_notice_queue_done(struct qbid_replay_notice_queue *queue)
{
    free_list(queue->head);
    free_list(queue->spare);
    *queue = (struct qbid_replay_notice_queue){0};
}

struct qbid_replay_notices *qbid_replay_notice_queue_take(struct qbid_replay_notice_queue *queue)
{
    struct qbid_replay_notices *notices = queue->spare;
    if (!notices)
        return calloc(1, sizeof *notices);
    queue->spare = notices->link;
    return notices;
}

void qbid_replay_notice_queue_push(struct qbid_replay_notice_queue *queue,
                                   struct qbid_replay_notices *notices)
{
    notices->link = NULL;
    if (queue->tail)
        queue->tail->link = notices;
    else
        queue->head = notices;
    queue->tail = notices;
    queue->cnt++;
}

void qbid_replay_notice_queue_push_front(struct qbid_replay_notice_queue *queue,
                                         struct qbid_replay_notices *notices)
{
    notices->link = queue->head;
    queue->head = notices;
    if (!queue->tail)
        queue->tail = notices;
    queue->cnt++;
}

struct qbid_replay_notices *qbid_replay_notice_queue_pop(struct qbid_replay_notice_queue *queue)
{
    struct qbid_replay_notices *notices = queue->head;
    queue->head = notices->link;
    if (!queue->head)
        queue->tail = NULL;
    queue->cnt--;
    return notices;
}

void qbid_replay_notice_queue_recycle(struct qbid_replay_notice_queue *queue,
                                      struct qbid_replay_notices *notices)
{
    notices->link = queue->spare;
    queue->spare = notices;
}
