/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/outlier_rule.c - outlierDetection of a policy.
 *
 * Source: ISTIO.md 3.5, 9.4.
 */
#include "config/resource/destination_rule.h"
#include "config/resource/syntax.h"

static const struct field_row OUTLIER_ROWS[] = {
    {"consecutive5xxErrors", FIELD_USED},
    {"consecutiveGatewayErrors", FIELD_USED},
    {"consecutiveErrors", FIELD_IGNORED}, /* by today's Istio; profile istio-1.0 takes it */
    {"consecutiveLocalOriginFailures", FIELD_USED},
    {"splitExternalLocalOriginErrors", FIELD_USED},
    {"interval", FIELD_USED},
    {"baseEjectionTime", FIELD_USED},
    {"maxEjectionPercent", FIELD_USED},
    {"minHealthPercent", FIELD_USED},
    {"outlierDetectionHttpErrorCodes", FIELD_NO_EFFECT},
};

const struct outlier_rule *outlier_rule_read(const struct view *policy)
{
    struct view view = view_map(policy, STR("outlierDetection"));

    if (!view_is_present(&view))
        return NULL;
    view_check_fields(&view, OUTLIER_ROWS, COUNT_OF(OUTLIER_ROWS));
    struct outlier_rule *out = ARENA_NEW(policy->reading->arena, struct outlier_rule);
    struct view of_5xx = view_field(&view, STR("consecutive5xxErrors"));
    struct view of_gateway = view_field(&view, STR("consecutiveGatewayErrors"));
    out->origin = view_origin(&view);
    out->has_consecutive_5xx = view_is_present(&of_5xx);
    out->consecutive_5xx = syntax_count(&view, STR("consecutive5xxErrors"));
    out->has_consecutive_gateway = view_is_present(&of_gateway);
    out->consecutive_gateway = syntax_count(&view, STR("consecutiveGatewayErrors"));
    out->consecutive_errors = syntax_count(&view, STR("consecutiveErrors"));
    out->consecutive_local_origin = syntax_count(&view, STR("consecutiveLocalOriginFailures"));
    out->has_split_local_origin = view_bool(&view, STR("splitExternalLocalOriginErrors"), false);
    out->interval_ns = syntax_duration_ns(&view, STR("interval"));
    out->base_ejection_ns = syntax_duration_ns(&view, STR("baseEjectionTime"));
    out->max_ejection_percent = (uint32_t)view_i64(&view, STR("maxEjectionPercent"), 0, 100, 0);
    out->min_health_percent = (uint32_t)view_i64(&view, STR("minHealthPercent"), 0, 100, 0);
    if (out->consecutive_local_origin > 0 && !out->has_split_local_origin)
        view_complain(&view, DIAG_DR_LOCAL_ORIGIN, STR_EMPTY, STR_EMPTY);
    return out;
}
