/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/derive.h - what a cluster adds to the user's objects before
 * istiod translates them: pods of workloads, addresses, endpoints
 * (docs/addresses.md); what entrances come to; order.
 */
#pragma once

#include "config/resource/mesh.h"

/* Puts everything in its place, once; then a mesh can be asked and translated. */
void mesh_complete(struct mesh *mesh);
