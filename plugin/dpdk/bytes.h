/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in network order, at any address. */
#ifndef QBID_PLUGIN_DPDK_BYTES_H
#define QBID_PLUGIN_DPDK_BYTES_H

#include <stdint.h>
#include <string.h>

#define QBID_BYTES_SWAP (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

static inline uint16_t qbid_bytes_get16(const void *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return QBID_BYTES_SWAP ? __builtin_bswap16(v) : v;
}

static inline uint32_t qbid_bytes_get32(const void *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return QBID_BYTES_SWAP ? __builtin_bswap32(v) : v;
}

static inline uint64_t qbid_bytes_get64(const void *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return QBID_BYTES_SWAP ? __builtin_bswap64(v) : v;
}

static inline uint8_t *qbid_bytes_put16(uint8_t *at, uint16_t v)
{
    v = QBID_BYTES_SWAP ? __builtin_bswap16(v) : v;
    memcpy(at, &v, sizeof v);
    return at + sizeof v;
}

static inline uint8_t *qbid_bytes_put32(uint8_t *at, uint32_t v)
{
    v = QBID_BYTES_SWAP ? __builtin_bswap32(v) : v;
    memcpy(at, &v, sizeof v);
    return at + sizeof v;
}

static inline uint8_t *qbid_bytes_put64(uint8_t *at, uint64_t v)
{
    v = QBID_BYTES_SWAP ? __builtin_bswap64(v) : v;
    memcpy(at, &v, sizeof v);
    return at + sizeof v;
}

#endif
