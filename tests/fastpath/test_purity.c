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

/* MANY: 40 accounts, once singly and once in batches, make a million decisions. */
enum { ACCOUNTS = 40, REQUESTS = 96, MANY = 12512, BATCH = 8 };

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

static uint64_t outcomes[QBID_NOBID_CNT];

static void decide_batch(const struct qbid_view *view, const struct random_request random[BATCH])
{
    struct qbid_request requests[BATCH];
    struct qbid_decision d[2 * BATCH];
    struct qbid_trace trace;
    for (int i = 0; i < BATCH; i++)
        requests[i] = random[i].request;
    trapped = true;
    for (int i = 0; i < BATCH; i++)
        (void)qbid_decide_one(view, &requests[i], STAGE_NOW_NS, &d[i], &trace);
    qbid_decide_many(view, requests, BATCH, STAGE_NOW_NS, &d[BATCH]);
    trapped = false;
    for (int i = 0; i < 2 * BATCH; i++)
        outcomes[d[i].nobid]++;
}

/* The n-th way to find the gate closed, or the view as it is. */
static struct qbid_view view_of(const struct stage *s, int n)
{
    struct qbid_view view = s->view;
    if (n == 1)
        view.image = NULL;
    else if (n == 2)
        view.live = NULL;
    else if (n == 3)
        view.deadline_ns = STAGE_NOW_NS - 1;
    return view;
}

static void decide_some(struct stage *s, struct rng *r, int cnt)
{
    for (int i = 0; i < cnt; i += BATCH) {
        struct random_request random[BATCH];
        for (int k = 0; k < BATCH; k++)
            random_request_fill(s, r, &random[k]);
        struct qbid_view view = view_of(s, i / BATCH % 16);
        decide_batch(&view, random);
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
        decide_some(&s, &r, MANY);
        stage_done(&s);
    }
    uint64_t sum = 0;
    for (int i = 0; i < QBID_NOBID_CNT; i++) {
        print_message("outcome %d: %llu\n", i, (unsigned long long)outcomes[i]);
        sum += outcomes[i];
        assert_true(outcomes[i] > 0 ||
                    i > QBID_NOBID_NO_ALLOWANCE); /* those after are the host's */
    }
    assert_true(sum >= 1000000);
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
    decide_some(&confined, &confined_rng, REQUESTS);
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

static void decisions_write_committed_refused_and_seq_and_nothing_else(void **state)
{
    (void)state;
    struct rng r = rng_init(13);
    int64_t reserved = 0, refused = 0;
    for (int account = 0; account < ACCOUNTS; account++) {
        struct stage s;
        open_random(&s, &r, account);
        struct stage before = s;
        void *image = copy_of(s.image_base, s.image_bytes);
        void *live = copy_of(s.live_base, s.live_bytes);
        void *page = copy_of(s.page_base, s.page_bytes);
        decide_some(&s, &r, REQUESTS);
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
            int64_t refusal = atomic_load(&s.page.refused[b]);
            assert_true(refusal >= 0);
            refused += refusal > 0;
            atomic_store(&s.page.refused[b], atomic_load(&old.refused[b]));
        }
        atomic_store(&s.page.header->seq, atomic_load(&old.header->seq));
        assert_memory_equal(s.page_base, page, s.page_bytes);
        free(image);
        free(live);
        free(page);
        stage_done(&s);
    }
    assert_true(reserved > 20 && refused > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_allocate_nothing),
        cmocka_unit_test(decisions_make_no_system_call),
        cmocka_unit_test(decisions_write_committed_refused_and_seq_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
