/* SPDX-License-Identifier: Apache-2.0 */
/* The program qbid against a real qbidd: exit codes, what goes to which stream, before and after.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/version.h"
#include "tests/control/running.h"

#define TEXT_MAX 65536

struct fixture {
    struct running r;
    char program[600];
    char out[TEXT_MAX], err[TEXT_MAX];
};

static int group_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    if (!f || running_setup(&f->r, "ticks: {learn_ms: 60000}\nimage_valid_ms: 900000\n") != 0)
        return -1;
    snprintf(f->program, sizeof f->program, "%.*s/qbid",
             (int)(strrchr(f->r.program, '/') - f->r.program), f->r.program);
    unsetenv("QBID_SOCKET");
    running_start(&f->r);
    return 0;
}

static int group_teardown(void **state)
{
    struct fixture *f = *state;
    int err = running_teardown(&f->r);
    free(f);
    return err;
}

static void slurp(FILE *f, char *out)
{
    rewind(f);
    out[fread(out, 1, TEXT_MAX - 1, f)] = '\0';
    fclose(f);
}

/* Run "qbid ARGS" through a shell, which splits them; returns the exit code. */
static int run(struct fixture *f, const char *args, const char *input)
{
    char line[1024];
    snprintf(line, sizeof line, "exec '%s' %s", f->program, args);
    FILE *out = tmpfile(), *err = tmpfile(), *in = tmpfile();
    fputs(input ? input : "", in);
    rewind(in);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fileno(in), 0);
        dup2(fileno(out), 1);
        dup2(fileno(err), 2);
        execl("/bin/sh", "sh", "-c", line, NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    fclose(in);
    slurp(out, f->out);
    slurp(err, f->err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int ask(struct fixture *f, const char *args)
{
    char line[900];
    snprintf(line, sizeof line, "--socket %s %s", f->r.socket, args);
    return run(f, line, NULL);
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in: %s", part, text);
}

static void without_a_decision_log_ope_says_how_to_get_one(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "ope"), 1);
    has(f->err, "/decisions: there is no decision log; learning.log_mb");
    assert_int_equal(ask(f, "explain --bid last"), 1);
    has(f->err, "/decisions: No such file");
    assert_int_equal(ask(f, "explain --bid x"), 2);
    has(f->err, "--bid takes the nonce of a bid, or last, not 'x'");
    assert_int_equal(ask(f, "explain --log /tmp --image x r.json"), 2);
    has(f->err, "--log is for --bid only");
}

static void an_import_shows_what_differs_and_is_applied_once(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "import --dry-run control/account/example.yaml"), 0);
    has(f->out, "+ campaign 1\n");
    has(f->out, "      budget: 250\n");
    has(f->out, "7 added, 0 changed, 0 removed, 0 unchanged");
    has(f->out, "active budgets: 0 -> 350");
    has(f->out, "dry run: nothing was changed");
    assert_string_equal(f->err, "");
    assert_int_equal(ask(f, "account dump"), 0);
    has(f->out, "\"campaigns\":\t[]");
    assert_int_equal(ask(f, "import control/account/example.yaml"), 0);
    has(f->out, "applied; generation");
    assert_int_equal(ask(f, "account dump --output json"), 0);
    char *dump = strdup(f->out);
    char line[256];
    snprintf(line, sizeof line, "--socket %s import -", f->r.socket);
    assert_int_equal(run(f, line, dump), 0); /* the dump is an account file */
    has(f->out, "0 added, 0 changed, 0 removed, 7 unchanged");
    has(f->out, "nothing to change");
    free(dump);
}

static void a_wrong_file_is_refused_with_every_place(void **state)
{
    struct fixture *f = *state;
    char line[256];
    snprintf(line, sizeof line, "--socket %s import -", f->r.socket);
    assert_int_equal(run(f, line, "campaigns:\n- {id: 9, budgt: 3}\n"), 1);
    assert_string_equal(f->out, "");
    has(f->err, "-:2:3: campaign 9: budget is missing\n");
    has(f->err, "-:2:11: campaign 9: unknown key 'budgt'; did you mean 'budget'?\n");
    has(f->err, "nothing was changed");
    snprintf(line, sizeof line, "--socket %s --output json import -", f->r.socket);
    assert_int_equal(run(f, line, "{"), 1);
    cJSON *answer = cJSON_Parse(f->out);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(answer, "ok")));
    cJSON_Delete(answer);
    assert_int_equal(ask(f, "import /nonexistent.yaml"), 1);
    has(f->err, "No such file");
}

