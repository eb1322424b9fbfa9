/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/rewrite.h - a ServiceEntry's endpoint address may be a pod's
 * name ("api/0"): the same object with the pod's address there. Of a name that is looked up
 * (resolution DNS) DNS gives the pods of the test's workload whose service it is.
 */
#pragma once

#include "base/arena.h"
#include "config/yaml/tree.h"
#include "testbed/world/manifest.h"
#include "testbed/world/world.h"

/* Does somebody who stands in for this host stand outside of the mesh? */
bool rewrite_is_outside(const struct manifests *manifests, struct str host);
/* The object itself when it names no pod, else a copy of what changes. The
 * pods that it names learn the ports that they listen on. */
const struct node *rewrite_pod_addresses(const struct node *object, struct world *world,
                                         struct arena *arena);

/* The pod listens on one more port; known ones are not repeated. */
void world_pod_listens(struct world_pod *pod, uint32_t port, struct arena *arena);
/* The same, for a port of a service (number 0: its own). gRPC is HTTP/2, so what serves it speaks
 * that. */
void world_pod_serves(struct world_pod *pod, const struct service_port *port, uint32_t number,
                      struct arena *arena);
