/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) both ways over zlib, in memory that is set aside once: for bodies of HTTP.
 *
 * What a body may be: one to QBID_GZIP_MEMBERS_MAX members one behind the other, whose contents are
 * one text (RFC 1952, 2.2), and nothing behind them. A member that is cut off, whose check is
 * wrong, or that more bytes follow, zeros too, makes all of it malformed.
 */
#ifndef QBID_PLUGIN_GZIP_H
#define QBID_PLUGIN_GZIP_H

#include <stddef.h>
#include <stdint.h>

#define QBID_GZIP_MEMBERS_MAX 8
#define QBID_GZIP_RATIO_MAX 100 /* deflate itself comes to 1030 */

struct qbid_gzip;

int qbid_gzip_new(struct qbid_gzip **ret_gzip);
void qbid_gzip_free(struct qbid_gzip *gzip);

/**
 * Decompress a body.
 *
 * Shapes:  len bytes into out of out_max bytes.
 * Returns: bytes written; QBID_ERR_PARSE: no sound gzip; QBID_ERR_LIMIT: more than out_max bytes,
 *          or than QBID_GZIP_RATIO_MAX times len. One byte more than that is the most it makes.
 * Threads: the owner's. No allocation.
 * Cost:    32,000 instructions for a recorded request of 640 bytes (callgrind), three times its
 *          parse.
 */
int64_t qbid_gzip_inflate(struct qbid_gzip *gzip, const char *body, size_t len, char *out,
                          size_t out_max);

/**
 * Compress a body as one member, at zlib's fastest level.
 *
 * Returns: bytes written; QBID_ERR_LIMIT over out_max.
 * Threads: the owner's. No allocation.
 */
int64_t qbid_gzip_deflate(struct qbid_gzip *gzip, const char *body, size_t len, char *out,
                          size_t out_max);

#endif
