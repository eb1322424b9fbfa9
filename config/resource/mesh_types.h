/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/mesh_types.h - the inside of struct mesh, for the rooms of
 * config/ only.
 *
 * Lists are in the order of the files until mesh_complete, which throws out
 * replaced objects and puts Istio's objects in Istio's order (meta_order).
 */
#pragma once

#include "base/map.h"
#include "config/resource/authentication_policy.h"
#include "config/resource/authorization_policy.h"
#include "config/resource/destination_rule.h"
#include "config/resource/endpoint_slice.h"
#include "config/resource/entrance.h"
#include "config/resource/envoy_filter.h"
#include "config/resource/gateway.h"
#include "config/resource/istiod.h"
#include "config/resource/mesh.h"
#include "config/resource/mesh_config.h"
#include "config/resource/peer_authentication.h"
#include "config/resource/request_authentication.h"
#include "config/resource/service.h"
#include "config/resource/service_entry.h"
#include "config/resource/sidecar.h"
#include "config/resource/virtual_service.h"
#include "config/resource/workload.h"

struct namespace
{
    struct object_meta meta;
};

#define MESH_LIST(type, name) \
    type *name;               \
    uint32_t name##_count, name##_capacity

struct mesh {
    struct arena *arena;
    struct diag_list *diags;
    struct mesh_config config;
    struct istiod istiod;
    MESH_LIST(struct virtual_service, virtual_services);
    MESH_LIST(struct destination_rule, destination_rules);
    MESH_LIST(struct gateway, gateways);
    MESH_LIST(struct peer_authentication, peer_authentications);
    MESH_LIST(struct authentication_policy, authentication_policies);
    MESH_LIST(struct request_authentication, request_authentications);
    MESH_LIST(struct authorization_policy, authorization_policies);
    MESH_LIST(struct service, services);
    MESH_LIST(struct service_entry, service_entries);
    MESH_LIST(struct workload_entry, workload_entries);
    MESH_LIST(struct service, entry_services); /* made of service_entries */
    MESH_LIST(struct sidecar, sidecars);
    MESH_LIST(struct envoy_filter, envoy_filters);
    MESH_LIST(struct proxy_config, proxy_configs);
    MESH_LIST(struct workload, workloads);
    MESH_LIST(struct pod, pods);
    MESH_LIST(struct endpoint_slice, slices);
    MESH_LIST(struct namespace, namespaces);
    MESH_LIST(struct machine, machines);
    MESH_LIST(struct entrance, entrances);
    /* "Kind ns/name" -> index in its list, of the latest */
    struct map object_index;
    struct map service_index; /* "ns/name", once complete */
    struct map pod_index;     /* the same */
    struct map pod_by_address;
    struct map used_addresses;
    uint32_t ignored_count;
    bool is_skipping_derived_pods;
    bool is_complete;
};
