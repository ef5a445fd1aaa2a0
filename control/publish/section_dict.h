/* SPDX-License-Identifier: Apache-2.0 */
/* The hash table of raw values of an image. */
#ifndef QBID_CONTROL_PUBLISH_SECTION_DICT_H
#define QBID_CONTROL_PUBLISH_SECTION_DICT_H

#include <stdint.h>

#include "control/account/dictionary.h"
#include "shm/image.h"

struct qbid_section_dict {
    struct qbid_dict_entry *entry;
    uint32_t cnt; /* power of two */
};

/** Dictionary at load <= 1/8, less where it is small; no probe of QBID_DICT_PROBE_MAX. NOMEM; INVAL
 * for two values of one hash. */
int qbid_section_dict_make(const struct qbid_dictionary *dictionary, struct qbid_section_dict *ret);

#endif
