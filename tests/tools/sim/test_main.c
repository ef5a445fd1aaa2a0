/* SPDX-License-Identifier: Apache-2.0 */
/* The program itself: exit codes, and what it says to a wrong command line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/version.h"
#include "tools/sim/command.h"

/* What build/<profile>/bin/qbid-sim says, both streams together, and its exit code. */
static int say(const char *arguments, char out[8192])
{
    char self[2048], line[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = '\0';
    snprintf(line, sizeof line, "'%s/../bin/qbid-sim' %s 2>&1", dirname(self), arguments);
    FILE *f = popen(line, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, 8191, f);
    out[n] = '\0';
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void help_lists_the_exit_codes(void **state)
{
    char out[8192];
    (void)state;
    assert_int_equal(say("--help", out), QBID_SIM_OK);
    assert_non_null(strstr(out, "Exit codes: 0 ok"));
    assert_int_equal(say("--version", out), QBID_SIM_OK);
    assert_string_equal(out, "qbid-sim " QBID_VERSION "\n");
}

static void a_command_line_without_a_command_is_refused(void **state)
{
    char out[8192];
    (void)state;
    assert_int_equal(say("", out), QBID_SIM_USAGE);
    assert_non_null(strstr(out, "a command is needed"));
    assert_int_equal(say("--nonsense", out), QBID_SIM_USAGE);
}

/* Impressions of three sites, of which one is clicked; some come twice, one line is damaged. */
static void models_judge_each_impression_once(void **state)
{
    char out[8192];
    (void)state;
    FILE *file = fopen("/tmp/qbid_sim_models.csv", "w");
    assert_non_null(file);
    fputs("id,click,hour,C1,banner_pos,site_id\n", file);
    for (int i = 0; i < 3000; i++)
        fprintf(file, "%d,%d,1,1005,0,site%d,d,c,app,a,b,dev,ip,model,1,0,1,320,50,2,0,35,-1,79\n",
                i % 2000, i % 2000 % 3 == 0 && i % 2000 % 4 != 0, i % 2000 % 3);
    assert_int_equal(fclose(file), 0);
    const char *line = "models --data /tmp/qbid_sim_models.csv --step 50";
    assert_int_equal(say(line, out), QBID_SIM_OK);
    cJSON *json = cJSON_Parse(out);
    assert_int_equal(cJSON_GetObjectItem(json, "impressions")->valueint, 2000);
    assert_int_equal(cJSON_GetObjectItem(json, "repeated")->valueint, 1000);
    assert_int_equal(cJSON_GetObjectItem(json, "clicks")->valueint, 500);
    double constant = cJSON_GetObjectItem(json, "constant")->valuedouble;
    const cJSON *model, *models = cJSON_GetObjectItem(json, "models");
    assert_int_equal(cJSON_GetArraySize(models), 4);
    cJSON_ArrayForEach(model, models) /* 0.19 of entropy left, of 0.56 */
        assert_true(cJSON_GetObjectItem(model, "loss")->valuedouble < 0.6 * constant);
    cJSON_Delete(json);
    file = fopen("/tmp/qbid_sim_models.csv", "a");
    assert_non_null(file);
    fputs("1,maybe,2\n", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(say(line, out), QBID_SIM_FAILED);
    assert_non_null(strstr(out, "--data: /tmp/qbid_sim_models.csv: a line is neither"));
    remove("/tmp/qbid_sim_models.csv");
    assert_int_equal(say(line, out), QBID_SIM_FAILED);
    assert_int_equal(say("models", out), QBID_SIM_USAGE);
    assert_int_equal(say("models --data x --step 0", out), QBID_SIM_USAGE);
}

static void a_small_arena_reports_as_json_and_draws(void **state)
{
    char out[8192];
    (void)state;
    const char *line = "arena --seeds 2 --auctions 2000 --users 500 --learn-days 1 --strategies "
                       "oracle,constant --output json --plot /tmp/qbid_sim_test.svg";
    assert_int_equal(say(line, out), QBID_SIM_OK);
    cJSON *json = cJSON_Parse(out);
    const cJSON *strategies = cJSON_GetObjectItem(json, "strategies");
    assert_int_equal(cJSON_GetArraySize(strategies), 2);
    const cJSON *oracle = cJSON_GetArrayItem(strategies, 0);
    assert_string_equal(cJSON_GetObjectItem(oracle, "name")->valuestring, "oracle");
    const cJSON *ratio = cJSON_GetObjectItem(oracle, "to_oracle");
    assert_true(cJSON_GetObjectItem(ratio, "mean")->valuedouble == 1);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(oracle, "seeds")), 2);
    cJSON_Delete(json);
    FILE *svg = fopen("/tmp/qbid_sim_test.svg", "r");
    assert_non_null(svg);
    assert_true(fread(out, 1, 4, svg) == 4 && memcmp(out, "<svg", 4) == 0);
    fclose(svg);
    unlink("/tmp/qbid_sim_test.svg");
}

static void wrong_options_are_refused_by_name(void **state)
{
    char out[8192];
    (void)state;
    assert_int_equal(say("arena --budget much", out), QBID_SIM_USAGE);
    assert_non_null(strstr(out, "--budget: 'much' is no number"));
    assert_int_equal(say("arena --strategies qbid,luck", out), QBID_SIM_USAGE);
    assert_non_null(strstr(out, "there is no strategy 'luck'"));
    assert_int_equal(say("arena --campaigns 8 --line-items 9", out), QBID_SIM_USAGE);
    assert_int_equal(say("arena --profile /nonexistent", out), QBID_SIM_FAILED);
    assert_int_equal(say("faults --runs 0", out), QBID_SIM_USAGE);
}

static void a_gate_that_is_not_met_has_its_exit_code(void **state)
{
    char out[8192];
    (void)state;
    assert_int_equal(say("faults --runs 5", out), QBID_SIM_OK);
    assert_int_equal(say("faults --runs 30 --forgetful --output json", out), QBID_SIM_REFUSED);
    assert_non_null(strstr(out, "\"overspent\": "));
}

static void an_unknown_command_is_named(void **state)
{
    char out[8192];
    (void)state;
    assert_int_equal(say("arenas --seeds 2", out), QBID_SIM_USAGE);
    assert_non_null(strstr(out, "there is no command 'arenas'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_lists_the_exit_codes),
        cmocka_unit_test(a_command_line_without_a_command_is_refused),
        cmocka_unit_test(models_judge_each_impression_once),
        cmocka_unit_test(a_small_arena_reports_as_json_and_draws),
        cmocka_unit_test(wrong_options_are_refused_by_name),
        cmocka_unit_test(a_gate_that_is_not_met_has_its_exit_code),
        cmocka_unit_test(an_unknown_command_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
