/* SPDX-License-Identifier: Apache-2.0 */
/* Options by name, each with its range. */
#include "tools/sim/arena/options.h"

#include <argp.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "shm/error.h"
#include "tools/sim/command.h"
#include "tools/sim/option_number.h"

enum {
    KEY_SEEDS = 256,
    KEY_FIRST,
    KEY_JOBS,
    KEY_DAYS,
    KEY_AUCTIONS,
    KEY_USERS,
    KEY_CAMPAIGNS,
    KEY_LINE_ITEMS,
    KEY_GOAL,
    KEY_BUDGET,
    KEY_TARGET,
    KEY_AUCTION,
    KEY_FEEDBACK,
    KEY_EFFECTS,
    KEY_FATIGUE,
    KEY_DELAY,
    KEY_RIVALS,
    KEY_LOST,
    KEY_TWICE,
    KEY_LATE,
    KEY_STRATEGIES,
    KEY_PROFILE,
    KEY_OUTPUT,
    KEY_PLOT
};

static const struct argp_option options[] = {
    {"seeds", KEY_SEEDS, "N", 0, "markets (20)", 0},
    {"first-seed", KEY_FIRST, "N", 0, "seed of the first one (1)", 0},
    {"jobs", KEY_JOBS, "N", 0, "processes (one a processor)", 0},
    {"learn-days", KEY_DAYS, "N", 0, "days before the judged one (7)", 0},
    {"goal", KEY_GOAL, "GOAL", 0, "value in budget, roas or cpa (value)", 0},
    {"budget", KEY_BUDGET, "X", 0, "part of what would be spent without one (0.3)", 0},
    {"target", KEY_TARGET, "X", 0, "times the ROAS that bidding the value has (1.5)", 0},
    {"auction", KEY_AUCTION, "KIND", 0, "first or second price (second)", 0},
    {"feedback", KEY_FEEDBACK, "WHAT", 0, "of lost auctions: full, win-only, none (full)", 0},
    {"strategies", KEY_STRATEGIES, "LIST", 0, "comma-separated (all)", 0},
    {"output", KEY_OUTPUT, "FORM", 0, "table or json (table)", 0},
    {"plot", KEY_PLOT, "FILE", 0, "SVG of pacing and value", 0},
    {NULL, 0, NULL, 0, "The market:", 1},
    {"auctions", KEY_AUCTIONS, "N", 0, "a day (150000)", 1},
    {"users", KEY_USERS, "N", 0, "(20000)", 1},
    {"campaigns", KEY_CAMPAIGNS, "N", 0, "(2)", 1},
    {"line-items", KEY_LINE_ITEMS, "N", 0, "a campaign (5)", 1},
    {"effects", KEY_EFFECTS, "X", 0, "times the log-sd of every effect (1)", 1},
    {"fatigue", KEY_FATIGUE, "X", 0, "log of the click rate that an exposure costs (0.1)", 1},
    {"delay-s", KEY_DELAY, "X", 0, "mean seconds from click to conversion (21600)", 1},
    {"rivals", KEY_RIVALS, "X", 0, "money of reacting competitors, times the usual (1)", 1},
    {"lost", KEY_LOST, "X", 0, "part of notices that never come, bills excepted (0.002)", 1},
    {"twice", KEY_TWICE, "X", 0, "part that comes again (0.002)", 1},
    {"late", KEY_LATE, "X", 0, "part that comes too late (0.002)", 1},
    {"profile", KEY_PROFILE, "FILE", 0, "traffic by day and hour: a table REGION,DAY,HOUR,SHARE",
     1},
    {0}};

static uint32_t count(struct argp_state *state, const char *name, const char *text, uint32_t most)
{
    return (uint32_t)qbid_sim_option_number(state, name, text, 1, most, true);
}

/* The place of a word in a list that ends with NULL. */
static int word(struct argp_state *state, const char *name, const char *text,
                const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return i;
    argp_error(state, "--%s: '%s' is not known", name, text);
    return 0;
}

static uint32_t strategies_parse(struct argp_state *state, char *list)
{
    uint32_t set = 0;
    for (char *at = list, *name; (name = strsep(&at, ","));) {
        unsigned i = 0;
        while (i < QBID_SIM_STRATEGIES && strcmp(qbid_sim_strategies[i]->name, name) != 0)
            i++;
        if (i == QBID_SIM_STRATEGIES)
            argp_error(state, "--strategies: there is no strategy '%s'", name);
        set |= 1u << i;
    }
    return set;
}

static void profile_parse(struct argp_state *state, const char *path,
                          struct qbid_sim_arena_options *o)
{
    int err = qbid_sim_profile_load(path, o->profile);
    if (err == QBID_ERR_SYS)
        argp_failure(state, QBID_SIM_FAILED, errno, "--profile: %s", path);
    else if (err)
        argp_failure(state, QBID_SIM_FAILED, 0,
                     "--profile: %s is no table of 7 x 24 shares above 0 under a header", path);
    o->match.market.profile = o->profile;
}

