/* SPDX-License-Identifier: Apache-2.0
 *
 * base/ip.h - IPv4 and IPv6 addresses as text, and ranges of them.
 *
 * Text forms: RFC 4291 2.2 (also "::ffff:1.2.3.4"), dotted decimal without
 * leading zeros' octal meaning; zones ("%eth0") are no address here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct ip {
    unsigned char bytes[16]; /* in network order; IPv4: the first four */
    bool is_v6;
};

/* False: the text is no address. */
bool ip_parse(struct str text, struct ip *out);

/* Do the first `bits` of both agree? Never across families; more bits than an
 * address has are all of them. */
bool ip_is_within(const struct ip *address, const struct ip *range, uint32_t bits);
