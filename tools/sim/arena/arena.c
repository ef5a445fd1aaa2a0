/* SPDX-License-Identifier: Apache-2.0 */
/* Plays the markets, several at once in processes of their own, and reports. */
#include "tools/sim/arena/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/error.h"
#include "tools/sim/arena/options.h"
#include "tools/sim/command.h"
#include "tools/sim/arena/plot.h"
#include "tools/sim/processes.h"
#include "tools/sim/arena/report.h"

/* One process plays every jobs-th seed; results go to memory that all of them share. */
static int seeds_play(const struct qbid_sim_arena_options *o, uint32_t first,
                      struct qbid_sim_match *matches)
{
    for (uint32_t i = first; i < o->seeds; i += o->jobs) {
        struct qbid_sim_match_params params = o->match;
        params.market.seed += i;
        int err = qbid_sim_match_play(&params, &matches[i]);
        if (err) {
            fprintf(stderr, "qbid-sim arena: seed %llu: %s\n",
                    (unsigned long long)params.market.seed, qbid_strerror(err));
            return err;
        }
    }
    return 0;
}

/* Each process has one clock; results go to memory that all of them share. */
struct shares {
    const struct qbid_sim_arena_options *options;
    struct qbid_sim_match *matches;
};

static int share_play(void *context, uint32_t process)
{
    const struct shares *s = context;
    return seeds_play(s->options, process, s->matches);
}

static int all_play(const struct qbid_sim_arena_options *o, struct qbid_sim_match *matches)
{
    struct shares shares = {o, matches};
    return qbid_sim_processes("arena", o->jobs < o->seeds ? o->jobs : o->seeds, share_play,
                              &shares);
}

static int report(const struct qbid_sim_arena_options *o, const struct qbid_sim_match *matches)
{
    if (o->json)
        qbid_sim_report_json(stdout, &o->match, matches, o->seeds);
    else
        qbid_sim_report_table(stdout, &o->match, matches, o->seeds);
    if (o->plot && qbid_sim_plot(o->plot, &o->match, matches, o->seeds)) {
        fprintf(stderr, "qbid-sim arena: --plot: %s: %s\n", o->plot, strerror(errno));
        return QBID_SIM_FAILED;
    }
    return fflush(stdout) == 0 ? QBID_SIM_OK : QBID_SIM_FAILED;
}

int qbid_sim_arena(int argc, char **argv)
{
    struct qbid_sim_arena_options options;
    qbid_sim_arena_options_parse(argc, argv, &options);
    options.jobs = options.jobs < options.seeds ? options.jobs : options.seeds;
    size_t bytes = options.seeds * sizeof(struct qbid_sim_match);
    struct qbid_sim_match *matches =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (matches == MAP_FAILED) {
        fprintf(stderr, "qbid-sim arena: %s\n", strerror(errno));
        return QBID_SIM_FAILED;
    }
    int code = all_play(&options, matches);
    if (code == QBID_SIM_OK)
        code = report(&options, matches);
    munmap(matches, bytes);
    return code;
}
