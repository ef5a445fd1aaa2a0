/* SPDX-License-Identifier: Apache-2.0 */
/* The program qbidd as others see it: its start, its signals, its end, and what survives a kill. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/config/yaml.h"
#include "tests/control/running.h"

#define SLOW "ticks: {learn_ms: 60000}\nimage_valid_ms: 900000\n"

static int setup(void **state)
{
    struct running *r = calloc(1, sizeof *r);
    *state = r;
    return running_setup(r, SLOW);
}

static int teardown(void **state)
{
    int err = running_teardown(*state);
    free(*state);
    return err;
}

static void import_example(const struct running *r)
{
    char *text;
    size_t len;
    assert_int_equal(qbid_yaml_read_file("control/account/example.yaml", &text, &len), 0);
    cJSON *request = cJSON_CreateObject();
    cJSON_AddStringToObject(request, "cmd", "import");
    cJSON_AddStringToObject(request, "file", "example.yaml");
    cJSON_AddStringToObject(request, "text", text);
    char *line = cJSON_PrintUnformatted(request);
    cJSON_Delete(running_ask_ok(r, line));
    free(line);
    free(text);
    cJSON_Delete(request);
}

static void a_configuration_is_checked_without_touching_anything(void **state)
{
    struct running *r = *state;
    char out[4096];
    char *argv[] = {(char *)(uintptr_t) "qbidd", (char *)(uintptr_t) "-t", r->config, NULL};
    assert_int_equal(running_command(r, out, sizeof out, argv), 0);
    struct stat st;
    assert_int_not_equal(stat(r->state, &st), 0);
    running_config(r, "tikcs: {}\nlease_ms: 5\n");
    assert_int_equal(running_command(r, out, sizeof out, argv), 1);
    assert_non_null(strstr(out, "qbidd.yaml:8:1: unknown key 'tikcs'; did you mean 'ticks'?"));
    running_config(r, "lease_ms: 5\n");
    assert_int_equal(running_command(r, out, sizeof out, argv), 1);
    assert_non_null(strstr(out, "qbidd.yaml:8:1: lease_ms: 5 is not in 1000..3600000"));
    argv[1] = (char *)(uintptr_t) "--nonsense";
    assert_int_equal(running_command(r, out, sizeof out, argv), 2);
    argv[1] = (char *)(uintptr_t) "-t";
    argv[2] = (char *)(uintptr_t) "/nonexistent/q.yaml";
    assert_int_equal(running_command(r, out, sizeof out, argv), 1);
    assert_non_null(strstr(out, "No such file"));
}

static void a_key_file_that_others_may_read_refuses_the_start(void **state)
{
    struct running *r = *state;
    char out[4096], key[64];
    snprintf(key, sizeof key, "%s/notice.key", r->folder);
    FILE *f = fopen(key, "w");
    fputs("1 000102030405060708090a0b0c0d0e0f\n", f);
    fclose(f);
    chmod(key, 0644);
    char *argv[] = {(char *)(uintptr_t) "qbidd", (char *)(uintptr_t) "-c", r->config, NULL};
    assert_int_equal(running_command(r, out, sizeof out, argv), 1);
    assert_non_null(strstr(out, "keys.file"));
    assert_non_null(strstr(out, "0600"));
    assert_null(strstr(out, "000102"));
}

static void a_second_qbidd_is_refused_and_told_who_is_there(void **state)
{
    struct running *r = *state;
    char out[4096], pid[32];
    running_start(r);
    snprintf(pid, sizeof pid, "pid %d", (int)r->pid);
    char *argv[] = {(char *)(uintptr_t) "qbidd", (char *)(uintptr_t) "-c", r->config, NULL};
    assert_int_equal(running_command(r, out, sizeof out, argv), 5);
    assert_non_null(strstr(out, pid));
    assert_non_null(strstr(out, r->socket));
    assert_true(running_number(r, "{\"cmd\":\"status\"}", "pid") == r->pid); /* unharmed */
}

