/* SPDX-License-Identifier: Apache-2.0 */
/* Memory files in pages of 2 MiB: in their maker and in a reader, as the kernel's own books say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/memfd.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE_PAGE ((size_t)2 << 20)
#define BYTES (((size_t)100 << 20) + 4242) /* the end is not of a huge page */
#define WHOLE ((size_t)50)                 /* huge pages in it */

/* Pages of 2 MiB by which a mapping is mapped in this process. */
static size_t huge_pages(const void *base)
{
    FILE *f = fopen("/proc/self/smaps", "re");
    char line[512];
    unsigned long from, to, kb, at = 0, huge_kb = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            at = from;
        else if (at == (unsigned long)(uintptr_t)base &&
                 (sscanf(line, "ShmemPmdMapped: %lu kB", &kb) == 1 ||
                  sscanf(line, "FilePmdMapped: %lu kB", &kb) == 1))
            huge_kb += kb;
    }
    fclose(f);
    return huge_kb / (HUGE_PAGE >> 10);
}

/* A memory file of one page's worth, made without our code: whether this kernel can, and today. */
static int kernel_can(char why[128])
{
    int fd = memfd_create("probe", MFD_CLOEXEC);
    char *hold = mmap(NULL, 2 * HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(fd >= 0 && hold != MAP_FAILED && ftruncate(fd, (off_t)HUGE_PAGE) == 0);
    void *at = hold + (0 - (uintptr_t)hold) % HUGE_PAGE;
    void *base = mmap(at, HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    assert_true(base != MAP_FAILED);
    memset(base, 1, HUGE_PAGE);
    int rc = madvise(base, HUGE_PAGE, MADV_COLLAPSE);
    int can = huge_pages(base) == 1;
    snprintf(why, 128, "this kernel gives a memory file no huge page (MADV_COLLAPSE: %s)",
             rc == 0 ? "no error" : "refused");
    munmap(hold, 2 * HUGE_PAGE);
    close(fd);
    return can;
}

static void skip_unless_kernel_can(void)
{
    char why[128];
    if (kernel_can(why))
        return;
    print_message("skipped: %s\n", why);
    skip();
}

static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 2654435761u >> 24);
}

/* In another process: huge pages there, 1000 = a byte is wrong, 1001 = it cannot be mapped. */
static size_t huge_pages_in_reader(int fd)
{
    int ends[2];
    size_t result = 1001;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        void *base;
        size_t bytes;
        if (qbid_memfd_map(fd, QBID_MEMFD_IMAGE, 1, BYTES, &base, &bytes) == 0 && bytes == BYTES) {
            result = huge_pages(base);
            for (size_t i = 0; i < bytes; i += 997)
                if (((unsigned char *)base)[i] != byte_at(i))
                    result = 1000;
        }
        _exit(write(ends[1], &result, sizeof result) != (ssize_t)sizeof result);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &result, sizeof result), (ssize_t)sizeof result);
    close(ends[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return result;
}

static void a_published_image_is_mapped_by_huge_pages_in_maker_and_reader(void **state)
{
    (void)state;
    int fd, ro;
    void *base;
    skip_unless_kernel_can();
    assert_int_equal(qbid_memfd_make(QBID_MEMFD_IMAGE, BYTES, &fd, &base), 0);
    assert_int_equal((uintptr_t)base % HUGE_PAGE, 0);
    assert_int_equal(huge_pages(base), WHOLE);
    for (size_t i = 0; i < BYTES; i++)
        ((unsigned char *)base)[i] = byte_at(i);
    assert_int_equal(huge_pages(base), WHOLE);
    assert_int_equal(qbid_memfd_seal_image(fd, base, BYTES, &ro), 0);
    assert_int_equal(huge_pages_in_reader(ro), WHOLE);
    close(ro);
    close(fd);
}

/* A maker that did not ask for them, say of an older version. */
static void of_an_image_in_small_pages_a_reader_makes_huge_ones(void **state)
{
    (void)state;
    skip_unless_kernel_can();
    int fd = memfd_create("small", MFD_CLOEXEC | MFD_ALLOW_SEALING), ro;
    unsigned char *bytes = malloc(BYTES);
    assert_true(fd >= 0 && bytes != NULL);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = byte_at(i);
    for (size_t at = 0; at < BYTES;) { /* through the file, 4 KiB at a time */
        size_t part = BYTES - at < 4096 ? BYTES - at : 4096;
        assert_int_equal(pwrite(fd, bytes + at, part, (off_t)at), (ssize_t)part);
        at += part;
    }
    free(bytes);
    assert_int_equal(
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL), 0);
    assert_int_equal(qbid_memfd_reopen_ro(fd, &ro), 0);
    /* the kernel passes over one of which another core still holds a small page for a moment */
    assert_in_range(huge_pages_in_reader(ro), WHOLE - 2, WHOLE);
    close(ro);
    close(fd);
}

static void small_files_ask_for_none(void **state)
{
    (void)state;
    int fd;
    void *base;
    assert_int_equal(qbid_memfd_make(QBID_MEMFD_PAGE, 65536, &fd, &base), 0);
    assert_int_equal(huge_pages(base), 0);
    munmap(base, 65536);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_published_image_is_mapped_by_huge_pages_in_maker_and_reader),
        cmocka_unit_test(of_an_image_in_small_pages_a_reader_makes_huge_ones),
        cmocka_unit_test(small_files_ask_for_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
