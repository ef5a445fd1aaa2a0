/* SPDX-License-Identifier: Apache-2.0 */
/* A small advertising account as a table image, for tests of the whole library.
 *
 * Account currency CNY, 1 USD = 7 CNY, 1 EUR = 8 CNY. Line items, each in campaign 900 + its
 * number: 1  banner 300x250 and 728x90, value 5, tenant 1, category IAB2, domain shop.example 2
 * video 640x360 and any, native, audio, value 4, tenant 1 3  banner 300x250 on deal "deal-3" only,
 * value 20, tenant 2 4  banner 160x600 for site news.example only, value 6, not secure, tenant 1 5
 * banner 970x250, value 8, markup that needs much room, tenant 1 6  banner 336x280 for audience
 * segment vip only, value 9, tenant 1 7  banner 120x600, value 5, that declares what a request may
 * refuse it for 8  video 640x480, value 5, likewise 9  banner 468x60 with two creatives of which
 * one has attribute 3, value 5
 */
#ifndef QBID_TESTS_PLUGIN_ACCOUNT_H
#define QBID_TESTS_PLUGIN_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

#define ACCOUNT_NOTICE_TTL_S 600
#define ACCOUNT_EVENT_TTL_S 86400

/** The image of generation gen; free() it. */
void *account_image(uint64_t gen, size_t *ret_bytes);

#endif
