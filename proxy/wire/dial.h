/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/dial.h - opens a connection to an endpoint, for a pool or for a TCP
 * session.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "proxy/wire/conn.h"
#include "proxy/wire/inside.h"

struct pool;

struct dial_target {
    struct reign *reign; /* of the cluster */
    uint32_t cluster_index;
    uint32_t endpoint_index; /* UINT32_MAX: an original destination */
    struct pool *pool;       /* NULL: not pooled */
    struct str address;      /* of an original destination */
    uint32_t port;
    struct str host; /* of the request, for auto_sni; empty: none */
};

/* Wishes WIRE_CONNECT; NULL when there is no room for a connection. */
struct conn *dial(const struct dial_target *target);
