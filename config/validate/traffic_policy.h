/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/traffic_policy.h - a DestinationRule's policy and its parts.
 * Source: ISTIO.md 9.4.
 */
#pragma once

#include "config/yaml/view.h"

void traffic_policy_check(const struct view *policy, struct str namespace);
/* Also of a Sidecar. */
void traffic_policy_check_pool(const struct view *pool);
