/* SPDX-License-Identifier: Apache-2.0 */
/* Negative control: the store of head no longer releases the record. */
#define RACE_LOOSE
#include "tests/race/ring.c"
