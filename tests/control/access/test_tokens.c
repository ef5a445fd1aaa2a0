/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: who is found by which, and what of a file is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "control/access/tokens.h"
#include "shm/error.h"

struct fixture {
    char folder[40], path[64], why[QBID_TOKENS_WHY_MAX];
    struct qbid_tokens *tokens;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->folder, "/tmp/qbid-tokens-XXXXXX");
    if (sodium_init() < 0 || !mkdtemp(f->folder) || qbid_tokens_new(&f->tokens) != 0)
        return -1;
    snprintf(f->path, sizeof f->path, "%s/tokens", f->folder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    qbid_tokens_free(f->tokens);
    unlink(f->path);
    int err = rmdir(f->folder);
    free(f);
    return err;
}

static int load(struct fixture *f, const char *text, mode_t mode)
{
    unlink(f->path);
    FILE *file = fopen(f->path, "w");
    fputs(text, file);
    fclose(file);
    chmod(f->path, mode);
    f->why[0] = '\0';
    return qbid_tokens_load(f->tokens, f->path, f->why);
}

static bool find(struct fixture *f, const char *token, struct qbid_principal *ret)
{
    return qbid_tokens_find(f->tokens, token, strlen(token), ret);
}

static void a_token_finds_its_own_line_and_nothing_near_it_does(void **state)
{
    struct fixture *f = *state;
    char token[3][QBID_TOKEN_TEXT_MAX], hash[3][QBID_TOKEN_HASH_HEX], text[512];
    struct qbid_principal p = {0};
    for (int i = 0; i < 3; i++)
        qbid_token_make(token[i], hash[i]);
    assert_string_not_equal(token[0], token[1]);
    assert_int_equal(strlen(token[0]), 48);
    assert_int_equal(strncmp(token[0], "qbid_", 5), 0);
    snprintf(text, sizeof text, "# whose\n\n7 read,execute spring %s\r\n 8\tapprove\tsummer\t%s",
             hash[0], hash[1]);
    assert_int_equal(load(f, text, 0600), 0);
    assert_true(find(f, token[0], &p));
    assert_int_equal(p.tenant, 7);
    assert_int_equal(p.rights, QBID_RIGHT_READ | QBID_RIGHT_EXECUTE);
    assert_string_equal(p.actor, "token spring");
    assert_true(find(f, token[1], &p));
    assert_int_equal(p.tenant, 8);
    assert_int_equal(p.rights, QBID_RIGHT_APPROVE);
    p.tenant = 99;
    assert_false(find(f, token[2], &p));
    assert_false(find(f, "", &p));
    assert_false(find(f, hash[0], &p)); /* the hash is no token */
    for (size_t i = 0; i < 48; i++) {
        char near[QBID_TOKEN_TEXT_MAX];
        strcpy(near, token[0]);
        near[i] = near[i] == 'x' ? 'y' : 'x';
        assert_false(find(f, near, &p));
        near[i] = '\0';
        assert_false(find(f, near, &p));
    }
    char longer[600];
    memset(longer, 'a', sizeof longer);
    assert_false(qbid_tokens_find(f->tokens, longer, sizeof longer, &p));
    assert_int_equal(p.tenant, 99); /* untouched by what was not found */
}

static void the_hash_is_that_of_libsodium_over_the_text(void **state)
{
    char token[QBID_TOKEN_TEXT_MAX], hash[QBID_TOKEN_HASH_HEX], want[65];
    uint8_t bytes[32];
    (void)state;
    qbid_token_make(token, hash);
    crypto_generichash(bytes, 32, (const uint8_t *)token, strlen(token), NULL, 0);
    assert_string_equal(hash, sodium_bin2hex(want, sizeof want, bytes, 32));
}

#define HASH64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void a_wrong_file_is_refused_with_its_line_and_the_former_stays(void **state)
{
    struct fixture *f = *state;
    char token[QBID_TOKEN_TEXT_MAX], hash[QBID_TOKEN_HASH_HEX], text[256];
    struct qbid_principal p;
    static const struct {
        const char *text, *why;
    } wrong[] = {
        {"7 read a\n", "line 1 is not 'TENANT"},
        {"7 read a " HASH64 " x\n", "line 1 is not 'TENANT"},
        {"\n#\n0 read a " HASH64 "\n", "line 3 has a tenant"},
        {"-1 read a " HASH64 "\n", "line 1 has a tenant"},
        {"4294967296 read a " HASH64 "\n", "line 1 has a tenant"},
        {"7x read a " HASH64 "\n", "line 1 has a tenant"},
        {"7 all a " HASH64 "\n", "line 1 has rights"},
        {"7 read, a " HASH64 "\n", "line 1 has rights"},
        {"7 read,,execute a " HASH64 "\n", "line 1 has rights"},
        {"7 read a/b " HASH64 "\n", "line 1 has a name"},
        {"7 read abcdefghijklmnopqrstuvwxy " HASH64 "\n", "line 1 has a name"},
        {"7 read a " HASH64 "0\n", "line 1 has a hash"},
        {"7 read a x" HASH64 "\n", "line 1 has a hash"},
        {"7 read a " HASH64 "\n8 read a ff" HASH64 "\n", "line 2 has a hash"},
        {"7 read a " HASH64 "\n8 read b " HASH64 "\n", "line 2 has a name or a hash that stands"},
    };
    qbid_token_make(token, hash);
    snprintf(text, sizeof text, "7 read spring %s\n", hash);
    assert_int_equal(load(f, text, 0600), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(load(f, wrong[i].text, 0600), QBID_ERR_PARSE);
        if (strncmp(f->why, wrong[i].why, strlen(wrong[i].why)) != 0)
            fail_msg("'%s' instead of '%s'", f->why, wrong[i].why);
    }
    assert_int_equal(load(f, text, 0640), QBID_ERR_DENIED);
    assert_non_null(strstr(f->why, "mode must be 0600"));
    assert_int_equal(qbid_tokens_load(f->tokens, "/nonexistent/tokens", f->why), QBID_ERR_NOENT);
    assert_true(find(f, token, &p));
    assert_int_equal(qbid_tokens_load(f->tokens, "", f->why), 0); /* none any more */
    assert_false(find(f, token, &p));
}

static void more_tokens_than_fit_are_refused(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(QBID_TOKENS_BYTES_MAX + 100);
    size_t len = 0;
    for (int i = 0; i <= QBID_TOKENS_MAX; i++)
        len += (size_t)sprintf(text + len, "1 read n%d %064x\n", i, i);
    assert_int_equal(load(f, text, 0600), QBID_ERR_LIMIT);
    text[len - 80] = '\0';
    *strrchr(text, '\n') = '\0';
    assert_int_equal(load(f, text, 0600), 0);
    memset(text, '#', QBID_TOKENS_BYTES_MAX + 10);
    text[QBID_TOKENS_BYTES_MAX + 10] = '\0';
    assert_int_equal(load(f, text, 0600), QBID_ERR_LIMIT);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_finds_its_own_line_and_nothing_near_it_does, setup,
                                        teardown),
        cmocka_unit_test(the_hash_is_that_of_libsodium_over_the_text),
        cmocka_unit_test_setup_teardown(a_wrong_file_is_refused_with_its_line_and_the_former_stays,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(more_tokens_than_fit_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
