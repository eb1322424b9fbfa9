/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/derive.h - what a cluster adds to the user's objects before
 * istiod sees them: pods, addresses, endpoints, order (docs/addresses.md).
 */
#pragma once

#include "config/resource/mesh_types.h"

void derive_all(struct mesh *mesh);
