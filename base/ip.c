/* SPDX-License-Identifier: Apache-2.0
 *
 * base/ip.c - see ip.h.
 */
#include "base/ip.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/check.h"

bool ip_parse(struct str text, struct ip *out)
{
    char copy[INET6_ADDRSTRLEN];

    *out = (struct ip){.bit_count = 32};
    if (text.len >= sizeof(copy) || str_find(text, '\0') != STR_NONE)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, out->bytes) == 1)
        return true;
    out->bit_count = 128;
    return inet_pton(AF_INET6, copy, out->bytes) == 1;
}

bool ip_has_prefix(const struct ip *ip, const struct ip *prefix, uint32_t bit_count)
{
    uint32_t rest = bit_count % 8;

    ASSERT(bit_count <= 128);
    if (ip->bit_count != prefix->bit_count || memcmp(ip->bytes, prefix->bytes, bit_count / 8) != 0)
        return false;
    return rest == 0 ||
           ((ip->bytes[bit_count / 8] ^ prefix->bytes[bit_count / 8]) >> (8 - rest)) == 0;
}

struct str ip_text(const struct ip *ip, struct arena *arena)
{
    char text[INET6_ADDRSTRLEN];
    int family = ip->bit_count == 32 ? AF_INET : AF_INET6;

    ASSERT(inet_ntop(family, ip->bytes, text, sizeof(text)) != NULL);
    return arena_str(arena, str_of(text));
}
