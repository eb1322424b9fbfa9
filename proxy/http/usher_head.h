/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/usher_head.h - what the head of a request to an HTTP proxy says of
 * where it wants to go.
 *
 * Pure; slices of the head. Source: RFC 9112 3.2 (forms of a target), RFC 9110
 * 9.3.6 (CONNECT).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define USHER_HOST_BYTES_MAX 256u /* RFC 1035 2.3.4, and an address in brackets */

struct usher_asked {
    struct str method, version;
    struct str authority; /* empty: Host says it */
    struct str target;    /* as the place shall see it; empty: an absolute form without a path */
    bool is_tunnel;       /* CONNECT */
};

/* Takes the first line off, without its end; what follows it, ptr NULL: nothing. */
struct str usher_head_cut_line(struct str rest, struct str *line);
/* NULL, or why the request line is not understood. */
const char *usher_head_read_line(struct str line, struct usher_asked *asked);
/* A header that is said to proxies only. */
bool usher_head_is_for_proxies(struct str line);
/* The value of Host, among lines. */
bool usher_head_find_host(struct str lines, struct str *host);
/* host, host:port, [address]:port; *port 0: none is said. False: it is none of them. */
bool usher_head_split_authority(struct str authority, struct str *host, uint32_t *port);
