/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration's `privacy`: what requests are taken as that do not say, and who we are. */
#ifndef QBID_CONTROL_CONFIG_CONFIG_PRIVACY_H
#define QBID_CONTROL_CONFIG_CONFIG_PRIVACY_H

#include "control/config/yaml.h"
#include "shm/privacy.h"

/**
 * Read the map `privacy` of a configuration.
 *
 *   gdpr_unknown  applies or applies_not: required, what an unknown means is the operator's to say
 *   vendor_id     ours in the IAB's global vendor list; by default 0, nobody: no consent is ours
 *   purposes      of the TCF that need a legal basis, by default 1 to 4: storing on the device,
 *                 basic advertising, a profile, advertising by it
 *
 * Errors: what is missing or wrong goes to *problems; *ret is then not to be used.
 */
void qbid_config_privacy(const struct qbid_yaml_node *root, struct qbid_problems *problems,
                         struct qbid_privacy_rules *ret);

#endif
