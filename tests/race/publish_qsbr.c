/* SPDX-License-Identifier: Apache-2.0 */
/* tests/race/publish.c with readers that announce quiescence. */
#define RACE_RCU QBID_RCU_QSBR
#include "tests/race/publish.c"
