/* SPDX-License-Identifier: Apache-2.0 */
/* Plays qbid in each market with a ladder beside it, and prints the means. */
#include "tools/sim/arena/ladder_command.h"

#include <stdio.h>

#include "shm/error.h"
#include "tools/sim/arena/options.h"
#include "tools/sim/arena/ladder.h"
#include "tools/sim/arena/score.h"

#define RUNGS QBID_SIM_LADDER_RUNGS
#define ACTUAL RUNGS /* qbid's own day, behind the rungs */

/* Values of a market's rungs, in parts of that of the one that is told everything. */
static int seed_play(const struct qbid_sim_arena_options *o, uint32_t seed,
                     double (*of_all)[QBID_SIM_SEEDS_MAX])
{
    struct qbid_sim_match_params params = o->match;
    struct qbid_sim_match match;
    double value[RUNGS + 1];
    params.market.seed += seed;
    params.strategies = 1u << QBID_SIM_QBID;
    int err = qbid_sim_ladder_new(&params.ladder);
    if (!err)
        err = qbid_sim_match_play(&params, &match);
    if (!err)
        err = qbid_sim_ladder_climb(params.ladder, value);
    qbid_sim_ladder_free(params.ladder);
    if (err) {
        fprintf(stderr, "qbid-sim ladder: seed %llu: %s\n", (unsigned long long)params.market.seed,
                qbid_strerror(err));
        return err;
    }
    value[ACTUAL] = 0;
    for (uint32_t c = 0; c < params.market.campaigns; c++)
        value[ACTUAL] += match.result[QBID_SIM_QBID].campaign[c].value_nanos;
    for (unsigned rung = 0; rung <= ACTUAL; rung++)
        of_all[rung][seed] = value[rung] / value[QBID_SIM_LADDER_ALL];
    if (o->json) {
        printf("{\"seed\":%llu,\"rungs\":[", (unsigned long long)params.market.seed);
        for (unsigned rung = 0; rung <= ACTUAL; rung++)
            printf("%s%.5f", rung ? "," : "", of_all[rung][seed]);
        printf("]}\n");
        fflush(stdout);
    }
    return 0;
}

static void line(const struct qbid_sim_arena_options *o, const char *what, const char *part,
                 const double *of_all)
{
    struct qbid_sim_mean mean = qbid_sim_mean_of(of_all, o->seeds);
    if (o->json)
        printf("{\"rung\":\"%s%s\",\"mean\":%.5f,\"half\":%.5f}\n", what, part, mean.mean,
               mean.half);
    else
        printf("%-24s %-12s %.4f +- %.4f\n", what, part, mean.mean, mean.half);
}

int qbid_sim_ladder(int argc, char **argv)
{
    static double of_all[RUNGS + 1][QBID_SIM_SEEDS_MAX];
    struct qbid_sim_arena_options options;
    qbid_sim_arena_options_parse(argc, argv, &options);
    for (uint32_t i = 0; i < options.seeds; i++)
        if (seed_play(&options, i, of_all))
            return QBID_SIM_FAILED;
    line(&options, "qbid", "", of_all[ACTUAL]);
    line(&options, "told nothing", "", of_all[0]);
    for (unsigned part = 0; part < QBID_SIM_LADDER_PARTS; part++)
        line(&options, "told ", qbid_sim_ladder_part_text(part), of_all[part + 1]);
    for (unsigned part = 0; part < QBID_SIM_LADDER_PARTS; part++)
        line(&options, "told all but ", qbid_sim_ladder_part_text(part),
             of_all[QBID_SIM_LADDER_ALL + 1 + part]);
    return QBID_SIM_OK;
}
