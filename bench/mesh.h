/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/mesh.h - the mesh that whole-request benchmarks play: a service with
 * two subsets of two pods, a header match and a weighted route.
 */
#pragma once

#include "base/arena.h"
#include "config/yaml/diag.h"
#include "testbed/world/world.h"

/* Workloads reviews-v1 and reviews-v2 of two pods each, who answer 200, and the client
 * productpage, in the mesh of these manifests. NULL: see `diags`. */
struct world *mesh_of_text(struct str manifests, struct arena *arena, struct diag_list *diags);
/* The same with a weighted route to both. */
struct world *mesh_of_bench(struct arena *arena, struct diag_list *diags);
