/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the processor. */
#include "shm/isa.h"

enum qbid_isa qbid_isa_best(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2") || !__builtin_cpu_supports("fma") ||
        !__builtin_cpu_supports("popcnt") || !__builtin_cpu_supports("pclmul"))
        return QBID_ISA_SCALAR;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vbmi2"))
        return QBID_ISA_AVX512;
    return QBID_ISA_AVX2;
#else
    return QBID_ISA_SCALAR;
#endif
}

const char *qbid_isa_name(enum qbid_isa isa)
{
    static const char *const name[QBID_ISA_CNT] = {"scalar", "avx2", "avx512"};
    return (unsigned)isa < QBID_ISA_CNT ? name[isa] : "?";
}
