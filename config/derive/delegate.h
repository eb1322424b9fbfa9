/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/delegate.h - VirtualServices that hand a rule on to others:
 * the other's rules take its place, each narrowed to what the rule means.
 */
#pragma once

#include "config/resource/mesh_types.h"

/* Puts the delegates' rules in place and takes the delegates (they have no
 * hosts) out of sight. Says which rules are left out, and why. Before the list
 * is sorted; once.
 *
 * Source: ISTIO.md 2.2. */
void delegates_merge(struct mesh *mesh);
