/* SPDX-License-Identifier: Apache-2.0 */
/* Tabs end fields, line ends end vectors. */
#include "tests/plugin/privacy/vectors.h"

#include <stdio.h>
#include <stdlib.h>

static void split(char *line, struct vector *ret)
{
    for (unsigned i = 0; i < VECTORS_FIELDS; i++) {
        ret->field[i] = line;
        line += strcspn(line, "\t\n");
        if (*line)
            *line++ = '\0';
    }
}

unsigned vectors_each(const char *kind, vector_fn *fn, void *context)
{
    static char line[1 << 16];
    FILE *file = fopen("tests/plugin/privacy/vectors.tsv", "r");
    struct vector vector;
    unsigned cnt = 0;
    if (!file)
        abort();
    while (fgets(line, sizeof line, file)) {
        split(line, &vector);
        if (strcmp(vector.field[0], kind) == 0) {
            fn(context, &vector);
            cnt++;
        }
    }
    fclose(file);
    return cnt;
}
