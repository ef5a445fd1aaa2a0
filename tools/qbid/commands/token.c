/* SPDX-License-Identifier: Apache-2.0 */
/* token: a new token for a tenant. qbidd learns its hash from the file of access.tokens. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/client_token.h"
#include "tools/qbid/tool.h"

enum { KEY_TENANT = 256, KEY_NAME, KEY_RIGHTS, KEY_FILE };

struct token_options {
    unsigned long tenant;
    const char *name, *rights, *file;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct token_options *o = state->input;
    char *end;
    switch (key) {
    case KEY_TENANT:
        errno = 0;
        o->tenant = strtoul(arg, &end, 10);
        if (*end || *arg == '-' || errno || o->tenant < 1 || o->tenant > UINT32_MAX)
            argp_error(state, "--tenant is a number from 1 on");
        return 0;
    case KEY_NAME:
        if (!qbid_token_name_valid(arg))
            argp_error(state, "--name is 1 to 24 letters, digits, '-', '_' or '.'");
        o->name = arg;
        return 0;
    case KEY_RIGHTS:
        if (!qbid_rights_parse(arg, strlen(arg)))
            argp_error(state, "--rights is a list of read, approve, execute");
        o->rights = arg;
        return 0;
    case KEY_FILE:
        o->file = arg;
        return 0;
    case ARGP_KEY_ARG:
        return state->arg_num > 0 || strcmp(arg, "new") != 0 ? ARGP_ERR_UNKNOWN : 0;
    case ARGP_KEY_END:
        if (state->arg_num == 0)
            argp_usage(state);
        if (!o->tenant || !o->name)
            argp_error(state, "--tenant and --name are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int line_append(const char *path, const char *line)
{
    size_t len = strlen(line);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, line, len) == (ssize_t)len && fsync(fd) == 0;
    if (!ok)
        qbid_tool_say("%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok ? QBID_TOOL_OK : QBID_TOOL_FAILED;
}

int qbid_tool_token(struct qbid_tool *tool, int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"tenant", KEY_TENANT, "N", 0, "Whose rows it may see and change", 0},
        {"name", KEY_NAME, "NAME", 0, "How the audit calls who uses it", 0},
        {"rights", KEY_RIGHTS, "LIST", 0, "Of read, approve, execute, with commas (read)", 0},
        {"file", KEY_FILE, "FILE", 0, "Append its line here instead of printing it", 0},
        {0}};
    const struct argp argp = {options,
                              parse,
                              "new",
                              "Make a token. It is shown this once: only its hash goes into the "
                              "file of access.tokens, which qbidd reads at its start and on "
                              "SIGHUP.",
                              NULL,
                              NULL,
                              NULL};
    struct token_options o = {.rights = "read"};
    char token[QBID_TOKEN_TEXT_MAX], hash[QBID_TOKEN_HASH_HEX], line[256];
    qbid_tool_parse(tool, &argp, argc, argv, &o);
    qbid_token_make(token, hash);
    snprintf(line, sizeof line, "%lu %s %s %s\n", o.tenant, o.rights, o.name, hash);
    if (o.file && line_append(o.file, line) != QBID_TOOL_OK)
        return QBID_TOOL_FAILED;
    if (tool->json) {
        cJSON *answer = cJSON_CreateObject();
        line[strcspn(line, "\n")] = '\0';
        cJSON_AddStringToObject(answer, "token", token);
        cJSON_AddStringToObject(answer, "line", line);
        int code = qbid_tool_print(answer);
        cJSON_Delete(answer);
        return code;
    }
    printf("%s\n", token);
    if (!o.file)
        printf("line for access.tokens: %s", line);
    return QBID_TOOL_OK;
}
