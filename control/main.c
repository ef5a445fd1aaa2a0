/* SPDX-License-Identifier: Apache-2.0 */
/* The program qbidd: its command line, its exit codes, and the way into the background. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "control/access/tokens.h"
#include "control/api/commands.h"
#include "control/config/config.h"
#include "control/config/partners.h"
#include "control/daemon.h"
#include "control/learn/campaigns/correction_file.h"
#include "shm/clock.h"
#include "shm/error.h"
#include "shm/units.h"
#include "shm/version.h"

#define CONFIG_PRESET "/etc/qbid/qbidd.yaml"

/* glibc reads it, hence the visibility: --version tells it */
__attribute__((visibility("default"))) const char *argp_program_version = "qbidd " QBID_VERSION;

struct arguments {
    const char *config;
    bool test, background, options, new_audit_key;
};

enum { KEY_FOREGROUND = 256, KEY_DAEMON, KEY_OPTIONS, KEY_NEW_AUDIT_KEY };

static const struct argp_option options[] = {
    {"config", 'c', "FILE", 0, "Configuration (default " CONFIG_PRESET ")", 0},
    {"test", 't', "FILE", OPTION_ARG_OPTIONAL,
     "Check the configuration and end: 0 when it is right, 1 when it is not", 0},
    {"foreground", KEY_FOREGROUND, NULL, 0, "Stay in the foreground (default)", 0},
    {"daemon", KEY_DAEMON, NULL, 0, "Go into the background once everything works", 0},
    {"options", KEY_OPTIONS, NULL, 0, "List every key with its range, default and meaning", 0},
    {"new-audit-key", KEY_NEW_AUDIT_KEY, NULL, 0,
     "Make a new audit.key_file although records were made with one that is missing now", 0},
    {0}};

static error_t option_parse(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'c':
        a->config = arg;
        return 0;
    case 't':
        a->test = true;
        if (arg)
            a->config = arg;
        return 0;
    case KEY_FOREGROUND:
        a->background = false;
        return 0;
    case KEY_DAEMON:
        a->background = true;
        return 0;
    case KEY_OPTIONS:
        a->options = true;
        return 0;
    case KEY_NEW_AUDIT_KEY:
        a->new_audit_key = true;
        return 0;
    case ARGP_KEY_ARG: /* "-t FILE" with a space: the file comes as an argument */
        if (!a->test || state->arg_num > 0)
            argp_usage(state);
        a->config = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void problems_print(const struct qbid_problems *problems)
{
    char line[QBID_PROBLEM_LINE_MAX];
    for (uint32_t i = 0; i < qbid_problems_kept(problems); i++) {
        qbid_problems_format(problems, i, line);
        fprintf(stderr, "%s\n", line);
    }
    if (problems->cnt > QBID_PROBLEMS_MAX)
        fprintf(stderr, "%s: and %u more\n", problems->file, problems->cnt - QBID_PROBLEMS_MAX);
}

static int partner_keys_check(const struct qbid_config *config, const char *path)
{
    struct qbid_partner_keys list[QBID_PARTNERS_MAX];
    char why[QBID_PARTNERS_WHY_MAX];
    int err = qbid_partner_keys_load(config, list, why);
    explicit_bzero(list, sizeof list);
    if (err)
        fprintf(stderr, "%s: %s\n", path, why);
    return err;
}

static int notice_keys_check(const struct qbid_config *config, const char *path)
{
    struct qbid_keys keys;
    char why[QBID_KEY_FILE_WHY_MAX];
    int err = qbid_key_file_load(config->keys.file, &keys, why);
    explicit_bzero(&keys, sizeof keys);
    if (!err || (err == QBID_ERR_NOENT && config->keys.create))
        return 0;
    fprintf(stderr, "%s: keys.file: %s: %s\n", path, config->keys.file, why);
    return err;
}

static int tokens_check(const struct qbid_config *config, const char *path)
{
    struct qbid_tokens *tokens = NULL;
    char why[QBID_TOKENS_WHY_MAX] = "out of memory";
    int err = qbid_tokens_new(&tokens);
    if (!err)
        err = qbid_tokens_load(tokens, config->access.tokens, why);
    qbid_tokens_free(tokens);
    if (err)
        fprintf(stderr, "%s: access.tokens: %s: %s\n", path, config->access.tokens, why);
    return err;
}

static int correction_check(const struct qbid_config *config, const char *path)
{
    struct qbid_correction_table *table = NULL;
    char why[QBID_CORRECTION_FILE_WHY_MAX] = "";
    if (!*config->learning.correction)
        return 0;
    int err = qbid_correction_file_load(
        config->learning.correction, (int64_t)(qbid_clock_unix_ns() / QBID_NS_PER_S), &table, why);
    if (*why)
        fprintf(stderr, "%s: learning.correction: %s\n", path, why);
    if (!err)
        free(table);
    return err;
}

/* What parsing cannot see: the files that it names. All are looked at, so that every error is told;
 * nothing is made and nothing live is touched. */
static int files_check(const struct qbid_config *config, const char *path)
{
    const int found[] = {notice_keys_check(config, path), partner_keys_check(config, path),
                         tokens_check(config, path), correction_check(config, path)};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
        if (found[i])
            return found[i];
    return 0;
}

static int config_read(const char *path, struct qbid_config *config)
{
    struct qbid_problems *problems = calloc(1, sizeof *problems);
    int err = problems ? qbid_config_load(path, problems, config) : QBID_ERR_NOMEM;
    if (err && problems)
        problems_print(problems);
    free(problems);
    return err ? err : files_check(config, path);
}

/* Ends the parent once the child says how its start went; returns the pipe to say it on. */
static int background(void)
{
    int ends[2];
    char code = QBID_EXIT_FAILED;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid > 0) {
        close(ends[1]);
        if (read(ends[0], &code, 1) != 1)
            code = QBID_EXIT_FAILED;
        _exit(code);
    }
    close(ends[0]);
    setsid();
    return ends[1];
}

