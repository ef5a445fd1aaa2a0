/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any text as qbidd's configuration. What is accepted keeps its stated ranges, what is
 * refused has a reason with a place. */
#include <stdlib.h>
#include <string.h>

#include "control/config/config.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_replays = 20000;

static void demand(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qbid_problems problems = {.file = "fuzz"};
    static struct qbid_config config;
    char line[QBID_PROBLEM_LINE_MAX];
    int err = qbid_config_parse((const char *)data, size, "/base", &problems, &config);
    demand((err == 0) == (problems.cnt == 0));
    for (uint32_t i = 0; i < qbid_problems_kept(&problems); i++)
        demand(qbid_problems_format(&problems, i, line) > strlen("fuzz: "));
    if (err)
        return 0;
    demand(config.state_dir[0] == '/' && config.handover.path[0] == '/');
    demand(config.ticks.ingest_ms >= 1 && config.ticks.ingest_ms <= 1000);
    demand(config.lease_ms >= 2 * config.ticks.live_ms);
    demand(config.price_ceiling_cpm >= 1 && config.price_ceiling_cpm <= QBID_PRICE_MICROS_MAX);
    demand(config.learning.explore >= 0 && config.learning.explore <= 0.1);
    demand(config.level_cnt >= 1 && config.level_cnt <= QBID_LEVEL_MAX);
    demand(config.stale_factor >= 0 && config.stale_factor <= 1);
    demand(qbid_config_fixed(&config, &config) == NULL);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    static const char *const seeds[] = {
        "state_dir: /x\nprivacy: {gdpr_unknown: applies, vendor_id: 3}\n",
        "state_dir: state\nhandover: {path: a.sock, mode: 0600, allow_uids: [33, 1000]}\n"
        "control: {path: /tmp/c.sock}\nlog: {level: debug, target: q.log}\ncurrency: CNY\n"
        "rates: [{currency: USD, per_unit: \"7.25\"}]\nprivacy: {gdpr_unknown: applies_not}\n",
        "levels: [[exchange, slot, hour], [slot]]\nmarket_segments: [geo]\non_stale: "
        "{conservative: 0.5}\nlearning: {enabled: no, explore: 0.1}\nseed: 18446744073709551615\n",
        "{\"ticks\": {\"learn_ms\": 1000}, \"durability\": \"strict\", \"on_stale\": \"decline\"}",
        "a: &x [1]\nb: *x\n<<: {c: 1}\n"};
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++)
        fn(context, seeds[i], strlen(seeds[i]));
}
