/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/rbac.h - one rule of an AuthorizationPolicy as Envoy's
 * permissions and principals.
 *
 * Source: ISTIO.md 6.3.
 */
#pragma once

#include "config/resource/authorization_policy.h"
#include "config/translate/context.h"
#include "proxy/model/security.h"

struct rbac_question {
    const struct authorization_policy *policy;
    const struct authz_rule *rule;
    bool is_tcp;   /* what only HTTP has cannot be asked */
    bool is_allow; /* then a rule with such a part is void; else it is without it */
};

/* False: the rule is void here. The name is the caller's. */
bool rbac_rule_translate(struct translation *t, const struct rbac_question *question,
                         struct rbac_policy *out);
