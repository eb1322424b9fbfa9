/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/rbac_value.h - what one attribute's values are in Envoy's
 * words.
 *
 * Source: ISTIO.md 6.3.
 */
#pragma once

#include "config/resource/authorization_policy.h"
#include "config/translate/context.h"
#include "proxy/model/security.h"

struct node_list {
    struct rbac_node *items;
    uint32_t count, capacity;
};

struct rbac_maker {
    struct translation *t;
    struct str namespace; /* the policy's */
    uint32_t times;       /* how often istiod puts trust domains' aliases into the clauses */
};

struct rbac_node *rbac_push(struct rbac_maker *maker, struct node_list *list);
struct rbac_node rbac_group(enum rbac_kind kind, const struct node_list *list);

/* Only requests of HTTP have it. */
bool rbac_is_http_only(enum authz_attribute attribute);
/* All its values make one node; else each makes one. */
bool rbac_is_collective(enum authz_attribute attribute);

/* False: it is no such value (an address, a port), said when it was validated. */
bool rbac_value_node(struct rbac_maker *maker, const struct authz_clause *clause, struct str value,
                     struct rbac_node *out);
bool rbac_values_node(struct rbac_maker *maker, const struct authz_clause *clause,
                      const struct text_list *values, struct rbac_node *out);
