/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the error codes. */
#include "shm/error.h"

const char *qbid_strerror(int err)
{
    switch (err) {
    case QBID_OK:
        return "no error";
#define X(name, code, text)                                                                        \
    case QBID_ERR_##name:                                                                          \
        return text;
        QBID_ERROR_LIST(X)
#undef X
    default:
        return "unknown error";
    }
}
