/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/openshift_backend.h - how OpenShift's router speaks to the Services
 * that Routes lead to: it has no identity in the mesh, so in the clear, but for Routes
 * that encrypt again, with the authority and the name that they say.
 *
 * It comes to a DestinationRule for each Service, seen by the router alone, with a
 * subset for each Route that encrypts again. Source: ISTIO.md 8.4.
 */
#pragma once

#include "config/resource/mesh_types.h"

struct openshift_backend;

struct openshift_backends {
    struct mesh *mesh;
    struct openshift_backend *items;
    uint32_t count, capacity;
};

/* Somebody leads to `service` of `namespace`. `route`: of that namespace, it encrypts
 * again; empty: none does. The subset for it; empty: none. */
struct str openshift_backend_note(struct openshift_backends *all, struct str namespace,
                                  struct str service, struct str route);
/* Rules for all of them, as of a namespace's own. */
void openshift_backends_convert(const struct openshift_backends *all, struct str namespace,
                                struct origin origin);
