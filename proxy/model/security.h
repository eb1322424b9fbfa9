/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/security.h - who may come in: Envoy's RBAC, ext_authz and
 * jwt_authn filters. ext_authz is printed, not acted on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/origin.h"
#include "base/str.h"
#include "proxy/model/policy.h"

/* An address and how many of its bits count. */
struct cidr {
    struct str address;
    uint32_t bits;
};

enum metadata_kind {
    METADATA_TEXT,  /* the value is one of the texts */
    METADATA_CLAIM, /* or a list that has one of them */
    METADATA_MIXED, /* each matcher says whether it means a list */
};

struct metadata_matcher {
    enum metadata_kind kind;
    struct str filter;
    const struct str *path;
    uint32_t path_count;
    const struct string_matcher *values; /* one of them */
    const bool *are_lists;               /* of METADATA_MIXED */
    uint32_t value_count;
};

/* A permission or a principal: a tree. */
enum rbac_kind {
    RBAC_ANY,
    RBAC_ALL_OF,
    RBAC_ONE_OF,
    RBAC_NOT,
    RBAC_HEADER,
    RBAC_URL_PATH,
    RBAC_URI_TEMPLATE,
    RBAC_DESTINATION_IP,
    RBAC_DESTINATION_PORT,
    RBAC_SERVER_NAME, /* SNI */
    RBAC_AUTHENTICATED,
    RBAC_DIRECT_REMOTE_IP,
    RBAC_REMOTE_IP,
    RBAC_METADATA,
};

struct rbac_node {
    enum rbac_kind kind;
    const struct rbac_node *children; /* of the first groups; NOT has one */
    uint32_t child_count;
    struct str header;          /* RBAC_HEADER: in lower case.. */
    struct str header_written;  /* ..and as it was written, for the print-out */
    struct string_matcher text; /* of headers, paths, names; RBAC_URI_TEMPLATE: its value */
    struct cidr range;
    uint32_t port;
    const struct metadata_matcher *metadata;
};

struct rbac_policy {
    struct str name;                                  /* "ns[NS]-policy[NAME]-rule[N]" */
    const struct rbac_node *permissions, *principals; /* one of each */
    uint32_t permission_count, principal_count;
    struct origin origin;
};

enum rbac_action { RBAC_ALLOW, RBAC_DENY, RBAC_LOG };

struct rbac_rules {
    bool is_there;
    enum rbac_action action;
    const struct rbac_policy *policies;
    uint32_t policy_count;
};

/* What a filter's shadow rules are for: only their verdict is noted. */
enum rbac_shadow { RBAC_SHADOW_NONE, RBAC_SHADOW_ALLOW, RBAC_SHADOW_DENY, RBAC_SHADOW_CUSTOM };

struct rbac {
    struct rbac_rules rules, shadow;
    enum rbac_shadow kind; /* of `shadow`, also where there are none */
};

/* An external server that decides. */
struct ext_authz {
    bool is_grpc;
    struct str cluster;
    struct str host; /* authority of gRPC */
    struct str uri;  /* of HTTP */
    int64_t timeout_ns;
    bool is_failing_open;
    uint32_t error_status; /* 0: Envoy's 403 */
    struct str path_prefix;
    /* Of HTTP: which headers go where. */
    const struct string_matcher *asked, *to_upstream, *to_client_denied, *to_client_allowed;
    uint32_t asked_count, to_upstream_count, to_client_denied_count, to_client_allowed_count;
    const struct header_mutation *added;
    uint32_t added_count;
    bool has_body;
    uint32_t body_bytes_max;
    bool is_body_partial, is_body_bytes;
    struct str filter_prefix; /* policies of this provider begin so */
};

/* CUSTOM: which requests, and who decides; NULL: they are denied. */
struct custom_authz {
    struct rbac rbac;
    const struct ext_authz *provider;
};

struct jwt_header {
    struct str name, other; /* the value's prefix, or a claim's name */
};

struct jwt_provider {
    struct str issuer, jwks;
    const struct str *audiences, *params, *cookies, *space_delimited;
    uint32_t audience_count, param_count, cookie_count, space_delimited_count;
    const struct jwt_header *headers, *claims;
    uint32_t header_count, claim_count;
    struct str payload_header;
    bool is_forwarding, is_clearing_route_cache;
    struct origin origin;
};

/* Each token that is there must be right; none is all right. */
struct jwt_authn {
    const struct jwt_provider *providers;
    uint32_t provider_count;
};

/* The filters of a chain, in this order. */
struct security {
    const struct custom_authz *customs;
    uint32_t custom_count;
    const struct jwt_authn *jwt; /* NULL: none, and of streams always */
    const struct rbac *rbacs;    /* AUDIT, DENY, ALLOW */
    uint32_t rbac_count;
};
