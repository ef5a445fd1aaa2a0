/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of error codes; functions return 0, a count, or one of these. */
#ifndef QBID_SHM_ERROR_H
#define QBID_SHM_ERROR_H

/* clang-format off */
#define QBID_ERROR_LIST(X)                                           \
    X(INVAL,       -1, "an argument breaks its documented range")    \
    X(VERSION,     -2, "region was built by another layout")         \
    X(CORRUPT,     -3, "region failed its self check")               \
    X(FULL,        -4, "no free slot")                               \
    X(SYS,         -5, "the operating system refused; see errno")    \
    X(SEAL,        -6, "memory is not sealed as the contract asks")  \
    X(PEER,        -7, "the peer broke the hand-over protocol")      \
    X(DENIED,      -8, "the peer's credentials are not allowed")     \
    X(NOENT,       -9, "no such entry")                              \
    X(STALE,      -10, "too old to be used")                         \
    X(PARSE,      -11, "input is malformed")                         \
    X(LIMIT,      -12, "input is over a stated limit")               \
    X(MAC,        -13, "token is forged or altered")                 \
    X(EXPIRED,    -14, "token is expired")                           \
    X(NOMEM,      -15, "out of memory")                              \
    X(STORE,      -16, "the store refused")                          \
    X(BUSY,       -17, "too many generations are held by readers")   \
    X(CLOSED,     -18, "the peer hung up")
/* clang-format on */

enum qbid_err {
    QBID_OK = 0,
#define X(name, code, text) QBID_ERR_##name = (code),
    QBID_ERROR_LIST(X)
#undef X
};

/**
 * Text of an error code.
 *
 * Returns: a static string, never NULL; "unknown error" for a code not in the list.
 * Threads: any.
 */
__attribute__((visibility("default"))) const char *qbid_strerror(int err);

#endif