static void a_target_is_set_with_before_and_after(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "target set 1 --budget 12.5 --active no --dry-run"), 0);
    has(f->out, "~ campaign 1\n      budget: 250 -> 12.5\n      active: true -> false\n");
    has(f->out, "active budgets: 350 -> 100");
    assert_int_equal(ask(f, "target set 1 --goal max_clicks --pacing asap"), 0);
    has(f->out, "      goal: target_cpc -> max_clicks\n      target: 1.2 -> 0\n");
    has(f->out, "applied; generation");
    assert_int_equal(ask(f, "target set 1 --goal maximise_roas"), 1);
    has(f->err, "return on spend is highest at no spend");
    assert_int_equal(ask(f, "target set 77 --budget 1"), 1);
    has(f->err, "no campaign 77");
    assert_int_equal(ask(f, "audit -m 2"), 0);
    has(f->out, "campaign 1 changed (target of campaign 1)\n    - goal=target_cpc");
}

static void every_command_speaks_json_with_its_version(void **state)
{
    struct fixture *f = *state;
    static const char *const commands[] = {"status",
                                           "stat",
                                           "top",
                                           "live",
                                           "ledger",
                                           "snapshot",
                                           "snapshot context",
                                           "audit",
                                           "generations",
                                           "publish",
                                           "learning on",
                                           "partners",
                                           "keys list",
                                           "history --id 1",
                                           "target set 1 --budget 5 --dry-run"};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char line[128];
        snprintf(line, sizeof line, "%s --output json", commands[i]);
        assert_int_equal(ask(f, line), 0);
        assert_string_equal(f->err, "");
        cJSON *answer = cJSON_Parse(f->out);
        assert_true(cJSON_IsTrue(cJSON_GetObjectItem(answer, "ok")));
        assert_int_equal(cJSON_GetObjectItem(answer, "schema_version")->valueint, 1);
        cJSON_Delete(answer);
        assert_int_equal(ask(f, commands[i]), 0); /* and in words */
        assert_true(strlen(f->out) > 0);
        assert_null(strstr(f->out, "\033")); /* no colour off a terminal */
    }
}

static void keys_are_rotated_once_and_then_only_by_force(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ask(f, "keys list"), 0);
    has(f->out, "signs     key 1");
    assert_null(strstr(f->out, "verifies"));
    assert_int_equal(ask(f, "keys rotate"), 0);
    has(f->out, "signs     key 2\nverifies  key 1 as well");
    assert_int_equal(ask(f, "keys rotate"), 5); /* tokens of key 1 may still come */
    has(f->err, "notices signed with its second key may come for");
    assert_int_equal(ask(f, "keys rotate --force"), 0);
    has(f->out, "signs     key 3\nverifies  key 2 as well");
    assert_int_equal(ask(f, "audit -m 1"), 0);
    has(f->out, "keys rotated");
    assert_int_equal(ask(f, "audit --verify"), 0);
    assert_int_equal(ask(f, "keys"), 2);
    assert_int_equal(ask(f, "keys turn"), 2);
}

static void a_wrong_command_line_is_a_usage_error(void **state)
{
    struct fixture *f = *state;
    static const char *const lines[] = {"",
                                        "nothing",
                                        "--nonsense status",
                                        "status extra",
                                        "--output xml status",
                                        "target",
                                        "target set",
                                        "target set x --budget 1",
                                        "target set 1",
                                        "learning perhaps",
                                        "learning",
                                        "account",
                                        "import",
                                        "top -d 0",
                                        "audit -m 0",
                                        "snapshot nothing",
                                        "explain",
                                        "history campaign",
                                        "history context --id 1"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (ask(f, lines[i]) != 2)
            fail_msg("qbid %s: %s", lines[i], f->err);
        assert_string_equal(f->out, "");
        assert_true(strlen(f->err) > 10);
    }
    assert_int_equal(ask(f, "--help"), 0);
    has(f->out, "generations  what was published");
    const char *at = strstr(f->out, "Commands (");
    while ((at = strchr(at, '\n') + 1) && *at != '\n') /* no line is so long that it was broken */
        assert_memory_equal(at, "  ", 2);
    assert_int_equal(ask(f, "--version"), 0);
    assert_string_equal(f->out, "qbid " QBID_VERSION "\n");
}

