/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a file that an operator wrote: a bounded list, each with its place. */
#ifndef QBID_CONTROL_CONFIG_PROBLEMS_H
#define QBID_CONTROL_CONFIG_PROBLEMS_H

#include <stddef.h>
#include <stdint.h>

#define QBID_PROBLEMS_MAX 20 /* kept; the others are counted */
#define QBID_PROBLEM_TEXT_MAX 320
#define QBID_PROBLEM_LINE_MAX 4500 /* file:line:column: text */

struct qbid_problem {
    uint32_t line; /* 1-based; 0 = the file as a whole */
    uint32_t column;
    char text[QBID_PROBLEM_TEXT_MAX];
};

struct qbid_problems {
    const char *file; /* borrowed */
    uint32_t cnt;     /* found, more than QBID_PROBLEMS_MAX when some were not kept */
    struct qbid_problem problem[QBID_PROBLEMS_MAX];
};

/** Note one more. A text that is too long is cut. */
void qbid_problems_add(struct qbid_problems *problems, uint32_t line, uint32_t column,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/** How many are kept. */
uint32_t qbid_problems_kept(const struct qbid_problems *problems);

/** Sort the kept ones by place. */
void qbid_problems_sort(struct qbid_problems *problems);

/** "FILE:LINE:COLUMN: TEXT" of one kept problem. Returns bytes, without the end. */
size_t qbid_problems_format(const struct qbid_problems *problems, uint32_t i,
                            char out[QBID_PROBLEM_LINE_MAX]);

/**
 * The word of a NULL-terminated list that is nearest to what was written.
 *
 * Returns: the word, NULL when none is near (more than a third of the letters differ).
 * Source:  optimal string alignment distance (Damerau 1964, Wagner and Fischer 1974).
 */
const char *qbid_problems_nearest(const char *text, const char *const *words);

#endif
