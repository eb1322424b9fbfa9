/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/authentication_policy.h - Policy and MeshPolicy of
 * authentication.istio.io, which Istio 1.0 had where PeerAuthentication is today.
 *
 * They count in profile istio-1.0 only (ISTIO.md 11.1, 11.4).
 */
#pragma once

#include "config/resource/mesh.h"
#include "config/resource/peer_authentication.h"
#include "config/yaml/view.h"

/* A port of a target, by its number or its name: the Service's. */
struct authentication_port {
    uint32_t number; /* 0: by name */
    struct str name;
};

/* A Service of the policy's namespace, by its short name. */
struct authentication_target {
    struct str name;
    struct authentication_port *ports; /* none: all of them */
    uint32_t port_count;
};

struct authentication_policy {
    struct object_meta meta;
    bool is_of_mesh; /* a MeshPolicy */
    struct authentication_target *targets;
    uint32_t target_count;
    enum mtls_mode mode; /* DISABLE where no peer is asked for mtls */
};

void authentication_policy_read(const struct view *spec, struct authentication_policy *out);
