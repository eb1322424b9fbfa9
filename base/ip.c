/* SPDX-License-Identifier: Apache-2.0
 *
 * base/ip.c - see ip.h.
 */
#include "base/ip.h"

#include <string.h>

#define V4_BYTES 4u
#define V6_GROUPS 8u
#define GROUP_DIGITS_MAX 4u

static bool parse_v4(struct str text, unsigned char *out)
{
    struct str rest = text;
    uint32_t count = 0;

    while (rest.ptr != NULL) {
        uint64_t part;
        if (count == V4_BYTES || !str_to_u64(str_cut(&rest, '.'), UINT8_MAX, &part))
            return false;
        out[count++] = (unsigned char)part;
    }
    return count == V4_BYTES;
}

static bool parse_group(struct str text, uint32_t *out)
{
    *out = 0;
    if (text.len == 0 || text.len > GROUP_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = str_lower_char(text.ptr[i]);
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && (c < 'a' || c > 'f'))
            return false;
        *out = *out << 4 | (uint32_t)(is_digit ? c - '0' : c - 'a' + 10);
    }
    return true;
}

/* Groups between colons, the last of which may be dotted; how many, or -1. */
static int parse_groups(struct str text, unsigned char out[16])
{
    struct str rest = text;
    uint32_t count = 0;

    if (text.len == 0)
        return 0;
    while (rest.ptr != NULL) {
        struct str part = str_cut(&rest, ':');
        uint32_t value;
        if (rest.ptr == NULL && count + 2 <= V6_GROUPS && parse_v4(part, &out[2 * count]))
            return (int)count + 2;
        if (count == V6_GROUPS || !parse_group(part, &value))
            return -1;
        out[2 * count] = (unsigned char)(value >> 8);
        out[2 * count + 1] = (unsigned char)value;
        count++;
    }
    return (int)count;
}

static bool parse_v6(struct str text, unsigned char out[16])
{
    unsigned char head[16] = {0}, tail[16] = {0};
    size_t gap = str_find_str(text, STR("::"));

    if (gap == STR_NONE)
        return parse_groups(text, out) == (int)V6_GROUPS;
    struct str before = str_slice(text, 0, gap);
    int head_count = parse_groups(before, head);
    int tail_count = parse_groups(str_from(text, gap + 2), tail);
    bool is_dotted = str_find(before, '.') != STR_NONE;
    if (head_count < 0 || tail_count < 0 || head_count + tail_count >= (int)V6_GROUPS || is_dotted)
        return false;
    memset(out, 0, sizeof(head));
    memcpy(out, head, 2 * (size_t)head_count);
    memcpy(out + sizeof(head) - 2 * (size_t)tail_count, tail, 2 * (size_t)tail_count);
    return true;
}

bool ip_parse(struct str text, struct ip *out)
{
    *out = (struct ip){.is_v6 = str_find(text, ':') != STR_NONE};
    return out->is_v6 ? parse_v6(text, out->bytes) : parse_v4(text, out->bytes);
}

bool ip_is_within(const struct ip *address, const struct ip *range, uint32_t bits)
{
    uint32_t most = address->is_v6 ? 128 : 32;

    if (address->is_v6 != range->is_v6)
        return false;
    for (uint32_t i = 0; i < bits && i < most; i += 8) {
        uint32_t left = bits - i < 8 ? bits - i : 8;
        unsigned char mask = (unsigned char)(0xff00u >> left);
        if ((address->bytes[i / 8] & mask) != (range->bytes[i / 8] & mask))
            return false;
    }
    return true;
}
