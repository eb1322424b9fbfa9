/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/auto_address.h - addresses that Istio gives the hosts of
 * ServiceEntries by itself, of 240.240.0.0/16.
 *
 * Proxies use them only where they answer DNS themselves (ISTIO_META_DNS_CAPTURE). Those that a
 * dump of a cluster has in status.addresses stay; others are given as Istio's controller does, one
 * after the other. Source: ISTIO.md 7.1.
 */
#pragma once

#include "base/map.h"
#include "config/resource/mesh_types.h"

struct auto_addresses {
    const struct mesh *mesh;
    struct map used; /* addresses in the block that somebody has */
    uint32_t next;   /* its place in the block */
};

/* The mesh's ServiceEntries are in Istio's order. */
void auto_addresses_init(struct auto_addresses *addresses, const struct mesh *mesh);

/* For one host of an entry without addresses, to be asked once; empty: none. In the
 * mesh's arena. */
struct str auto_addresses_take(struct auto_addresses *addresses, const struct service_entry *entry,
                               struct str host);
