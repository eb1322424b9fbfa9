/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/world.h - who is there in one test: manifests, pods with their
 * behaviour, clients with their proxies, and an address for everybody.
 *
 * Built from specs (plain values, filled by the runner or by `up`), then
 * read-only but for the pods' behaviour, which a running test may change.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/map.h"
#include "config/profile/profile.h"
#include "config/resource/mesh.h"
#include "config/translate/translate.h"
#include "config/yaml/diag.h"
#include "proxy/model/snapshot.h"
#include "testbed/world/authority.h"
#include "testbed/world/behaviour.h"
#include "testbed/world/manifest.h"
#include "testbed/world/queue.h"

/* Which TLS somebody speaks, "TLSv1_2", "TLSv1_3"; empty: what its configuration says. */
struct version_bounds {
    struct str min, max;
};

struct workload_spec {
    struct str name;
    struct str namespace; /* empty: the default one */
    struct str service;
    struct label *labels; /* count 0: the Deployment's, else the service's selector */
    uint32_t label_count;
    struct str service_account;
    uint32_t replicas; /* 0: the Deployment's, else 1 */
    bool has_sidecar_word, has_sidecar;
    uint32_t *ports; /* where it listens, for a workload without a service */
    uint32_t port_count;
    struct behaviour behaviour;
    enum certificate_fault fault;   /* of its sidecar's certificate */
    struct str trust_domain;        /* of that one; empty: world_spec's */
    struct version_bounds versions; /* of its sidecar */
    struct pod_spec *pods;          /* behaviour of single pods, whole (already merged) */
    uint32_t pod_count;
    struct origin origin;
};

struct pod_spec {
    uint32_t index;
    struct behaviour behaviour;
};

enum client_via { VIA_SIDECAR, VIA_GATEWAY, VIA_NONE };

/* How a caller speaks to a gateway: as somebody outside of the mesh who shows a certificate
 * or not, or as a sidecar does. */
enum caller_tls_mode { CALLER_TLS_SIMPLE, CALLER_TLS_MUTUAL, CALLER_TLS_ISTIO_MUTUAL };
struct client_tls_spec {
    bool is_set;
    enum caller_tls_mode mode;
    bool has_sni;
    struct str sni;
    enum certificate_fault fault; /* of the certificate that it shows; NONE: it shows none */
    const struct str *names;      /* of it, URIs or of DNS; count 0: "client", or a workload's */
    uint32_t name_count;
    struct origin origin; /* line 0: the command line's */
};

struct client_spec {
    struct str name;
    enum client_via via;
    struct str namespace;
    struct label *labels;
    uint32_t label_count;
    struct str service_account;
    struct str gateway_namespace, gateway_name;
    struct client_tls_spec tls;
    enum certificate_fault fault;   /* of its proxy's certificate */
    struct str trust_domain;        /* of that one; empty: world_spec's */
    struct version_bounds versions; /* of its proxy; of who calls a gateway, its own */
    struct str address;             /* source address; empty: one is given */
    uint32_t caller_count;          /* so many alike, each a pod with its own proxy; 0: 1 */
    struct origin origin;
};

struct world_spec {
    struct documents documents; /* all manifests */
    struct workload_spec *workloads;
    uint32_t workload_count;
    struct client_spec *clients;
    uint32_t client_count;
    struct str namespace; /* defaults.namespace; "default" */
    /* `defaults.sidecar`; true unless said. What manifests keep from the injector has none
     * all the same, unless the workload itself says so. */
    bool has_sidecar_default;
    /* Of certificates, where a workload or client says no other; empty: cluster.local, also
     * where the MeshConfig says otherwise: who was there before holds such ones. */
    struct str trust_domain;
    bool has_secrets_of_manifests; /* defaults.secrets: manifests; else all are there */
    bool has_real_callers;         /* with certificates of their own */
    /* Serves others after this world, too; borrowed. NULL: it makes its own. */
    struct authority *authority;
    const struct profile *profile;
    /* Addresses by docs/addresses.md, which stay when others come and go; else
     * short ones in the order of the files. */
    bool has_stable_addresses;
    struct mesh_access_log access_log; /* goes before the MeshConfig's */
};

struct tls_end;

struct world_pod {
    struct str name;      /* "reviews-v1/0" */
    bool may_come;        /* it was absent once: proxies are told of it */
    struct str kube_name; /* "reviews-v1-0" */
    struct str workload;
    struct str namespace;
    uint32_t workload_index, index;
    struct str address;
    uint32_t *ports; /* where the application listens */
    uint32_t port_count;
    bool has_sidecar;
    struct behaviour behaviour;
    bool is_grpc; /* a port of it is one of gRPC, so it does unless its behaviour says no */
    bool is_reading_heads; /* an answer of its depends on more than a request's coming */
    uint32_t script_at;
    struct rng luck;    /* of this pod alone */
    struct queue queue; /* what its application works on */
    struct answer injected;
    uint32_t client;         /* its own proxy, for what it asks others; UINT32_MAX: it has none */
    bool may_ask;            /* somebody carries out what it asks by that proxy */
    bool is_played;          /* that proxy stands before the application, too */
    struct tls_end *tls_end; /* keyrings.h; NULL: nobody has asked */
    uint64_t request_count, mirror_count; /* that reached it; mirrors are not among the first */
};

