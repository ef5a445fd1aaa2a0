/* SPDX-License-Identifier: Apache-2.0 */
/* One bit at a time. */
#include "tests/plugin/privacy/bit_writer.h"

#include <stdlib.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void put_bit(struct bit_writer *w, bool bit)
{
    char *at = &w->text[w->bits / 6];
    if (w->bits / 6 >= BIT_WRITER_CHARS)
        abort();
    if (w->bits % 6 == 0)
        *at = 'A';
    unsigned value = (unsigned)(strchr(alphabet, *at) - alphabet);
    *at = alphabet[value | (unsigned)bit << (5 - w->bits % 6)];
    w->bits++;
}

void bit_put(struct bit_writer *w, unsigned n, uint64_t number)
{
    while (n-- > 0)
        put_bit(w, number >> n & 1);
}

/* Zeckendorf's sum: the largest term that fits, again and again; written from the smallest on. */
void bit_put_fibonacci(struct bit_writer *w, uint32_t number)
{
    uint32_t term[40] = {1, 2};
    bool used[40] = {false};
    unsigned top = 0;
    for (unsigned i = 2; i < 40; i++)
        term[i] = term[i - 1] + term[i - 2];
    for (unsigned i = 40; i-- > 0;) {
        used[i] = term[i] <= number;
        number -= used[i] ? term[i] : 0;
        top = used[i] && top == 0 ? i + 1 : top;
    }
    for (unsigned i = 0; i < top; i++)
        put_bit(w, used[i]);
    put_bit(w, true);
}

struct qbid_text bit_text(const struct bit_writer *w)
{
    return (struct qbid_text){w->text, (w->bits + 5) / 6};
}

void bit_put_tcf(struct bit_writer *w, const struct bit_tcf *tcf)
{
    *w = (struct bit_writer){0};
    bit_put(w, 6, tcf->version);
    bit_put(w, 36, 17000000000); /* created */
    bit_put(w, 36, 17000000001); /* updated */
    bit_put(w, 12, 7);           /* CMP id */
    bit_put(w, 12, 3);           /* CMP version */
    bit_put(w, 6, 1);            /* screen */
    bit_put(w, 12, 3 << 6 | 13); /* language */
    bit_put(w, 12, 250);         /* vendor list */
    bit_put(w, 6, tcf->policy);
    bit_put(w, 1, tcf->specific);
    bit_put(w, 1, 1); /* texts of the publisher's own */
    bit_put(w, 12, tcf->features);
    bit_put(w, 24, tcf->consent);
    bit_put(w, 24, tcf->interest);
    bit_put(w, 1, 1);            /* purpose 1 is not disclosed */
    bit_put(w, 12, 3 << 6 | 13); /* country */
}

void bit_put_field(struct bit_writer *w, unsigned most, unsigned vendor)
{
    bit_put(w, 16, most);
    bit_put(w, 1, 0);
    for (unsigned i = 1; i <= most; i++)
        bit_put(w, 1, i == vendor);
}

void bit_put_range(struct bit_writer *w, unsigned first, unsigned last)
{
    bit_put(w, 16, last);
    bit_put(w, 1, 1);
    bit_put(w, 12, 1);
    bit_put(w, 1, first != last);
    bit_put(w, 16, first);
    if (first != last)
        bit_put(w, 16, last);
}
