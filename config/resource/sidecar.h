/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/sidecar.h - Sidecar: what of the mesh a namespace's or
 * workload's proxies see, and what their own ports are.
 *
 * Source: ISTIO.md 1.8.
 */
#pragma once

#include "config/resource/destination_rule.h"
#include "config/resource/label.h"
#include "config/resource/mesh.h"
#include "config/resource/mesh_config.h"
#include "config/resource/server_tls.h"
#include "config/yaml/view.h"

enum capture_mode { CAPTURE_DEFAULT, CAPTURE_IPTABLES, CAPTURE_NONE };

struct sidecar_egress {
    bool has_port; /* else: the one for all others */
    uint32_t port; /* 0: of a Unix domain socket */
    struct str protocol;
    bool is_http_proxy; /* protocol HTTP_PROXY */
    struct str bind;
    enum capture_mode capture;
    struct text_list hosts; /* NAMESPACE/NAME, as written */
    struct origin origin;
};

struct sidecar_ingress {
    uint32_t port;
    struct str name, protocol;
    struct str bind, default_endpoint;
    enum capture_mode capture;
    const struct connection_pool *pool; /* NULL: none */
    const struct server_tls *tls;       /* NULL: none; only where istiod looks at it */
    struct origin origin, tls_origin;
};

/* Who gets what nobody knows. */
struct egress_proxy {
    struct str host, subset;
    uint32_t port;
};

struct sidecar {
    struct object_meta meta;
    bool has_selector;
    struct label_list selector;
    struct sidecar_egress *egress;
    uint32_t egress_count;
    struct sidecar_ingress *ingress;
    uint32_t ingress_count;
    enum outbound_mode outbound;        /* unset: the mesh's */
    struct egress_proxy egress_proxy;   /* without a host: none */
    const struct connection_pool *pool; /* inboundConnectionPool; NULL: none */
};

void sidecar_read(const struct view *spec, struct sidecar *out);

/* "127.0.0.1:8080", where the application listens. False: nothing is said, or a socket
 * of another family. */
bool sidecar_ingress_place(const struct sidecar_ingress *ingress, struct str *address,
                           uint32_t *port);
