/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/host.h - host names as Istio compares and completes them.
 *
 * A name is a wildcard when it begins with "*"; what follows is a plain
 * suffix. Source: ISTIO.md 1.4, 1.5.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

#define HOST_DOMAIN "cluster.local"

bool host_is_wildcard(struct str host);
bool host_is_ip(struct str host);

/* "reviews" in namespace default -> "reviews.default.svc.cluster.local"; names
 * with a dot, addresses, "*" and "" stay as they are. */
struct str host_resolve(struct str host, struct str namespace, struct arena *arena);

/* NAME.NS.svc.cluster.local */
struct str host_of_service(struct str name, struct str namespace, struct arena *arena);

/* Some name is meant by both. */
bool host_matches(struct str a, struct str b);
/* Every name meant by `inner` is meant by `outer`. */
bool host_is_within(struct str inner, struct str outer);
/* Names before wildcards, longer before shorter, then by alphabet: <0, 0, >0. */
int host_order(struct str a, struct str b);
