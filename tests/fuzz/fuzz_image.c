/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any bytes as a table image. What attaches is used in full. */
#include <stdlib.h>
#include <string.h>

#include "shm/image.h"
#include "tests/fuzz/fuzz.h"
#include "tests/shm/image_sample.h"

#define CONTEXTS 8
#define BYTES_MAX ((size_t)1 << 20)

const unsigned fuzz_replays = 20000;

static void attach_and_read(int attach(const void *, size_t, struct qbid_image *), const void *base,
                            size_t size)
{
    struct qbid_image image;
    if (attach(base, size, &image) != 0)
        return;
    volatile uint64_t digest = image_sample_read(&image, CONTEXTS);
    (void)digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *base; /* exactly as many bytes, so that the first one too many is seen */
    if (size == 0 || size > BYTES_MAX || posix_memalign(&base, QBID_CACHE_LINE, size) != 0)
        return 0;
    memcpy(base, data, size);
    attach_and_read(qbid_image_attach, base, size);
    struct qbid_image_header *header = base;
    if (size >= sizeof *header) { /* what a fuzzer would need too long to guess */
        header->magic = QBID_IMAGE_MAGIC;
        header->abi_major = QBID_ABI_MAJOR;
        header->fingerprint = QBID_IMAGE_FINGERPRINT;
        header->bytes = size;
    }
    attach_and_read(qbid_image_attach_unsummed, base, size);
    free(base);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    static const uint32_t shape[][2] = {{1, 1}, {3, CONTEXTS}, {70, CONTEXTS}};
    struct image_fixture f;
    size_t bytes;
    image_fixture_init(&f);
    f.header.built_boot_ns = f.header.built_unix_ns = f.header.boot_hash = 0;
    void *base = image_fixture_build(&f, &bytes); /* nothing in it */
    fn(context, base, bytes);
    free(base);
    image_fixture_done(&f);
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        base = image_sample_build(1 + i, shape[i][0], shape[i][1], &bytes);
        fn(context, base, bytes);
        free(base);
    }
}
