/* SPDX-License-Identifier: Apache-2.0 */
/* The decision compiled with AVX2 and BMI: for views whose isa is QBID_ISA_AVX2 or better. */
#ifndef QBID_FASTPATH_DECIDE_AVX2_H
#define QBID_FASTPATH_DECIDE_AVX2_H

#include "fastpath/decide.h"

/** qbid_decide_one() and qbid_decide_many() of fastpath/decide.h, with the same answers. */
enum qbid_nobid qbid_decide_one_avx2(const struct qbid_view *view,
                                     const struct qbid_request *request, uint64_t now_ns,
                                     struct qbid_decision *ret_decision, struct qbid_trace *trace);
void qbid_decide_many_avx2(const struct qbid_view *view, const struct qbid_request *requests,
                           unsigned n, uint64_t now_ns, struct qbid_decision *ret_decisions);

#endif
