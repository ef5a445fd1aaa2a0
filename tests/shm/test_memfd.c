/* SPDX-License-Identifier: Apache-2.0 */
/* Memory files: what the seals forbid, what a mapping sees, and which descriptors are refused. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/memfd.h"
#include "tests/shm/process.h"

#define BYTES 12345
#define HUGE_BYTES ((size_t)5 << 20)

static int image_fd(size_t bytes, unsigned char fill)
{
    int fd, ro;
    void *base;
    assert_int_equal(qbid_memfd_make(QBID_MEMFD_IMAGE, bytes, &fd, &base), 0);
    memset(base, fill, bytes);
    assert_int_equal(qbid_memfd_seal_image(fd, base, bytes, &ro), 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(ro, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fcntl(ro, F_GETFL) & O_ACCMODE, O_RDONLY);
    close(fd);
    return ro;
}

static void expect_refusal(int fd, enum qbid_memfd_kind kind, int want)
{
    unsigned maps = process_maps();
    void *base = NULL;
    size_t bytes = 1;
    assert_int_equal(qbid_memfd_map(fd, kind, 64, (size_t)1 << 30, &base, &bytes), want);
    assert_null(base);
    assert_int_equal(bytes, 1);
    assert_int_equal(process_maps(), maps);
    assert_true(fcntl(fd, F_GETFD) >= 0); /* it stays the caller's */
}

