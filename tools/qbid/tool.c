/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting, asking, and saying what went wrong. */
#include "tools/qbid/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define TOKEN_MAX 128

enum { KEY_SOCKET = 512, KEY_CONFIG, KEY_TOKEN, KEY_OUTPUT };

static const struct argp_option shared_options[] = {
    {"socket", KEY_SOCKET, "PATH", 0,
     "Control socket of qbidd (default: of --config, $QBID_SOCKET, or " QBID_TOOL_SOCKET_PRESET ")",
     100},
    {"config", KEY_CONFIG, "FILE", 0, "Configuration of qbidd, for its socket", 100},
    {"token-file", KEY_TOKEN, "FILE", 0,
     "Act for the tenant whose token the file holds (default: $QBID_TOKEN)", 100},
    {"output", KEY_OUTPUT, "json|table", 0, "Form of the data on standard output", 100},
    {0}};

static error_t shared_parse(int key, char *arg, struct argp_state *state)
{
    struct qbid_tool *tool = state->input;
    switch (key) {
    case KEY_SOCKET:
        tool->socket = arg;
        return 0;
    case KEY_CONFIG:
        tool->config = arg;
        return 0;
    case KEY_TOKEN:
        tool->token_file = arg;
        return 0;
    case KEY_OUTPUT:
        tool->json = strcmp(arg, "json") == 0;
        tool->csv = tool->csv_offered && strcmp(arg, "csv") == 0;
        if (!tool->json && !tool->csv && strcmp(arg, "table") != 0)
            argp_error(state, "--output is json%s or table", tool->csv_offered ? ", csv" : "");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp qbid_tool_argp = {shared_options, shared_parse, NULL, NULL, NULL, NULL, NULL};

struct parsing {
    struct qbid_tool *tool;
    const struct argp *own;
    void *input;
};

/* The command's own options come first, then the shared ones: each parser gets its input. */
static error_t both_parse(int key, char *arg, struct argp_state *state)
{
    struct parsing *p = state->input;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = p->tool;
        if (p->own->parser)
            state->child_inputs[1] = p->input;
        return 0;
    }
    (void)arg;
    return ARGP_ERR_UNKNOWN;
}

void qbid_tool_parse(struct qbid_tool *tool, const struct argp *argp, int argc, char **argv,
                     void *input)
{
    struct parsing parsing = {tool, argp, input};
    struct argp own = {argp->options, argp->parser, NULL, NULL, argp->children, NULL, NULL};
    struct argp_child children[] = {
        {&qbid_tool_argp, 0, "Everywhere:", 100}, {&own, 0, NULL, 0}, {0}};
    struct argp whole = {NULL, both_parse, argp->args_doc, argp->doc, children, NULL, NULL};
    argp_err_exit_status = QBID_TOOL_USAGE;
    argp_parse(&whole, argc, argv, 0, NULL, &parsing);
}

long qbid_tool_whole(const struct argp_state *state, const char *option, const char *text,
                     long least, long most)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < least || value > most)
        argp_error(state, "%s is a whole number from %ld to %ld, not '%s'", option, least, most,
                   text);
    return value;
}