static void term_ends_it_in_order_and_leaves_no_socket(void **state)
{
    struct running *r = *state;
    struct stat st;
    running_start(r);
    int status = running_end(r, SIGTERM);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_not_equal(stat(r->socket, &st), 0);
    assert_true(running_logged(r, "stopped"));
    running_start(r); /* and it starts again */
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    struct running *r = *state;
    running_start(r);
    import_example(r);
    cJSON_Delete(running_ask_ok(
        r, "{\"cmd\":\"target\",\"campaign\":1,\"set\":{\"budget\":\"77.123456789\"}}"));
    cJSON_Delete(running_ask_ok(r, "{\"cmd\":\"learning\",\"on\":false}"));
    double gen = running_number(r, "{\"cmd\":\"status\"}", "generation");
    cJSON *before = running_ask_ok(r, "{\"cmd\":\"account\"}");
    running_end(r, SIGKILL);
    running_start(r);
    cJSON *after = running_ask_ok(r, "{\"cmd\":\"account\"}");
    assert_true(cJSON_Compare(before, after, true));
    assert_true(running_number(r, "{\"cmd\":\"status\"}", "generation") > gen);
    cJSON *status = running_ask_ok(r, "{\"cmd\":\"status\"}");
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(status, "learning")));
    cJSON *campaign = cJSON_GetArrayItem(
        cJSON_GetObjectItem(cJSON_GetObjectItem(after, "account"), "campaigns"), 0);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(campaign, "budget")),
                        "77.123456789");
    assert_true(running_number(r, "{\"cmd\":\"audit\",\"verify\":true}", "verified") > 8);
    cJSON_Delete(before);
    cJSON_Delete(after);
    cJSON_Delete(status);
}

static void kills_at_any_moment_lose_no_generation_and_no_record(void **state)
{
    struct running *r = *state;
    running_config(r, "ticks: {learn_ms: 50, live_ms: 10, snapshot_ms: 1000}\n");
    double gen = 0;
    for (int i = 0; i < 8; i++) {
        running_start(r);
        if (i == 0)
            import_example(r);
        char request[128];
        for (int j = 0; j <= i; j++) {
            snprintf(request, sizeof request,
                     "{\"cmd\":\"target\",\"campaign\":2,\"set\":{\"budget\":\"%d.%d\"}}", 10 + i,
                     1 + j);
            cJSON_Delete(running_ask_ok(r, request));
        }
        double now = running_number(r, "{\"cmd\":\"status\"}", "generation");
        assert_true(now > gen);
        gen = now;
        usleep((useconds_t)(i * 7919 % 50) * 1000);
        running_end(r, SIGKILL);
    }
    running_start(r);
    assert_true(running_number(r, "{\"cmd\":\"audit\",\"verify\":true}", "verified") > 40);
    assert_true(running_number(r, "{\"cmd\":\"stat\"}", "counters/ledger.invariant_broken") == 0);
    cJSON *list = running_ask_ok(r, "{\"cmd\":\"generations\",\"max\":10000}");
    double last = 1e18;
    const cJSON *g;
    cJSON_ArrayForEach(g, cJSON_GetObjectItem(list, "generations"))
    {
        double number = cJSON_GetObjectItem(g, "generation")->valuedouble;
        assert_true(number < last); /* each number once */
        last = number;
        char path[160];
        struct stat st;
        snprintf(path, sizeof path, "%s/images/%s", r->state,
                 cJSON_GetStringValue(cJSON_GetObjectItem(g, "file")));
        if (cJSON_IsTrue(cJSON_GetObjectItem(g, "held"))) {
            assert_int_equal(stat(path, &st), 0);
            assert_int_equal(st.st_size, cJSON_GetObjectItem(g, "bytes")->valuedouble);
        }
    }
    cJSON_Delete(list);
}

