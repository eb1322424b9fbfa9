/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/manifest.h - the little that a test's world reads from manifests
 * itself: which workloads and gateways they declare, where pods are named where
 * addresses belong.
 *
 * Everything else is config/resource's. `kind: List` is looked into.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "config/yaml/tree.h"

/* All objects, those of lists in their lists' places. */
struct manifests {
    const struct node **items;
    uint32_t count, capacity;
};

struct manifests manifests_of(const struct documents *documents, struct arena *arena);

struct str manifest_kind(const struct node *object);
struct str manifest_name(const struct node *object);
struct str manifest_namespace(const struct node *object); /* "default" when it says none */
/* A Deployment, StatefulSet, DaemonSet or ReplicaSet. */
bool manifest_is_workload(const struct node *object);

/* The text of the scalar at map.key; empty: none. */
struct str manifest_text(const struct node *map, struct str key);
/* The number of the scalar at map.key; 0: none. */
uint32_t manifest_number(const struct node *map, struct str key);

/* The number that a workload's containers give a port of this name; 0: none. */
uint32_t manifest_container_port(const struct node *workload, struct str name);
/* The containers' ports, as many as `ports` takes; their number. */
uint32_t manifest_container_ports(const struct node *workload, uint32_t *ports, uint32_t max);

/* The first port of a Gateway that speaks TLS, or that does not; 0: none. */
uint32_t manifest_gateway_port(const struct node *gateway, bool is_tls);
