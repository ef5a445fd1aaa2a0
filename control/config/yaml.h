/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML (or JSON) document as a tree that remembers where everything stood. Scalars stay text, so
 * that money never passes through a double. Anchors, aliases, tags, merge keys, repeated keys and a
 * second document are refused. */
#ifndef QBID_CONTROL_CONFIG_YAML_H
#define QBID_CONTROL_CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/config/problems.h"

#define QBID_YAML_BYTES_MAX (UINT32_C(8) << 20)
#define QBID_YAML_DEPTH_MAX 16
#define QBID_YAML_NODES_MAX 1000000
#define QBID_YAML_KEYS_MAX 256 /* of one map */

enum qbid_yaml_kind { QBID_YAML_SCALAR = 1, QBID_YAML_LIST, QBID_YAML_MAP };

struct qbid_yaml_node {
    const char *key;  /* inside a map, else NULL */
    const char *text; /* of a scalar, terminated; "" for others */
    struct qbid_yaml_node *child;
    struct qbid_yaml_node *next;
    uint32_t line; /* 1-based; of the key, or of the value where there is none */
    uint32_t column;
    uint32_t len; /* of text */
    uint32_t child_cnt;
    uint8_t kind; /* enum qbid_yaml_kind */
    bool plain;   /* a scalar without quotes */
};

struct qbid_yaml; /* opaque */

/**
 * Parse one document.
 *
 * Returns: 0; the tree owns its text, the input may go.
 * Errors:  QBID_ERR_PARSE and QBID_ERR_LIMIT with the problem noted, QBID_ERR_NOMEM.
 */
int qbid_yaml_new(const char *text, size_t len, struct qbid_problems *problems,
                  struct qbid_yaml **ret_yaml);
void qbid_yaml_free(struct qbid_yaml *yaml);

/** The outermost node; NULL for an empty document. */
const struct qbid_yaml_node *qbid_yaml_root(const struct qbid_yaml *yaml);

/** Child of a map by key; NULL when it has none, or is no map. */
const struct qbid_yaml_node *qbid_yaml_find(const struct qbid_yaml_node *node, const char *key);

/** The same by a path of keys with dots between them. */
const struct qbid_yaml_node *qbid_yaml_find_path(const struct qbid_yaml_node *node,
                                                 const char *path);

/** Whether a scalar says nothing: empty, "~" or "null", without quotes. */
bool qbid_yaml_null(const struct qbid_yaml_node *node);

/** Read a scalar; false when its text is not one. Booleans: true, false, yes, no, on, off. */
bool qbid_yaml_bool(const struct qbid_yaml_node *node, bool *ret_value);
bool qbid_yaml_uint(const struct qbid_yaml_node *node, uint64_t *ret_value);
bool qbid_yaml_double(const struct qbid_yaml_node *node, double *ret_value);

/**
 * Read a whole file into memory, terminated.
 *
 * Errors: QBID_ERR_SYS (errno), QBID_ERR_LIMIT over QBID_YAML_BYTES_MAX, QBID_ERR_NOMEM.
 */
int qbid_yaml_read_file(const char *path, char **ret_text, size_t *ret_len);

#endif
