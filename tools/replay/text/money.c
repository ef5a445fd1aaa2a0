/* SPDX-License-Identifier: Apache-2.0 */
/* Digits are kept as text and shifted by the exponent, so nothing is ever rounded. */
#include "tools/replay/text/money.h"

#include <stdbool.h>
#include <string.h>

#include "shm/error.h"

enum { TEXT_MAX = 64, EXPONENT_MAX = 99, MICRO_DIGITS = 6 };

/* The parts of a JSON number: the digits without the point, and how many of them stand before it.
 */
struct number {
    char digits[TEXT_MAX];
    int digits_cnt;
    int point;
    bool negative;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t take_digits(const char *text, size_t len, size_t at, struct number *number)
{
    while (at < len && is_digit(text[at]))
        number->digits[number->digits_cnt++] = text[at++];
    return at;
}

static int take_exponent(const char *text, size_t len, size_t at, int *ret_exponent)
{
    bool negative = false;
    int exponent = 0;
    if (at < len && (text[at] == '+' || text[at] == '-'))
        negative = text[at++] == '-';
    if (at >= len || len - at > 2)
        return QBID_ERR_PARSE;
    for (; at < len; at++) {
        if (!is_digit(text[at]))
            return QBID_ERR_PARSE;
        exponent = exponent * 10 + (text[at] - '0');
    }
    *ret_exponent = negative ? -exponent : exponent;
    return 0;
}

static int split_number(const char *text, size_t len, struct number *number)
{
    size_t at = 0;
    *number = (struct number){0};
    if (at < len && text[at] == '-') {
        number->negative = true;
        at++;
    }
    size_t whole_at = at;
    at = take_digits(text, len, at, number);
    number->point = number->digits_cnt;
    if (number->point == 0 || (number->point > 1 && text[whole_at] == '0'))
        return QBID_ERR_PARSE;
    if (at < len && text[at] == '.') {
        at = take_digits(text, len, at + 1, number);
        if (number->digits_cnt == number->point)
            return QBID_ERR_PARSE;
    }
    if (at < len && (text[at] == 'e' || text[at] == 'E')) {
        int exponent;
        int err = take_exponent(text, len, at + 1, &exponent);
        if (err)
            return err;
        number->point += exponent;
        at = len;
    }
    return at == len ? 0 : QBID_ERR_PARSE;
}

int qbid_replay_money_parse(const char *text, size_t len, int64_t *ret_micros)
{
    struct number number;
    int64_t micros = 0;
    int cut = 0;
    if (len == 0 || len > TEXT_MAX)
        return QBID_ERR_PARSE;
    int err = split_number(text, len, &number);
    if (err)
        return err;
    int kept =
        number.point + MICRO_DIGITS; /* digits that a micro can hold, perhaps more than there are */
    for (int i = 0; i < kept || i < number.digits_cnt; i++) {
        int digit = i < number.digits_cnt ? number.digits[i] - '0' : 0;
        if (i >= kept) {
            cut |= digit != 0;
            continue;
        }
        if (micros > (QBID_REPLAY_MONEY_MICROS_MAX - digit) / 10)
            return QBID_ERR_LIMIT;
        micros = micros * 10 + digit;
    }
    *ret_micros = number.negative ? -micros : micros;
    return cut;
}

size_t qbid_replay_money_print(int64_t amount, unsigned decimals,
                               char out[QBID_REPLAY_MONEY_TEXT_BYTES])
{
    char reversed[QBID_REPLAY_MONEY_TEXT_BYTES];
    uint64_t rest = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount;
    size_t len = 0;
    bool shown = false; /* trailing zeros of the fraction are skipped until a digit was shown */
    for (unsigned i = 0; i < decimals; i++, rest /= 10) {
        if (rest % 10 != 0 || shown) {
            reversed[len++] = (char)('0' + rest % 10);
            shown = true;
        }
    }
    if (shown)
        reversed[len++] = '.';
    do {
        reversed[len++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (amount < 0)
        reversed[len++] = '-';
    for (size_t i = 0; i < len; i++)
        out[i] = reversed[len - 1 - i];
    out[len] = '\0';
    return len;
}
