/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions with a table that the builder has built: what its size costs a request. */
#ifndef QBID_BENCH_CONTROL_BUILD_DECIDE_H
#define QBID_BENCH_CONTROL_BUILD_DECIDE_H

#ifdef __cplusplus
extern "C" {
#endif

struct build_world;
struct build_decide;

/** Build the world's table as it would be published, map it as a reader does, and draw a stream of
 *  requests whose contexts follow Zipf's law (0.99). */
struct build_decide *build_decide_new(const struct build_world *world);
void build_decide_free(struct build_decide *decide);

/** Nanoseconds of one decision, in a stream of half a million; ends the process when hardly any is
 *  a bid. */
double build_decide_run(struct build_decide *decide);

#ifdef __cplusplus
}
#endif

#endif
