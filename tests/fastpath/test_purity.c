/* SPDX-License-Identifier: Apache-2.0 */
/* What a decision may not do: allocate, call the system, write anywhere but to its two words. */
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fastpath/random_account.h"

enum { ACCOUNTS = 40, REQUESTS = 100 };

/* The linker leads every allocation of the linked objects here (tests/fastpath/local.mk). */
static bool trapped;
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t cnt, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t cnt, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);

static void spring(void)
{
    if (trapped)
        abort();
}

void *__wrap_malloc(size_t bytes)
{
    spring();
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t cnt, size_t bytes)
{
    spring();
    return __real_calloc(cnt, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    spring();
    return __real_realloc(old, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    spring();
    return __real_aligned_alloc(alignment, bytes);
}

static void open_random(struct stage *s, struct rng *r, int account)
{
    stage_init(s);
    random_account_fill(s, r, account % 4 ? 20 : 300);
    stage_open(s);
    random_account_scramble(s, r);
}

static void decide_some(struct stage *s, struct rng *r)
{
    for (int i = 0; i < REQUESTS; i++) {
        struct random_request random;
        struct qbid_decision d;
        struct qbid_trace trace;
        random_request_fill(s, r, &random);
        trapped = true;
        (void)qbid_decide_one(&s->view, &random.request, STAGE_NOW_NS, &d, &trace);
        qbid_decide_many(&s->view, &random.request, 1, STAGE_NOW_NS, &d);
        trapped = false;
    }
}

static int exit_status_of(void (*child)(void))
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void child_allocates(void)
{
    void *volatile taken;
    trapped = true;
    taken = malloc(1);
    free(taken);
}

static void decisions_allocate_nothing(void **state)
{
    (void)state;
    struct rng r = rng_init(11);
    assert_true(WIFSIGNALED(exit_status_of(child_allocates))); /* the trap works */
    for (int account = 0; account < ACCOUNTS; account++) {
        struct stage s;
        open_random(&s, &r, account);
        decide_some(&s, &r);
        stage_done(&s);
    }
}

static struct stage confined;
static struct rng confined_rng;

/* From here on the kernel ends this process at any call but read, write and exit. */
static void confine(void)
{
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
        _exit(77);
}

static void child_decides_confined(void)
{
    confine();
    decide_some(&confined, &confined_rng);
    syscall(SYS_exit, 0);
}

static void child_calls_confined(void)
{
    confine();
    (void)getppid();
    syscall(SYS_exit, 0);
}

static void decisions_make_no_system_call(void **state)
{
    (void)state;
    confined_rng = rng_init(12);
    int status = exit_status_of(child_calls_confined);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("this kernel has no strict seccomp\n");
        skip();
    }
    assert_true(WIFSIGNALED(status)); /* the cage works */
    for (int account = 0; account < ACCOUNTS; account++) {
        open_random(&confined, &confined_rng, account);
        status = exit_status_of(child_decides_confined);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        (void)rng_next(&confined_rng); /* the child's requests were its own */
        stage_done(&confined);
    }
}

static void *copy_of(const void *base, size_t bytes)
{
    void *copy = aligned_alloc(64, (bytes + 63) / 64 * 64);
    assert_non_null(copy);
    return memcpy(copy, base, bytes);
}

static void decisions_write_committed_and_seq_and_nothing_else(void **state)
{
    (void)state;
    struct rng r = rng_init(13);
    int64_t reserved = 0;
    for (int account = 0; account < ACCOUNTS; account++) {
        struct stage s;
        open_random(&s, &r, account);
        struct stage before = s;
        void *image = copy_of(s.image_base, s.image_bytes);
        void *live = copy_of(s.live_base, s.live_bytes);
        void *page = copy_of(s.page_base, s.page_bytes);
        decide_some(&s, &r);
        assert_memory_equal(&s, &before, sizeof s);
        assert_memory_equal(s.image_base, image, s.image_bytes);
        assert_memory_equal(s.live_base, live, s.live_bytes);
        struct qbid_page old;
        assert_int_equal(qbid_page_attach(page, s.page_bytes, &old), 0);
        for (uint32_t b = 0; b < STAGE_BUDGETS; b++) {
            int64_t now = stage_committed(&s, b), then = atomic_load(&old.committed[b]);
            assert_true(now >= then);
            reserved += now > then;
            atomic_store(&s.page.committed[b], then);
        }
        atomic_store(&s.page.header->seq, atomic_load(&old.header->seq));
        assert_memory_equal(s.page_base, page, s.page_bytes);
        free(image);
        free(live);
        free(page);
        stage_done(&s);
    }
    assert_true(reserved > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_allocate_nothing),
        cmocka_unit_test(decisions_make_no_system_call),
        cmocka_unit_test(decisions_write_committed_and_seq_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
