/* SPDX-License-Identifier: Apache-2.0 */
/* A child writes transactions and is killed; what the next one finds is always a whole one. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "control/store/store.h"
#include "shm/error.h"
#include "tests/control/store/scratch.h"

#define KILLS 60
#define KILLS_MAX (10 * KILLS) /* where writers are killed before they come to anything */

/* Each transaction raises two numbers, two budgets and the audit by one. */
static int transaction(struct qbid_store *store, uint64_t n)
{
    struct qbid_store_cause cause = {n, "child", "kill test"};
    struct qbid_ledger_row rows[] = {{0, (int64_t)n, 1}, {1, (int64_t)n, 2}};
    char text[2048];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int err = qbid_store_begin(store);
    if (err)
        return err;
    err = qbid_store_set(store, "first", n);
    if (!err)
        err = qbid_store_save_ledger(store, rows, 2);
    if (!err)
        err = qbid_store_audit(store, &cause, "step", text, "");
    if (!err)
        err = qbid_store_set(store, "second", n);
    return qbid_store_end(store, err);
}

static void child(const char *path, _Atomic uint64_t *acknowledged)
{
    struct scratch s = {.store = NULL};
    uint64_t n;
    snprintf(s.path, sizeof s.path, "%s", path);
    if (scratch_open(&s) != 0 || qbid_store_get(s.store, "first", 0, &n) != 0)
        _exit(1);
    for (;;) {
        if (transaction(s.store, ++n) != 0)
            _exit(2);
        *acknowledged = n;
    }
}

static int budget_check(void *context, const struct qbid_store_budget *b)
{
    assert_int_equal(b->row.spent_nanos, *(uint64_t *)context);
    return 0;
}

static void a_killed_writer_leaves_whole_transactions_only(void **state)
{
    struct scratch *s = *state;
    qbid_store_free(s->store);
    s->store = NULL;
    _Atomic uint64_t *acknowledged =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(acknowledged != MAP_FAILED);
    uint64_t random = 12345;
    for (int i = 0; i < KILLS || (*acknowledged <= KILLS && i < KILLS_MAX); i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            child(s->path, acknowledged);
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        /* Where they are slow to open the store, the next ones live longer. */
        struct timespec wait = {0, (long)(random >> 33) % 40000000 * (1 + i / KILLS)};
        nanosleep(&wait, NULL);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        uint64_t first, second, records;
        assert_int_equal(scratch_open(s), 0);
        assert_int_equal(qbid_store_get(s->store, "first", 0, &first), 0);
        assert_int_equal(qbid_store_get(s->store, "second", 0, &second), 0);
        assert_int_equal(first, second);
        assert_true(first == *acknowledged || first == *acknowledged + 1);
        assert_int_equal(qbid_store_load_ledger(s->store, budget_check, &first), 0);
        assert_int_equal(qbid_store_verify_audit(s->store, NULL, &records), 0);
        assert_int_equal(records, first);
        *acknowledged = first;
        qbid_store_free(s->store);
        s->store = NULL;
    }
    assert_true(*acknowledged > KILLS); /* it did work in between */
    munmap(acknowledged, 4096);
    assert_int_equal(scratch_open(s), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_writer_leaves_whole_transactions_only,
                                        scratch_setup, scratch_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
