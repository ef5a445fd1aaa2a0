/* SPDX-License-Identifier: Apache-2.0 */
/* The executor over a running engine. */
#ifndef QBID_CONTROL_EXECUTOR_EXECUTOR_ENGINE_H
#define QBID_CONTROL_EXECUTOR_EXECUTOR_ENGINE_H

#include "control/config/config.h"
#include "control/engine/engine.h"
#include "control/executor/executor.h"

/** Valid as long as the engine; the limits are those of the configuration now. */
struct qbid_executor qbid_executor_of(struct qbid_engine *engine, const struct qbid_config *config);

#endif
