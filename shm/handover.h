/* SPDX-License-Identifier: Apache-2.0 */
/* The hand-over: 64-byte messages, each with at most one descriptor, over a Unix SEQPACKET socket.
 *
 *   ad server (watcher)                        qbidd
 *   HELLO pid                          --->    SO_PEERCRED checked against the allow-list
 *                                      <---    WELCOME pid
 *                                      <---    KEYS (notice-signing keys: never in an image)
 *                                      <---    PARTNER (a key of a partner's prices; one each)
 *                                      <---    LIVE fd, bytes        (once, before the first PAGE)
 *                                      <---    STAGE fd, gen, bytes  (ahead of each publish)
 *   READY gen | REFUSED gen, error   --->    (mapped and verified; a refused one is forgotten)
 *                                      <---    COMMIT gen            (it is the current one now)
 *   ADOPTED gen                      --->    (readers see it)
 *   WORKER cookie [fd of an old page]  --->    (each is answered by one PAGE)
 *                                      <---    PAGE cookie, slot, uid [fd of a new page]
 *   RELEASED gen                     --->    no mapping of it is left in this process
 *   GONE cookie                        --->    the worker closed its page in order
 *
 * Verifying 100 MB takes tens of milliseconds; with that behind it a COMMIT is a pointer's swap,
 * and all processes do it within microseconds of each other. COMMIT names the last STAGE and may
 * come before READY: the image is then adopted as soon as it is verified. A STAGE takes the place
 * of an older one that no COMMIT has followed (RELEASED is the answer to that one). A hang-up
 * undoes every STAGE that was not adopted.
 *
 * A hang-up on either side is the sign that the peer died. Nothing here is on the bid path.
 */
#ifndef QBID_SHM_HANDOVER_H
#define QBID_SHM_HANDOVER_H

#include <stdint.h>
#include <sys/types.h>

#include "shm/partner.h"

/* "QBH2": the last byte is the protocol's version. 1 had one message IMAGE for STAGE and COMMIT. */
#define QBID_HANDOVER_MAGIC UINT32_C(0x32484251)
#define QBID_HANDOVER_MAGIC_NAME UINT32_C(0x00ffffff) /* the bytes that every version has */
#define QBID_HANDOVER_COOKIES_MAX 64                  /* workers of one process */
#define QBID_KEY_BYTES 16

enum qbid_msg_type {
    QBID_MSG_HELLO = 1, /* a = pid */
    QBID_MSG_WELCOME,   /* a = pid, b = boot clock of the sender */
    QBID_MSG_KEYS,      /* keys */
    QBID_MSG_LIVE,      /* fd; a = bytes */
    QBID_MSG_STAGE,     /* fd; a = gen, b = bytes */
    QBID_MSG_WORKER,    /* a = cookie; fd = page to go on with, or none; b = its uid so far, or 0 */
    QBID_MSG_PAGE,     /* a = cookie, b = slot, c = uid; fd = new page, or none: go on with yours */
    QBID_MSG_ADOPTED,  /* a = gen */
    QBID_MSG_REFUSED,  /* a = gen, b = -error */
    QBID_MSG_RELEASED, /* a = gen */
    QBID_MSG_GONE,     /* a = cookie */
    QBID_MSG_DENIED,   /* b = -error: the peer will hang up */
    QBID_MSG_READY,    /* a = gen */
    QBID_MSG_COMMIT,   /* a = gen */
    QBID_MSG_PARTNER   /* partner_key */
};

/* Two live keys: new tokens are signed with the first, both are accepted. id 0 = none. */
struct qbid_keys {
    uint8_t id[2];
    uint8_t secret[2][QBID_KEY_BYTES];
};

struct qbid_msg {
    uint32_t magic;
    uint16_t abi_major;
    uint16_t type; /* enum qbid_msg_type */
    union {
        struct {
            uint64_t a, b, c;
        } n;
        struct qbid_keys keys;
        struct qbid_partner_key partner_key;
        uint8_t bytes[56];
    } u;
};
_Static_assert(sizeof(struct qbid_msg) == 64, "hand-over messages are ABI");

/** Send one message; fd = -1 for none. Blocks at most as the socket does. SYS (EAGAIN: no room),
 *  CLOSED. */
int qbid_handover_send(int sock, const struct qbid_msg *msg, int fd);

/**
 * Receive one message. *ret_fd is -1 or a descriptor that the caller owns (close-on-exec).
 *
 * Returns: 1 with a message, 0 when none came (non-blocking socket, or its time-out passed); CLOSED
 *          on hang-up; VERSION for a message of another protocol version or ABI; PEER for a wrong
 *          size, no magic, or more than one descriptor (all are closed); SYS.
 */
int qbid_handover_recv(int sock, struct qbid_msg *ret_msg, int *ret_fd);

/** A message with magic and ABI filled in, the rest zero. */
struct qbid_msg qbid_handover_msg(enum qbid_msg_type type);

/** Listen on a path (parent folder made 0750 when missing, old socket replaced only if nobody
 *  answers on it). Non-blocking, close-on-exec.
 *
 *  Returns: the socket; FULL when another server answers, INVAL for a path that is empty or too
 *           long, SYS (EEXIST: something else than a socket is there). */
int qbid_handover_listen(const char *path, mode_t mode);

/** Connect (close-on-exec, blocking with a send and receive time-out; 0 = none).
 *
 *  Returns: the socket; NOENT when nobody listens, INVAL for an impossible path, SYS. */
int qbid_handover_connect(const char *path, unsigned timeout_ms);

/** Credentials of the peer, fixed by the kernel when it connected. 0 or SYS. */
int qbid_handover_peer(int sock, pid_t *ret_pid, uid_t *ret_uid, gid_t *ret_gid);

#endif
