/* SPDX-License-Identifier: Apache-2.0 */
/* The test server's descriptors, right and wrong. */
#ifndef QBID_TESTS_SHM_SERVER_FD_H
#define QBID_TESTS_SHM_SERVER_FD_H

#include <stddef.h>

#include "tests/shm/server.h"

/** A sealed image file of these bytes, spoiled as the fault says (the bytes may be changed); -1 for
 *  none. */
int server_fd(enum server_fault fault, unsigned char *bytes, size_t len);

/** Abort with errno's text: the test itself is broken. */
void server_must(int condition, const char *what);

#endif
