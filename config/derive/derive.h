/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/derive.h - what a cluster adds to the user's objects before
 * istiod translates them: pods of workloads, addresses, endpoints
 * (docs/addresses.md); what entrances come to; order.
 */
#pragma once

#include "config/resource/mesh.h"

/* Would the injector give the pods of this Deployment (StatefulSet, ...) a sidecar? By
 * their label or annotation `sidecar.istio.io/inject`, else by their namespace, which
 * must not be `istio-injection: disabled`; never on the host's network. True where
 * there is no such workload. All documents are there. */
bool mesh_workload_is_injected(const struct mesh *mesh, struct str namespace, struct str name);

/* Puts everything in its place, once; then a mesh can be asked and translated. */
void mesh_complete(struct mesh *mesh);
