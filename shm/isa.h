/* SPDX-License-Identifier: Apache-2.0 */
/* Which vector instructions a decision may use. A choice of speed only: every kernel gives the same
 * answer on each of them. */
#ifndef QBID_SHM_ISA_H
#define QBID_SHM_ISA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum qbid_isa {
    QBID_ISA_SCALAR = 0, /* also what a view that says nothing gets */
    QBID_ISA_AVX2 = 1,   /* AVX2, BMI1, BMI2, FMA, POPCNT, PCLMULQDQ */
    QBID_ISA_AVX512 = 2, /* and AVX-512 F, BW, DQ, VL, VBMI2 */
    QBID_ISA_CNT
};

/** The best that this processor and operating system have. Threads: any. Once a process: some
 *  microseconds. */
enum qbid_isa qbid_isa_best(void);

/** "scalar", "avx2", "avx512"; "?" outside. Static. */
const char *qbid_isa_name(enum qbid_isa isa);

#ifdef __cplusplus
}
#endif

#endif
