/* SPDX-License-Identifier: Apache-2.0 */
/* The key file: permissions first, then content; nothing of a key ever reaches a message. */
#include "control/config/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/error.h"

static int sys_why(const char *what, char why[QBID_KEY_FILE_WHY_MAX])
{
    snprintf(why, QBID_KEY_FILE_WHY_MAX, "%s: %s", what, strerror(errno));
    return QBID_ERR_SYS;
}

int qbid_key_file_open(const char *path, char why[QBID_KEY_FILE_WHY_MAX])
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        snprintf(why, QBID_KEY_FILE_WHY_MAX, "the file is missing");
        return QBID_ERR_NOENT;
    }
    if (fd < 0)
        return sys_why("cannot be opened", why);
    if (fstat(fd, &st) != 0) {
        sys_why("cannot be examined", why);
        close(fd);
        return QBID_ERR_SYS;
    }
    const char *wrong = NULL;
    if (!S_ISREG(st.st_mode))
        wrong = "is not a regular file";
    else if (st.st_uid != geteuid() && st.st_uid != 0)
        wrong = "belongs to another user";
    else if (st.st_mode & 0077)
        wrong = "is open to group or others; its mode must be 0600";
    if (!wrong)
        return fd;
    snprintf(why, QBID_KEY_FILE_WHY_MAX, "%s", wrong);
    close(fd);
    return QBID_ERR_DENIED;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One line "ID HEX"; false when it is not that. */
static bool line_parse(const char *line, uint8_t *ret_id, uint8_t secret[QBID_KEY_BYTES])
{
    unsigned id = 0;
    while (*line >= '0' && *line <= '9' && id <= UINT8_MAX)
        id = id * 10 + (unsigned)(*line++ - '0');
    if (id < 1 || id > UINT8_MAX || *line++ != ' ')
        return false;
    for (unsigned i = 0; i < QBID_KEY_BYTES; i++) {
        int high = hex_digit(*line++);
        int low = high < 0 ? -1 : hex_digit(*line++);
        if (low < 0)
            return false;
        secret[i] = (uint8_t)(high * 16 + low);
    }
    *ret_id = (uint8_t)id;
    return *line == '\0';
}

static const char *text_parse(char *text, struct qbid_keys *ret_keys)
{
    struct qbid_keys keys = {0};
    unsigned cnt = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (*line == '#')
            continue;
        if (cnt == 2)
            return "holds more than two keys";
        if (!line_parse(line, &keys.id[cnt], keys.secret[cnt]))
            return "has a line that is not 'ID HEX' (id 1..255, 32 hexadecimal digits)";
        cnt++;
    }
    if (cnt == 0)
        return "holds no key";
    if (cnt == 2 && keys.id[0] == keys.id[1])
        return "gives two keys the same id";
    *ret_keys = keys;
    return NULL;
}

int qbid_key_file_read(const char *path, char text[QBID_KEY_FILE_BYTES_MAX + 1],
                       char why[QBID_KEY_FILE_WHY_MAX])
{
    int fd = qbid_key_file_open(path, why);
    if (fd < 0)
        return fd;
    ssize_t len = read(fd, text, QBID_KEY_FILE_BYTES_MAX);
    if (len < 0)
        sys_why("cannot be read", why);
    close(fd);
    if (len < 0)
        return QBID_ERR_SYS;
    text[len] = '\0';
    return 0;
}

int qbid_key_file_load(const char *path, struct qbid_keys *ret_keys,
                       char why[QBID_KEY_FILE_WHY_MAX])
{
    char text[QBID_KEY_FILE_BYTES_MAX + 1];
    int err = qbid_key_file_read(path, text, why);
    if (err == QBID_ERR_NOENT)
        snprintf(why, QBID_KEY_FILE_WHY_MAX, "the file is missing (keys.create: true makes one)");
    if (err != 0)
        return err;
    const char *wrong = text_parse(text, ret_keys);
    explicit_bzero(text, sizeof text);
    if (!wrong)
        return 0;
    snprintf(why, QBID_KEY_FILE_WHY_MAX, "%s", wrong);
    return QBID_ERR_PARSE;
}

static void line_format(char *out, uint8_t id, const uint8_t secret[QBID_KEY_BYTES])
{
    int n = sprintf(out, "%u ", id);
    for (unsigned i = 0; i < QBID_KEY_BYTES; i++)
        sprintf(out + n + 2 * i, "%02x", secret[i]);
    strcat(out, "\n");
}

/* A new file; never in place of another. */
static int file_write(const char *path, const struct qbid_keys *keys,
                      char why[QBID_KEY_FILE_WHY_MAX])
{
    char text[2 * (QBID_KEY_BYTES * 2 + 8)] = "";
    for (unsigned i = 0; i < 2 && keys->id[i] != 0; i++)
        line_format(text + strlen(text), keys->id[i], keys->secret[i]);
    int err = 0, fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        err = sys_why("cannot be created", why);
    else if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fsync(fd) != 0) {
        err = sys_why("cannot be written", why);
        unlink(path);
    }
    if (fd >= 0)
        close(fd);
    explicit_bzero(text, sizeof text);
    return err;
}

int qbid_key_file_create(const char *path, char why[QBID_KEY_FILE_WHY_MAX])
{
    struct qbid_keys keys = {.id = {1, 0}};
    if (getrandom(keys.secret[0], QBID_KEY_BYTES, 0) != QBID_KEY_BYTES)
        return sys_why("no random bytes", why);
    int err = file_write(path, &keys, why);
    explicit_bzero(&keys, sizeof keys);
    return err;
}

/* The next number that neither live key has. */
static uint8_t fresh_id(const struct qbid_keys *keys)
{
    uint8_t id = keys->id[0];
    do
        id = id == UINT8_MAX ? 1 : (uint8_t)(id + 1);
    while (id == keys->id[0] || id == keys->id[1]);
    return id;
}

int qbid_key_file_rotate(const char *path, struct qbid_keys *ret_keys,
                         char why[QBID_KEY_FILE_WHY_MAX])
{
    char next[4096];
    struct qbid_keys old, keys;
    int err = qbid_key_file_load(path, &old, why);
    if (err != 0)
        return err;
    if (snprintf(next, sizeof next, "%s.next", path) >= (int)sizeof next) {
        snprintf(why, QBID_KEY_FILE_WHY_MAX, "the path is too long");
        return QBID_ERR_INVAL;
    }
    keys = (struct qbid_keys){.id = {fresh_id(&old), old.id[0]}};
    memcpy(keys.secret[1], old.secret[0], QBID_KEY_BYTES);
    if (getrandom(keys.secret[0], QBID_KEY_BYTES, 0) != QBID_KEY_BYTES)
        err = sys_why("no random bytes", why);
    unlink(next); /* of a rotation that was cut off */
    if (err == 0)
        err = file_write(next, &keys, why);
    if (err == 0 && rename(next, path) != 0)
        err = sys_why("cannot be replaced", why);
    if (err == 0)
        *ret_keys = keys;
    explicit_bzero(&old, sizeof old);
    explicit_bzero(&keys, sizeof keys);
    return err;
}
