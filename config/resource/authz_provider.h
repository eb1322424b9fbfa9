/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/authz_provider.h - an entry of MeshConfig's
 * extensionProviders that decides about requests (envoyExtAuthzHttp,
 * envoyExtAuthzGrpc).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/resource/label.h"
#include "config/yaml/view.h"

struct authz_provider {
    struct str name;
    bool is_grpc;
    struct str service; /* "ns/host" or a host */
    uint32_t port;
    int64_t timeout_ns; /* 0: Istio's 600 s */
    bool is_failing_open;
    uint32_t error_status; /* 0: not said */
    struct str path_prefix;
    struct text_list asked, to_upstream, to_client_denied, to_client_allowed;
    struct label_list added;
    bool has_body;
    uint32_t body_bytes_max;
    bool is_body_partial, is_body_bytes;
};

struct authz_provider_list {
    struct authz_provider *items;
    uint32_t count, capacity;
};

/* The providers of that kind among extensionProviders. */
struct authz_provider_list authz_providers_read(const struct view *list);