static void a_sealed_image_cannot_be_changed_by_anyone(void **state)
{
    (void)state;
    int fd, ro;
    void *base;
    assert_int_equal(qbid_memfd_make(QBID_MEMFD_IMAGE, BYTES, &fd, &base), 0);
    memset(base, 7, BYTES);
    assert_int_equal(qbid_memfd_seal_image(fd, base, BYTES, &ro), 0);

    assert_true(pwrite(fd, "x", 1, 0) < 0 && errno == EPERM);
    assert_true(ftruncate(fd, BYTES - 1) < 0 && errno == EPERM);
    assert_true(ftruncate(fd, BYTES + 1) < 0 && errno == EPERM);
    assert_true(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) < 0 &&
                errno == EPERM);
    assert_true(mmap(NULL, BYTES, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    assert_true(mmap(NULL, BYTES, PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED);
    assert_true(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) < 0 && errno == EPERM);
    close(fd);
    close(ro);
}

static void a_mapped_image_shows_the_makers_bytes_and_is_read_only(void **state)
{
    (void)state;
    const size_t sizes[] = {BYTES, HUGE_BYTES, HUGE_BYTES + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int fd = image_fd(sizes[i], 0x5a);
        void *base;
        size_t bytes;
        assert_int_equal(qbid_memfd_map(fd, QBID_MEMFD_IMAGE, sizes[i], sizes[i], &base, &bytes),
                         0);
        close(fd);
        assert_int_equal(bytes, sizes[i]);
        assert_int_equal((uintptr_t)base % (sizes[i] < HUGE_BYTES ? 4096 : 2 << 20), 0);
        for (size_t at = 0; at < bytes; at++)
            assert_true(((unsigned char *)base)[at] == 0x5a);
        assert_true(mprotect(base, bytes, PROT_READ | PROT_WRITE) < 0);
        munmap(base, bytes);
    }
}

static void a_live_page_is_written_by_its_maker_only(void **state)
{
    (void)state;
    int fd, ro;
    void *writer, *reader;
    size_t bytes;
    assert_int_equal(qbid_memfd_make(QBID_MEMFD_LIVE, BYTES, &fd, &writer), 0);
    assert_int_equal(qbid_memfd_reopen_ro(fd, &ro), 0);
    assert_int_equal(qbid_memfd_map(ro, QBID_MEMFD_LIVE, 64, HUGE_BYTES, &reader, &bytes), 0);
    assert_int_equal(bytes, BYTES);
    ((char *)writer)[BYTES - 1] = 'w';
    assert_int_equal(((volatile char *)reader)[BYTES - 1], 'w');
    assert_true(mprotect(reader, bytes, PROT_READ | PROT_WRITE) < 0);
    assert_true(mmap(NULL, BYTES, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    assert_true(pwrite(fd, "x", 1, 0) < 0 && ftruncate(fd, 64) < 0);
    munmap(writer, BYTES);
    munmap(reader, bytes);
    close(fd);
    close(ro);
}

static void a_worker_page_is_written_from_both_mappings_and_keeps_its_size(void **state)
{
    (void)state;
    int fd;
    void *a, *b;
    size_t bytes;
    assert_int_equal(qbid_memfd_make(QBID_MEMFD_PAGE, BYTES, &fd, &a), 0);
    assert_int_equal(qbid_memfd_map(fd, QBID_MEMFD_PAGE, 64, HUGE_BYTES, &b, &bytes), 0);
    ((char *)a)[0] = 'a';
    ((char *)b)[1] = 'b';
    assert_int_equal(((volatile char *)b)[0], 'a');
    assert_int_equal(((volatile char *)a)[1], 'b');
    assert_true(ftruncate(fd, 64) < 0 && ftruncate(fd, HUGE_BYTES) < 0);
    munmap(a, BYTES);
    munmap(b, bytes);
    close(fd);
}

static void files_without_the_seals_of_their_kind_are_refused(void **state)
{
    (void)state;
    static const int partial[] = {0,
                                  F_SEAL_SEAL,
                                  F_SEAL_SHRINK | F_SEAL_GROW,
                                  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
                                  F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL,
                                  F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL};
    for (size_t i = 0; i < sizeof partial / sizeof *partial; i++) {
        int fd = memfd_create("partial", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        assert_int_equal(fallocate(fd, 0, 0, BYTES), 0);
        assert_int_equal(fcntl(fd, F_ADD_SEALS, partial[i]), 0);
        expect_refusal(fd, QBID_MEMFD_IMAGE, QBID_ERR_SEAL);
        expect_refusal(fd, QBID_MEMFD_LIVE, QBID_ERR_SEAL);
        expect_refusal(fd, QBID_MEMFD_PAGE, QBID_ERR_SEAL);
        close(fd);
    }
    int live, page;
    void *base;
    assert_int_equal(qbid_memfd_make(QBID_MEMFD_LIVE, BYTES, &live, &base), 0);
    munmap(base, BYTES);
    assert_int_equal(qbid_memfd_make(QBID_MEMFD_PAGE, BYTES, &page, &base), 0);
    munmap(base, BYTES);
    expect_refusal(live, QBID_MEMFD_IMAGE, QBID_ERR_SEAL);
    expect_refusal(page, QBID_MEMFD_IMAGE, QBID_ERR_SEAL);
    expect_refusal(page, QBID_MEMFD_LIVE, QBID_ERR_SEAL);
    close(live);
    close(page);
}

static void descriptors_that_are_no_memory_file_are_refused(void **state)
{
    (void)state;
    int ends[2], shm = open("/dev/shm", O_TMPFILE | O_RDWR, 0600);
    FILE *file = tmpfile();
    assert_int_equal(pipe(ends), 0);
    assert_non_null(file);
    const int fds[] = {ends[0], fileno(file), open("/", O_RDONLY), open("/dev/zero", O_RDWR), shm};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        if (fds[i] < 0 && fds[i] == shm)
            continue;
        for (int kind = QBID_MEMFD_IMAGE; kind <= QBID_MEMFD_PAGE; kind++)
            expect_refusal(fds[i], (enum qbid_memfd_kind)kind, QBID_ERR_SEAL);
    }
    close(ends[0]);
    close(ends[1]);
    fclose(file);
    close(fds[2]);
    close(fds[3]);
    if (shm >= 0)
        close(shm);
}

static void sizes_outside_the_range_are_refused(void **state)
{
    (void)state;
    int fd = image_fd(BYTES, 1);
    void *base;
    size_t bytes;
    assert_int_equal(qbid_memfd_map(fd, QBID_MEMFD_IMAGE, BYTES + 1, HUGE_BYTES, &base, &bytes),
                     QBID_ERR_LIMIT);
    assert_int_equal(qbid_memfd_map(fd, QBID_MEMFD_IMAGE, 64, BYTES - 1, &base, &bytes),
                     QBID_ERR_LIMIT);
    close(fd);
}

static void an_image_with_holes_is_refused(void **state)
{
    (void)state;
    int fd = memfd_create("sparse", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    assert_int_equal(pwrite(fd, "x", 1, 0), 1);
    assert_int_equal(
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL), 0);
    expect_refusal(fd, QBID_MEMFD_IMAGE, QBID_ERR_LIMIT);
    close(fd);
}

static void a_size_that_memory_cannot_hold_is_an_error_without_leftovers(void **state)
{
    (void)state;
    unsigned fds = process_fds(), maps = process_maps();
    int fd = -5;
    void *base = NULL;
    assert_int_equal(qbid_memfd_make(QBID_MEMFD_IMAGE, (size_t)1 << 50, &fd, &base), QBID_ERR_SYS);
    assert_int_equal(qbid_memfd_make(QBID_MEMFD_PAGE, SIZE_MAX, &fd, &base), QBID_ERR_SYS);
    assert_int_equal(qbid_memfd_make(QBID_MEMFD_PAGE, 0, &fd, &base), QBID_ERR_SYS);
    assert_true(fd == -5 && base == NULL);
    assert_int_equal(process_fds(), fds);
    assert_int_equal(process_maps(), maps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_image_cannot_be_changed_by_anyone),
        cmocka_unit_test(a_mapped_image_shows_the_makers_bytes_and_is_read_only),
        cmocka_unit_test(a_live_page_is_written_by_its_maker_only),
        cmocka_unit_test(a_worker_page_is_written_from_both_mappings_and_keeps_its_size),
        cmocka_unit_test(files_without_the_seals_of_their_kind_are_refused),
        cmocka_unit_test(descriptors_that_are_no_memory_file_are_refused),
        cmocka_unit_test(sizes_outside_the_range_are_refused),
        cmocka_unit_test(an_image_with_holes_is_refused),
        cmocka_unit_test(a_size_that_memory_cannot_hold_is_an_error_without_leftovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
