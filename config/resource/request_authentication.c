/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/request_authentication.c - see request_authentication.h.
 *
 * Source: ISTIO.md 6.2, 9.7.
 */
#include "config/resource/request_authentication.h"

static const struct field_row SPEC_ROWS[] = {{"selector", FIELD_USED},
                                             {"targetRef", FIELD_USED},
                                             {"targetRefs", FIELD_USED},
                                             {"jwtRules", FIELD_USED}};
static const struct field_row SELECTOR_ROWS[] = {{"matchLabels", FIELD_USED}};
static const struct field_row RULE_ROWS[] = {
    {"issuer", FIELD_USED},
    {"audiences", FIELD_USED},
    {"jwksUri", FIELD_USED},
    {"jwks", FIELD_USED},
    {"fromHeaders", FIELD_USED},
    {"fromParams", FIELD_USED},
    {"fromCookies", FIELD_USED},
    {"outputPayloadToHeader", FIELD_USED},
    {"outputClaimToHeaders", FIELD_USED},
    {"forwardOriginalToken", FIELD_USED},
    {"spaceDelimitedClaims", FIELD_USED},
    {"timeout", FIELD_IGNORED}, /* of fetching keys, which nobody does here */
};
static const struct field_row HEADER_ROWS[] = {{"name", FIELD_USED}, {"prefix", FIELD_USED}};
static const struct field_row CLAIM_ROWS[] = {{"header", FIELD_USED}, {"claim", FIELD_USED}};

static struct jwt_pair_list read_pairs(const struct view *rule, struct str name,
                                       const struct field_row *rows)
{
    struct view list = view_list(rule, name);
    struct jwt_pair_list out = {
        .items = ARENA_ARRAY(rule->reading->arena, struct jwt_pair, view_count(&list)),
        .count = view_count(&list)};

    for (uint32_t i = 0; i < out.count; i++) {
        struct view item = view_item(&list, i);
        view_check_fields(&item, rows, 2);
        out.items[i].header = view_str(&item, str_of(rows[0].name), STR_EMPTY);
        out.items[i].other = view_str(&item, str_of(rows[1].name), STR_EMPTY);
    }
    return out;
}

static struct text_list read_texts(const struct view *rule, struct str name)
{
    struct view list = view_list(rule, name);

    return text_list_read(&list);
}

static void read_rule(const struct view *rule, struct jwt_rule *out)
{
    view_check_fields(rule, RULE_ROWS, COUNT_OF(RULE_ROWS));
    *out = (struct jwt_rule){
        .issuer = view_str(rule, STR("issuer"), STR_EMPTY),
        .jwks_uri = view_str(rule, STR("jwksUri"), STR_EMPTY),
        .jwks = view_str(rule, STR("jwks"), STR_EMPTY),
        .audiences = read_texts(rule, STR("audiences")),
        .from_params = read_texts(rule, STR("fromParams")),
        .from_cookies = read_texts(rule, STR("fromCookies")),
        .space_delimited_claims = read_texts(rule, STR("spaceDelimitedClaims")),
        .from_headers = read_pairs(rule, STR("fromHeaders"), HEADER_ROWS),
        .claims_to_headers = read_pairs(rule, STR("outputClaimToHeaders"), CLAIM_ROWS),
        .payload_header = view_str(rule, STR("outputPayloadToHeader"), STR_EMPTY),
        .is_forwarding = view_bool(rule, STR("forwardOriginalToken"), false),
        .origin = view_origin(rule),
    };
}

void request_authentication_read(const struct view *spec, struct request_authentication *out)
{
    struct view selector = view_map(spec, STR("selector"));
    struct view labels = view_map(&selector, STR("matchLabels"));
    struct view rules = view_list(spec, STR("jwtRules"));

    view_check_fields(spec, SPEC_ROWS, COUNT_OF(SPEC_ROWS));
    if (view_is_present(&selector))
        view_check_fields(&selector, SELECTOR_ROWS, COUNT_OF(SELECTOR_ROWS));
    out->selector = label_list_read(&labels);
    out->targets = target_refs_read(spec);
    out->rule_count = view_count(&rules);
    out->rules = ARENA_ARRAY(spec->reading->arena, struct jwt_rule, out->rule_count);
    for (uint32_t i = 0; i < out->rule_count; i++) {
        struct view rule = view_item(&rules, i);
        read_rule(&rule, &out->rules[i]);
    }
}