static void a_reload_takes_good_values_and_keeps_the_old_for_bad_ones(void **state)
{
    struct running *r = *state;
    running_start(r);
    running_config(r, "ticks: {learn_ms: 0}\n");
    kill(r->pid, SIGHUP);
    assert_true(running_logged(r, "reload: refused, the former values stay"));
    assert_true(running_logged(r, "qbidd.yaml:8:9: ticks.learn_ms: 0 is not in 50"));
    double gen = running_number(r, "{\"cmd\":\"status\"}", "generation");
    running_config(r, "ticks: {learn_ms: 100}\nimage_valid_ms: 1000\n");
    kill(r->pid, SIGHUP);
    assert_true(running_logged(r, "reload: done"));
    for (int i = 0; i < 200 && running_number(r, "{\"cmd\":\"status\"}", "generation") <= gen; i++)
        usleep(10000);
    cJSON *status = running_ask_ok(r, "{\"cmd\":\"status\"}");
    assert_true(cJSON_GetObjectItem(status, "generation")->valuedouble > gen);
    assert_true(cJSON_GetObjectItem(status, "image_valid_s")->valuedouble == 1);
    cJSON_Delete(status);
    running_config(r, "grant_ppm: 5\n");
    kill(r->pid, SIGHUP);
    assert_true(running_logged(r, "reload: grant_ppm or grant_min changes at the next start only"));
}

static void new_signing_keys_are_taken_and_bad_ones_refused(void **state)
{
    struct running *r = *state;
    char key[64];
    running_start(r);
    snprintf(key, sizeof key, "%s/notice.key", r->folder);
    FILE *f = fopen(key, "a");
    fputs("9 000102030405060708090a0b0c0d0e0f\n", f);
    fclose(f);
    kill(r->pid, SIGHUP);
    assert_true(running_logged(r, "reload: done"));
    f = fopen(key, "a");
    fputs("7 000102030405060708090a0b0c0d0e0f\n", f);
    fclose(f);
    kill(r->pid, SIGHUP);
    assert_true(running_logged(r, "reload: refused: keys.file: holds more than two keys"));
}

static void the_log_is_opened_again_on_usr1(void **state)
{
    struct running *r = *state;
    char moved[80];
    running_start(r);
    snprintf(moved, sizeof moved, "%s.1", r->log);
    assert_int_equal(rename(r->log, moved), 0);
    kill(r->pid, SIGUSR1);
    for (int i = 0; i < 200 && access(r->log, F_OK) != 0; i++)
        usleep(10000);
    kill(r->pid, SIGHUP);
    assert_true(running_logged(r, "reload: done"));
}

static void the_service_manager_hears_ready_watchdog_and_stopping(void **state)
{
    struct running *r = *state;
    char path[64], said[4096] = "";
    snprintf(path, sizeof path, "%s/notify", r->folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", path, 1);
    setenv("WATCHDOG_USEC", "200000", 1);
    unsetenv("WATCHDOG_PID");
    running_start(r);
    usleep(600000);
    running_end(r, SIGTERM);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsigned watchdogs = 0;
    char text[256];
    ssize_t n;
    while ((n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
        text[n] = '\0';
        watchdogs += strcmp(text, "WATCHDOG=1") == 0;
        strncat(said, text, sizeof said - strlen(said) - 1);
    }
    close(fd);
    assert_int_equal(strncmp(said, "READY=1", 7), 0);
    assert_true(watchdogs >= 1);
    assert_non_null(strstr(said, "STOPPING=1"));
}

static void in_the_background_the_start_ends_when_it_answers(void **state)
{
    struct running *r = *state;
    char out[4096];
    char *argv[] = {(char *)(uintptr_t) "qbidd", (char *)(uintptr_t) "--daemon",
                    (char *)(uintptr_t) "-c", r->config, NULL};
    assert_int_equal(running_command(r, out, sizeof out, argv), 0);
    double pid = running_number(r, "{\"cmd\":\"status\"}", "pid");
    assert_true(pid > 1 && pid != getpid());
    assert_int_equal(running_command(r, out, sizeof out, argv), 5); /* and says so when not */
    assert_int_equal(kill((pid_t)pid, SIGTERM), 0);
    assert_true(running_logged(r, "stopped"));
}

static void a_disk_that_takes_no_more_refuses_changes_and_goes_on(void **state)
{
    struct running *r = *state;
    static const char change[] = "{\"cmd\":\"target\",\"campaign\":1,\"set\":{\"budget\":\"5\"}}";
    running_start(r);
    import_example(r);
    struct rlimit none = {4096, RLIM_INFINITY}, all = {RLIM_INFINITY, RLIM_INFINITY};
    assert_int_equal(prlimit(r->pid, RLIMIT_FSIZE, &none, NULL), 0);
    cJSON *answer = running_ask(r, change);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(answer, "ok")));
    const cJSON *error = cJSON_GetObjectItem(answer, "error");
    assert_int_equal(cJSON_GetObjectItem(error, "exit")->valueint, 5);
    assert_non_null(
        strstr(cJSON_GetStringValue(cJSON_GetObjectItem(error, "message")), "nothing was changed"));
    cJSON_Delete(answer);
    cJSON *top = running_ask_ok(r, "{\"cmd\":\"top\"}");
    const cJSON *campaign = cJSON_GetArrayItem(cJSON_GetObjectItem(top, "campaigns"), 0);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(campaign, "budget")), "250");
    cJSON_Delete(top);
    assert_int_equal(prlimit(r->pid, RLIMIT_FSIZE, &all, NULL), 0);
    cJSON_Delete(running_ask_ok(r, change));
    running_end(r, SIGKILL);
    running_start(r);
    assert_true(running_number(r, "{\"cmd\":\"audit\",\"verify\":true}", "verified") > 8);
}

