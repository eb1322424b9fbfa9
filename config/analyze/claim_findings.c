/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/claim_findings.c - routes by a token's claims, at gateways where
 * nobody checks tokens.
 */
#include "config/analyze/context.h"
#include "config/validate/route.h"

#define KIND STR("VirtualService")

static struct str claim_of(const struct view *match, struct str field)
{
    struct view headers = view_field(match, field);

    for (uint32_t i = 0; i < view_count(&headers); i++) {
        struct view entry = view_entry(&headers, i);
        if (route_is_claim(entry.key))
            return entry.key;
    }
    return STR_EMPTY;
}

static struct str first_claim(const struct view *spec)
{
    struct view rules = view_field(spec, STR("http"));
    struct str key = STR_EMPTY;

    for (uint32_t i = 0; key.len == 0 && i < view_count(&rules); i++) {
        struct view rule = view_item(&rules, i);
        struct view matches = view_field(&rule, STR("match"));
        for (uint32_t k = 0; key.len == 0 && k < view_count(&matches); k++) {
            struct view match = view_item(&matches, k);
            key = claim_of(&match, STR("headers"));
            if (key.len == 0)
                key = claim_of(&match, STR("withoutHeaders"));
        }
    }
    return key;
}

static bool has_authentication(struct analysis *analysis, const struct analysis_pod *pod)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, STR("security.istio.io"),
                                                STR("RequestAuthentication"), &i));) {
        struct view spec = context_spec(analysis, object);
        struct view selector = view_field(&spec, STR("selector"));
        struct view labels = view_field(&selector, STR("matchLabels"));
        bool is_near = str_eq(object->namespace, STR("istio-system")) ||
                       str_eq(object->namespace, pod->namespace);
        if (is_near && context_selects(labels.node, pod->labels))
            return true;
    }
    return false;
}

void route_analyze_claims(struct analysis *analysis)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, KIND, &i));) {
        struct view spec = context_spec(analysis, object);
        struct view gateways = view_field(&spec, STR("gateways"));
        struct str claim = first_claim(&spec);
        for (uint32_t k = 0; claim.len > 0 && k < view_count(&gateways); k++) {
            struct view item = view_item(&gateways, k);
            const struct object *gateway =
                context_find(analysis, ISTIO_GROUP, STR("Gateway"),
                             context_gateway_key(field_own_text(&item), object->namespace));
            const struct node *selector =
                gateway == NULL ? NULL : node_get(gateway->spec, STR("selector"));
            for (uint32_t p = 0; gateway != NULL && p < analysis->pod_count; p++)
                if (context_selects(selector, analysis->pods[p].labels) &&
                    !has_authentication(analysis, &analysis->pods[p]))
                    report(analysis, object, NULL, DIAG_A_IST0149,
                           (struct words3){claim, context_name(analysis, gateway),
                                           analysis->pods[p].name});
        }
    }
}
