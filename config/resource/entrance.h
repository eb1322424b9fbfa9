/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/entrance.h - other words for Gateways and VirtualServices, as
 * they were written: Kubernetes' Ingress, the Gateway API, OpenShift's Route.
 * What they come to is config/derive's.
 */
#pragma once

#include "config/resource/mesh.h"
#include "config/yaml/view.h"

enum entrance_kind {
    ENTRANCE_INGRESS,
    ENTRANCE_INGRESS_CLASS,
    ENTRANCE_GATEWAY_CLASS,
    ENTRANCE_API_GATEWAY,
    ENTRANCE_HTTP_ROUTE,
    ENTRANCE_GRPC_ROUTE,
    ENTRANCE_TCP_ROUTE,
    ENTRANCE_TLS_ROUTE,
    ENTRANCE_REFERENCE_GRANT,
    ENTRANCE_OPENSHIFT_ROUTE,
    ENTRANCE_SECRET, /* only whether it is there, and looks like a pair of keys */
    ENTRANCE_LISTENER_SET,
    ENTRANCE_BACKEND_TLS_POLICY,
    ENTRANCE_CONFIG_MAP, /* only whether it has authorities */
};

/* An object as it was written; the tree lives as long as the mesh. */
struct entrance {
    struct object_meta meta;
    enum entrance_kind kind;
    const struct node *root;
    struct reading *reading;
};
