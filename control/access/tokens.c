/* SPDX-License-Identifier: Apache-2.0 */
/* The table of tokens: its file, and looking one up. */
#include "control/access/tokens.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "control/config/key_file.h"
#include "shm/error.h"

#define HASH_BYTES 32
#define TOKEN_LEN_MAX 256 /* more is no token: nothing to hash */

struct line {
    uint8_t hash[HASH_BYTES];
    struct qbid_principal principal;
};

struct qbid_tokens {
    pthread_mutex_t lock;
    struct line *line;
    uint32_t cnt;
};

int qbid_tokens_new(struct qbid_tokens **ret_tokens)
{
    struct qbid_tokens *tokens = calloc(1, sizeof *tokens);
    if (!tokens)
        return QBID_ERR_NOMEM;
    pthread_mutex_init(&tokens->lock, NULL);
    *ret_tokens = tokens;
    return 0;
}

void qbid_tokens_free(struct qbid_tokens *tokens)
{
    if (!tokens)
        return;
    pthread_mutex_destroy(&tokens->lock);
    free(tokens->line);
    free(tokens);
}

/* --- the file */

static int refuse(char *why, int err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse(char *why, int err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, QBID_TOKENS_WHY_MAX, format, args);
    va_end(args);
    return err;
}

static int text_read(const char *path, char **ret_text, char *why)
{
    char reason[QBID_KEY_FILE_WHY_MAX];
    int fd = qbid_key_file_open(path, reason);
    if (fd < 0)
        return refuse(why, fd, "%s", reason);
    char *text = malloc(QBID_TOKENS_BYTES_MAX + 1);
    size_t len = 0;
    ssize_t n = text ? 1 : 0;
    while (n > 0 && len < QBID_TOKENS_BYTES_MAX) {
        n = read(fd, text + len, QBID_TOKENS_BYTES_MAX - len);
        len += n > 0 ? (size_t)n : 0;
    }
    int err = !text   ? refuse(why, QBID_ERR_NOMEM, "out of memory")
              : n < 0 ? refuse(why, QBID_ERR_SYS, "cannot be read: %s", strerror(errno))
              : len == QBID_TOKENS_BYTES_MAX
                  ? refuse(why, QBID_ERR_LIMIT, "is longer than %d bytes", QBID_TOKENS_BYTES_MAX)
              : memchr(text, '\0', len) ? refuse(why, QBID_ERR_PARSE, "holds a zero byte")
                                        : 0;
    close(fd);
    if (err) {
        free(text);
        return err;
    }
    text[len] = '\0';
    *ret_text = text;
    return 0;
}

/* What is wrong with a line; NULL when it is right. */
static const char *line_parse(char *text, struct line *ret_line)
{
    char *rest = NULL, *end;
    char *tenant = strtok_r(text, " \t", &rest), *words = strtok_r(NULL, " \t", &rest);
    char *name = strtok_r(NULL, " \t", &rest), *hash = strtok_r(NULL, " \t", &rest);
    struct line line = {.hash = {0}};
    size_t len = 0;
    if (!hash || strtok_r(NULL, " \t", &rest))
        return "is not 'TENANT RIGHTS NAME HASH'";
    errno = 0;
    unsigned long long number = strtoull(tenant, &end, 10);
    if (*end || *tenant == '-' || *tenant == '+' || errno || number < 1 || number > UINT32_MAX)
        return "has a tenant that is no number from 1 on";
    line.principal.tenant = (uint32_t)number;
    line.principal.rights = qbid_rights_parse(words, strlen(words));
    if (!line.principal.rights)
        return "has rights that are no list of read, approve, execute";
    if (!qbid_token_name_valid(name))
        return "has a name that is not 1 to 24 letters, digits, '-', '_' or '.'";
    if (strlen(hash) != 2 * HASH_BYTES ||
        sodium_hex2bin(line.hash, HASH_BYTES, hash, 2 * HASH_BYTES, NULL, &len, NULL) != 0 ||
        len != HASH_BYTES)
        return "has a hash that is not 64 hexadecimal digits";
    snprintf(line.principal.actor, sizeof line.principal.actor, "token %s", name);
    *ret_line = line;
    return NULL;
}

/* The same name twice would make two people one in the audit. */
static bool known(const struct line *line, uint32_t cnt, const struct line *next)
{
    for (uint32_t i = 0; i < cnt; i++)
        if (strcmp(line[i].principal.actor, next->principal.actor) == 0 ||
            memcmp(line[i].hash, next->hash, HASH_BYTES) == 0)
            return true;
    return false;
}

static int text_parse(char *text, struct line *line, uint32_t *ret_cnt, char *why)
{
    unsigned at = 0;
    for (char *next = text; next && *next;) {
        char *this = strsep(&next, "\n");
        const char *wrong;
        at++;
        this[strcspn(this, "\r")] = '\0';
        if (this[strspn(this, " \t")] == '\0' || *this == '#')
            continue;
        if (*ret_cnt == QBID_TOKENS_MAX)
            return refuse(why, QBID_ERR_LIMIT, "has more than %d tokens", QBID_TOKENS_MAX);
        wrong = line_parse(this, &line[*ret_cnt]);
        if (!wrong && known(line, *ret_cnt, &line[*ret_cnt]))
            wrong = "has a name or a hash that stands there already";
        if (wrong)
            return refuse(why, QBID_ERR_PARSE, "line %u %s", at, wrong);
        ++*ret_cnt;
    }
    return 0;
}

int qbid_tokens_load(struct qbid_tokens *tokens, const char *path, char why[QBID_TOKENS_WHY_MAX])
{
    struct line *line = calloc(QBID_TOKENS_MAX, sizeof *line);
    char *text = NULL;
    uint32_t cnt = 0;
    int err = line ? 0 : refuse(why, QBID_ERR_NOMEM, "out of memory");
    if (!err && *path)
        err = text_read(path, &text, why);
    if (!err && text)
        err = text_parse(text, line, &cnt, why);
    free(text);
    if (err) {
        free(line);
        return err;
    }
    pthread_mutex_lock(&tokens->lock);
    struct line *old = tokens->line;
    tokens->line = line;
    tokens->cnt = cnt;
    pthread_mutex_unlock(&tokens->lock);
    free(old);
    return 0;
}

bool qbid_tokens_find(struct qbid_tokens *tokens, const char *token, size_t len,
                      struct qbid_principal *ret_principal)
{
    uint8_t hash[HASH_BYTES];
    struct qbid_principal principal = {0};
    bool found = false;
    if (len == 0 || len > TOKEN_LEN_MAX)
        return false;
    qbid_token_hash(token, len, hash);
    pthread_mutex_lock(&tokens->lock);
    for (uint32_t i = 0; i < tokens->cnt; i++) { /* all of them: time tells nothing */
        bool same = sodium_memcmp(tokens->line[i].hash, hash, HASH_BYTES) == 0;
        principal = same ? tokens->line[i].principal : principal;
        found |= same;
    }
    pthread_mutex_unlock(&tokens->lock);
    if (found)
        *ret_principal = principal;
    return found;
}