static void a_reload_is_waited_for_and_says_what_is_wrong(void **state)
{
    struct fixture *f = *state;
    running_config(&f->r, "ticks: {learn_ms: 0}\n");
    assert_int_equal(ask(f, "reload"), 1);
    has(f->err, "ticks.learn_ms: 0 is not in 50..");
    has(f->err, "1 problem; nothing was changed");
    running_config(&f->r, "grant_ppm: 5\n");
    assert_int_equal(ask(f, "reload"), 0);
    has(f->out, "but grant_ppm or grant_min: at the next start");
    running_config(&f->r, "ticks: {learn_ms: 60000}\nimage_valid_ms: 900000\n");
    assert_int_equal(ask(f, "reload"), 0);
    has(f->out, "is in force\n");
    assert_int_equal(ask(f, "audit -m 1"), 0);
    has(f->out, "reload (configuration read again)");
}

static void the_socket_is_found_by_option_configuration_or_environment(void **state)
{
    struct fixture *f = *state;
    char line[256];
    snprintf(line, sizeof line, "status --config %s", f->r.config);
    assert_int_equal(run(f, line, NULL), 0);
    setenv("QBID_SOCKET", f->r.socket, 1);
    assert_int_equal(run(f, "status", NULL), 0);
    unsetenv("QBID_SOCKET");
    assert_int_equal(run(f, "--socket /nonexistent/s status", NULL), 3);
    has(f->err, "no qbidd answers on /nonexistent/s");
    assert_int_equal(run(f, "status --config /nonexistent.yaml", NULL), 1);
    has(f->err, "No such file");
}

