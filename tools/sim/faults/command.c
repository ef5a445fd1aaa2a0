/* SPDX-License-Identifier: Apache-2.0 */
/* `qbid-sim faults`: many runs, several at once. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/error.h"
#include "tools/sim/command.h"
#include "tools/sim/faults/faults.h"
#include "tools/sim/processes.h"

#define JOBS_MAX 64

struct options {
    uint64_t seed;
    uint32_t runs, jobs, seconds;
    bool forgetful, json;
};

/* What one process has seen. */
struct tally {
    uint64_t runs, overspent, apart, auctions, bids, bills, kills, worker_kills, lost, late,
        repeated, broken, exhausted;
    int64_t over_nanos;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    char *end = arg;
    unsigned long long n = key < 256 && strchr("rsjt", key) ? strtoull(arg, &end, 10) : 0;
    if (end != arg && (*end || *arg == '-'))
        argp_error(state, "'%s' is no whole number", arg);
    switch (key) {
    case 'r':
        o->runs = n > 0 && n <= 100000000 ? (uint32_t)n : 0;
        return 0;
    case 's':
        o->seed = n;
        return 0;
    case 'j':
        o->jobs = n > 0 && n <= JOBS_MAX ? (uint32_t)n : 0;
        return 0;
    case 't':
        o->seconds = n > 0 && n <= 3600 ? (uint32_t)n : 0;
        return 0;
    case 'f':
        o->forgetful = true;
        return 0;
    case 'o':
        o->json = strcmp(arg, "json") == 0;
        if (!o->json && strcmp(arg, "table") != 0)
            argp_error(state, "--output: '%s' is not known", arg);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is no option", arg);
        return 0;
    case ARGP_KEY_END:
        if (!o->runs || !o->jobs || !o->seconds)
            argp_error(state, "--runs is 1 to 10^8, --jobs 1 to %d, --seconds 1 to 3600", JOBS_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int runs_play(const struct options *o, uint32_t first, struct tally *t)
{
    for (uint32_t i = first; i < o->runs; i += o->jobs) {
        struct qbid_sim_faults_params params = {o->seed + i, o->seconds, o->forgetful};
        struct qbid_sim_faults_result r;
        int err = qbid_sim_faults_run(&params, &r);
        if (err) {
            fprintf(stderr, "qbid-sim faults: seed %" PRIu64 ": %s\n", params.seed,
                    qbid_strerror(err));
            return err;
        }
        t->runs++;
        t->overspent += r.over_nanos > 0;
        t->over_nanos = r.over_nanos > t->over_nanos ? r.over_nanos : t->over_nanos;
        t->auctions += r.auctions;
        t->bids += r.bids;
        t->bills += r.bills;
        t->kills += r.kills;
        t->worker_kills += r.worker_kills;
        t->lost += r.lost;
        t->late += r.late;
        t->repeated += r.repeated;
        t->broken += r.broken;
        t->exhausted += r.exhausted;
    }
    return 0;
}

/* Each process has one clock; results go to memory that all of them share. */
struct shares {
    const struct options *options;
    struct tally *tallies;
};

static int share_play(void *context, uint32_t process)
{
    const struct shares *s = context;
    return runs_play(s->options, process, &s->tallies[process]);
}

static int all_play(const struct options *o, struct tally *tallies)
{
    struct shares shares = {o, tallies};
    return qbid_sim_processes("faults", o->jobs, share_play, &shares);
}

static struct tally sum_of(const struct tally *tallies, uint32_t cnt)
{
    struct tally s = {.over_nanos = INT64_MIN};
    for (uint32_t i = 0; i < cnt; i++) {
        const struct tally *t = &tallies[i];
        s.runs += t->runs;
        s.overspent += t->overspent;
        s.over_nanos = t->over_nanos > s.over_nanos ? t->over_nanos : s.over_nanos;
        s.auctions += t->auctions;
        s.bids += t->bids;
        s.bills += t->bills;
        s.kills += t->kills;
        s.worker_kills += t->worker_kills;
        s.lost += t->lost;
        s.late += t->late;
        s.repeated += t->repeated;
        s.broken += t->broken;
        s.exhausted += t->exhausted;
    }
    return s;
}

static void report(const struct options *o, const struct tally *t)
{
    static const char table[] =
        "%" PRIu64 " runs: %" PRIu64 " overspent (by %" PRId64 " nanos at most), %" PRIu64
        " broken books\n"
        "%" PRIu64 " auctions, %" PRIu64 " bids, %" PRIu64 " bills accepted; %" PRIu64
        " budgets all but used up\n"
        "%" PRIu64 " times qbidd was killed, %" PRIu64 " a worker; notices lost %" PRIu64
        ", refused as late or for a dead worker %" PRIu64 ", repeated %" PRIu64 "\n";
    static const char json[] =
        "{\"runs\": %" PRIu64 ", \"overspent\": %" PRIu64 ", \"over_nanos\": %" PRId64
        ", \"broken_books\": %" PRIu64 ", \"auctions\": %" PRIu64 ", \"bids\": %" PRIu64
        ", \"bills\": %" PRIu64 ", \"exhausted\": %" PRIu64 ", \"kills\": %" PRIu64
        ", \"worker_kills\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"late\": %" PRIu64
        ", \"repeated\": %" PRIu64 "}\n";
    int64_t over = t->over_nanos > 0 ? t->over_nanos : 0;
    printf(o->json ? json : table, t->runs, t->overspent, over, t->broken, t->auctions, t->bids,
           t->bills, t->exhausted, t->kills, t->worker_kills, t->lost, t->late, t->repeated);
}

int qbid_sim_faults(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"runs", 'r', "N", 0, "(10000)", 0},
        {"first-seed", 's', "N", 0, "(1)", 0},
        {"jobs", 'j', "N", 0, "processes (one a processor)", 0},
        {"seconds", 't', "N", 0, "of each run (8)", 0},
        {"forgetful", 'f', NULL, 0,
         "negative control: money in the store does not survive qbidd; overspends", 0},
        {"output", 'o', "FORM", 0, "table or json", 0},
        {0}};
    static const char about[] =
        "Short runs of the whole system with crashes, a refusing store, and "
        "lost, late and repeated notices: no budget may be overspent.";
    const struct argp argp = {options, parse, NULL, about, NULL, NULL, NULL};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct options o = {.seed = 1, .runs = 10000, .seconds = 8, .jobs = 1};
    o.jobs = processors > 1 ? processors < JOBS_MAX ? (uint32_t)processors : JOBS_MAX : 1;
    argp_err_exit_status = QBID_SIM_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    struct tally *tallies = mmap(NULL, JOBS_MAX * sizeof *tallies, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tallies == MAP_FAILED) {
        fprintf(stderr, "qbid-sim faults: %s\n", strerror(errno));
        return QBID_SIM_FAILED;
    }
    int failed = all_play(&o, tallies);
    struct tally sum = sum_of(tallies, o.jobs);
    munmap(tallies, JOBS_MAX * sizeof *tallies);
    if (failed)
        return QBID_SIM_FAILED;
    report(&o, &sum);
    return sum.overspent || sum.broken ? QBID_SIM_REFUSED : QBID_SIM_OK;
}
