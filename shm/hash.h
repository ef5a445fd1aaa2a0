/* SPDX-License-Identifier: Apache-2.0 */
/* The hashes that control and the ad servers must compute alike. */
#ifndef QBID_SHM_HASH_H
#define QBID_SHM_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Seeds keep the uses apart: a value of one dimension never meets another's. */
#define QBID_HASH_SEED_DIM UINT64_C(0x71626964)
#define QBID_HASH_SEED_NAME UINT64_C(0x6e616d65)
#define QBID_HASH_SEED_ROLL UINT64_C(0x726f6c6c)
#define QBID_HASH_SEED_USER UINT64_C(0x75736572)

/** Hash of a raw dimension value (never 0: 0 means absent). Strings are hashed as given. */
static inline uint64_t qbid_hash_dim(unsigned dim, const void *data, size_t len)
{
    uint64_t h = XXH3_64bits_withSeed(data, len, QBID_HASH_SEED_DIM + dim);
    return h ? h : 1;
}

/** Hash of a name that is compared only with itself: domains, categories, deals (never 0). */
static inline uint64_t qbid_hash_name(const void *data, size_t len)
{
    uint64_t h = XXH3_64bits_withSeed(data, len, QBID_HASH_SEED_NAME);
    return h ? h : 1;
}

/** Hash of a user's identifier (never 0): of its kind, and of who gave it where others give the
 * same ones to somebody else (else realm is 0). */
static inline uint64_t qbid_hash_user(unsigned kind, uint64_t realm, const void *data, size_t len)
{
    uint64_t h = XXH3_64bits_withSeed(data, len, (QBID_HASH_SEED_USER + kind) ^ realm);
    return h ? h : 1;
}

/** Bijective 64-bit mixer (Stafford's variant 13 of MurmurHash3's finaliser). */
static inline uint64_t qbid_mix64(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

__extension__ typedef unsigned __int128 qbid_u128;

/** High word of a 64 x 64 bit product: maps a hash evenly onto [0, n). */
static inline uint64_t qbid_mulhi64(uint64_t hash, uint64_t n)
{
    return (uint64_t)(((qbid_u128)hash * n) >> 64);
}

/** Where the random stream of a request begins: its id and a seed. */
static inline uint64_t qbid_roll_start(uint64_t id_hash, uint64_t seed)
{
    return qbid_mix64(id_hash ^ seed ^ QBID_HASH_SEED_ROLL);
}

/** The random word number `n` of a stream: counter mode. */
static inline uint64_t qbid_roll_at(uint64_t start, unsigned n)
{
    return qbid_mix64(start + UINT64_C(0x9e3779b97f4a7c15) * (n + 1));
}

/** The random word number `n` of a request. */
static inline uint64_t qbid_roll(uint64_t id_hash, uint64_t seed, unsigned n)
{
    return qbid_roll_at(qbid_roll_start(id_hash, seed), n);
}

#endif
