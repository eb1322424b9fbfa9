/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/bootstrap.h - a snapshot as the bootstrap that a stock Envoy runs
 * by itself, without a control plane.
 *
 * Routes and endpoints are inlined where istiod would serve them (RDS, EDS).
 * What only Istio's own build of Envoy knows is left out, as is, without a
 * keyring, TLS whose secrets a control plane would bring; each is said in a note.
 *
 * Listeners stand where istiod puts them, so that the mesh's redirect works as
 * in a pod: virtualOutbound is bound and hands connections to the listeners
 * they meant. Without a redirect they are bound elsewhere: see `places`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "proxy/model/secret.h"
#include "proxy/model/snapshot.h"

/* Where one listener is bound instead; port 0: the kernel gives one. */
struct bootstrap_place {
    struct str listener; /* its name */
    struct str address;
    uint32_t port;
};

/* Where the one who is at address:port is met instead; what comes back lives as
 * long as the call to bootstrap_print. False: nowhere, the endpoint is left out. */
typedef bool bootstrap_reach(void *user, struct str address, uint32_t port, struct str *at,
                             uint32_t *at_port);

/* The application behind the proxy: where its `port` is met; 0: the one that was
 * dialled, which no cluster's name says. */
typedef bool bootstrap_reach_inside(void *user, uint32_t port, struct str *at, uint32_t *at_port);

/* A listener's further socket: who comes here was on the way to `target` and `port`, as
 * if the mesh's redirect had caught the connection. */
struct bootstrap_gate {
    struct str listener; /* istiod's */
    struct str name;     /* what it is called here */
    struct str target;   /* empty: the proxy's own pod, of inbound traffic */
    uint32_t port;
    struct str address; /* where its socket is.. */
    uint32_t bound_port;
    /* Where clusters that follow the original destination meet the target. */
    struct str at;
    uint32_t at_port;
};

struct bootstrap_options {
    struct str admin_address;
    uint32_t admin_port; /* 0: the kernel gives one */
    /* Others that istiod would bind are left out, unless bind_address is said. */
    const struct bootstrap_place *places;
    uint32_t place_count;
    /* Every other listener is bound here (one with an own loopback address,
     * there). Empty: where istiod puts it. */
    struct str bind_address;
    bool has_bind_port; /* on bind_port instead of its own port */
    uint32_t bind_port;
    struct str access_log; /* a file that gets a line of JSON for each request; empty: none */
    struct str event_log;  /* a file that gets a line of JSON for each ejection; empty: none */
    /* Not NULL: each endpoint goes through it, and clusters look up no names. Rings
     * and tables are those of the endpoints' own addresses all the same. */
    bootstrap_reach *reach;
    bootstrap_reach_inside *reach_inside; /* with it: of inbound clusters */
    void *reach_user;
    /* With those of inbound traffic, it comes in nowhere else. */
    const struct bootstrap_gate *gates;
    uint32_t gate_count;
    /* Where files have the endpoints that istiod would serve (bootstrap_print_endpoints), and
     * where they may be replaced; empty: they are in the bootstrap. */
    struct str endpoints_folder;
    struct str source_address; /* of connections to upstreams; empty: the system's choice */
    /* What stands behind the names of secrets, with PEM. */
    const struct keyring *keyring;
    struct str secrets_folder; /* files of bootstrap_secret_file; empty: all in the bootstrap */
    struct str no_secrets;     /* a file without resources: secrets that are in no keyring */
};

/* Of snapshot->clusters[index], when that is one of EDS. Moves nothing while Envoy reads:
 * write another file, and rename it. */
struct str bootstrap_endpoints_file(struct arena *arena, struct str folder, uint32_t index);
enum rc bootstrap_print_endpoints(const struct snapshot *snapshot,
                                  const struct bootstrap_options *options, uint32_t index,
                                  struct json *json, struct arena *arena) MUST_USE;

enum bootstrap_secret_part { BOOTSTRAP_CHAIN, BOOTSTRAP_KEY, BOOTSTRAP_AUTHORITIES };
/* Where a secret of secrets_folder is to be. */
struct str bootstrap_secret_file(struct arena *arena, struct str folder, struct str secret,
                                 enum bootstrap_secret_part part);

/* What was left out, a sentence each. */
struct bootstrap_notes {
    struct str *items;
    uint32_t count, capacity;
};

/* Notes live in `arena`. RC_BAD: a place names a listener that is not there,
 * which the last note says. RC_FULL: the buffer behind `json`. */
enum rc bootstrap_print(const struct snapshot *snapshot, const struct bootstrap_options *options,
                        struct json *json, struct arena *arena,
                        struct bootstrap_notes *notes) MUST_USE;
