/* SPDX-License-Identifier: Apache-2.0 */
/* A table image with something in every section, for tests that need any image at all. */
#ifndef QBID_TESTS_SHM_IMAGE_SAMPLE_H
#define QBID_TESTS_SHM_IMAGE_SAMPLE_H

#include "tests/shm/image_fixture.h"

/** Fill an initialised fixture: the same content for the same arguments. Contexts have rows of 1
 *  to 40 candidates; every creative-related section, a Q group and a second shade table are there.
 */
void image_sample_fill(struct image_fixture *f, uint64_t gen, uint32_t line_items,
                       uint32_t contexts);

/** The image of such a fixture; free() it. */
void *image_sample_build(uint64_t gen, uint32_t line_items, uint32_t contexts, size_t *ret_bytes);

/** Packed context number i of a sample, and the level of its row. */
uint64_t image_sample_context(uint32_t i, unsigned *ret_level);

/** Use everything that an attached image offers, as the fast path does: every key of the sample and
 *  as many foreign ones, every value, every eligibility row, every creative's text.
 *
 *  Returns: a digest of all that was read, so that nothing is optimised away. */
uint64_t image_sample_read(const struct qbid_image *image, uint32_t contexts);

#endif
