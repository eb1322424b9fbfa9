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

static bool is_within(const struct ip *ip, const char *prefix, uint32_t bit_count)
{
    struct ip network;

    return ip_parse(str_of(prefix), &network) && ip_has_prefix(ip, &network, bit_count);
}

bool ip_is_global_unicast(const struct ip *ip)
{
    static const struct {
        const char *prefix;
        uint32_t bit_count;
    } OTHERS[] = {
        {"0.0.0.0", 32},  {"127.0.0.0", 8},        {"169.254.0.0", 16},
        {"224.0.0.0", 4}, {"255.255.255.255", 32}, {"::", 128},
        {"::1", 128},     {"fe80::", 10},          {"ff00::", 8},
    };

    for (size_t i = 0; i < COUNT_OF(OTHERS); i++) {
        if (is_within(ip, OTHERS[i].prefix, OTHERS[i].bit_count))
            return false;
    }
    return true;
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
