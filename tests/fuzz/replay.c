/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target as an ordinary test; `--write FOLDER` writes its seeds there for libFuzzer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/control/models/rng.h"
#include "tests/fuzz/fuzz.h"
#include "tests/rounds.h"

#define SEEDS_MAX 8192

struct seeds {
    struct {
        void *data;
        size_t size;
    } item[SEEDS_MAX];
    unsigned cnt;
};

static struct seeds s;

static void keep(void *context, const void *data, size_t size)
{
    (void)context;
    assert_true(s.cnt < SEEDS_MAX);
    s.item[s.cnt].data = malloc(size ? size : 1);
    memcpy(s.item[s.cnt].data, data, size);
    s.item[s.cnt++].size = size;
}

static int collect(void **state)
{
    (void)state;
    fuzz_seeds(keep, NULL);
    return s.cnt > 0 ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    while (s.cnt > 0)
        free(s.item[--s.cnt].data);
    return 0;
}

static void the_seeds_run_without_a_report(void **state)
{
    (void)state;
    for (unsigned i = 0; i < s.cnt; i++)
        assert_int_equal(LLVMFuzzerTestOneInput(s.item[i].data, s.item[i].size), 0);
}

/* Change up to four bytes, cut the end off, or double a part. */
static size_t mutate(struct rng *r, uint8_t *data, size_t size)
{
    for (uint32_t n = rng_below(r, 5); n > 0 && size > 0; n--) {
        size_t at = rng_below(r, (uint32_t)size);
        data[at] = (uint8_t)(rng_below(r, 2) ? rng_next(r) : data[at] ^ (1u << rng_below(r, 8)));
    }
    if (rng_below(r, 8) == 0)
        return rng_below(r, (uint32_t)size + 1);
    if (rng_below(r, 8) == 0) {
        size_t part = rng_below(r, (uint32_t)size + 1);
        memmove(data + size, data + size - part, part);
        return size + part;
    }
    return size;
}

static void mutated_seeds_run_without_a_report(void **state)
{
    (void)state;
    struct rng r = rng_init(61);
    unsigned replays =
        fuzz_replays / (unsigned)rounds(1, 1, 3); /* the fuzzer itself has the sanitizers */
    for (unsigned i = 0; i < replays; i++) {
        unsigned from = i % s.cnt;
        size_t size = s.item[from].size;
        uint8_t *copy = malloc(2 * size + 1);
        memcpy(copy, s.item[from].data, size);
        size = mutate(&r, copy, size);
        assert_int_equal(LLVMFuzzerTestOneInput(copy, size), 0);
        free(copy);
    }
}

struct folder {
    const char *path;
    unsigned cnt;
};

static void write_seed(void *context, const void *data, size_t size)
{
    struct folder *folder = context;
    char path[4096];
    snprintf(path, sizeof path, "%s/seed-%04u", folder->path, folder->cnt++);
    FILE *file = fopen(path, "w");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        struct folder folder = {argv[2], 0};
        fuzz_seeds(write_seed, &folder);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seeds_run_without_a_report),
        cmocka_unit_test(mutated_seeds_run_without_a_report),
    };
    return cmocka_run_group_tests(tests, collect, drop);
}
