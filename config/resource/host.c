/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/host.c - see host.h.
 */
#include "config/resource/host.h"

static bool is_ipv4(struct str text)
{
    struct str rest = text;
    uint32_t part_count = 0;

    while (rest.ptr != NULL) {
        struct str part = str_cut(&rest, '.');
        uint64_t number;
        if (part.len > 3 || !str_to_u64(part, 255, &number))
            return false;
        if (part.len > 1 && part.ptr[0] == '0')
            return false;
        part_count++;
    }
    return part_count == 4;
}

static bool is_hex_group(struct str group)
{
    if (group.len == 0 || group.len > 4)
        return false;
    for (size_t i = 0; i < group.len; i++) {
        char c = str_lower_char(group.ptr[i]);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

/* Counts the 16-bit groups of one side of "::"; UINT32_MAX when it is none. */
static uint32_t group_count(struct str side)
{
    uint32_t count = 0;

    if (side.len == 0)
        return 0;
    while (side.ptr != NULL) {
        struct str group = str_cut(&side, ':');
        if (side.ptr == NULL && str_find(group, '.') != STR_NONE) {
            if (!is_ipv4(group))
                return UINT32_MAX;
            count += 2;
        } else if (is_hex_group(group)) {
            count++;
        } else {
            return UINT32_MAX;
        }
        if (count > 8)
            return UINT32_MAX;
    }
    return count;
}

static bool is_ipv6(struct str text)
{
    size_t gap = str_find_str(text, STR("::"));

    if (str_find(text, ':') == STR_NONE)
        return false;
    if (gap == STR_NONE)
        return group_count(text) == 8;
    uint32_t left = group_count(str_slice(text, 0, gap));
    uint32_t right = group_count(str_from(text, gap + 2));
    return left != UINT32_MAX && right != UINT32_MAX && left + right < 8;
}

bool host_is_wildcard(struct str host)
{
    return host.len > 0 && host.ptr[0] == '*';
}

bool host_is_ip(struct str host)
{
    return is_ipv4(host) || is_ipv6(host);
}

struct str host_resolve(struct str host, struct str namespace, struct arena *arena)
{
    if (host.len == 0 || str_eq(host, STR("*")) || str_find(host, '.') != STR_NONE ||
        host_is_ip(host))
        return host;
    return host_of_service(host, namespace, arena);
}

struct str host_of_service(struct str name, struct str namespace, struct arena *arena)
{
    return arena_format(arena, "%.*s.%.*s.svc." HOST_DOMAIN, STR_FMT(name), STR_FMT(namespace));
}

bool host_matches(struct str a, struct str b)
{
    bool is_a_wild = host_is_wildcard(a);
    bool is_b_wild = host_is_wildcard(b);

    if (!is_a_wild && !is_b_wild)
        return str_eq(a, b);
    struct str a_suffix = str_from(a, is_a_wild ? 1 : 0);
    struct str b_suffix = str_from(b, is_b_wild ? 1 : 0);
    if (is_a_wild && is_b_wild)
        return str_has_suffix(a_suffix, b_suffix) || str_has_suffix(b_suffix, a_suffix);
    return is_a_wild ? str_has_suffix(b, a_suffix) : str_has_suffix(a, b_suffix);
}

bool host_is_within(struct str inner, struct str outer)
{
    if (!host_is_wildcard(outer))
        return !host_is_wildcard(inner) && str_eq(inner, outer);
    struct str suffix = str_from(outer, 1);
    return str_has_suffix(str_from(inner, host_is_wildcard(inner) ? 1 : 0), suffix);
}

int host_order(struct str a, struct str b)
{
    bool is_a_wild = host_is_wildcard(a);
    bool is_b_wild = host_is_wildcard(b);

    if (is_a_wild != is_b_wild)
        return is_a_wild ? 1 : -1;
    if (a.len != b.len)
        return a.len > b.len ? -1 : 1;
    return str_order(a, b);
}
