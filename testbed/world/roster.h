/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/roster.h - who is to be there: the workloads of the manifests
 * and those of the test, merged by name.
 *
 * A workload of the test that a Deployment declares too takes labels, account,
 * replicas and namespace from it where the test says nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/resource/mesh.h"
#include "testbed/world/manifest.h"
#include "testbed/world/world.h"

struct roster_entry {
    struct str name, namespace;
    const struct node *object;        /* the Deployment, or NULL */
    const struct workload_spec *spec; /* the test's words, or NULL */
    struct label *labels;
    uint32_t label_count;
    struct str service_account;
    uint32_t replica_count;
    bool has_sidecar;
};

struct roster {
    struct roster_entry *items;
    uint32_t count, capacity;
};

/* `mesh` has all documents and is not complete yet. */
struct roster roster_of(const struct world_spec *spec, const struct manifests *manifests,
                        const struct mesh *mesh, struct arena *arena);

/* The behaviour that the test gives a pod of it. */
struct behaviour roster_behaviour(const struct roster_entry *entry, uint32_t index);

/* Does the service select what has these labels? One without a selector selects
 * nothing. */
bool roster_is_selected(const struct service *service, struct str namespace,
                        const struct label *labels, uint32_t label_count);
