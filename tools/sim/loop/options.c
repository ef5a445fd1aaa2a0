/* SPDX-License-Identifier: Apache-2.0 */
/* Options by name, each with its range. */
#include "tools/sim/loop/options.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/sim/command.h"
#include "tools/sim/option_number.h"

#define SEEDS_MAX 1000

enum {
    KEY_SEEDS = 256,
    KEY_FIRST,
    KEY_JOBS,
    KEY_DAYS,
    KEY_STRATEGIES,
    KEY_OUTPUT,
    KEY_FOLDER,
    KEY_KEEP,
    KEY_SETTINGS,
    KEY_PLATFORMS,
    KEY_LINE_ITEMS,
    KEY_AUCTIONS,
    KEY_BUDGET,
    KEY_DRIFT,
    KEY_JUMPS,
    KEY_SPREAD
};

static const struct argp_option options[] = {
    {"seeds", KEY_SEEDS, "N", 0, "markets (20)", 0},
    {"first-seed", KEY_FIRST, "N", 0, "seed of the first one (1)", 0},
    {"jobs", KEY_JOBS, "N", 0, "processes (one a processor)", 0},
    {"strategies", KEY_STRATEGIES, "LIST", 0,
     "comma-separated of loop, static, notes, shift, oracle (all)", 0},
    {"output", KEY_OUTPUT, "FORM", 0, "table or json (table)", 0},
    {"folder", KEY_FOLDER, "PATH", 0, "where stores and sockets are made (TMPDIR, or /tmp)", 0},
    {"keep", KEY_KEEP, NULL, 0, "leave stores and logs behind, and say where", 0},
    {"settings", KEY_SETTINGS, "YAML", 0,
     "sections execution and agents of the loop's qbidd.yaml, in place of the usual ones", 0},
    {NULL, 0, NULL, 0, "The market:", 1},
    {"days", KEY_DAYS, "N", 0, "(28)", 1},
    {"platforms", KEY_PLATFORMS, "N", 0, "(3)", 1},
    {"line-items", KEY_LINE_ITEMS, "N", 0, "of all platforms (60)", 1},
    {"auctions", KEY_AUCTIONS, "N", 0, "of a line item a day (400)", 1},
    {"budget", KEY_BUDGET, "X", 0, "part of what all impressions cost (0.2)", 1},
    {"drift", KEY_DRIFT, "X", 0, "log-sd of a day's step of a rate (0.03)", 1},
    {"jumps", KEY_JUMPS, "X", 0, "part of the line items whose rate jumps once (0.15)", 1},
    {"spread", KEY_SPREAD, "X", 0, "log-sd of what line items return (0.5)", 1},
    {0}};

static unsigned strategies_read(struct argp_state *state, char *list)
{
    unsigned bits = 0;
    for (char *save, *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        unsigned s = 0;
        while (s < QBID_LOOP_STRATEGY_CNT &&
               strcmp(word, qbid_loop_strategy_name((enum qbid_loop_strategy)s)) != 0)
            s++;
        if (s == QBID_LOOP_STRATEGY_CNT)
            argp_error(state, "--strategies: there is no strategy '%s'", word);
        bits |= 1u << s;
    }
    if (bits == 0)
        argp_error(state, "--strategies: the list is empty");
    return bits;
}

static error_t parse_market(int key, char *arg, struct argp_state *state)
{
    struct qbid_loop_params *w = &((struct qbid_loop_options *)state->input)->world;
    switch (key) {
    case KEY_DAYS:
        w->days = (uint32_t)qbid_sim_option_number(state, "days", arg, 1, QBID_LOOP_DAYS_MAX, true);
        return 0;
    case KEY_PLATFORMS:
        w->platforms = (uint32_t)qbid_sim_option_number(state, "platforms", arg, 1,
                                                        QBID_LOOP_PLATFORMS_MAX, true);
        return 0;
    case KEY_LINE_ITEMS:
        w->line_items = (uint32_t)qbid_sim_option_number(state, "line-items", arg, 2,
                                                         QBID_LOOP_LINE_ITEMS_MAX, true);
        return 0;
    case KEY_AUCTIONS:
        w->auctions = qbid_sim_option_number(state, "auctions", arg, 1, 10000, false);
        return 0;
    case KEY_BUDGET:
        w->budget = qbid_sim_option_number(state, "budget", arg, 0.01, 0.9, false);
        return 0;
    case KEY_DRIFT:
        w->drift = qbid_sim_option_number(state, "drift", arg, 0, 0.9, false);
        return 0;
    case KEY_JUMPS:
        w->jumps = qbid_sim_option_number(state, "jumps", arg, 0, 1, false);
        return 0;
    case KEY_SPREAD:
        w->spread = qbid_sim_option_number(state, "spread", arg, 0, 2, false);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct qbid_loop_options *o = state->input;
    switch (key) {
    case KEY_SEEDS:
        o->seeds = (uint32_t)qbid_sim_option_number(state, "seeds", arg, 1, SEEDS_MAX, true);
        return 0;
    case KEY_FIRST:
        o->world.seed = (uint64_t)qbid_sim_option_number(state, "first-seed", arg, 0, 1e9, true);
        return 0;
    case KEY_JOBS:
        o->jobs = (uint32_t)qbid_sim_option_number(state, "jobs", arg, 1, 256, true);
        return 0;
    case KEY_STRATEGIES:
        o->strategies = strategies_read(state, arg);
        return 0;
    case KEY_OUTPUT:
        if (strcmp(arg, "json") != 0 && strcmp(arg, "table") != 0)
            argp_error(state, "--output: '%s' is neither table nor json", arg);
        o->json = strcmp(arg, "json") == 0;
        return 0;
    case KEY_FOLDER:
        o->folder = arg;
        return 0;
    case KEY_KEEP:
        o->keep = true;
        return 0;
    case KEY_SETTINGS:
        o->settings = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is one word too many", arg);
        return 0;
    case ARGP_KEY_END:
        if (o->world.line_items < o->world.platforms)
            argp_error(state, "--line-items: fewer than --platforms");
        return 0;
    default:
        return parse_market(key, arg, state);
    }
}

void qbid_loop_options_read(int argc, char **argv, struct qbid_loop_options *ret_options)
{
    static const char doc[] =
        "Weeks of a market in which qbidd's own loop (agents, decision engine, executor) moves the "
        "daily budgets, beside budgets that stay, the design notes' rules, and the best split.\v"
        "Exit codes: 0 ok, 1 failed, 2 usage, 5 a check does not hold: money, audit, limits.";
    const struct argp argp = {options, parse, NULL, doc, NULL, NULL, NULL};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const char *folder = getenv("TMPDIR");
    *ret_options = (struct qbid_loop_options){.world = qbid_loop_defaults(),
                                              .seeds = 20,
                                              .jobs = processors > 0 ? (uint32_t)processors : 1,
                                              .strategies = (1u << QBID_LOOP_STRATEGY_CNT) - 1,
                                              .folder = folder && *folder ? folder : "/tmp"};
    argp_parse(&argp, argc, argv, 0, NULL, ret_options);
}
