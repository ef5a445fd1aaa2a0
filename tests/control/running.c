/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, asking and ending a real qbidd. */
#include "tests/control/running.h"

#include <ftw.h>
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
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/client.h"
#include "tests/control/running.h"

#define ANSWER_MS 20000

static void pause_ms(long ms)
{
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

void running_config(struct running *r, const char *more)
{
    FILE *f = fopen(r->config, "w");
    assert_non_null(f);
    fprintf(f,
            "state_dir: state\nprivacy: {gdpr_unknown: applies_not}\nhandover: {path: "
            "h.sock}\ncontrol: {path: c.sock}\n"
            "keys: {file: notice.key, create: true}\nlog: {target: q.log, level: debug}\n"
            "capacity: {contexts: 1024, pending_bids: 1024, seen_notices: 1024, "
            "ring_lg_events: 10}\n%s",
            more);
    fclose(f);
}

int running_setup(struct running *r, const char *more)
{
    *r = (struct running){.folder = "/tmp/qbid-run-XXXXXX"};
    if (!mkdtemp(r->folder))
        return -1;
    snprintf(r->config, sizeof r->config, "%s/qbidd.yaml", r->folder);
    snprintf(r->socket, sizeof r->socket, "%s/c.sock", r->folder);
    snprintf(r->state, sizeof r->state, "%s/state", r->folder);
    snprintf(r->log, sizeof r->log, "%s/q.log", r->folder);
    ssize_t n = readlink("/proc/self/exe", r->program, sizeof r->program - 16);
    if (n <= 0)
        return -1;
    r->program[n] = '\0';
    char *slash = strrchr(r->program, '/'); /* build/PROFILE/tests/NAME */
    *slash = '\0';
    slash = strrchr(r->program, '/');
    strcpy(slash, "/bin/qbidd");
    running_config(r, more);
    return 0;
}

void running_start(struct running *r)
{
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0) {
        execl(r->program, "qbidd", "--config", r->config, NULL);
        _exit(127);
    }
    for (int i = 0; i < 1000; i++) {
        int status;
        struct qbid_client *client;
        if (qbid_client_new(r->socket, ANSWER_MS, &client) == 0) {
            qbid_client_free(client);
            return;
        }
        if (waitpid(r->pid, &status, WNOHANG) == r->pid) {
            r->pid = 0;
            fail_msg("qbidd ended at its start, status %d", status);
        }
        pause_ms(10);
    }
    fail_msg("qbidd does not answer");
}

int running_end(struct running *r, int signal)
{
    int status = 0;
    assert_int_equal(kill(r->pid, signal), 0);
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    r->pid = 0;
    return status;
}

int running_command(const struct running *r, char *out, size_t max, char *const argv[])
{
    int ends[2], status;
    size_t len = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        execv(r->program, argv);
        _exit(127);
    }
    close(ends[1]);
    for (ssize_t n = 1; n > 0 && len<max - 1; len += n> 0 ? (size_t)n : 0)
        n = read(ends[0], out + len, max - 1 - len);
    out[len] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

cJSON *running_ask(const struct running *r, const char *request)
{
    struct qbid_client *client;
    char *text = NULL;
    cJSON *answer = NULL;
    if (qbid_client_new(r->socket, ANSWER_MS, &client) != 0)
        return NULL;
    if (qbid_client_call(client, request, &text) == 0)
        answer = cJSON_Parse(text);
    free(text);
    qbid_client_free(client);
    return answer;
}

cJSON *running_ask_ok(const struct running *r, const char *request)
{
    cJSON *answer = running_ask(r, request);
    if (!cJSON_IsTrue(cJSON_GetObjectItem(answer, "ok"))) {
        char *text = cJSON_Print(answer);
        fail_msg("%s: %s", request, text ? text : "no answer");
    }
    return answer;
}

double running_number(const struct running *r, const char *request, const char *path)
{
    cJSON *answer = running_ask_ok(r, request);
    const cJSON *item = answer;
    char key[64];
    while (*path) {
        size_t len = strcspn(path, "/");
        snprintf(key, sizeof key, "%.*s", (int)len, path);
        item = cJSON_GetObjectItem(item, key);
        path += len + (path[len] == '/');
    }
    double value = cJSON_IsNumber(item) ? item->valuedouble : -1;
    cJSON_Delete(answer);
    return value;
}

bool running_logged(const struct running *r, const char *text)
{
    static char content[1 << 16];
    for (int i = 0; i < 200; i++) {
        FILE *f = fopen(r->log, "r");
        size_t n = f ? fread(content, 1, sizeof content - 1, f) : 0;
        if (f)
            fclose(f);
        content[n] = '\0';
        if (strstr(content, text))
            return true;
        pause_ms(10);
    }
    fprintf(stderr, "the log lacks '%s':\n%s\n", text, content);
    return false;
}

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

int running_teardown(struct running *r)
{
    if (r->pid > 0)
        running_end(r, SIGKILL);
    return nftw(r->folder, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}
