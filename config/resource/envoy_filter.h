/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/envoy_filter.h - EnvoyFilter: patches of Envoy's configuration.
 *
 * They are not applied; config/translate/envoy_filter.h names each that a proxy
 * would have been given, so that nobody trusts what is not there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/resource/label.h"
#include "config/resource/target_ref.h"

enum patch_target {
    PATCH_INVALID,
    PATCH_LISTENER,
    PATCH_FILTER_CHAIN,
    PATCH_NETWORK_FILTER,
    PATCH_HTTP_FILTER,
    PATCH_ROUTE_CONFIGURATION,
    PATCH_VIRTUAL_HOST,
    PATCH_HTTP_ROUTE,
    PATCH_CLUSTER,
    PATCH_EXTENSION_CONFIG,
    PATCH_BOOTSTRAP,
    PATCH_LISTENER_FILTER,
};

enum patch_operation {
    OPERATION_INVALID,
    OPERATION_MERGE,
    OPERATION_ADD,
    OPERATION_REMOVE,
    OPERATION_INSERT_BEFORE,
    OPERATION_INSERT_AFTER,
    OPERATION_INSERT_FIRST,
    OPERATION_REPLACE,
    OPERATION_MERGE_AND_REPLACE_LIST,
};

enum patch_context { CONTEXT_ANY, CONTEXT_INBOUND, CONTEXT_OUTBOUND, CONTEXT_GATEWAY };

enum route_action_kind {
    ROUTE_ACTION_ANY,
    ROUTE_ACTION_ROUTE,
    ROUTE_ACTION_REDIRECT,
    ROUTE_ACTION_DIRECT_RESPONSE,
};

/* Empty and 0: not asked for. */
struct listener_wish {
    struct str name, filter;
    uint32_t port;
    bool has_chain;
    struct str chain, sni, transport, applications;
    uint32_t chain_port;
    bool has_filter, has_sub_filter;
    struct str network_filter, http_filter;
};

struct route_wish {
    struct str name, port_name, gateway;
    uint32_t port;
    bool has_host, has_route;
    struct str host, domain;
    struct str route;
    enum route_action_kind action;
};

struct cluster_wish {
    struct str name, subset, service;
    uint32_t port;
};

struct envoy_patch {
    enum patch_target target;
    enum patch_operation operation;
    enum patch_context context;
    struct str version; /* an expression; empty: every proxy's */
    struct label_list metadata;
    const struct listener_wish *listener; /* NULL: all; the same below */
    const struct route_wish *routes;
    const struct cluster_wish *cluster;
    struct str value_name;                 /* of what is put there */
    struct str words, context_words, path; /* for people */
    struct origin origin;
};

struct envoy_filter {
    struct object_meta meta;
    int64_t priority;
    struct label_list selector;
    struct target_refs targets;
    struct envoy_patch *patches;
    uint32_t patch_count;
};

/* One without patches is complained of here. */
void envoy_filter_read(const struct view *spec, struct envoy_filter *out);
