/* SPDX-License-Identifier: Apache-2.0 */
/* Negative control: the writer of the live page stores without atomics. */
#define RACE_LOOSE
#include "tests/race/live.c"
