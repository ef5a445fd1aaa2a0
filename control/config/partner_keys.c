/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the secrets of partners' prices; nothing of a key ever reaches a message. */
#include <stdio.h>
#include <string.h>

#include "control/config/partners.h"
#include "shm/base64.h"
#include "shm/error.h"

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = memchr(digits, c, sizeof digits - 1);
    return at ? (int)(at - digits) % 16 : -1;
}

/* 32 or 64 hexadecimal digits. No key of 16 or 32 bytes is that long in base64. */
static uint8_t hex_take(const char *line, size_t len, uint8_t secret[QBID_PARTNER_KEY_BYTES])
{
    if (len != 32 && len != 64)
        return 0;
    for (size_t i = 0; i < len / 2; i++) {
        int high = hex_digit(line[2 * i]), low = hex_digit(line[2 * i + 1]);
        if (high < 0 || low < 0)
            return 0;
        secret[i] = (uint8_t)(high << 4 | low);
    }
    return (uint8_t)(len / 2);
}

static uint8_t key_take(const char *line, uint8_t secret[QBID_PARTNER_KEY_BYTES])
{
    size_t len = strlen(line);
    uint8_t bytes = hex_take(line, len, secret);
    if (bytes != 0)
        return bytes;
    int64_t n = qbid_base64_decode(line, len, secret, QBID_PARTNER_KEY_BYTES);
    return n == 16 || n == 32 ? (uint8_t)n : 0;
}

const char *qbid_partner_keys_parse(char *text, enum qbid_price_coding coding,
                                    struct qbid_partner_keys *keys)
{
    unsigned want = coding == QBID_PRICE_CODING_GOOGLE ? 2 : 1, cnt = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
        if (*line == '#')
            continue;
        if (cnt == want)
            return want == 2 ? "holds more than an encryption and an integrity key"
                             : "holds more than one key";
        keys->len[cnt] = key_take(line, keys->secret[cnt]);
        if (keys->len[cnt] == 0)
            return "has a line that is no key of 16 or 32 bytes in hexadecimal digits or base64";
        if (want == 2 && keys->len[cnt] != 32)
            return "has a key that is not 32 bytes long";
        cnt++;
    }
    if (cnt == want)
        return NULL;
    return want == 2 ? "must hold an encryption and an integrity key" : "holds no key";
}

static int keys_load(const char *path, unsigned coding, struct qbid_partner_keys *keys,
                     char why[QBID_KEY_FILE_WHY_MAX])
{
    char text[QBID_KEY_FILE_BYTES_MAX + 1];
    int err = qbid_key_file_read(path, text, why);
    if (err != 0)
        return err;
    const char *wrong = qbid_partner_keys_parse(text, coding, keys);
    explicit_bzero(text, sizeof text);
    if (!wrong)
        return 0;
    snprintf(why, QBID_KEY_FILE_WHY_MAX, "%s", wrong);
    return QBID_ERR_PARSE;
}

int qbid_partner_keys_load(const struct qbid_config *config,
                           struct qbid_partner_keys ret_list[QBID_PARTNERS_MAX],
                           char why[QBID_PARTNERS_WHY_MAX])
{
    char reason[QBID_KEY_FILE_WHY_MAX];
    memset(ret_list, 0, QBID_PARTNERS_MAX * sizeof *ret_list);
    for (uint32_t i = 0; i < config->partner_cnt; i++) {
        const char *path = config->partner_key_file[i];
        if (!*path)
            continue;
        int err = keys_load(path, config->partner[i].coding, &ret_list[i], reason);
        if (err != 0) {
            explicit_bzero(ret_list, QBID_PARTNERS_MAX * sizeof *ret_list);
            snprintf(why, QBID_PARTNERS_WHY_MAX, "partners[%u].key_file %s: %s", i, path,
                     err == QBID_ERR_NOENT ? "the file is missing" : reason);
            return err;
        }
        ret_list[i].id = config->partner[i].id;
    }
    return 0;
}
