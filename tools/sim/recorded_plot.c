/* SPDX-License-Identifier: Apache-2.0 */
/* The plot of the recorded replays. */
#include "tools/sim/recorded_report.h"

void qbid_recorded_report_svg(struct qbid_replay_buffer *out,
                              const struct qbid_recorded_report *report)
{
    (void)report;
    qbid_replay_buffer_print(out, "<svg/>");
}
