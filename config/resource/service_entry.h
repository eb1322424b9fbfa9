/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/service_entry.h - ServiceEntry, what is outside of Kubernetes
 * but has a name in the mesh; WorkloadEntry, an endpoint that is no pod.
 *
 * Source: ISTIO.md 7.1.
 */
#pragma once

#include "config/resource/label.h"
#include "config/resource/mesh.h"
#include "config/yaml/view.h"

/* A WorkloadEntry, or an endpoint that a ServiceEntry writes itself (named
 * NAME-INDEX then). */
struct workload_entry {
    struct object_meta meta;
    struct str address;           /* an IP, a name, or unix:///path */
    struct str workload;          /* the name shown as its workload */
    struct label_list labels;     /* spec's, and over them metadata's */
    struct container_port *ports; /* by the service port's name */
    uint32_t port_count;
    struct str network, locality, service_account;
    uint32_t weight; /* 1 when nothing is said */
    bool is_tls_mode_istio;
};

/* status.addresses: what Istio gave a host by itself. */
struct given_address {
    struct str host, value;
};

struct service_entry {
    struct object_meta meta;
    struct text_list hosts, addresses, export_to, names; /* names: subjectAltNames */
    struct service_port *ports;
    uint32_t port_count;
    enum service_resolution resolution;
    bool is_external;
    struct origin place_origin; /* of its location; of the entry where it says none */
    bool has_selector;
    struct label_list selector;
    struct workload_entry *endpoints;
    uint32_t endpoint_count;
    struct given_address *given;
    uint32_t given_count;
    bool has_no_auto_address; /* its label says that it wants none */
};

void service_entry_read(const struct view *spec, struct service_entry *out);
/* The object itself: its status, and what its labels say of it. */
void service_entry_read_status(const struct view *root, struct service_entry *out);
void workload_entry_read(const struct view *spec, struct workload_entry *out);
