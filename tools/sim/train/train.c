/* SPDX-License-Identifier: Apache-2.0 */
/* `qbid-sim train`: trains the correction, distils it, judges both, and writes the table. */
#include "tools/sim/train/train.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <argp.h>

#include "control/learn/campaigns/correction_file.h"
#include "shm/error.h"
#include "tools/sim/command.h"
#include "tools/sim/train/gate.h"

#define DISTIL_PART 3 /* days of distillation: a third of those of training */
#define DAY_S 86400

struct wanted {
    struct qbid_train_params params;
    uint32_t gate_days;
    uint32_t valid_days;
    const char *out;
    int json, gate;
};

static const struct argp_option options[] = {
    {"days", 'd', "N", 0, "days to train on, 1 to 100000 (default 300)", 0},
    {"gate-days", 'g', "N", 0, "days of each market to judge on, 2 to 100000 (default 60)", 0},
    {"seed", 's', "N", 0, "of everything that is drawn (default 1)", 0},
    {"out", 'o', "FILE", 0, "write the table here", 0},
    {"valid-days", 'v', "N", 0, "days for which the table may be used, 1 to 3650 (default 30)", 0},
    {"gate", 'G', NULL, 0, "exit with 5 unless the table beats the pacer on the market trained on",
     0},
    {"json", 'j', NULL, 0, "print JSON lines", 0},
    {NULL, 0, NULL, 0, NULL, 0}};

static uint64_t number(struct argp_state *state, const char *name, const char *arg, uint64_t min,
                       uint64_t max)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(arg, &end, 10);
    if (errno || *end || end == arg || *arg == '-' || n < min || n > max)
        argp_error(state, "--%s: '%s' is not a number from %llu to %llu", name, arg,
                   (unsigned long long)min, (unsigned long long)max);
    return n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct wanted *w = state->input;
    switch (key) {
    case 'd':
        w->params.days = (uint32_t)number(state, "days", arg, 1, 100000);
        return 0;
    case 'g':
        w->gate_days = (uint32_t)number(state, "gate-days", arg, 2, 100000);
        return 0;
    case 's':
        w->params.seed = number(state, "seed", arg, 0, UINT64_MAX / 2);
        return 0;
    case 'v':
        w->valid_days = (uint32_t)number(state, "valid-days", arg, 1, 3650);
        return 0;
    case 'o':
        w->out = arg;
        return 0;
    case 'G':
        w->gate = 1;
        return 0;
    case 'j':
        w->json = 1;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int table_write(const char *path, const struct qbid_correction_table *table)
{
    char why[QBID_CORRECTION_FILE_WHY_MAX];
    int err = qbid_correction_file_write(path, table, why);
    if (err)
        fprintf(stderr, "qbid-sim train: %s\n", why);
    return err;
}

static void fidelity_print(const struct wanted *w, const struct qbid_correction_table *table,
                           const struct qbid_train_fidelity *f)
{
    if (w->json)
        printf("{\"what\": \"fidelity\", \"states\": %u, \"seen\": %llu, \"same\": %.4f, "
               "\"close\": %.4f}\n",
               table->state_cnt, (unsigned long long)f->seen, f->same, f->close);
    else
        printf("table of %u states: the net's own step in %.1f %%, within 0.1 in %.1f %% of %llu "
               "situations\n\n%-38s %-18s %-18s %-18s %-18s %-19s %-19s %s\n",
               table->state_cnt, 100 * f->same, 100 * f->close, (unsigned long long)f->seen,
               "value against the best multiplier", "pacer", "net", "table", "oracle",
               "net - pacer", "table - pacer", "oracle - pacer");
    fflush(stdout);
}

static void result_print(const struct wanted *w, const char *name, const struct qbid_gate_result *r)
{
    static const char *const arm[QBID_GATE_ARMS] = {"pacer", "net", "table", "oracle"};
    if (!w->json) {
        printf("%-38s", name);
        for (int a = 0; a < QBID_GATE_ARMS; a++)
            printf(" %.5f +- %.5f", r->value[a].mean, r->value[a].half);
        for (int a = QBID_GATE_NET; a < QBID_GATE_ARMS; a++)
            printf(" %+.5f +- %.5f", r->gain[a].mean, r->gain[a].half);
        printf("\n");
    } else {
        printf("{\"what\": \"gate\", \"market\": \"%s\", \"days\": %u", name, r->days);
        for (int a = 0; a < QBID_GATE_ARMS; a++)
            printf(", \"%s\": {\"value\": %.6f, \"value_half\": %.6f, \"gain\": %.6f, "
                   "\"gain_half\": %.6f, \"delivered_min\": %.4f, \"met_min\": %.4f, \"passes\": "
                   "%s}",
                   arm[a], r->value[a].mean, r->value[a].half, r->gain[a].mean, r->gain[a].half,
                   r->delivered_min[a], r->met_min[a],
                   qbid_gate_passes(r, (enum qbid_gate_arm)a) ? "true" : "false");
        printf("}\n");
    }
    fflush(stdout);
}

static int train_all(const struct wanted *w, struct qbid_dqn **dqn,
                     struct qbid_correction_table *table, int *ret_passes)
{
    struct qbid_train_fidelity fidelity;
    uint32_t cnt, third = w->params.days / DISTIL_PART + 1;
    const struct qbid_gate_market *markets = qbid_gate_markets(&cnt);
    int64_t now_s = (int64_t)time(NULL);
    int err = qbid_train(&w->params, dqn);
    if (!err)
        err = qbid_train_distil(&w->params, *dqn, third, table);
    if (err)
        return err;
    qbid_correction_seal(table, now_s, now_s + (int64_t)w->valid_days * DAY_S);
    err = qbid_correction_check(table, now_s);
    if (!err)
        err = qbid_train_fidelity(&w->params, *dqn, table, third, &fidelity);
    if (err)
        return err;
    fidelity_print(w, table, &fidelity);
    for (uint32_t m = 0; m < cnt && !err; m++) {
        struct qbid_gate_result result;
        err = qbid_gate_judge(&markets[m], *dqn, table, w->gate_days, w->params.seed, &result);
        if (err)
            return err;
        result_print(w, markets[m].name, &result);
        if (m == 0)
            *ret_passes = qbid_gate_passes(&result, QBID_GATE_TABLE);
    }
    return 0;
}

int qbid_sim_train(int argc, char **argv)
{
    struct wanted w = {.params = qbid_train_defaults(), .gate_days = 60, .valid_days = 30};
    const struct argp argp = {
        options, parse, NULL, "Train a correction of the pacer in simulated days; make its table.",
        NULL,    NULL,  NULL};
    argp_parse(&argp, argc, argv, 0, NULL, &w);
    struct qbid_correction_table *table = malloc(sizeof *table);
    struct qbid_dqn *dqn = NULL;
    int passes = 0, err = table ? train_all(&w, &dqn, table, &passes) : QBID_ERR_NOMEM;
    if (err)
        fprintf(stderr, "qbid-sim train: %s\n", qbid_strerror(err));
    if (!err && !w.json)
        printf("\nthe table %s the pacer on the market trained on\n",
               passes ? "beats" : "does not beat");
    int failed = err || (w.out && table_write(w.out, table));
    qbid_dqn_free(dqn);
    free(table);
    if (failed)
        return QBID_SIM_FAILED;
    return w.gate && !passes ? QBID_SIM_REFUSED : QBID_SIM_OK;
}
