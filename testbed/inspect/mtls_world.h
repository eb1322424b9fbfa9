/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/mtls_world.h - a world in which every workload calls: what is asked
 * when all clients are held against all services.
 *
 * Rules that lead requests elsewhere (VirtualServices, routes of the Gateway API, ...) are
 * left out: a call meets the service it names. A header picks the subset.
 */
#pragma once

#include "config/yaml/diag.h"
#include "testbed/world/world.h"

#define MTLS_SUBSET_HEADER "x-pocketmesh-subset"
#define MTLS_NO_SIDECAR "(no sidecar)"

/* Clients are those of `spec`, each workload of the manifests and of `spec` as a client, and
 * one without a sidecar. */
struct mtls_callers {
    const struct str *wanted; /* only these; count 0: all */
    uint32_t wanted_count;
    struct str known;  /* out: "a, b, (no sidecar)" */
    struct str nobody; /* out: the first one wanted that there is not; empty: all are there */
};
/* NULL when the manifests have errors (in diags). */
struct world *mtls_world_new(const struct world_spec *spec, struct mtls_callers *callers,
                             struct arena *arena, struct diag_list *diags);
