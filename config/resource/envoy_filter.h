/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/envoy_filter.h - EnvoyFilter: patches of Envoy's configuration.
 * They are not applied; each is named, so that nobody trusts what is not there.
 */
#pragma once

#include "config/yaml/view.h"

/* Says of each patch, at its line, what it would have done to what. */
void envoy_filter_complain(const struct view *spec);