/* Does its application speak HTTP/2, too? */
static inline bool world_pod_is_http2(const struct world_pod *pod)
{
    return pod->behaviour.http2 == HTTP2_SPOKEN ||
           (pod->behaviour.http2 == HTTP2_BY_PORT && pod->is_grpc);
}

struct world_client {
    struct client_spec spec;
    struct str address;       /* of the caller */
    struct str proxy_address; /* of its proxy */
    struct proxy_identity identity;
    struct snapshot *snapshot;     /* of its proxy; NULL for VIA_NONE, and see world_snapshot */
    const struct keyring *keyring; /* keyrings.h; NULL: nobody has asked */
    struct tls_end *tls_end;       /* the same */
    uint32_t others_first;         /* index of the second one of those alike */
    bool is_pods;                  /* a pod's own proxy, and no client of the spec */
};

struct world {
    struct arena *arena;
    struct authority *authority;
    struct world_spec spec;
    struct mesh *mesh;
    struct world_pod *pods;
    uint32_t pod_count;
    uint32_t *script_at;          /* of each workload */
    struct world_client *clients; /* the spec's, then others alike, then pods that ask others */
    uint32_t client_count;
    bool has_asking_pods;
    struct manifests manifests;
    struct map pod_by_address;
    struct map pod_by_name;
    /* What proxies call themselves beside WORLD_NODE_ADDRESS, as they are not ours; as long
     * as one play. */
    const struct str *node_addresses;
    uint32_t node_address_count;
};

/* NULL when the manifests have errors (in diags). With stable addresses a client that
 * is called as a pod is that pod's own proxy, and no stand-in asks others. */
struct world *world_new(const struct world_spec *spec, struct arena *arena,
                        struct diag_list *diags);
/* Drops the snapshots. */
void world_free(struct world *world);

/* Where a gateway's pods are: istiod makes those of the Gateway API beside their Gateway,
 * and OpenShift's router has its own namespace. */
struct str world_gateway_home(const struct mesh *mesh, struct str namespace, struct str name);

/* UINT32_MAX when there is none. */
uint32_t world_pod_find(const struct world *world, struct str name);
/* The pod that has this address and listens on this port, or UINT32_MAX. */
uint32_t world_pod_at(const struct world *world, struct str address, uint32_t port);

/* What the client's proxy is configured with. A pod's sidecar hears of it when it is
 * first asked for; NULL for VIA_NONE. Held by the world. */
struct snapshot *world_snapshot(struct world *world, uint32_t client);

/* Where a connection to a port of the pod really goes: to the listener of the pod's
 * sidecar, or (NULL) to its application, as there is no sidecar or it is that sidecar
 * which asks. `cluster`: for which a proxy dials; NULL: no proxy does. */
const struct listener *world_inbound(struct world *world, uint32_t pod, uint32_t port,
                                     const struct cluster *cluster);
/* Where a cluster that goes on to where its client meant to go leads a call. UINT32_MAX: to
 * nobody of ours. */
struct call;
uint32_t world_pod_meant(const struct world *world, const struct call *call,
                         const struct cluster *cluster, uint32_t *port);
/* The pod that a client's proxy dials at `address` for a cluster, whatever it listens
 * on: inbound ones lead to its own pod. UINT32_MAX: none of ours. */
uint32_t world_pod_dialled(const struct world *world, uint32_t client,
                           const struct cluster *cluster, struct str address);

/* The `nth` of those callers that are alike, from 0. */
uint32_t world_client_nth(const struct world *world, uint32_t client, uint32_t nth);

/* The Service that an authority (with or without port, short or long) means,
 * seen from the default namespace; NULL: none. */
const struct service *world_service_of(const struct world *world, struct str authority);

/* Where a call's connection goes first: to the listener of the client's proxy
 * that its destination meets, or for VIA_NONE straight to a pod. Neither: nobody
 * listens there, the connection is refused. A call with `to` that meets no
 * listener of its own comes to virtualOutbound, as the mesh's redirect does it. */
struct call;
struct call_target {
    const struct listener *listener; /* NULL: a pod, or nobody */
    uint32_t pod;                    /* UINT32_MAX: a listener, or nobody */
    struct str address;              /* destination as the caller dialled it */
    uint32_t port;
    bool has_original; /* its connection was caught on its way to address:port */
};
struct call_target world_target(const struct world *world, const struct call *call);

/* The next answer of a pod, by its script or plain, with what is injected;
 * advances the script. Draws from the pod's luck once for each injection's part.
 * Valid until the next one of this pod. */
const struct answer *world_next_answer(struct world *world, uint32_t pod);

/* When a pod that gets a request now answers: its latency, drawn, and behind
 * those that it works on already. False: too many wait. */
bool world_answer_due(struct world *world, uint32_t pod, const struct answer *answer,
                      int64_t now_ns, int64_t *due_ns);

/* A test's `set`: the pod behaves like this from now on, and every script
 * begins anew. Tell a play that is under way (pod_changed). */
void world_pod_behave(struct world *world, uint32_t pod, struct behaviour behaviour);
/* A play begins: scripts, queues and counts anew, luck from `seed`. */
void world_begin(struct world *world, uint64_t seed);

#define WORLD_TRUST_DOMAIN "cluster.local"

/* What Envoy takes for its own address where nothing says better; what is seen
 * of it is an x-forwarded-for of mirrored requests. */
#define WORLD_NODE_ADDRESS "127.0.0.1"
/* Does an x-forwarded-for end with a proxy's own address? */
bool world_is_node(const struct world *world, struct str forwarded_for);
