/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/address_fault.c - see address_fault.h.
 *
 * The checks are netip's, in its order, because the first one speaks.
 */
#include "config/validate/address_fault.h"

#include "config/validate/field.h"

#define IPV6_BYTES 16u
#define IPV4_BYTES 4u
#define IPV4_PLACE 12u /* of an IPv4 address that ends an IPv6 one */

/* NULL: none. `at`: from where on; absent: not said. */
struct address_fault {
    const char *what;
    struct str at;
};

struct address {
    bool is_ipv6, has_zone;
};

static struct address_fault fault(const char *what)
{
    return (struct address_fault){.what = what};
}

static struct address_fault fault_at(const char *what, struct str at)
{
    return (struct address_fault){.what = what, .at = at};
}

static struct address_fault check_ipv4(struct str text)
{
    uint32_t value = 0, digit_count = 0, dot_count = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c >= '0' && c <= '9') {
            if (digit_count == 1 && value == 0)
                return fault("IPv4 field has octet with leading zero");
            value = value * 10 + (uint32_t)(c - '0'); /* at most 2559 */
            digit_count++;
            if (value > 255)
                return fault("IPv4 field has value >255");
        } else if (c == '.') {
            if (i == 0 || i + 1 == text.len || text.ptr[i - 1] == '.')
                return fault_at("IPv4 field must have at least one digit", str_from(text, i));
            if (dot_count == 3)
                return fault("IPv4 address too long");
            dot_count++;
            value = digit_count = 0;
        } else {
            return fault_at("unexpected character", str_from(text, i));
        }
    }
    return dot_count < 3 ? fault("IPv4 address too short") : (struct address_fault){0};
}

static bool is_hex(char c)
{
    char lower = str_lower_char(c);
    return (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f');
}

/* One field and the colon behind it; what it leaves of the text. */
struct ipv6 {
    struct str rest;
    uint32_t byte_count;
    bool has_ellipsis;
};

static struct address_fault take_ipv4(struct ipv6 *ip)
{
    if (!ip->has_ellipsis && ip->byte_count != IPV4_PLACE)
        return fault_at("embedded IPv4 address must replace the final 2 fields of the address",
                        ip->rest);
    if (ip->byte_count + IPV4_BYTES > IPV6_BYTES)
        return fault_at("too many hex fields to fit an embedded IPv4 at the end of the address",
                        ip->rest);
    struct address_fault out = check_ipv4(ip->rest);
    ip->rest = STR_EMPTY;
    ip->byte_count += IPV4_BYTES;
    return out;
}

static struct address_fault take_field(struct ipv6 *ip)
{
    size_t digit_count = 0;

    while (digit_count < ip->rest.len && is_hex(ip->rest.ptr[digit_count])) {
        if (++digit_count > 4)
            return fault_at("each group must have 4 or less digits", ip->rest);
    }
    if (digit_count == 0)
        return fault_at("each colon-separated field must have at least one digit", ip->rest);
    if (digit_count < ip->rest.len && ip->rest.ptr[digit_count] == '.')
        return take_ipv4(ip);
    ip->byte_count += 2;
    ip->rest = str_from(ip->rest, digit_count);
    if (ip->rest.len == 0)
        return (struct address_fault){0};
    if (ip->rest.ptr[0] != ':')
        return fault_at("unexpected character, want colon", ip->rest);
    if (ip->rest.len == 1)
        return fault_at("colon must be followed by more characters", ip->rest);
    ip->rest = str_from(ip->rest, 1);
    if (ip->rest.ptr[0] != ':')
        return (struct address_fault){0};
    if (ip->has_ellipsis)
        return fault_at("multiple :: in address", ip->rest);
    ip->has_ellipsis = true;
    ip->rest = str_from(ip->rest, 1);
    return (struct address_fault){0};
}

static struct address_fault check_ipv6(struct str text, struct address *out)
{
    struct ipv6 ip = {.rest = text};
    size_t percent = str_find(text, '%');

    if (percent != STR_NONE) {
        if (percent + 1 == text.len)
            return fault("zone must be a non-empty string");
        out->has_zone = true;
        ip.rest = str_slice(text, 0, percent);
    }
    if (str_has_prefix(ip.rest, STR("::"))) {
        ip.has_ellipsis = true;
        ip.rest = str_from(ip.rest, 2);
        if (ip.rest.len == 0)
            return (struct address_fault){0};
    }
    bool is_going_on = true;
    while (is_going_on && ip.byte_count < IPV6_BYTES) {
        struct address_fault found = take_field(&ip);
        if (found.what != NULL)
            return found;
        is_going_on = ip.rest.len > 0;
    }
    if (ip.rest.len > 0)
        return fault_at("trailing garbage after address", ip.rest);
    if (ip.byte_count < IPV6_BYTES && !ip.has_ellipsis)
        return fault("address string too short");
    if (ip.byte_count == IPV6_BYTES && ip.has_ellipsis)
        return fault("the :: must expand to at least one field of zeros");
    return (struct address_fault){0};
}

static struct address_fault check_address(struct str text, struct address *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.')
            return check_ipv4(text);
        if (text.ptr[i] == '%')
            return fault("missing IPv6 address");
        out->is_ipv6 = text.ptr[i] == ':';
        if (out->is_ipv6)
            return check_ipv6(text, out);
    }
    return fault("unable to parse IP");
}

static bool is_bits(struct str text, uint64_t *out)
{
    bool is_led = text.len > 1 && (text.ptr[0] < '1' || text.ptr[0] > '9');

    return !is_led && str_to_u64(text, INT64_MAX, out);
}

struct str address_fault_of_range(const struct view *view, struct str text)
{
    struct arena *arena = view->reading->arena;
    size_t slash = str_find_last(text, '/');
    struct address address = {0};
    uint64_t bits = 0;

    if (slash == STR_NONE)
        return STR("no '/'");
    struct str first = str_slice(text, 0, slash);
    struct address_fault found = check_address(first, &address);
    if (found.what != NULL) {
        struct str at = found.at.len > 0 ? arena_format(arena, " (at %.*s)",
                                                        STR_FMT(field_quoted(view, found.at)))
                                         : STR_EMPTY;
        return arena_format(arena, "ParseAddr(%.*s): %s%.*s", STR_FMT(field_quoted(view, first)),
                            found.what, STR_FMT(at));
    }
    if (address.has_zone)
        return STR("IPv6 zones cannot be present in a prefix");
    if (!is_bits(str_from(text, slash + 1), &bits))
        return arena_format(arena, "bad bits after slash: %.*s",
                            STR_FMT(field_quoted(view, str_from(text, slash + 1))));
    return bits > (address.is_ipv6 ? 128u : 32u) ? STR("prefix length out of range") : STR_EMPTY;
}
