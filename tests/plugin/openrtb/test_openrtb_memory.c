/* SPDX-License-Identifier: Apache-2.0 */
/* The parsers when memory runs out: from each allocation of their making on all fail, nothing is
 * lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plugin/openrtb/openrtb_protobuf.h"
#include "shm/error.h"

#ifndef __SANITIZE_ADDRESS__

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t cnt, size_t bytes);
void __libc_free(void *memory);

static _Thread_local volatile int left = -1; /* allocations until one fails; -1 = none does */
static _Thread_local volatile int held;      /* since counting began */
static _Thread_local volatile int counting;

/* Visible, so that the shared libraries allocate here as well. */
#pragma GCC visibility push(default)

static bool may_have(void)
{
    if (counting && left == 0)
        return false;
    if (counting) {
        left -= left > 0;
        held = held + 1;
    }
    return true;
}

void *malloc(size_t bytes)
{
    return may_have() ? __libc_malloc(bytes) : NULL;
}

void *calloc(size_t cnt, size_t bytes)
{
    return may_have() ? __libc_calloc(cnt, bytes) : NULL;
}

void free(void *memory)
{
    if (counting && memory)
        held = held - 1;
    __libc_free(memory);
}

#pragma GCC visibility pop

static int try_with(int allocations)
{
    struct qbid_openrtb *parser = NULL;
    struct qbid_protobuf *protobuf = NULL;
    held = 0;
    left = allocations;
    counting = 1;
    int err = qbid_openrtb_new(&parser);
    if (err == 0)
        err = qbid_protobuf_new(parser, &protobuf);
    left = -1;
    qbid_protobuf_free(protobuf);
    qbid_openrtb_free(parser);
    counting = 0;
    return err;
}

static void each_failed_allocation_is_an_error_and_loses_nothing(void **state)
{
    int failed = 0;
    (void)state;
    assert_int_equal(try_with(-1), 0);
    while (try_with(failed) == QBID_ERR_NOMEM) {
        assert_int_equal(held, 0);
        failed++;
        assert_in_range(failed, 1, 99);
    }
    assert_in_range(failed, 2, 99); /* the two */
    assert_int_equal(try_with(failed), 0);
    assert_int_equal(held, 0);
}

#else

static void each_failed_allocation_is_an_error_and_loses_nothing(void **state)
{
    (void)state;
    print_message("the sanitizer's allocator cannot be made to fail\n");
    skip();
}

#endif

static void nothing_is_freed_gladly(void **state)
{
    (void)state;
    qbid_openrtb_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failed_allocation_is_an_error_and_loses_nothing),
        cmocka_unit_test(nothing_is_freed_gladly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
