/* SPDX-License-Identifier: Apache-2.0 */
/* A fuzz target: one entry point and the seeds that it starts from. Linked with libFuzzer by `make
 * fuzz`, and with replay.c as an ordinary test, which runs the seeds and mutations of them. */
#ifndef QBID_TESTS_FUZZ_FUZZ_H
#define QBID_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/** One input; 0. Whatever is wrong ends the process: a sanitizer's report, or abort(). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef void fuzz_seed_fn(void *context, const void *data, size_t size);

/** Give every seed of this target to fn. */
void fuzz_seeds(fuzz_seed_fn *fn, void *context);

/** Mutated inputs that a replay runs, at most: as many as take about a second. */
extern const unsigned fuzz_replays;

#endif
