/* SPDX-License-Identifier: Apache-2.0
 *
 * base/hash.c - FNV-1a (Fowler, Noll, Vo).
 */
#include "base/hash.h"

#include <string.h>

uint32_t hash_fnv32(struct str bytes)
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.ptr[i]) * UINT32_C(16777619);
    return hash;
}

uint64_t hash_fnv64(struct str bytes)
{
    return hash_fnv64_add(HASH_FNV64_START, bytes);
}

uint64_t hash_fnv64_add(uint64_t hash, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.ptr[i]) * UINT64_C(1099511628211);
    return hash;
}

/* Little end first on every machine, so that traces compare between them. */
uint64_t hash_fnv64_add_u64(uint64_t hash, uint64_t value)
{
    char bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(value >> (8 * i) & 0xff);
    return hash_fnv64_add(hash, (struct str){bytes, sizeof(bytes)});
}

/* Little end first on every machine. */
static uint64_t word_at(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static uint64_t last_word(const char *bytes, size_t size)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    return word;
}

uint64_t hash_words_add_str(uint64_t hash, struct str bytes)
{
    size_t at = 0;
    hash = hash_words_add(hash, bytes.len);
    for (; bytes.len - at >= sizeof(uint64_t); at += sizeof(uint64_t))
        hash = hash_words_add(hash, word_at(bytes.ptr + at));
    if (at == bytes.len)
        return hash;
    /* What is left, which may begin within the last whole word. */
    uint64_t rest = at > 0 ? word_at(bytes.ptr + bytes.len - sizeof(uint64_t)) >>
                                 8 * (sizeof(uint64_t) - (bytes.len - at))
                           : last_word(bytes.ptr, bytes.len);
    return hash_words_add(hash, rest);
}
