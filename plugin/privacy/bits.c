/* SPDX-License-Identifier: Apache-2.0 */
/* A character's six bits come from a table; a number is put together from up to five of them. */
#include "plugin/privacy/bits.h"

#define GROUP 6

/* One more than the value of each character of the alphabet (RFC 4648, 5); 0 = none of it. */
/* clang-format off */
static const uint8_t value_plus_1[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64};
/* clang-format on */

struct qbid_bits qbid_bits_init(struct qbid_text text)
{
    struct qbid_bits bits = {.text = text};
    for (uint32_t i = 0; i < text.len; i++)
        bits.bad |= value_plus_1[(unsigned char)text.at[i]] == 0;
    return bits;
}

uint32_t qbid_bits_read(struct qbid_bits *bits, unsigned n)
{
    uint64_t end = bits->at + n, last = (end - 1) / GROUP;
    uint32_t number = 0;
    bits->bad |= last >= bits->text.len;
    if (bits->bad)
        return 0;
    for (uint64_t i = bits->at / GROUP; i <= last; i++)
        number = number << GROUP | (value_plus_1[(unsigned char)bits->text.at[i]] - 1u);
    bits->at = end;
    return number >> (GROUP * (last + 1) - end) & ((UINT32_C(1) << n) - 1);
}
