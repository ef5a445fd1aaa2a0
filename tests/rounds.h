/* SPDX-License-Identifier: Apache-2.0 */
/* How many rounds a test has that proves by many: in each build enough to find an error, and under
 * QBID_FIGURES=1, which `make figures` sets, all that a stated figure is made of. */
#ifndef QBID_TESTS_ROUNDS_H
#define QBID_TESTS_ROUNDS_H

#include <stdlib.h>

static inline int rounds(int figures, int usual, int sanitized)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)figures;
    (void)usual;
    return sanitized;
#else
    (void)sanitized;
    return getenv("QBID_FIGURES") ? figures : usual;
#endif
}

#endif