static void senseless_requests_get_a_reason_and_harm_nothing(void **state)
{
    struct running *r = *state;
    static const char *const requests[] = {
        "x",
        "",
        "[]",
        "{}",
        "{\"cmd\":5}",
        "{\"cmd\":\"nothing\"}",
        "{\"cmd\":\"top\",\"window\":\"2h\"}",
        "{\"cmd\":\"snapshot\",\"kind\":\"planet\"}",
        "{\"cmd\":\"history\",\"kind\":\"campaign\",\"id\":-1}",
        "{\"cmd\":\"history\",\"kind\":\"context\",\"id\":1}",
        "{\"cmd\":\"import\"}",
        "{\"cmd\":\"import\",\"text\":\"{{{\"}",
        "{\"cmd\":\"target\",\"campaign\":1}",
        "{\"cmd\":\"target\",\"campaign\":1e300,\"set\":{\"goal\":\"max_clicks\"}}",
        "{\"cmd\":\"target\",\"campaign\":404,\"set\":{\"goal\":\"max_clicks\"}}",
        "{\"cmd\":\"target\",\"campaign\":1,\"set\":{\"line_items\":[]}}",
        "{\"cmd\":\"target\",\"campaign\":1,\"set\":{\"goal\":\"maximise_roas\"}}",
        "{\"cmd\":\"target\",\"campaign\":1,\"set\":{\"budget\":[1,2]}}",
        "{\"cmd\":\"learning\",\"on\":\"yes\"}"};
    running_start(r);
    import_example(r);
    double gen = running_number(r, "{\"cmd\":\"status\"}", "generation");
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        cJSON *answer = running_ask(r, requests[i]);
        assert_true(cJSON_IsFalse(cJSON_GetObjectItem(answer, "ok")));
        const cJSON *error = cJSON_GetObjectItem(answer, "error");
        assert_true(strlen(cJSON_GetStringValue(cJSON_GetObjectItem(error, "message"))) > 5);
        assert_true(cJSON_GetObjectItem(error, "exit")->valueint > 0);
        cJSON_Delete(answer);
    }
    assert_true(running_number(r, "{\"cmd\":\"status\"}", "generation") == gen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_configuration_is_checked_without_touching_anything, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_key_file_that_others_may_read_refuses_the_start, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_second_qbidd_is_refused_and_told_who_is_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(term_ends_it_in_order_and_leaves_no_socket, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_acknowledged_survives_a_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(kills_at_any_moment_lose_no_generation_and_no_record, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reload_takes_good_values_and_keeps_the_old_for_bad_ones,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(new_signing_keys_are_taken_and_bad_ones_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_log_is_opened_again_on_usr1, setup, teardown),
        cmocka_unit_test_setup_teardown(the_service_manager_hears_ready_watchdog_and_stopping,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(in_the_background_the_start_ends_when_it_answers, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_takes_no_more_refuses_changes_and_goes_on,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(senseless_requests_get_a_reason_and_harm_nothing, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
