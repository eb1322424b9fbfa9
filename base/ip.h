/* SPDX-License-Identifier: Apache-2.0
 *
 * base/ip.h - IP addresses as bytes, and as the one text each has.
 *
 * Source: RFC 4291 2.2, RFC 5952.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct ip {
    uint8_t bytes[16];  /* the first bit_count; the rest is zero */
    uint32_t bit_count; /* 32 or 128 */
};

/* False: no address. */
bool ip_parse(struct str text, struct ip *out);

/* Neither of this machine or link alone (loopback, link-local), nor of many
 * (multicast, broadcast), nor of none. */
bool ip_is_global_unicast(const struct ip *ip);

/* Of one family, and alike in the first `bit_count` bits. */
bool ip_has_prefix(const struct ip *ip, const struct ip *prefix, uint32_t bit_count);

/* The shortest text, of which there is one; in `arena`. */
struct str ip_text(const struct ip *ip, struct arena *arena);
