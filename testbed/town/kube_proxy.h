/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/kube_proxy.h - what a node's kube-proxy does: a connection to a
 * Service's own address goes to one of its ready endpoints.
 *
 * A sidecar knows endpoints and needs it only where it lets a connection pass to
 * where it was going (PassthroughCluster): to a Service that a Sidecar hides, with
 * a protocol that is no HTTP, with HTTP/1.0 where the protocol is sniffed.
 */
#pragma once

#include "proxy/live/address_map.h"
#include "testbed/world/world.h"

/* Services' addresses join the map. Where pods are on this machine is in it
 * already, or is as literal as they say. */
void kube_proxy_fill(struct address_map *map, const struct world *world);
