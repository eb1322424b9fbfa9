/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/peer_authentication.h - Istio's PeerAuthentication: which
 * connections a sidecar takes in, plaintext or the mesh's TLS.
 */
#pragma once

#include "config/resource/label.h"
#include "config/resource/mesh.h"
#include "config/yaml/view.h"

enum mtls_mode { MTLS_MODE_UNSET, MTLS_MODE_DISABLE, MTLS_MODE_PERMISSIVE, MTLS_MODE_STRICT };

struct port_mtls {
    uint32_t port; /* the workload's, not the Service's */
    enum mtls_mode mode;
    struct origin origin; /* of the mode */
};

struct peer_authentication {
    struct object_meta meta;
    struct label_list selector; /* empty: the whole namespace, or mesh */
    enum mtls_mode mode;
    struct origin mode_origin;
    struct port_mtls *ports;
    uint32_t port_count;
};

void peer_authentication_read(const struct view *spec, struct peer_authentication *out);
