/* SPDX-License-Identifier: Apache-2.0 */
/* Partner profiles of the configuration, and the keys of their prices. */
#ifndef QBID_CONTROL_CONFIG_PARTNERS_H
#define QBID_CONTROL_CONFIG_PARTNERS_H

#include "control/config/config_schema.h"
#include "control/config/key_file.h"
#include "control/config/yaml.h"

#define QBID_PARTNERS_WHY_MAX (QBID_CONFIG_PATH_MAX + QBID_KEY_FILE_WHY_MAX + 64)

/** Check one profile and append it; node is its place in the file. Returns the next one's. */
const struct qbid_yaml_node *qbid_config_partner_apply(struct qbid_config *config,
                                                       const struct qbid_config_raw_partner *raw,
                                                       const struct qbid_yaml_node *node,
                                                       const char *folder,
                                                       struct qbid_problems *problems);

/**
 * Read the text of a key file, terminated; it is changed on the way.
 *
 * Returns: NULL with the keys' lengths and secrets set; else what is wrong, with no part of a key.
 */
const char *qbid_partner_keys_parse(char *text, enum qbid_price_coding coding,
                                    struct qbid_partner_keys *keys);

/**
 * Load the keys of all partners that have some.
 *
 * A key file (mode 0600) has a line for each key that the coding needs: google the encryption and
 * the integrity key, aes-ecb and aes-gcm one of 16 or 32 bytes; as hexadecimal digits or base64.
 * Lines that begin with # are skipped.
 *
 * Errors: those of qbid_key_file_read() and PARSE, with "partners[2].key_file PATH: reason" in why.
 *         No message holds any of a key.
 */
int qbid_partner_keys_load(const struct qbid_config *config,
                           struct qbid_partner_keys ret_list[QBID_PARTNERS_MAX],
                           char why[QBID_PARTNERS_WHY_MAX]);

#endif
