/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/service_entry.h - ServiceEntries become services.
 */
#pragma once

#include "config/resource/mesh_types.h"

/* Makes the mesh's services of ServiceEntries, with their endpoints, and adds
 * WorkloadEntries to the Services that select them. When pods and Services are
 * complete. */
void service_entry_derive(struct mesh *mesh);
