/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/authn.h - what PeerAuthentication means for one workload,
 * and the TLS that the mesh's own connections are ended with.
 *
 * Source: ISTIO.md 6.1.
 */
#pragma once

#include "config/translate/context.h"

/* A mode, and the object that says it. */
struct peer_mode {
    uint32_t port; /* the workload's */
    enum mtls_mode mode;
    struct str kind;              /* "PeerAuthentication" */
    const struct object_meta *by; /* NULL: nobody does */
    struct origin origin;
};

/* The modes that hold for a workload; no mode is unset any more. */
struct peer_policy {
    struct peer_mode whole;
    const struct peer_mode *ports; /* sorted by port */
    uint32_t port_count;
};

/* In `arena`. Of several for one scope the oldest counts. */
struct peer_policy authn_peer_policy(const struct mesh *mesh, struct str namespace,
                                     const struct label *labels, uint32_t label_count,
                                     struct arena *arena);
/* The same for the proxy itself, by its profile's rules: Policy and MeshPolicy in
 * istio-1.0, if the mesh has any. In scratch. */
struct peer_policy authn_own_policy(struct translation *t);
/* The same for reports, in the snapshot. */
void authn_tell_modes(struct translation *t, const struct peer_policy *policy);
/* The first port of portLevelMtls, for the pod, that is none of these, on which it listens,
 * and of no container's; NULL: there is none. It counts for passthrough alone. */
const struct port_mtls *authn_strange_port(const struct mesh *mesh, const struct pod *pod,
                                           const uint32_t *ports, uint32_t port_count);
/* "PeerAuthentication/NAME.NAMESPACE", kept; empty: nobody. */
struct tls_word authn_word(struct translation *t, const struct peer_mode *mode);
enum mtls_mode authn_mode_of_port(const struct peer_policy *policy, uint32_t port);

/* How a sidecar ends the mesh's TLS, in the snapshot. TCP chains offer one
 * protocol more than HTTP's. */
const struct downstream_tls *authn_inbound_tls(struct translation *t, bool is_http);

/* The ALPN names of HTTP over TLS: h2, http/1.1. */
const struct str *authn_http_protocols(uint32_t *count);
/* Those of other streams within the mesh: istio-peer-exchange, and the two. */
const struct str *authn_tcp_protocols(uint32_t *count);
