/* SPDX-License-Identifier: Apache-2.0 */
/* The program `qbid-sim`: finds the command among the arguments and hands over to it.
 *
 * Tools talk to qbidd through control/client; this one is the exception (tests/lint/layers.sh): it
 * links control, fastpath and shm, because a strategy is judged with the code that will run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <argp.h>

#include "shm/version.h"
#include "tools/sim/arena/arena.h"
#include "tools/sim/command.h"
#include "tools/sim/faults/faults.h"
#include "tools/sim/arena/ladder_command.h"
#include "tools/sim/loop/loop.h"
#include "tools/sim/models/models.h"
#include "tools/sim/recorded/recorded.h"
#include "tools/sim/train/train.h"

/* glibc reads it, hence the visibility: --version tells it */
__attribute__((visibility("default"))) const char *argp_program_version = "qbid-sim " QBID_VERSION;

static const struct qbid_sim_command commands[] = {
    {"arena", "every strategy in generated markets", qbid_sim_arena},
    {"faults", "budgets under crashes and lost, late, repeated notices", qbid_sim_faults},
    {"ladder", "what each thing that qbid learns costs it", qbid_sim_ladder},
    {"loop", "weeks of the whole control loop beside static budgets and rules", qbid_sim_loop},
    {"models", "the click models on recorded impressions", qbid_sim_models},
    {"recorded", "recorded auctions: qbid beside published strategies", qbid_sim_recorded},
    {"train", "train and judge a correction of the pacer, and make its table", qbid_sim_train},
    {"tune", "settings of the pacer, by Bayesian optimisation", qbid_sim_tune},
    {NULL, NULL, NULL},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    int *command_at = state->input;
    (void)arg;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    *command_at = state->next - 1;
    state->next = state->argc; /* the rest is the command's */
    return 0;
}

/* The list of commands behind the options, when help is asked for. */
static char *help(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text;
    char *out = NULL;
    size_t len;
    FILE *f = open_memstream(&out, &len);
    if (!f)
        return NULL;
    fputs("Commands (qbid-sim COMMAND --help says more):\n", f);
    for (const struct qbid_sim_command *c = commands; c->name; c++)
        fprintf(f, "  %-12s %s\n", c->name, c->text);
    fputs("\nExit codes: 0 ok, 1 failed, 2 usage, 5 a gate is not met.", f);
    fclose(f);
    return out;
}

int main(int argc, char **argv)
{
    const struct argp argp = {NULL,
                              parse,
                              "COMMAND [OPTION...]",
                              "qbid-sim - judge bidding strategies in simulated markets\v ",
                              NULL,
                              help,
                              NULL};
    int command_at = 0;
    argp_err_exit_status = QBID_SIM_USAGE;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &command_at);
    if (command_at == 0) {
        fprintf(stderr, "qbid-sim: a command is needed; qbid-sim --help lists them\n");
        return QBID_SIM_USAGE;
    }
    const struct qbid_sim_command *c = commands;
    while (c->name && strcmp(c->name, argv[command_at]) != 0)
        c++;
    if (!c->name) {
        fprintf(stderr, "qbid-sim: there is no command '%s'; qbid-sim --help lists them\n",
                argv[command_at]);
        return QBID_SIM_USAGE;
    }
    char title[64];
    snprintf(title, sizeof title, "qbid-sim %s", c->name);
    argv[command_at] = title; /* how argp names the program in its messages */
    return c->run(argc - command_at, argv + command_at);
}
