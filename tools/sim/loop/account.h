/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator of a loop world writes: qbidd.yaml and the account's file. */
#ifndef QBID_TOOLS_SIM_LOOP_ACCOUNT_H
#define QBID_TOOLS_SIM_LOOP_ACCOUNT_H

#include "tools/sim/loop/world.h"

#define QBID_LOOP_NAME_MAX 32
#define QBID_LOOP_SLOT "banner:300x250"

/** The raw values of requests that an account targets. */
void qbid_loop_platform_name(uint32_t platform, char ret_name[QBID_LOOP_NAME_MAX]);
void qbid_loop_audience_name(uint32_t line_item, char ret_name[QBID_LOOP_NAME_MAX]);

/** qbidd.yaml with more sections behind it. NULL without memory. */
char *qbid_loop_config_text(const char *settings);

/** One campaign with one line item for each of the world's, the budget split evenly. NULL without
 *  memory. */
char *qbid_loop_account_text(const struct qbid_loop_world *world);

#endif
