/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and making the audit's key file. */
#include "control/config/audit_key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "shm/error.h"

#define HEX_CHARS (2 * QBID_AUDIT_KEY_FILE_SEED_BYTES)
#define WORDS "audit "

int qbid_audit_key_file_load(const char *path, struct qbid_audit_key_file *ret_file,
                             char why[QBID_KEY_FILE_WHY_MAX])
{
    char text[QBID_KEY_FILE_BYTES_MAX + 1];
    struct qbid_audit_key_file file = {.from = 0};
    const char *hex = text + strlen(WORDS);
    size_t len = 0;
    int end = 0, err = qbid_key_file_read(path, text, why);
    if (err)
        return err;
    if (strncmp(text, WORDS, strlen(WORDS)) != 0 || strlen(hex) < HEX_CHARS ||
        sodium_hex2bin(file.seed, sizeof file.seed, hex, HEX_CHARS, NULL, &len, NULL) != 0 ||
        len != sizeof file.seed ||
        sscanf(hex + HEX_CHARS, " from %" SCNu64 "%n", &file.from, &end) != 1 || file.from < 1 ||
        strcmp(hex + HEX_CHARS + end, "\n") != 0) {
        snprintf(why, QBID_KEY_FILE_WHY_MAX,
                 "is not the line 'audit HEX from N' (%d hexadecimal digits, N >= 1)", HEX_CHARS);
        err = QBID_ERR_PARSE;
    } else {
        *ret_file = file;
    }
    sodium_memzero(text, sizeof text);
    sodium_memzero(&file, sizeof file);
    return err;
}

int qbid_audit_key_file_create(const char *path, uint64_t from, char why[QBID_KEY_FILE_WHY_MAX])
{
    uint8_t seed[QBID_AUDIT_KEY_FILE_SEED_BYTES];
    char hex[HEX_CHARS + 1], text[HEX_CHARS + 64];
    randombytes_buf(seed, sizeof seed);
    sodium_bin2hex(hex, sizeof hex, seed, sizeof seed);
    int err = 0, len = snprintf(text, sizeof text, WORDS "%s from %" PRIu64 "\n", hex, from);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, (size_t)len) != len || fsync(fd) != 0) {
        snprintf(why, QBID_KEY_FILE_WHY_MAX, "cannot be %s: %s", fd < 0 ? "created" : "written",
                 strerror(errno));
        err = QBID_ERR_SYS;
    }
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && err)
        unlink(path);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(hex, sizeof hex);
    sodium_memzero(text, sizeof text);
    return err;
}
