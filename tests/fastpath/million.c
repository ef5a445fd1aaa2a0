/* SPDX-License-Identifier: Apache-2.0 */
/* A million decisions between two marks that strace sees: tests/fastpath/quiet.sh requires that no
 * system call lies between them, in any thread.
 *
 *     million one|many          decides by qbid_decide_one() or, eight at a time,
 * qbid_decide_many() million one call          negative control: one getpid() in the middle million
 * one lock          negative control: one wait on a futex in the middle
 */
#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fastpath/random_account.h"

enum { DECISIONS = 1000000, REQUESTS = 512, BATCH = 8, LINE_ITEMS = 200 };

/* No program calls fsync(-2), fsync(-3): the two marks. */
#define MARK_BEGIN (-2)
#define MARK_END (-3)

struct load {
    struct stage stage;
    struct random_request random[REQUESTS];
    struct qbid_request batch[REQUESTS];
    uint64_t outcome[QBID_NOBID_CNT];
};

static struct load load;

static void fill(struct load *l)
{
    struct rng r = rng_init(21);
    stage_init(&l->stage);
    random_account_fill(&l->stage, &r, LINE_ITEMS);
    stage_open(&l->stage);
    random_account_scramble(&l->stage, &r);
    for (int i = 0; i < REQUESTS; i++) {
        random_request_fill(&l->stage, &r, &l->random[i]);
        l->batch[i] = l->random[i].request;
    }
}

/* What a program that is not quiet would do, once. */
static void disturb(const char *how)
{
    static uint32_t word = 1;
    if (strcmp(how, "call") == 0)
        (void)getppid();
    else if (strcmp(how, "lock") == 0)
        (void)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

/* Three bursts in eight find the gate closed: no image, no live page, an image past its deadline.
 */
static struct qbid_view view_of(const struct load *l, uint32_t i)
{
    struct qbid_view view = l->stage.view;
    uint32_t n = i / BATCH % 8;
    if (n == 1)
        view.image = NULL;
    else if (n == 2)
        view.live = NULL;
    else if (n == 3)
        view.deadline_ns = STAGE_NOW_NS - 1;
    return view;
}

static void decide(struct load *l, bool many, const char *how)
{
    struct qbid_decision d[BATCH];
    for (uint32_t i = 0; i < DECISIONS; i += BATCH) {
        const struct qbid_request *requests = &l->batch[i % REQUESTS];
        const struct qbid_view view = view_of(l, i);
        if (many)
            qbid_decide_many(&view, requests, BATCH, STAGE_NOW_NS, d);
        for (unsigned k = 0; !many && k < BATCH; k++)
            (void)qbid_decide_one(&view, &requests[k], STAGE_NOW_NS, &d[k], NULL);
        for (unsigned k = 0; k < BATCH; k++)
            l->outcome[d[k].nobid]++;
        if (i == DECISIONS / 2)
            disturb(how);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    fill(&load);
    (void)syscall(SYS_fsync, MARK_BEGIN);
    decide(&load, strcmp(argv[1], "many") == 0, argc > 2 ? argv[2] : "");
    (void)syscall(SYS_fsync, MARK_END);
    unsigned outcomes = 0;
    for (int i = 0; i < QBID_NOBID_CNT; i++)
        outcomes += load.outcome[i] > 0;
    printf("%d decisions, %u outcomes, %llu bids\n", DECISIONS, outcomes,
           (unsigned long long)load.outcome[QBID_NOBID_NONE]);
    stage_done(&load.stage);
    return 0;
}
