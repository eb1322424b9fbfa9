/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/patch_match.h - would a patch of an EnvoyFilter change anything
 * of what a proxy is sent?
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"
#include "config/resource/envoy_filter.h"

/* What a proxy is sent, as print_all prints it, and which of it the patches of an
 * earlier filter would have added. */
struct patch_ground {
    const struct json_value *all;
    bool is_gateway;
    struct text_list added; /* names of filters */
    struct arena *arena;
};

bool patch_matches(const struct patch_ground *ground, const struct envoy_patch *patch);
