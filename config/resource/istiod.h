/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/istiod.h - what istiod's own Deployment, if it is among the files,
 * says in its environment and changes what istiod makes of the rest.
 *
 * Source: ISTIO.md 1.3; istio.io, pilot-discovery, environment variables.
 */
#pragma once

#include <stdbool.h>

#include "config/resource/mesh.h"
#include "config/yaml/view.h"

struct istiod {
    bool is_ending_sidecar_tls; /* ENABLE_TLS_ON_SIDECAR_INGRESS */
};

/* Of a Deployment; one that is not istiod's changes nothing. */
void istiod_read(const struct object_meta *meta, const struct view *spec, struct istiod *out);
