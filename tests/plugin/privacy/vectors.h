/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of vectors.tsv: consent strings of the IAB's own libraries. */
#ifndef QBID_TESTS_PLUGIN_PRIVACY_VECTORS_H
#define QBID_TESTS_PLUGIN_PRIVACY_VECTORS_H

#include "plugin/text.h"

#define VECTORS_FIELDS 6

struct vector {
    const char *field[VECTORS_FIELDS]; /* the first is the kind; what is not there is "" */
};

typedef void vector_fn(void *context, const struct vector *vector);

/** Give every line of a kind ("tcf", "gpp", "us") to fn; returns how many there were. */
unsigned vectors_each(const char *kind, vector_fn *fn, void *context);

static inline struct qbid_text vector_text(const char *field)
{
    return (struct qbid_text){field, (uint32_t)strlen(field)};
}

#endif
