/* SPDX-License-Identifier: Apache-2.0 */
/* Setting up a recorder. */
#include "plugin/status/recorder.h"

void qbid_recorder_init(struct qbid_recorder *recorder, uint32_t every, uint64_t seed,
                        const struct qbid_stopwatch *watch)
{
    *recorder = (struct qbid_recorder){.every = every, .draws = qbid_mix64(seed)};
    if (every == 0)
        return;
    recorder->watch = *watch;
    for (unsigned kind = 0; kind < QBID_LATENCY_CNT; kind++)
        recorder->left[kind] = qbid_recorder_draw(recorder);
}
