/* SPDX-License-Identifier: Apache-2.0 */
/* The stager with its named points, in place of the one in the library. */
#include "tests/race/hook.h"

#include "shm/watcher_stage.c"
