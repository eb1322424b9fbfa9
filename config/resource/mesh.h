/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/mesh.h - everything the user's files declare, typed.
 *
 * Filled document by document, then completed once (config/derive/derive.h). Lives in
 * one arena; trees and slices of the files live there too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/origin.h"
#include "base/str.h"
#include "config/yaml/diag.h"
#include "config/yaml/tree.h"

struct label {
    struct str name, value;
};

/* metadata of any object */
struct object_meta {
    struct str name, namespace;
    struct label *labels;
    uint32_t label_count;
    struct label *annotations;
    uint32_t annotation_count;
    int64_t created_ns; /* since 1970; everything without one is of one age */
    struct origin origin;
    bool is_replaced; /* a later object has its name */
};

struct service_port {
    struct str name;
    uint32_t port;
    uint32_t target_port;        /* 0: a name */
    struct str target_port_name; /* empty: a number */
    struct str protocol;         /* TCP, UDP */
    struct str app_protocol;
    bool is_protocol_said; /* app_protocol is all there is: a ServiceEntry's protocol */
    struct origin origin;
};

struct pod;
struct service_entry;
struct workload_entry;

enum traffic_distribution { DISTRIBUTION_ANY, DISTRIBUTION_SAME_ZONE, DISTRIBUTION_SAME_NODE };

/* Where a service's requests may go: from an EndpointSlice, an Endpoints
 * object, or derived from the pods that the selector means. */
struct service_endpoint {
    struct str address;                 /* an IP; of a ServiceEntry also a name or unix:///path */
    uint32_t *ports;                    /* one for each of the service's ports; 0: not there */
    const struct pod *pod;              /* NULL: no pod of ours */
    const struct workload_entry *entry; /* NULL: none; at most one of pod and entry */
    bool is_ready;
    bool is_lent; /* by another service of this host and namespace */
    /* Of one that is lent: as listeners and TLS know it, by a ServiceEntry's port numbers
     * where clusters go by names; NULL: the same. */
    const uint32_t *indexed_ports;
    struct origin origin;
};

/* How a service's endpoints are found; a Service's are always there. */
enum service_resolution {
    RESOLUTION_ENDPOINTS, /* STATIC */
    RESOLUTION_NONE,
    RESOLUTION_DNS,
    RESOLUTION_DNS_ROUND_ROBIN,
    RESOLUTION_DYNAMIC_DNS,
};

struct service {
    struct object_meta meta;
    struct str host; /* NAME.NS.svc.cluster.local */
    struct service_port *ports;
    uint32_t port_count;
    struct label *selector;
    uint32_t selector_count;
    struct str cluster_ip;   /* "None" for headless; given when the file gives none */
    struct str auto_address; /* Istio's own, for proxies that catch DNS; empty: none */
    struct str *cluster_ips; /* of both families, where they are said */
    uint32_t cluster_ip_count;
    struct str type;
    struct str external_name;
    bool is_publishing_not_ready;
    bool is_node_local;                     /* internalTrafficPolicy: Local */
    enum traffic_distribution distribution; /* the namespace's too, once complete */
    bool is_distribution_said;              /* its own word, or its annotation's */
    struct service_endpoint *endpoints;     /* once the mesh is complete */
    uint32_t endpoint_count, endpoint_capacity;
    /* Of one host and address of a ServiceEntry; then meta.name is the host, and
     * cluster_ip an address, a CIDR or empty. */
    const struct service_entry *entry;
    enum service_resolution resolution;
    /* The subjectAltNames of its host and namespace, whichever object says them;
     * NULL: none. */
    const struct text_list *names;
};

struct container_port {
    struct str name, protocol; /* TCP, UDP, SCTP; of an entry's endpoint empty */
    uint32_t port;
};

struct pod {
    struct object_meta meta;
    struct str workload; /* the Deployment's name, or the pod's */
    struct str service_account;
    struct str address;
    struct container_port *ports;
    uint32_t port_count;
    bool is_ready;
    bool is_injected; /* a sidecar stands before it */
    bool is_over;     /* Succeeded or Failed: nobody's endpoint */
    bool is_added;    /* by mesh_add_pod */
    bool is_absent;   /* no endpoint yet: it may come while the mesh runs */
    bool has_host_network;
    struct str node; /* nodeName; empty: not said */
};

