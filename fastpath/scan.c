/* SPDX-License-Identifier: Apache-2.0 */
/* The AND of eligibility rows on any processor: a word at a time. */
#include "fastpath/scan.h"

/* Three line items without a branch, right or not, then the rest: few words have more. A bit that
 * is not there counts as the highest, so that the search is defined. */
static uint32_t decode(uint64_t bits, uint32_t base, uint32_t *ret_idx)
{
    const uint64_t top = UINT64_C(1) << 63;
    uint32_t cnt = 0;
#pragma GCC unroll 3
    for (unsigned i = 0; i < 3; i++) {
        ret_idx[i] = base + (uint32_t)__builtin_ctzll(bits | top);
        cnt += bits != 0;
        bits &= bits - 1;
    }
    for (; bits; bits &= bits - 1)
        ret_idx[cnt++] = base + (uint32_t)__builtin_ctzll(bits);
    return cnt;
}

uint32_t qbid_scan_scalar(struct qbid_eligible *eligible, uint32_t line_item_idx[QBID_SCAN_SPAN])
{
    uint32_t word = eligible->word, cnt = 0;
    for (; word < eligible->word_cnt && cnt <= QBID_SCAN_SPAN - 64; word++)
        cnt += decode(qbid_eligible_word(eligible, word), word * 64, line_item_idx + cnt);
    eligible->word = word;
    return cnt;
}
