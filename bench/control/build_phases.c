/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the builder's own functions one by one. */
#include "bench/control/build_phases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/control/build_world.h"
#include "bench/control/ticks.h"
#include "control/models/scratch.h"
#include "control/publish/build_check.h"
#include "control/publish/section_creatives.h"
#include "control/publish/section_dict.h"
#include "control/publish/section_index.h"
#include "control/publish/section_targets.h"
#include "shm/memfd.h"

static void require(int condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "bench: %s failed\n", what);
        exit(1);
    }
}

struct build_world *build_phases_world(uint32_t line_items, uint32_t contexts)
{
    static struct build_world *kept;
    build_world_free(kept);
    kept = build_world_new(line_items, contexts);
    return kept;
}

/* Since the last call, in milliseconds of this thread. */
static double lap(uint64_t *last_ns)
{
    uint64_t now_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    double ms = (double)(now_ns - *last_ns) / 1e6;
    *last_ns = now_ns;
    return ms;
}

/* The parts of `new` and `fill`, written to memory that has been used before. */
static void time_parts(const struct build_world *w, char *at, struct build_round *round)
{
    struct qbid_section_dict dict;
    struct qbid_section_creatives creatives;
    struct qbid_section_index index = {0};
    struct qbid_elig_dim dim[QBID_DIM_CNT];
    const char *why = "";
    uint32_t words = (w->account.line_item_max + 63) / 64;
    uint64_t last_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    require(qbid_build_complaint(&w->account, &w->plan, &w->params) == NULL, "input");
    round->ms[BUILD_CHECK] = lap(&last_ns);
    require(qbid_section_dict_make(w->dictionary, &dict) == 0, "dictionary");
    round->ms[BUILD_DICT] = lap(&last_ns);
    require(qbid_section_creatives_make(&w->account, w->dictionary, &w->plan, &creatives, &why) ==
                0,
            why);
    round->ms[BUILD_CREATIVES] = lap(&last_ns);
    require(qbid_section_index_make(&w->plan, &index) == 0, "index");
    round->ms[BUILD_ORDER] = lap(&last_ns);
    uint32_t rows = qbid_section_targets_rows(w->dictionary, dim);
    memset(at, 0, (size_t)rows * words * sizeof(uint64_t));
    (void)lap(&last_ns);
    qbid_section_targets_fill(&w->account, w->dictionary, dim, words, (void *)at);
    round->ms[BUILD_TARGETS] = lap(&last_ns);
    memset(at, 0, (size_t)index.bucket_cnt * sizeof(struct qbid_index_bucket));
    (void)lap(&last_ns);
    qbid_section_index_fill(&index, (void *)at);
    round->ms[BUILD_INDEX] = lap(&last_ns);
    qbid_section_rows_fill(&index, &w->plan, (void *)at);
    round->ms[BUILD_ROWS] = lap(&last_ns);
    free(dict.entry);
    qbid_section_index_done(&index);
    qbid_section_creatives_done(&creatives);
}

static void time_limits(size_t bytes, const void *from, struct build_round *round)
{
    char *at = qbid_scratch_new(bytes);
    require(at != NULL, "memory");
    uint64_t last_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    memset(at, 1, bytes);
    round->ms[BUILD_MEMSET] = lap(&last_ns);
    memcpy(at, from, bytes);
    round->ms[BUILD_MEMCPY] = lap(&last_ns);
    free(at);
}

static void time_reader(int fd, size_t bytes, struct build_round *round)
{
    struct qbid_image image;
    void *base;
    size_t mapped;
    uint64_t last_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    require(qbid_memfd_map(fd, QBID_MEMFD_IMAGE, bytes, bytes, &base, &mapped) == 0, "map");
    round->ms[BUILD_MAP] = lap(&last_ns);
    require(qbid_image_attach(base, bytes, &image) == 0, "attach");
    const struct qbid_section_ref *ref = (const void *)(image.header + 1);
    round->context_bytes =
        (double)(ref[QBID_SECTION_INDEX].cnt * ref[QBID_SECTION_INDEX].elem_bytes +
                 ref[QBID_SECTION_ROWS].cnt * ref[QBID_SECTION_ROWS].elem_bytes);
    round->ms[BUILD_ATTACH] = lap(&last_ns);
    require(qbid_image_attach_unsummed(base, bytes, &image) == 0, "attach");
    round->ms[BUILD_UNSUMMED] = lap(&last_ns);
    require(qbid_image_checksum(base, bytes) == image.header->checksum, "checksum");
    round->ms[BUILD_SUM] = lap(&last_ns);
    time_limits(bytes, base, round);
    munmap(base, bytes);
}

void build_phases_run(struct build_world *w, struct build_round *ret_round)
{
    struct build_round round = {0};
    struct qbid_builder *builder;
    const char *why = "";
    void *base;
    int fd, ro;
    uint64_t wall_ns = ticks_clock_ns(CLOCK_MONOTONIC);
    uint64_t last_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    require(qbid_builder_new(&w->account, w->dictionary, &w->plan, &w->params, &builder, &why) == 0,
            why);
    round.ms[BUILD_NEW] = lap(&last_ns);
    size_t bytes = qbid_builder_bytes(builder);
    require(qbid_memfd_make(QBID_MEMFD_IMAGE, bytes, &fd, &base) == 0, "memory");
    round.ms[BUILD_MEMORY] = lap(&last_ns);
    qbid_builder_fill(builder, base);
    round.ms[BUILD_FILL] = lap(&last_ns);
    require(qbid_memfd_seal_image(fd, base, bytes, &ro) == 0, "seal");
    round.ms[BUILD_SEAL] = lap(&last_ns);
    round.wall_ms = (double)(ticks_clock_ns(CLOCK_MONOTONIC) - wall_ns) / 1e6;
    round.total_ms =
        round.ms[BUILD_NEW] + round.ms[BUILD_MEMORY] + round.ms[BUILD_FILL] + round.ms[BUILD_SEAL];
    round.bytes = (double)bytes;
    close(fd);
    build_world_learn(w, w->params.gen++);
    last_ns = ticks_clock_ns(CLOCK_THREAD_CPUTIME_ID);
    require(qbid_builder_renew(builder, &w->account, w->dictionary, &w->plan, &w->params, &why) ==
                0,
            why);
    round.ms[BUILD_RENEW] = lap(&last_ns);
    round.renewed_ms = round.total_ms - round.ms[BUILD_NEW] + round.ms[BUILD_RENEW];
    qbid_builder_free(builder);
    time_reader(ro, bytes, &round);
    close(ro);
    char *scratch = qbid_scratch_new(bytes);
    require(scratch != NULL, "memory");
    memset(scratch, 1, bytes);
    time_parts(w, scratch, &round);
    free(scratch);
    *ret_round = round;
}
