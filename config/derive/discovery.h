/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/discovery.h - MeshConfig's discoverySelectors: what istiod looks at.
 */
#pragma once

#include "config/resource/mesh_types.h"

/* Marks what lives in namespaces that no selector fits as replaced, so that it is
 * thrown out with what really is. Pods that a test adds stay. */
void discovery_filter(struct mesh *mesh);