static error_t parse_market(int key, char *arg, struct argp_state *state,
                            struct qbid_sim_arena_options *o)
{
    struct qbid_sim_market_params *m = &o->match.market;
    switch (key) {
    case KEY_AUCTIONS:
        m->auctions_a_day =
            (uint32_t)qbid_sim_option_number(state, "auctions", arg, 1000, 1e8, true);
        return 0;
    case KEY_USERS:
        m->users = count(state, "users", arg, 10000000);
        return 0;
    case KEY_CAMPAIGNS:
        m->campaigns = count(state, "campaigns", arg, QBID_SIM_CAMPAIGNS_MAX);
        return 0;
    case KEY_LINE_ITEMS:
        m->line_items = count(state, "line-items", arg, QBID_SIM_LINE_ITEMS_MAX);
        return 0;
    case KEY_EFFECTS:
        m->effect_sd = qbid_sim_option_number(state, "effects", arg, 0, 3, false);
        return 0;
    case KEY_FATIGUE:
        m->fatigue = qbid_sim_option_number(state, "fatigue", arg, 0, 2, false);
        return 0;
    case KEY_DELAY:
        m->delay_s = qbid_sim_option_number(state, "delay-s", arg, 0, 30 * 86400, false);
        return 0;
    case KEY_RIVALS:
        m->rival_share = qbid_sim_option_number(state, "rivals", arg, 0, 10, false);
        return 0;
    case KEY_LOST:
        o->match.notices.lost = qbid_sim_option_number(state, "lost", arg, 0, 1, false);
        return 0;
    case KEY_TWICE:
        o->match.notices.twice = qbid_sim_option_number(state, "twice", arg, 0, 1, false);
        return 0;
    case KEY_LATE:
        o->match.notices.late = qbid_sim_option_number(state, "late", arg, 0, 1, false);
        return 0;
    case KEY_PROFILE:
        profile_parse(state, arg, o);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    static const char *const goals[] = {"value", "roas", "cpa", NULL};
    static const enum qbid_goal goal_of[] = {QBID_GOAL_MAX_VALUE, QBID_GOAL_TARGET_ROAS,
                                             QBID_GOAL_TARGET_CPA};
    static const char *const auctions[] = {"first", "second", NULL};
    static const char *const feedback[] = {"full", "win-only", "none", NULL};
    static const char *const forms[] = {"table", "json", NULL};
    struct qbid_sim_arena_options *o = state->input;
    switch (key) {
    case KEY_SEEDS:
        o->seeds = count(state, "seeds", arg, QBID_SIM_SEEDS_MAX);
        return 0;
    case KEY_FIRST:
        o->match.market.seed =
            (uint64_t)qbid_sim_option_number(state, "first-seed", arg, 0, 1e15, true);
        return 0;
    case KEY_JOBS:
        o->jobs = count(state, "jobs", arg, 1024);
        return 0;
    case KEY_DAYS:
        o->match.learn_days =
            (uint32_t)qbid_sim_option_number(state, "learn-days", arg, 0, 365, true);
        return 0;
    case KEY_GOAL:
        o->match.goal = goal_of[word(state, "goal", arg, goals)];
        return 0;
    case KEY_BUDGET:
        o->match.budget = qbid_sim_option_number(state, "budget", arg, 0.001, 1000, false);
        return 0;
    case KEY_TARGET:
        o->match.target = qbid_sim_option_number(state, "target", arg, 0.01, 100, false);
        return 0;
    case KEY_AUCTION:
        o->match.market.auction = word(state, "auction", arg, auctions) == 0
                                      ? QBID_AUCTION_FIRST_PRICE
                                      : QBID_AUCTION_SECOND_PRICE;
        return 0;
    case KEY_FEEDBACK:
        o->match.market.feedback = (enum qbid_sim_feedback)word(state, "feedback", arg, feedback);
        return 0;
    case KEY_STRATEGIES:
        o->match.strategies = strategies_parse(state, arg);
        return 0;
    case KEY_OUTPUT:
        o->json = word(state, "output", arg, forms) == 1;
        return 0;
    case KEY_PLOT:
        o->plot = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->match.market.campaigns * o->match.market.line_items > QBID_SIM_LINE_ITEMS_MAX)
            argp_error(state, "--campaigns times --line-items is above %d",
                       QBID_SIM_LINE_ITEMS_MAX);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is no option", arg);
        return 0;
    default:
        return parse_market(key, arg, state, o);
    }
}

void qbid_sim_arena_options_parse(int argc, char **argv, struct qbid_sim_arena_options *ret_options)
{
    static const char about[] =
        "Judge bidding strategies in generated markets: each plays alone, against the same "
        "traffic, "
        "users and reacting competitors, learns for some days, and is judged on the day after.\v"
        "tools/sim/README.md says what is modelled and how to read the report.";
    const struct argp argp = {options, parse, NULL, about, NULL, NULL, NULL};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    *ret_options =
        (struct qbid_sim_arena_options){.match = qbid_sim_match_defaults(),
                                        .seeds = 20,
                                        .jobs = processors > 0 ? (uint32_t)processors : 1};
    argp_err_exit_status = QBID_SIM_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, ret_options);
}
