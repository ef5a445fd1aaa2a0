/* SPDX-License-Identifier: Apache-2.0 */
/* Options, worlds in processes of their own, and the report. */
#include "tools/sim/loop/loop.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/error.h"
#include "tools/sim/loop/options.h"
#include "tools/sim/loop/report.h"
#include "tools/sim/loop/run.h"
#include "tools/sim/processes.h"

#define FOLDER_MAX 128

static int forget(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

/* One run in a folder of its own, which goes with it. */
static int run_play(const struct qbid_loop_options *o, const struct qbid_loop_world *world,
                    enum qbid_loop_strategy strategy, struct qbid_loop_result *ret, char *why)
{
    char folder[FOLDER_MAX];
    snprintf(folder, sizeof folder, "%s/qbid-loop-XXXXXX", o->folder);
    if (!mkdtemp(folder)) {
        snprintf(why, QBID_LOOP_WHY_MAX, "%s: %s", folder, strerror(errno));
        return QBID_ERR_SYS;
    }
    struct qbid_loop_run_params params = {world, strategy, folder, o->settings};
    int err = qbid_loop_run(&params, ret, why);
    if (o->keep)
        fprintf(stderr, "qbid-sim loop: seed %llu, %s: %s\n",
                (unsigned long long)world->params.seed, qbid_loop_strategy_name(strategy), folder);
    else
        (void)nftw(folder, forget, 16, FTW_DEPTH | FTW_PHYS);
    return err;
}

static int seed_play(const struct qbid_loop_options *o, uint32_t i, struct qbid_loop_seed *seed)
{
    struct qbid_loop_world *world = malloc(sizeof *world);
    struct qbid_loop_params params = o->world;
    char why[QBID_LOOP_WHY_MAX];
    int64_t micros[QBID_LOOP_LINE_ITEMS_MAX];
    params.seed += i;
    int err = world ? qbid_loop_world_init(world, &params) : QBID_ERR_NOMEM;
    for (unsigned s = 0; s < QBID_LOOP_STRATEGY_CNT && !err; s++) {
        if (!(o->strategies >> s & 1))
            continue;
        err = run_play(o, world, (enum qbid_loop_strategy)s, &seed->result[s], why);
        if (err)
            fprintf(stderr, "qbid-sim loop: seed %llu, %s: %s\n", (unsigned long long)params.seed,
                    qbid_loop_strategy_name((enum qbid_loop_strategy)s), why);
    }
    for (uint32_t day = 0; day < params.days && !err; day++) {
        double best = qbid_loop_best(world, day, micros);
        seed->best += best;
        seed->best_late += day + QBID_LOOP_LATE_DAYS >= params.days ? best : 0;
    }
    if (!err)
        seed->budget_nanos = world->budget_micros * 1000 * params.days;
    free(world);
    return err;
}

static int seeds_play(const struct qbid_loop_options *o, uint32_t first,
                      struct qbid_loop_seed *seeds)
{
    int err = 0;
    for (uint32_t i = first; i < o->seeds && !err; i += o->jobs)
        err = seed_play(o, i, &seeds[i]);
    return err;
}

/* Each process has one clock; results go to memory that all of them share. */
struct shares {
    const struct qbid_loop_options *options;
    struct qbid_loop_seed *seeds;
};

static int share_play(void *context, uint32_t process)
{
    const struct shares *s = context;
    return seeds_play(s->options, process, s->seeds);
}

static int all_play(const struct qbid_loop_options *o, struct qbid_loop_seed *seeds)
{
    struct shares shares = {o, seeds};
    return qbid_sim_processes("loop", o->jobs < o->seeds ? o->jobs : o->seeds, share_play, &shares);
}

int qbid_sim_loop(int argc, char **argv)
{
    struct qbid_loop_options o;
    qbid_loop_options_read(argc, argv, &o);
    size_t bytes = o.seeds * sizeof(struct qbid_loop_seed);
    struct qbid_loop_seed *seeds =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (seeds == MAP_FAILED) {
        fprintf(stderr, "qbid-sim loop: %s\n", strerror(errno));
        return QBID_SIM_FAILED;
    }
    int code = all_play(&o, seeds);
    if (code == QBID_SIM_OK) {
        if (o.json)
            qbid_loop_report_json(stdout, &o, seeds);
        else
            qbid_loop_report_table(stdout, &o, seeds);
        code = qbid_loop_report_holds(&o, seeds) ? QBID_SIM_OK : QBID_SIM_REFUSED;
    }
    munmap(seeds, bytes);
    return code;
}
