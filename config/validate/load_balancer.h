/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/load_balancer.h - load balancing of a DestinationRule:
 * hashing, localities, warm-up. Source: ISTIO.md 9.4.
 */
#pragma once

#include <stdbool.h>

#include "config/yaml/view.h"

void load_balancer_check(const struct view *settings, bool has_outlier);
