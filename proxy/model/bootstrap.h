/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/bootstrap.h - a snapshot as the bootstrap that a stock Envoy runs
 * by itself, without a control plane.
 *
 * Routes and endpoints are inlined where istiod would serve them (RDS, EDS).
 * What only Istio's own build of Envoy knows is left out, as is TLS whose
 * secrets a control plane would bring; each is said in a note.
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
    void *reach_user;
};

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
