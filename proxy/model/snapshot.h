/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/snapshot.h - one proxy's whole configuration, immutable.
 *
 * Everything inside lives in the snapshot's own arena and goes when the last
 * holder drops it. Shared by threads without locks; the count of holders is
 * the only thing that changes.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/regex.h"
#include "proxy/model/cluster.h"
#include "proxy/model/listener.h"
#include "proxy/model/route.h"
#include "proxy/model/secret.h"
#include "proxy/model/tls.h"

enum proxy_type { PROXY_SIDECAR, PROXY_ROUTER };

struct snapshot {
    struct arena arena;
    struct regex_set regexes;
    atomic_uint holders;

    struct str proxy_name, proxy_namespace; /* "productpage-0", "default" */
    enum proxy_type proxy_type;
    uint32_t defaults; /* bits of enum default_value: what holds for all of it */

    const struct listener *listeners;
    uint32_t listener_count;
    const struct route_config *route_configs;
    uint32_t route_config_count;
    const struct cluster *clusters;
    uint32_t cluster_count;
    const struct inbound_mode *inbound_modes; /* a sidecar's; the first is port 0's */
    uint32_t inbound_mode_count;
    struct map cluster_by_name;    /* index into clusters */
    const struct keyring *keyring; /* the secrets that it names; NULL: none were delivered */
};

/* An empty one with one holder, to be filled by its maker. */
struct snapshot *snapshot_new(void);
void snapshot_hold(struct snapshot *snapshot);
void snapshot_drop(struct snapshot *snapshot);

/* Copies what listeners and clusters call by name. Its maker's, before anybody else
 * holds it. */
void snapshot_set_keyring(struct snapshot *snapshot, const struct keyring *keyring);

/* What its sidecar takes in at this port; NULL: it is none. */
const struct tls_word *snapshot_inbound_mode(const struct snapshot *snapshot, uint32_t port);

/* Builds cluster_by_name after clusters were set. */
void snapshot_index(struct snapshot *snapshot);
const struct cluster *snapshot_cluster(const struct snapshot *snapshot, struct str name);

/* The listener that a connection to address:port meets: the exact address,
 * else 0.0.0.0, each on that port; NULL when there is none (then virtualOutbound
 * decides). */
const struct listener *snapshot_listener(const struct snapshot *snapshot, struct str address,
                                         uint32_t port);
/* The listener that an outbound connection meets which the mesh's redirect has
 * caught: an outbound one of that address and port, else the one that all are
 * redirected to (virtualOutbound); NULL: there is neither. */
const struct listener *snapshot_outbound_listener(const struct snapshot *snapshot,
                                                  struct str address, uint32_t port);
/* The listener that a connection to this port of the proxy's own pod meets: an
 * inbound one bound to that port, else the one that the mesh's redirect leads to
 * (virtualInbound); NULL: there is neither. */
const struct listener *snapshot_inbound_listener(const struct snapshot *snapshot, uint32_t port);
