/* SPDX-License-Identifier: Apache-2.0 */
/* Forces an order: what a test puts here runs when the code under test reaches a named point. */
#ifndef QBID_TESTS_RACE_HOOK_H
#define QBID_TESTS_RACE_HOOK_H

/* Sources that are compiled into a race test include this before anything of shm/. */
#define QBID_RACE_HOOK

typedef void race_hook_fn(void *context);

/** Run fn at the next `times` arrivals at a point, whichever thread arrives. */
void race_hook_arm(const char *point, race_hook_fn *fn, void *context, int times);

/** Called by the code under test. */
void qbid_race_hook(const char *point);

#endif