/* The terminal is not ours any more. */
static void terminal_leave(int pipe_end)
{
    char code = QBID_EXIT_OK;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (write(pipe_end, &code, 1) != 1 || chdir("/") != 0)
        fprintf(stderr, "qbidd: %s\n", strerror(errno));
    close(pipe_end);
    if (null < 0)
        return;
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    close(null);
}

static int exit_code(int err)
{
    return err == QBID_ERR_FULL ? QBID_EXIT_REFUSED : QBID_EXIT_FAILED;
}

static int run(const struct qbid_config *config, const char *path, bool in_background)
{
    char why[QBID_DAEMON_WHY_MAX] = "";
    struct qbid_daemon *daemon = NULL;
    struct qbid_log *log = NULL;
    bool no_terminal = in_background && strcmp(config->log.target, "stderr") == 0;
    int pipe_end = in_background ? background() : -1;
    if (in_background && pipe_end < 0) {
        fprintf(stderr, "qbidd: %s\n", strerror(errno));
        return QBID_EXIT_FAILED;
    }
    if (qbid_log_new(config->log.level, no_terminal ? "syslog" : config->log.target, &log) != 0) {
        fprintf(stderr, "qbidd: log.target %s: %s\n", config->log.target, strerror(errno));
        return QBID_EXIT_FAILED;
    }
    int err = qbid_daemon_new(config, path, log, &daemon, why);
    if (err) {
        fprintf(stderr, "qbidd: %s\n", *why ? why : qbid_strerror(err));
        if (strcmp(config->log.target, "stderr") != 0)
            qbid_log_write(log, QBID_LOG_ERROR, "start refused: %s", why);
        qbid_log_free(log);
        char code = (char)exit_code(err);
        if (pipe_end >= 0 && write(pipe_end, &code, 1) != 1)
            return QBID_EXIT_FAILED;
        return code;
    }
    if (pipe_end >= 0)
        terminal_leave(pipe_end);
    qbid_log_write(log, QBID_LOG_INFO, "ready: pid %d, %s, %s", (int)getpid(),
                   config->handover.path, config->control.path);
    err = qbid_daemon_run(daemon);
    qbid_daemon_free(daemon);
    qbid_log_write(log, err ? QBID_LOG_ERROR : QBID_LOG_INFO, "stopped");
    qbid_log_free(log);
    return err ? QBID_EXIT_FAILED : QBID_EXIT_OK;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        options, option_parse, "", "qbidd - the control process of qbid", NULL, NULL, NULL};
    static struct qbid_config config;
    struct arguments arguments = {.config = CONFIG_PRESET};
    argp_err_exit_status = QBID_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (arguments.options) {
        qbid_config_describe(stdout);
        return QBID_EXIT_OK;
    }
    umask(0027);
    char *path = realpath(arguments.config, NULL);
    int err = config_read(path ? path : arguments.config, &config);
    if (err) {
        free(path);
        return QBID_EXIT_FAILED;
    }
    config.audit.begin_anew = arguments.new_audit_key;
    if (arguments.test) {
        fprintf(stderr, "%s: the configuration is right\n", path);
        free(path);
        return QBID_EXIT_OK;
    }
    if (sodium_init() < 0) {
        fprintf(stderr, "qbidd: no random numbers\n");
        free(path);
        return QBID_EXIT_FAILED;
    }
    int code = run(&config, path, arguments.background);
    free(path);
    return code;
}
