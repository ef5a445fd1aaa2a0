/* SPDX-License-Identifier: Apache-2.0 */
/* Bid requests that the OpenRTB targets start from: a few with every field that is read, random
 * ones by the conformance generator, and the recorded ones where they are at hand. */
#ifndef QBID_TESTS_FUZZ_OPENRTB_SEEDS_H
#define QBID_TESTS_FUZZ_OPENRTB_SEEDS_H

#include "tests/fuzz/fuzz.h"

void openrtb_seeds(fuzz_seed_fn *fn, void *context);

#endif
