/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for what a computation needs in between. */
#ifndef QBID_CONTROL_MODELS_SCRATCH_H
#define QBID_CONTROL_MODELS_SCRATCH_H

#include <stddef.h>

/** Memory of that many bytes, not cleared, in huge pages where it is large and they can be had: a
 *  page of 4 KiB costs as much to come by as it takes to fill it. Released with free(); NULL
 *  without memory. */
void *qbid_scratch_new(size_t bytes);

#endif
