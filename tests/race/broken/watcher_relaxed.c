/* SPDX-License-Identifier: Apache-2.0 */
/* Negative control: the swap no longer releases what the new table points to. */
#include <stdatomic.h>

#include "shm/watcher_state.h"

#define memory_order_acq_rel memory_order_relaxed
#include "shm/watcher.c"
