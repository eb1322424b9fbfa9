/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/authorization_policy.h - Istio's AuthorizationPolicy: who may
 * do what.
 *
 * Sources, operations and conditions are all lists of clauses: an attribute and
 * the values it may and must not have.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config/resource/label.h"
#include "config/resource/mesh.h"
#include "config/resource/target_ref.h"
#include "config/yaml/view.h"

/* Up to AUTHZ_CLAIM about the caller, from AUTHZ_HOST on about the request. */
enum authz_attribute {
    AUTHZ_PRINCIPAL,
    AUTHZ_REQUEST_PRINCIPAL,
    AUTHZ_SERVICE_ACCOUNT,
    AUTHZ_TRUST_DOMAIN,
    AUTHZ_NAMESPACE,
    AUTHZ_REMOTE_IP,
    AUTHZ_IP,
    AUTHZ_AUDIENCE,
    AUTHZ_PRESENTER,
    AUTHZ_HEADER,
    AUTHZ_CLAIM,
    AUTHZ_HOST,
    AUTHZ_METHOD,
    AUTHZ_PATH,
    AUTHZ_PORT,
    AUTHZ_DESTINATION_IP,
    AUTHZ_SNI,
    AUTHZ_ENVOY_FILTER,
    AUTHZ_UNKNOWN, /* makes its whole rule void */
};

struct authz_clause {
    enum authz_attribute attribute;
    struct str key; /* of a condition: what follows the attribute's name, "[x-user]" */
    struct text_list values, not_values;
};

struct authz_clauses {
    struct authz_clause *items;
    uint32_t count, capacity;
};

struct authz_rule {
    struct authz_clauses *sources; /* one of them; none: any caller */
    uint32_t source_count;
    struct authz_clauses *operations; /* one of them; none: any request */
    uint32_t operation_count;
    struct authz_clauses conditions; /* and all of these */
    struct origin origin;
};

enum authz_action { AUTHZ_ALLOW, AUTHZ_DENY, AUTHZ_AUDIT, AUTHZ_CUSTOM };

struct authorization_policy {
    struct object_meta meta;
    struct label_list selector; /* empty: all of the namespace */
    struct target_refs targets;
    enum authz_action action;
    struct str provider; /* of AUTHZ_CUSTOM */
    bool is_dry_run;
    struct authz_rule *rules;
    uint32_t rule_count;
};

bool authz_attribute_is_of_caller(enum authz_attribute attribute);

void authorization_policy_read(const struct view *spec, struct authorization_policy *out);
