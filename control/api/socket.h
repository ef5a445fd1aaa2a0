/* SPDX-License-Identifier: Apache-2.0 */
/* Unix stream sockets of the control interface, both ends. */
#ifndef QBID_CONTROL_API_SOCKET_H
#define QBID_CONTROL_API_SOCKET_H

#include <sys/types.h>

/** Listen, non-blocking, close-on-exec; the folder is made (0750) when missing. An old socket is
 *  replaced only if nobody answers on it. FULL when somebody does, INVAL (path too long), SYS. */
int qbid_socket_listen(const char *path, mode_t mode);

/** Connect, close-on-exec, with a limit for each send and receive. NOENT when nobody is there,
 *  DENIED without permission, INVAL, SYS. */
int qbid_socket_connect(const char *path, unsigned timeout_ms);

#endif