static void a_reader_without_permission_is_denied(void **state)
{
    struct fixture *f = *state;
    if (geteuid() != 0) {
        fprintf(stderr, "skipped: only root may become another user\n");
        skip();
    }
    char line[1024];
    chmod(f->r.folder, 0755);
    snprintf(line, sizeof line,
             "exec setpriv --reuid 65534 --regid 65534 --clear-groups '%s' --socket %s status 2>&1",
             f->program, f->r.socket);
    FILE *p = popen(line, "r");
    f->out[fread(f->out, 1, TEXT_MAX - 1, p)] = '\0';
    int status = pclose(p);
    if (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127) {
        fprintf(stderr, "skipped: the build folder is closed to other users\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 4);
}

static void an_explanation_uses_the_image_that_qbidd_keeps(void **state)
{
    struct fixture *f = *state;
    char path[64], line[256];
    snprintf(path, sizeof path, "%s/request.json", f->r.folder);
    FILE *request = fopen(path, "w");
    fputs("{\"id\":\"r1\",\"at\":2,\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":300,\"h\":250}}],"
          "\"device\":{\"geo\":{\"country\":\"USA\"}}}",
          request);
    fclose(request);
    snprintf(line, sizeof line, "explain %s --exchange 1 --live --output json", path);
    assert_int_equal(ask(f, line), 0);
    cJSON *answer = cJSON_Parse(f->out);
    assert_non_null(answer);
    cJSON_Delete(answer);
    snprintf(line, sizeof line, "explain %s --exchange 1 --generation 1", path);
    assert_int_equal(ask(f, line), 0);
    snprintf(line, sizeof line, "explain %s --generation 999999", path);
    assert_int_equal(ask(f, line), 1);
    assert_int_equal(ask(f, "explain --help"), 0);
    has(f->out, "--generation N");
    unlink(path);
}

/* The id that an answer on standard output begins with. */
static void id_of(const struct fixture *f, char out[17])
{
    assert_true(strspn(f->out, "0123456789abcdef") == 16);
    memcpy(out, f->out, 16);
    out[16] = '\0';
}

static void a_recommendation_is_proposed_tried_applied_and_taken_back(void **state)
{
    struct fixture *f = *state;
    char id[17], line[200];
    cJSON *account = running_ask_ok(&f->r, "{\"cmd\":\"account\"}");
    char *before = cJSON_PrintUnformatted(cJSON_GetObjectItem(account, "account"));
    cJSON_Delete(account);
    assert_int_equal(ask(f, "recommend add campaign 2 budget 105 --reason 'sells well' --impact "
                            "12.5 --loss 1"),
                     0);
    has(f->out, "proposed");
    id_of(f, id);
    assert_int_equal(ask(f, "recommend --status pending"), 0);
    has(f->out, id);
    has(f->out, "sells well");
    snprintf(line, sizeof line, "recommend show %s --output json", id);
    assert_int_equal(ask(f, line), 0);
    has(f->out, "\"expected_impact\":\"12.5\"");
    snprintf(line, sizeof line, "recommend apply %s --dry-run", id);
    assert_int_equal(ask(f, line), 0);
    has(f->out, "budget: 100 -> 105");
    has(f->out, "money at stake: 5");
    has(f->out, "dry run: nothing was changed");
    assert_int_equal(ask(f, "hold on campaign 2 --reason 'flight is over'"), 0);
    snprintf(line, sizeof line, "recommend apply %s", id);
    assert_int_equal(ask(f, line), 5);
    has(f->err, "is held by");
    has(f->err, "flight is over");
    assert_int_equal(ask(f, "hold off campaign 2"), 0);
    assert_int_equal(ask(f, line), 0);
    has(f->out, "applied; generation");
    assert_int_equal(ask(f, "history"), 0);
    has(f->out, "recommendation");
    account = running_ask_ok(&f->r, "{\"cmd\":\"executions\",\"max\":1}");
    const cJSON *last =
        cJSON_GetObjectItem(account, "executions")->child; /* the one that was applied */
    snprintf(line, sizeof line, "executions %.0f", cJSON_GetObjectItem(last, "id")->valuedouble);
    assert_int_equal(ask(f, line), 0);
    has(f->out, "campaign 2 budget: 100 -> 105");
    snprintf(line, sizeof line, "rollback %.0f", cJSON_GetObjectItem(last, "id")->valuedouble);
    assert_true(cJSON_GetObjectItem(last, "generation")->valuedouble > 0);
    cJSON_Delete(account);
    assert_int_equal(ask(f, line), 0);
    has(f->out, "budget: 105 -> 100");
    assert_int_equal(ask(f, line), 0);
    has(f->out, "nothing to change; on record as execution ");
    account = running_ask_ok(&f->r, "{\"cmd\":\"account\"}");
    char *after = cJSON_PrintUnformatted(cJSON_GetObjectItem(account, "account"));
    assert_string_equal(before, after);
    cJSON_Delete(account);
    cJSON_free(before);
    cJSON_free(after);
    assert_int_equal(ask(f, "publish"), 0);
    assert_int_equal(ask(f, "audit -m 1"), 0);
    has(f->out, "publish (uid ");
    assert_int_equal(ask(f, "audit --changes -m 1"), 0);
    assert_null(strstr(f->out, "publish"));
    has(f->out, "taken back");
    assert_int_equal(ask(f, "audit verify"), 0);
    has(f->out, "none was changed");
}

static void what_is_above_the_limit_of_four_eyes_is_denied(void **state)
{
    struct fixture *f = *state;
    char id[17], line[200];
    assert_int_equal(ask(f, "recommend add campaign 2 budget 300 --reason more"), 0);
    id_of(f, id);
    snprintf(line, sizeof line, "recommend approve %s", id);
    assert_int_equal(ask(f, line), 4);
    has(f->err, "somebody else approves");
    snprintf(line, sizeof line, "recommend apply %s", id);
    assert_int_equal(ask(f, line), 4);
    snprintf(line, sizeof line, "recommend reject %s", id);
    assert_int_equal(ask(f, line), 0);
    assert_int_equal(ask(f, "recommend add campaign 2 budget x --reason more"), 1);
    has(f->err, "budget");
    assert_int_equal(ask(f, "recommend add campaign 2 budget 1"), 2);
    assert_int_equal(ask(f, "rollback"), 2);
    assert_int_equal(ask(f, "rollback x"), 2);
    assert_int_equal(ask(f, "rollback 99999"), 1);
    has(f->err, "no such entry: execution ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_decision_log_ope_says_how_to_get_one),
        cmocka_unit_test(an_import_shows_what_differs_and_is_applied_once),
        cmocka_unit_test(a_wrong_file_is_refused_with_every_place),
        cmocka_unit_test(a_target_is_set_with_before_and_after),
        cmocka_unit_test(every_command_speaks_json_with_its_version),
        cmocka_unit_test(keys_are_rotated_once_and_then_only_by_force),
        cmocka_unit_test(a_wrong_command_line_is_a_usage_error),
        cmocka_unit_test(a_reload_is_waited_for_and_says_what_is_wrong),
        cmocka_unit_test(the_socket_is_found_by_option_configuration_or_environment),
        cmocka_unit_test(a_reader_without_permission_is_denied),
        cmocka_unit_test(an_explanation_uses_the_image_that_qbidd_keeps),
        cmocka_unit_test(a_recommendation_is_proposed_tried_applied_and_taken_back),
        cmocka_unit_test(what_is_above_the_limit_of_four_eyes_is_denied),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
