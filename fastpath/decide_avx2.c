/* SPDX-License-Identifier: Apache-2.0 */
/* fastpath/decide.c once more, with the instructions of QBID_ISA_AVX2 (flags in local.mk). */
#if defined(__x86_64__)
#define QBID_DECIDE_AVX2
#include "fastpath/decide.c"
#else
typedef int qbid_decide_avx2_none; /* an empty file is no C */
#endif
