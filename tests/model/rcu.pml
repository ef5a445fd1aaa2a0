/* SPDX-License-Identifier: Apache-2.0 */
/* Read sections and the grace period of one process, for the models beside this file: the two-phase
 * counters of liburcu's memb flavour, which shm/rcu.h uses, and not a stand-in for them, because a
 * watcher publishes again and again and the second phase is only needed then.
 *
 *   reader                                        writer
 *   READ_LOCK_1  load the writer's phase          GRACE  first pass: each reader is out, or is
 *   READ_LOCK_2  store it as one's own, nest 1           noted when it is in under this phase;
 *                                                        one that is in under the other phase is
 *   READ_UNLOCK  nest 0                                  waited for
 *                                                        flip the phase
 *                                                        second pass: each noted reader is out,
 *                                                        or in under the new phase
 *
 * Loading and storing the phase are two steps: a reader that stands between them is why one pass is
 * not enough. Steps of different threads are interleaved in one order that all agree on. This is
 * what the barriers of both sides give (a compiler barrier here, membarrier() there); what a table
 * holds becomes visible by W1 -> R1 of shm/watcher.h, which ThreadSanitizer checks (tests/race).
 *
 *   -DNO_GRACE   the writer does not wait
 *   -DSTARVED    the second pass waits until the reader is out, whatever its phase
 *   -DONE_PASS   the writer flips the phase first and makes one pass
 */
bit gp_phase;          /* rcu_gp.ctr, its phase bit */
bit phase[READERS];    /* of a reader's counter: the phase bit */
byte nest[READERS];    /* and how deep it is in */
bool stopped[READERS]; /* will never leave */

#define READ_LOCK_1(seen) seen = gp_phase
#define READ_LOCK_2(me, seen) d_step { phase[me] = seen; nest[me] = 1; seen = 0 }
#define READ_UNLOCK(me) nest[me] = 0

/* Where a writer stands: readers still to look at, readers noted; one bit each. */
#define ALL_READERS ((1 << READERS) - 1)
#define HAS(set, i) ((set >> i) & 1)
#define LEAVE(set, i) set = set & ~(1 << i)

/* Reader i in the first pass (wait_for_readers() on the whole registry). */
#define PASS_ONE(i)                                                                      \
    atomic { HAS(todo, i) && nest[i] == 0 -> LEAVE(todo, i) }                            \
    :: atomic { HAS(todo, i) && nest[i] > 0 && phase[i] == gp_phase ->                   \
                LEAVE(todo, i); noted = noted | (1 << i) }

#ifdef STARVED
#define SEEN_OUT(i) (nest[i] == 0)
#else
#define SEEN_OUT(i) (nest[i] == 0 || phase[i] == gp_phase)
#endif

/* Reader i in the second (wait_for_readers() on those that were noted). */
#define PASS_TWO(i)                                                                      \
    atomic { HAS(noted, i) && SEEN_OUT(i) -> LEAVE(noted, i) }

inline grace()
{
#ifdef NO_GRACE
    skip
#else
#ifdef ONE_PASS
    d_step { gp_phase = 1 - gp_phase; noted = ALL_READERS }
#else
    todo = ALL_READERS;
end_pass_one:
    do
    :: PASS_ONE(0)
    :: PASS_ONE(1)
    :: todo == 0 -> break
    od;
    gp_phase = 1 - gp_phase; /* synchronize_rcu(): "switch parity" */
#endif
end_pass_two:
    do
    :: PASS_TWO(0)
    :: PASS_TWO(1)
    :: noted == 0 -> break
    od;
    skip /* a d_step may follow, into which spin does not break */
#endif
}