struct mesh; /* defined in mesh_types.h for the rooms of config/, opaque elsewhere */

struct mesh *mesh_new(struct arena *arena, struct diag_list *diags);

/* Reads one document (kind: List is expanded, unknown kinds are counted).
 * The later of two objects of one kind, namespace and name wins. */
void mesh_add_document(struct mesh *mesh, const struct node *document);

/* A MeshConfig that is no ConfigMap's but a document of its own; it replaces
 * what was read. Before mesh_complete. */
void mesh_set_config(struct mesh *mesh, const struct node *document);

/* What a command line says of accessLogFile, accessLogFormat and
 * accessLogEncoding; it goes before the MeshConfig. All zero: nothing. */
struct mesh_access_log {
    bool has_file, has_format;
    struct str file;      /* empty: no log */
    struct str format;    /* empty: Istio's own of the encoding */
    bool is_json;         /* the format's encoding */
    bool is_output_taken; /* standard output is for something else: then standard error */
};
/* Slices are borrowed as long as the mesh. Before mesh_complete. */
void mesh_set_access_log(struct mesh *mesh, const struct mesh_access_log *said);

/* Adds a pod that no file declares (a RouteTest's workload, a client). Before
 * mesh_complete. */
struct pod *mesh_add_pod(struct mesh *mesh, struct str namespace, struct str name);

/* A Deployment (StatefulSet, ...) of that name: its pod template's labels,
 * account and replica count; false when there is none. */
bool mesh_workload(const struct mesh *mesh, struct str namespace, struct str name,
                   struct label **labels, uint32_t *label_count, struct str *service_account,
                   uint32_t *replica_count);

/* Drops the pods that Deployments would make: a RouteTest's workloads stand
 * in their place. Before mesh_complete. */
void mesh_skip_derived_pods(struct mesh *mesh);

uint32_t mesh_service_count(const struct mesh *mesh);
const struct service *mesh_service(const struct mesh *mesh, uint32_t index);
/* NULL when there is none. */
const struct service *mesh_service_find(const struct mesh *mesh, struct str namespace,
                                        struct str name);
/* Those of ServiceEntries, one for each host, the oldest first. */
uint32_t mesh_entry_service_count(const struct mesh *mesh);
const struct service *mesh_entry_service_at(const struct mesh *mesh, uint32_t index);
/* The service of a ServiceEntry's host (the oldest; a wildcard when nothing is
 * exact), or NULL. */
const struct service *mesh_entry_service(const struct mesh *mesh, struct str host);
/* Is it the address of a ServiceEntry, or of one of its endpoints? */
bool mesh_has_entry_address(const struct mesh *mesh, struct str address);
uint32_t mesh_pod_count(const struct mesh *mesh);
const struct pod *mesh_pod(const struct mesh *mesh, uint32_t index);
const struct pod *mesh_pod_find(const struct mesh *mesh, struct str namespace, struct str name);

/* The ports at which a Sidecar's ingress (one of `namespace` that is for these labels) finds
 * the application; as many as `ports` takes. Their number. */
uint32_t mesh_application_ports(const struct mesh *mesh, struct str namespace,
                                const struct label *labels, uint32_t label_count, uint32_t *ports,
                                uint32_t max);

/* EnvoyFilters: each proxy's translation says which of their patches it misses. */
uint32_t mesh_envoy_filter_count(const struct mesh *mesh);

/* Kinds that were counted and have no meaning here, for -v. */
uint32_t mesh_ignored_count(const struct mesh *mesh);

/* The labels that a Gateway's selector asks for, for a stand-in gateway pod;
 * false when there is no such Gateway. Gateways that were made of another kind
 * go by what the user wrote; one of the Gateway API is there once for each
 * listener. */
bool mesh_gateway_selector(const struct mesh *mesh, struct str namespace, struct str name,
                           struct label **labels, uint32_t *label_count);
uint32_t mesh_gateway_count(const struct mesh *mesh);
void mesh_gateway_at(const struct mesh *mesh, uint32_t index, struct str *namespace,
                     struct str *name);

/* The address KEY gets in a block (64 services, 128 pods, 192 other proxies),
 * by docs/addresses.md; taken ones are stepped over. */
struct str mesh_address(struct mesh *mesh, uint32_t block, struct str key);
