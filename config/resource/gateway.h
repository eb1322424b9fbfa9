/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/gateway.h - Istio's Gateway: where a gateway listens, and for
 * which hosts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/origin.h"
#include "base/str.h"
#include "config/resource/label.h"
#include "config/resource/mesh.h"
#include "config/resource/server_tls.h"
#include "config/yaml/view.h"

/* "ns/host" split; namespace empty: any. "./h" is already the own namespace. */
struct gateway_host {
    struct str namespace, host;
    struct str text; /* cleaned: "ns/host" or "host" */
};

struct gateway_server {
    uint32_t port;
    struct str port_name, protocol; /* protocol in upper case */
    struct str bind;
    struct gateway_host *hosts;
    uint32_t host_count;
    const struct server_tls *tls; /* if only to redirect; NULL: none */
    bool is_redirecting_to_https;
    struct origin origin;
};

struct gateway {
    struct object_meta meta;
    /* What the user called it, where it was made of another kind; else empty. */
    struct str written_namespace, written_name;
    struct str written_kind; /* empty: Gateway */
    struct label_list selector;
    struct text_list services; /* of the Gateway API: bound to these, not by the selector */
    struct str services_namespace;
    bool is_of_api, is_managed; /* of the Gateway API; istiod deploys its pods */
    struct gateway_server *servers;
    uint32_t server_count;
};

/* Plain text of the HTTP family. */
bool gateway_server_is_http(const struct gateway_server *server);
/* TLS stands before it, ended here or not. */
bool gateway_server_is_tls(const struct gateway_server *server);
/* HTTPS that is ended here: behind it is HTTP. */
bool gateway_server_is_https_ended(const struct gateway_server *server);

void gateway_read(const struct view *spec, struct gateway *out);
