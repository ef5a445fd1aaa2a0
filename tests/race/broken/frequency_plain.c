/* SPDX-License-Identifier: Apache-2.0 */
/* Negative control: qbidd stores counts without atomics. */
#define RACE_LOOSE
#include "tests/race/frequency.c"
