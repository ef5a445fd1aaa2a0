/* SPDX-License-Identifier: Apache-2.0 */
/* The table image that the end-to-end tests of the nginx module serve from. */
#ifndef QBID_TESTS_E2E_NGINX_TABLE_IMAGE_H
#define QBID_TESTS_E2E_NGINX_TABLE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define TABLE_LINE_ITEMS 8 /* each with a budget of its own */
#define TABLE_LANDING "https://brand.example/landing"

/** Build generation gen: line items that bid on banners of 300x250 and 728x90 from anyone, priced
 *  by generation. 64-byte aligned; free() it. */
void *table_image_build(uint64_t gen, size_t *ret_bytes);

#endif
