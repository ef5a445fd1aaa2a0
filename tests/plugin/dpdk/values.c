/* SPDX-License-Identifier: Apache-2.0 */
/* The library's two hash functions, for a fuzz target that needs nothing else of it. */
#include "plugin/qbid.h"
#include "shm/hash.h"

uint64_t qbid_value_hash(unsigned dim, const char *value, size_t len)
{
    return qbid_hash_dim(dim, value, len);
}

uint64_t qbid_name_hash(const char *name, size_t len)
{
    return qbid_hash_name(name, len);
}
