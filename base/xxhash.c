/* SPDX-License-Identifier: Apache-2.0
 *
 * base/xxhash.c - XXH64 as its specification has it, on any machine's byte order.
 */
#include "base/xxhash.h"

#define PRIME_1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME_3 UINT64_C(0x165667B19E3779F9)
#define PRIME_4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME_5 UINT64_C(0x27D4EB2F165667C5)

#define STRIPE_BYTES 32

static uint64_t rotl(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

/* Little end first. */
static uint64_t read_bytes(const char *at, size_t count)
{
    uint64_t out = 0;
    for (size_t i = 0; i < count; i++)
        out |= (uint64_t)(unsigned char)at[i] << (8 * i);
    return out;
}

static uint64_t mix(uint64_t sum, uint64_t lane)
{
    return rotl(sum + lane * PRIME_2, 31) * PRIME_1;
}

static uint64_t merge(uint64_t hash, uint64_t sum)
{
    return (hash ^ mix(0, sum)) * PRIME_1 + PRIME_4;
}

/* All whole stripes of 32 bytes. */
static uint64_t hash_stripes(struct str bytes, uint64_t seed)
{
    uint64_t sums[4] = {seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed, seed - PRIME_1};
    for (size_t at = 0; at + STRIPE_BYTES <= bytes.len; at += STRIPE_BYTES)
        for (size_t i = 0; i < 4; i++)
            sums[i] = mix(sums[i], read_bytes(bytes.ptr + at + 8 * i, 8));
    uint64_t hash = rotl(sums[0], 1) + rotl(sums[1], 7) + rotl(sums[2], 12) + rotl(sums[3], 18);
    for (size_t i = 0; i < 4; i++)
        hash = merge(hash, sums[i]);
    return hash;
}

uint64_t xxhash64(struct str bytes, uint64_t seed)
{
    uint64_t hash = bytes.len >= STRIPE_BYTES ? hash_stripes(bytes, seed) : seed + PRIME_5;
    size_t at = bytes.len - bytes.len % STRIPE_BYTES;
    hash += bytes.len;
    for (; at + 8 <= bytes.len; at += 8)
        hash = rotl(hash ^ mix(0, read_bytes(bytes.ptr + at, 8)), 27) * PRIME_1 + PRIME_4;
    for (; at + 4 <= bytes.len; at += 4)
        hash = rotl(hash ^ read_bytes(bytes.ptr + at, 4) * PRIME_1, 23) * PRIME_2 + PRIME_3;
    for (; at < bytes.len; at++)
        hash = rotl(hash ^ read_bytes(bytes.ptr + at, 1) * PRIME_5, 11) * PRIME_1;
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}
