/* SPDX-License-Identifier: Apache-2.0 */
/* The program itself: exit codes, what goes to which stream, an interrupted run. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <sys/wait.h>

#include "shm/version.h"
#include "tests/tools/replay/bidder.h"
#include "tests/tools/replay/source/rows.h"

enum { OUTPUT_MAX = 1 << 16 };

struct result {
    int code;
    char out[OUTPUT_MAX];
    char err[OUTPUT_MAX];
};

/* build/<profile>/bin/qbid-replay, beside build/<profile>/tests/ of this test. */
static void find_program(char path[4096])
{
    char self[3072];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = '\0';
    snprintf(path, 4096, "%s/../bin/qbid-replay", dirname(self));
}

static pid_t start(const char *line, FILE *out, FILE *err)
{
    char program[4096], copy[1024], *rest = copy, *word;
    char *words[48];
    int cnt = 0;
    find_program(program);
    words[cnt++] = program;
    snprintf(copy, sizeof copy, "%s", line);
    while ((word = strsep(&rest, " ")) && *word)
        words[cnt++] = word;
    words[cnt] = NULL;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fileno(out), STDOUT_FILENO);
        dup2(fileno(err), STDERR_FILENO);
        execv(program, words);
        _exit(127);
    }
    return pid;
}

static void read_back(FILE *file, char *text)
{
    rewind(file);
    size_t len = fread(text, 1, OUTPUT_MAX - 1, file);
    text[len] = '\0';
    fclose(file);
}

/* Runs the program; when `interrupt` is set, sends it a SIGINT after that long. */
static struct result *run(const char *line, unsigned interrupt_ms)
{
    struct result *result = calloc(1, sizeof *result);
    FILE *out = tmpfile(), *err = tmpfile();
    int status;
    assert_non_null(result);
    assert_non_null(out);
    assert_non_null(err);
    pid_t pid = start(line, out, err);
    if (interrupt_ms) {
        usleep(interrupt_ms * 1000);
        kill(pid, SIGINT);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    result->code = WEXITSTATUS(status);
    read_back(out, result->out);
    read_back(err, result->err);
    return result;
}

static void assert_run(const char *line, int code, const char *err)
{
    struct result *result = run(line, 0);
    if (result->code != code || !strstr(result->err, err))
        fail_msg("'%s' exits with %d and says '%s'", line, result->code, result->err);
    assert_string_equal(result->out, "");
    free(result);
}

static void a_bad_command_line_exits_2_and_names_the_option(void **state)
{
    (void)state;
    assert_run("", 2, "--url is missing");
    assert_run("--url http://127.0.0.1:1/ --count 1 --rate fast", 2, "--rate takes");
}

static void a_file_error_exits_1_and_names_file_and_line(void **state)
{
    static const char *const names[] = {"imp.a.txt"};
    char folder[64], line[256], says[128];
    (void)state;
    assert_run("--url http://127.0.0.1:1/ --log build/no-such-log", 1,
               "build/no-such-log: No such");
    make_folder(folder);
    write_file(folder, "imp.a.txt", ROW_LINE("a", "1", "1", "0", "5", "null") "\nbroken\n");
    snprintf(line, sizeof line, "--url http://127.0.0.1:1/ --log %s", folder);
    snprintf(says, sizeof says, "%s/imp.a.txt:2: a row has 24 columns", folder);
    assert_run(line, 1, says);
    remove_folder(folder, names, 1);
    assert_run("--url http://127.0.0.1:1/ --count 1 --answers build/no/such/folder", 1,
               "build/no/such/folder: No such");
}

static void a_server_that_cannot_be_reached_exits_3(void **state)
{
    (void)state;
    assert_run("--url http://127.0.0.1:1/bid --count 10", 3, "Connection refused");
    assert_run("--url http://no-such-host.invalid/ --count 10", 3, "no-such-host.invalid");
}

static void help_exits_0(void **state)
{
    struct result *result = run("--help", 0);
    (void)state;
    assert_int_equal(result->code, 0);
    assert_non_null(strstr(result->out, "--loss-feedback"));
    free(result);
    result = run("--version", 0);
    assert_int_equal(result->code, 0);
    assert_string_equal(result->out, "qbid-replay " QBID_VERSION "\n");
    free(result);
}

static void baselines_need_no_server(void **state)
{
    struct result *result =
        run("--count 20000 --campaign 1458 --ctr 0.01 --baselines 1/4 --output json --split 1/A "
            "--tune-on 1/B",
            0);
    (void)state;
    assert_int_equal(result->code, 0);
    cJSON *json = cJSON_Parse(result->out);
    assert_non_null(json);
    const cJSON *all = cJSON_GetObjectItem(json, "baselines"), *one;
    int64_t budget =
        strtoll(cJSON_GetStringValue(cJSON_GetObjectItem(json, "budget_nanos")), NULL, 10);
    double clicks = 0, hindsight = 0;
    assert_int_equal(cJSON_GetArraySize(all), 6);
    cJSON_ArrayForEach(one, all)
    {
        int64_t spend =
            strtoll(cJSON_GetStringValue(cJSON_GetObjectItem(one, "spend_nanos")), NULL, 10);
        assert_true(spend <= budget);
        hindsight = cJSON_GetObjectItem(one, "clicks")->valuedouble;
        clicks = hindsight > clicks ? hindsight : clicks;
    }
    assert_true(hindsight == clicks && hindsight > 0); /* the last one, and the best */
    cJSON_Delete(json);
    free(result);
}

static void a_run_reports_json_on_stdout_and_an_interrupt_exits_130(void **state)
{
    static struct bidder bidder = {.url = ""};
    struct sockaddr_in address;
    struct server *server = server_start(bidder_serve, &bidder, &address);
    char line[256];
    (void)state;
    snprintf(line, sizeof line,
             "--url http://localhost:%d/bid --count 500 --connections 2 --output json --quiet",
             ntohs(address.sin_port));
    struct result *result = run(line, 0);
    assert_int_equal(result->code, 0);
    assert_string_equal(result->err, "");
    cJSON *json = cJSON_Parse(result->out);
    assert_non_null(json);
    assert_int_equal(cJSON_GetObjectItem(json, "answered_200")->valueint, 500);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(json, "interrupted")));
    cJSON_Delete(json);
    free(result);

    snprintf(line, sizeof line,
             "--url http://127.0.0.1:%d/bid --duration 60 --rate 200 --output json",
             ntohs(address.sin_port));
    result = run(line, 1000);
    assert_int_equal(result->code, 130);
    json = cJSON_Parse(result->out);
    assert_non_null(json);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(json, "interrupted")));
    assert_true(cJSON_GetObjectItem(json, "auctions")->valueint > 0);
    assert_int_equal(cJSON_GetObjectItem(json, "auctions")->valueint,
                     cJSON_GetObjectItem(json, "answered")->valueint);
    cJSON_Delete(json);
    free(result);
    server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_command_line_exits_2_and_names_the_option),
        cmocka_unit_test(a_file_error_exits_1_and_names_file_and_line),
        cmocka_unit_test(a_server_that_cannot_be_reached_exits_3),
        cmocka_unit_test(help_exits_0),
        cmocka_unit_test(baselines_need_no_server),
        cmocka_unit_test(a_run_reports_json_on_stdout_and_an_interrupt_exits_130),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
