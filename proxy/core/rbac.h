/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/rbac.h - may this come in? Envoy's RBAC filter, of HTTP and of
 * streams, on what is known of a peer and its request.
 *
 * Source: ISTIO.md 6.3, ENVOY.md 10.1; envoy/source/extensions/filters/common/rbac.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "proxy/core/record.h"
#include "proxy/core/stats.h"
#include "proxy/model/message.h"
#include "proxy/model/secret.h"
#include "proxy/model/security.h"

struct rbac_facts {
    const struct request_head *head; /* NULL: a stream */
    const struct certificate *peer;  /* what the client showed; NULL: nothing */
    struct str server_name;          /* SNI; empty: none */
    struct str direct_address;       /* the socket's peer */
    struct str remote_address;       /* as x-forwarded-for has it */
    struct str local_address;        /* where it was going */
    uint32_t local_port;
    const struct json_value *claims; /* of the token (proxy/core/jwt.h); NULL: none */
};

/* Of the connection; the rest is nothing. */
struct rbac_facts rbac_facts_of(const struct record_downstream *down);

struct rbac_verdict {
    bool is_allowed;
    const struct rbac_policy *policy; /* the first by name that matches; NULL: none does */
};

/* Rules that are not there allow. LOG allows all; its policy is what was met. */
struct rbac_verdict rbac_judge(const struct rbac_rules *rules, const struct rbac_facts *facts);

/* "rbac_access_denied_matched_policy[ns[a]-policy[b]-rule[0]]", "...[none]"; in `arena`. */
struct str rbac_details(const struct rbac_verdict *verdict, struct arena *arena);

/* What one filter finds. Its shadow rules decide nothing; those of CUSTOM choose whom the
 * provider would be asked about, which is not done here. */
struct rbac_finding {
    struct rbac_verdict rules, shadow;
};
struct rbac_finding rbac_find(const struct rbac *rbac, const struct rbac_facts *facts);
/* Counts it: `counters` has a place for each enum rbac_stat. What is not there is not
 * counted. */
void rbac_count(const struct rbac *rbac, const struct rbac_finding *finding, uint64_t *counters);

/* CUSTOM's filters come before the one of tokens, the others after it. */
enum access_stage { ACCESS_CUSTOM, ACCESS_RULES };

/* The filters of a stage, in their order; the first that denies ends it. NULL: that was
 * the last. */
const struct rbac *access_filter(const struct security *security, enum access_stage stage,
                                 uint32_t index);
