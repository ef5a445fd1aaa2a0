/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request on the control socket, against a whole engine with an account: what it
 * answers is one line of JSON that says whether it worked. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/api/commands.h"
#include "shm/clock.h"
#include "tests/fuzz/fuzz.h"
#include "tests/plugin/openrtb/openrtb_oracle.h"

const unsigned fuzz_replays = 2000;

#define WORK_MAX 2000 /* inputs until the engine starts anew, so that none hangs on many others */

static struct qbid_engine *engine;
static struct qbid_config config;
static struct qbid_commands commands;
static char folder[64];

static void must(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "control: %s\n", what);
    abort();
}

static void say(void *context, enum qbid_log_level level, const char *line)
{
    (void)context;
    (void)level;
    (void)line;
}

static int unlink_one(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void engine_stop(void)
{
    qbid_engine_free(engine);
    engine = NULL;
    if (*folder)
        nftw(folder, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
    *folder = '\0';
}

static char *answer(const char *request, size_t len)
{
    const struct qbid_api_peer peer = {.pid = 1, .uid = 0};
    return qbid_commands_answer(&commands, &peer, request, len);
}

static const char import[] =
    "{\"cmd\":\"import\",\"file\":\"a.yaml\",\"text\":\"campaigns: [{id: 7, name: spring, budget: "
    "3, end: +24h, goal: {fixed_cpm: 2}, line_items: [{id: 70, ceiling: 2, adomain: shop.example, "
    "creatives: [{id: 700, format: banner, size: 300x250, markup: x, landing: "
    "'https://shop.example/'}]}]}]\"}";

static void engine_start(void)
{
    static const char text[] = "state_dir: state\nprivacy: {gdpr_unknown: applies}\n"
                               "handover: {path: qbid.sock}\ncontrol: {path: control.sock}\n"
                               "keys: {file: keys, create: true}\ncurrency: CNY\n"
                               "levels: [[site, exchange], [site]]\nmarket_segments: [exchange]\n"
                               "capacity: {line_items: 64, budgets: 16, workers: 2, "
                               "ring_lg_events: 12}\n";
    static struct qbid_problems problems;
    static int registered;
    char why[QBID_ENGINE_WHY_MAX] = "";
    if (!registered++)
        atexit(engine_stop);
    strcpy(folder, "/tmp/qbid-fuzz-XXXXXX");
    must(mkdtemp(folder) != NULL, "folder");
    memset(&problems, 0, sizeof problems);
    must(qbid_config_parse(text, strlen(text), folder, &problems, &config) == 0, "configuration");
    must(qbid_engine_new(&config, say, NULL, &engine, why) == 0, why);
    commands = (struct qbid_commands){.engine = engine,
                                      .config = &config,
                                      .config_path = "fuzz.yaml",
                                      .started_boot_ns = qbid_clock_boot_ns(),
                                      .started_unix_ns = qbid_clock_unix_ns()};
    char *said = answer(import, sizeof import - 1);
    must(said && strstr(said, "\"ok\":true"), said ? said : "no answer");
    free(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned work;
    unsigned depth;
    if (work++ % WORK_MAX == 0) {
        engine_stop();
        engine_start();
    }
    char *request = malloc(size + 1); /* the socket hands over a line, terminated */
    memcpy(request, data, size);
    request[size] = '\0';
    char *said = answer(request, size);
    must(said != NULL, "no answer");
    must(strchr(said, '\n') == NULL, said);
    must(json_oracle_valid(said, strlen(said), &depth), said);
    must(strncmp(said, "{\"ok\":true,", 11) == 0 || strncmp(said, "{\"ok\":false,", 12) == 0, said);
    free(said);
    free(request);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    static const char *const seed[] = {
        "{\"cmd\":\"help\"}",
        "{\"cmd\":\"status\"}",
        "{\"cmd\":\"stat\"}",
        "{\"cmd\":\"top\",\"window\":\"5min\"}",
        "{\"cmd\":\"live\"}",
        "{\"cmd\":\"ledger\"}",
        "{\"cmd\":\"snapshot\",\"kind\":\"line_item\",\"id\":70,\"window\":\"1h\",\"max\":3}",
        "{\"cmd\":\"snapshot\",\"kind\":\"context\",\"max\":1e3}",
        "{\"cmd\":\"history\",\"kind\":\"campaign\",\"id\":7,\"from_unix_s\":0}",
        import,
        "{\"cmd\":\"import\",\"text\":\"campaigns: []\",\"dry_run\":true,\"prune\":true}",
        "{\"cmd\":\"target\",\"campaign\":7,\"set\":{\"budget\":\"5\",\"goal\":\"max_clicks\"},"
        "\"dry_run\":true}",
        "{\"cmd\":\"target\",\"campaign\":7,\"set\":{\"goal\":{\"target_cpc\":0.4}}}",
        "{\"cmd\":\"patterns\"}",
        "{\"cmd\":\"patterns\",\"tenant\":1,\"metric\":\"ctr\",\"subject\":\"slot=native\","
        "\"across\":\"exchange\",\"sources\":true,\"max\":7}",
        "{\"cmd\":\"patterns\",\"tenant\":-1}",
        "{\"cmd\":\"override\"}",
        "{\"cmd\":\"override\",\"line_item\":70,\"set\":{\"fixed\":\"2.5\",\"until\":\"+2h\","
        "\"why\":\"a: b\"}}",
        "{\"cmd\":\"override\",\"campaign\":7,\"set\":{\"multiplier\":1.5,"
        "\"until\":\"9999-12-31T23:59:59Z\",\"why\":\"x\"},\"dry_run\":true}",
        "{\"cmd\":\"override\",\"campaign\":7,\"set\":{\"multiplier\":[1],\"until\":null,"
        "\"why\":\"\"}}",
        "{\"cmd\":\"override\",\"campaign\":7,\"clear\":true,\"why\":\"over\"}",
        "{\"cmd\":\"account\"}",
        "{\"cmd\":\"recommend\",\"verb\":\"add\",\"item\":\"campaign\",\"item_id\":7,\"field\":"
        "\"budget\",\"value\":\"3.1\",\"reason\":\"r\",\"impact\":\"0.5\",\"loss\":\"0.1\"}",
        "{\"cmd\":\"recommend\",\"verb\":\"add\",\"item\":\"line_item\",\"item_id\":70,\"field\":"
        "\"site\",\"value\":\"a,b\",\"reason\":\"r\",\"confidence\":0.9,\"risk\":1e3}",
        "{\"cmd\":\"recommend\",\"status\":\"pending\",\"max\":3}",
        "{\"cmd\":\"recommend\",\"verb\":\"approve\",\"id\":\"1\",\"dry_run\":true}",
        "{\"cmd\":\"recommend\",\"verb\":\"reject\",\"id\":\"00c0ffee00c0ffee\",\"why\":\"w\"}",
        "{\"cmd\":\"apply\"}",
        "{\"cmd\":\"apply\",\"id\":\"ffffffffffffffff\",\"dry_run\":true}",
        "{\"cmd\":\"rollback\",\"execution\":2,\"only\":true,\"dry_run\":true}",
        "{\"cmd\":\"rollback\",\"execution\":1,\"why\":\"w\"}",
        "{\"cmd\":\"executions\",\"id\":1}",
        "{\"cmd\":\"hold\",\"verb\":\"on\",\"item\":\"creative\",\"id\":700,\"why\":\"w\"}",
        "{\"cmd\":\"hold\",\"verb\":\"off\",\"item\":\"campaign\",\"id\":7}",
        "{\"cmd\":\"generations\",\"max\":2}",
        "{\"cmd\":\"audit\",\"max\":5,\"verify\":true}",
        "{\"cmd\":\"publish\",\"reason\":\"because \\\"\\u00fc\\n\"}",
        "{\"cmd\":\"learning\",\"on\":false}",
        "{\"cmd\":7}",
        "{\"cmd\":\"sna\x80shot\"}", /* was echoed: an answer that was not UTF-8 */
        "[]",
        "",
    };
    for (size_t i = 0; i < sizeof seed / sizeof seed[0]; i++)
        fn(context, seed[i], strlen(seed[i]));
}
