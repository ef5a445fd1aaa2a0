/* SPDX-License-Identifier: Apache-2.0 */
/* The list of problems of a file, and the word that was probably meant. */
#include "control/config/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 31

void qbid_problems_add(struct qbid_problems *problems, uint32_t line, uint32_t column,
                       const char *format, ...)
{
    uint32_t i = problems->cnt++;
    if (i >= QBID_PROBLEMS_MAX)
        return;
    problems->problem[i].line = line;
    problems->problem[i].column = column;
    va_list args;
    va_start(args, format);
    vsnprintf(problems->problem[i].text, sizeof problems->problem[i].text, format, args);
    va_end(args);
}

uint32_t qbid_problems_kept(const struct qbid_problems *problems)
{
    return problems->cnt < QBID_PROBLEMS_MAX ? problems->cnt : QBID_PROBLEMS_MAX;
}

static int place_compare(const void *a, const void *b)
{
    const struct qbid_problem *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

void qbid_problems_sort(struct qbid_problems *problems)
{
    qsort(problems->problem, qbid_problems_kept(problems), sizeof problems->problem[0],
          place_compare);
}

size_t qbid_problems_format(const struct qbid_problems *problems, uint32_t i,
                            char out[QBID_PROBLEM_LINE_MAX])
{
    const struct qbid_problem *p = &problems->problem[i];
    int len = p->line ? snprintf(out, QBID_PROBLEM_LINE_MAX, "%s:%u:%u: %s", problems->file,
                                 p->line, p->column, p->text)
                      : snprintf(out, QBID_PROBLEM_LINE_MAX, "%s: %s", problems->file, p->text);
    if (len < 0)
        return 0;
    return len < QBID_PROBLEM_LINE_MAX ? (size_t)len : QBID_PROBLEM_LINE_MAX - 1;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Insertions, deletions, substitutions and swaps of neighbours. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned d[WORD_MAX + 1][WORD_MAX + 1];
    for (size_t i = 0; i <= a_len; i++)
        d[i][0] = (unsigned)i;
    for (size_t j = 0; j <= b_len; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        for (size_t j = 1; j <= b_len; j++) {
            unsigned differs = a[i - 1] != b[j - 1];
            d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + differs);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = min3(d[i][j], d[i - 2][j - 2] + 1, d[i][j]);
        }
    }
    return d[a_len][b_len];
}

const char *qbid_problems_nearest(const char *text, const char *const *words)
{
    size_t len = strlen(text);
    if (len > WORD_MAX)
        return NULL;
    const char *best = NULL;
    unsigned best_distance = (unsigned)(len + 2) / 3 + 1;
    for (; *words; words++) {
        size_t word_len = strlen(*words);
        if (word_len > WORD_MAX)
            continue;
        unsigned d = distance(text, len, *words, word_len);
        if (d < best_distance) {
            best_distance = d;
            best = *words;
        }
    }
    return best;
}
