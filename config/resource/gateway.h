/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/gateway.h - Istio's Gateway: where a gateway listens, and for
 * which hosts. Servers that terminate TLS, pass it through or speak TCP are
 * read, complained of and left out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/origin.h"
#include "base/str.h"
#include "config/resource/label.h"
#include "config/resource/mesh.h"
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
    bool is_redirecting_to_https;
    struct origin origin;
};

struct gateway {
    struct object_meta meta;
    struct label_list selector;
    struct gateway_server *servers; /* the plain HTTP ones */
    uint32_t server_count;
};

void gateway_read(const struct view *spec, struct gateway *out);
