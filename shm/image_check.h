/* SPDX-License-Identifier: Apache-2.0 */
/* The content checks of a table image, section by section; part of qbid_image_attach(). */
#ifndef QBID_SHM_IMAGE_CHECK_H
#define QBID_SHM_IMAGE_CHECK_H

#include "shm/image.h"

/**
 * Check all that the sections of an image say about each other, so that no reader can be led out
 * of the image or to a number that is none.
 *
 * Shapes:  sections resolved and inside the image, counts of *image set; cnt[] is the number of
 *          elements by section.
 * Returns: 0 or QBID_ERR_CORRUPT.
 * Threads: any. Cost: one pass over the image; a row is read once for each context that shares it.
 */
int qbid_image_check(const struct qbid_image *image, const uint64_t cnt[QBID_SECTION_CNT]);

#endif
