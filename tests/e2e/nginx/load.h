/* SPDX-License-Identifier: Apache-2.0 */
/* Load for the end-to-end tests: what is lost is counted without mercy. */
#ifndef QBID_TESTS_E2E_NGINX_LOAD_H
#define QBID_TESTS_E2E_NGINX_LOAD_H

#include <stdbool.h>

/**
 * Post the file's bytes over and over on each of n connections for some seconds, with a pause of up
 * to pause_us (random, per request) between an answer and the next request.
 *
 * A connection that ends while a request is on it loses that request: no repeat. An end between two
 * requests is fine, as is one that the server announced; a new one is opened, unless once is set.
 * SIGTERM ends the run early.
 *
 * Prints "answers N", "lost N", "connections N", "refused N" (connections), "slowest_us N" and one
 * "status CODE N" for each code. Returns 0; 2 when the file cannot be read.
 */
int load_run(int port, const char *path, const char *file, unsigned n, unsigned seconds,
             unsigned pause_us, bool once);

#endif