void qbid_tool_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("qbid: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static int client_open(struct qbid_tool *tool)
{
    char path[QBID_CLIENT_SOCKET_MAX], why[QBID_CLIENT_WHY_MAX];
    const char *socket = tool->socket;
    if (!socket && tool->config) {
        if (qbid_client_config_socket(tool->config, path, why) != 0) {
            qbid_tool_say("%s", why);
            return QBID_TOOL_FAILED;
        }
        socket = path;
    }
    if (!socket)
        socket = getenv("QBID_SOCKET");
    if (!socket || !*socket)
        socket = QBID_TOOL_SOCKET_PRESET;
    int err = qbid_client_new(socket, QBID_TOOL_TIMEOUT_MS, &tool->client);
    if (!err)
        return QBID_TOOL_OK;
    if (err == QBID_ERR_NOENT)
        qbid_tool_say("no qbidd answers on %s", socket);
    else
        qbid_tool_say("%s: %s", socket, err == QBID_ERR_SYS ? strerror(errno) : qbid_strerror(err));
    return err == QBID_ERR_DENIED  ? QBID_TOOL_DENIED
           : err == QBID_ERR_INVAL ? QBID_TOOL_USAGE
                                   : QBID_TOOL_UNREACHABLE;
}

cJSON *qbid_tool_request(const char *name)
{
    cJSON *request = cJSON_CreateObject();
    cJSON_AddStringToObject(request, "cmd", name);
    return request;
}

int qbid_tool_print(const cJSON *answer)
{
    char *text = cJSON_PrintUnformatted(answer);
    int failed = !text || puts(text) == EOF || fflush(stdout) == EOF;
    free(text);
    return failed ? QBID_TOOL_FAILED : QBID_TOOL_OK;
}

/* Message and exit code of a refusal. */
static int refusal_say(const struct qbid_tool *tool, const cJSON *answer)
{
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(answer, "error");
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(error, "exit");
    const cJSON *problem;
    cJSON_ArrayForEach(problem, cJSON_GetObjectItemCaseSensitive(error, "problems"))
        fprintf(stderr, "%s\n", cJSON_GetStringValue(problem));
    qbid_tool_say("%s", qbid_tool_text(error, "message"));
    if (tool->json)
        qbid_tool_print(answer);
    return cJSON_IsNumber(code) && code->valueint > 0 ? code->valueint : QBID_TOOL_FAILED;
}

/* The token goes with the request. False with a message. */
static bool token_add(const struct qbid_tool *tool, cJSON *request)
{
    const char *token = getenv("QBID_TOKEN");
    char text[TOKEN_MAX];
    if (tool->token_file) {
        FILE *f = fopen(tool->token_file, "re");
        if (!f || !fgets(text, sizeof text, f)) {
            qbid_tool_say("%s: %s", tool->token_file, f ? "holds no token" : strerror(errno));
            if (f)
                fclose(f);
            return false;
        }
        fclose(f);
        text[strcspn(text, "\r\n")] = '\0';
        token = text;
    }
    if (token && *token)
        cJSON_AddStringToObject(request, "token", token);
    return true;
}

cJSON *qbid_tool_ask(struct qbid_tool *tool, cJSON *request, int *ret_exit)
{
    *ret_exit = QBID_TOOL_FAILED;
    if (!token_add(tool, request)) {
        cJSON_Delete(request);
        return NULL;
    }
    char *line = cJSON_PrintUnformatted(request), *text = NULL;
    cJSON *answer = NULL;
    int err = line ? 0 : QBID_ERR_NOMEM;
    cJSON_Delete(request);
    *ret_exit = QBID_TOOL_FAILED;
    if (!err && !tool->client) {
        *ret_exit = client_open(tool);
        if (*ret_exit) {
            free(line);
            return NULL;
        }
    }
    if (!err)
        err = qbid_client_call(tool->client, line, &text);
    free(line);
    if (err) {
        qbid_tool_say("qbidd: %s", err == QBID_ERR_SYS ? strerror(errno) : qbid_strerror(err));
        *ret_exit = err == QBID_ERR_NOMEM ? QBID_TOOL_FAILED : QBID_TOOL_UNREACHABLE;
        return NULL;
    }
    answer = cJSON_Parse(text);
    free(text);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok"))) {
        *ret_exit = QBID_TOOL_OK;
        return answer;
    }
    if (answer)
        *ret_exit = refusal_say(tool, answer);
    else
        qbid_tool_say("qbidd's answer cannot be read");
    cJSON_Delete(answer);
    return NULL;
}

cJSON *qbid_tool_ask_table(struct qbid_tool *tool, cJSON *request, int *ret_exit)
{
    cJSON *answer = qbid_tool_ask(tool, request, ret_exit);
    if (!answer || !tool->json)
        return answer;
    *ret_exit = qbid_tool_print(answer);
    cJSON_Delete(answer);
    return NULL;
}

int qbid_tool_table(struct qbid_tool *tool, cJSON *request, const char *list,
                    const char *const *heads, qbid_tool_row_fn *row, const char *none)
{
    struct qbid_columns columns;
    const cJSON *entry;
    int code;
    cJSON *answer = qbid_tool_ask_table(tool, request, &code);
    if (!answer)
        return code;
    qbid_columns_init(&columns, heads);
    cJSON_ArrayForEach(entry, qbid_tool_member(answer, list)) row(&columns, entry);
    qbid_columns_print_or(&columns, stdout, tool->colour, none);
    qbid_columns_done(&columns);
    cJSON_Delete(answer);
    return code;
}

const cJSON *qbid_tool_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

void qbid_tool_text_add(cJSON *request, const char *name, const char *text)
{
    if (text)
        cJSON_AddStringToObject(request, name, text);
}

const char *qbid_tool_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text && *text ? text : "-";
}

double qbid_tool_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}
