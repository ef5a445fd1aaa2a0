/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the offered changes to make: a multiple-choice knapsack.
 *
 *     most      sum of gains
 *     with      at most one option of each group
 *               sum of risks        <= limits.risk_nanos
 *               sum of money moved  <= limits.moved_nanos
 *
 * Prices of both limits bound what can be gained; what departs from the best at those prices is
 * listed, best first, and where groups are too large for that their ways are tried one by one:
 * exact, unless it takes more than limits.state_max departures in a list, or limits.work_max in
 * all; then the answer says how much it may have missed. Of equal gains the least risk wins, then
 * the least money moved, as far as they were listed; the same options give the same choice in any
 * order.
 */
#ifndef QBID_CONTROL_CHOICE_CHOICE_H
#define QBID_CONTROL_CHOICE_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#define QBID_CHOICE_OPTIONS_MAX 65536
#define QBID_CHOICE_STATES_MAX 16384 /* of one list, unless the limits say otherwise */
#define QBID_CHOICE_STATES_LIMIT (UINT32_C(1) << 20)
/* Some tens of milliseconds, unless the limits say otherwise. */
#define QBID_CHOICE_WORK_MAX 300000
#define QBID_CHOICE_WIDE_MAX 6

struct qbid_choice_option {
    uint64_t id;         /* unique in its group */
    uint64_t group;      /* options that exclude each other */
    int64_t gain_nanos;  /* expected; one that is not positive is never chosen */
    int64_t risk_nanos;  /* >= 0; see struct qbid_proposal_impact, loss_nanos */
    int64_t moved_nanos; /* >= 0 */
};

struct qbid_choice_limits {
    int64_t risk_nanos;
    int64_t moved_nanos;
    uint32_t state_max; /* 0 = QBID_CHOICE_STATES_MAX; at most QBID_CHOICE_STATES_LIMIT count */
    uint32_t work_max;  /* departures made and what goes with them; 0 = QBID_CHOICE_WORK_MAX */
};

struct qbid_choice {
    int64_t gain_nanos, risk_nanos, moved_nanos;
    uint32_t cnt;
    bool exact;         /* false: departures were dropped, and a better choice is possible */
    double bound_nanos; /* no choice within the limits gains more */
    uint64_t work;      /* of limits.work_max; a little more, as what has begun is ended */
};

/**
 * Choose.
 *
 * Shapes:  ret_chosen has cnt entries, true = chosen.
 * Returns: 0.
 * Errors:  QBID_ERR_INVAL for a negative risk, move or limit, more than QBID_CHOICE_OPTIONS_MAX
 *          options, or two of one group and id; QBID_ERR_LIMIT when sums would pass 63 bits; NOMEM.
 * Threads: pure.
 * Cost:    500 options of one size: 0.1 to 0.3 ms on average; sizes as of budgets: 0.3 ms in half
 *          of the cases, 0.8 on average, six in one of a hundred (`make bench`, choice; Zen 5).
 *          Never more than what is above; work is counted, not timed.
 * Source:  Sinha and Zoltners, The multiple-choice knapsack problem, Operations Research 27 (1979);
 *          prices by cutting planes: Kelley, Journal of SIAM 8 (1960); the rest in choice_search.h.
 */
int qbid_choice_solve(const struct qbid_choice_option *options, uint32_t cnt,
                      const struct qbid_choice_limits *limits, bool *ret_chosen,
                      struct qbid_choice *ret_choice);

/* An option that excludes those of several groups. */
struct qbid_choice_wide {
    struct qbid_choice_option option; /* id unique among the wide; its group does not count */
    const uint64_t *group;            /* ascending */
    uint32_t group_cnt;
};

/**
 * The same with a few options over several groups: every way to take some of them is bounded, and
 * solved where that leaves something to gain, the most promising first, within one limits.work_max.
 *
 * Shapes:  at most QBID_CHOICE_WIDE_MAX wide ones; ret_wide has wide_cnt entries.
 * Errors:  as above; INVAL for more of them.
 * Cost:    a look at each way beside what is above: 64 times a root node (choice_branch.h).
 */
int qbid_choice_solve_wide(const struct qbid_choice_option *options, uint32_t cnt,
                           const struct qbid_choice_wide *wide, uint32_t wide_cnt,
                           const struct qbid_choice_limits *limits, bool *ret_chosen,
                           bool *ret_wide, struct qbid_choice *ret_choice);

#endif
