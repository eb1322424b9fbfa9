/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_route.c - RouteConfiguration.
 */
#include "proxy/model/print_parts.h"

#define TYPE(name) STR("type.googleapis.com/" name)

static void print_string_match(struct json *json, const struct string_matcher *match)
{
    if (match->kind == STRING_PRESENT) {
        json_key_bool(json, STR("presentMatch"), true);
        return;
    }
    json_key(json, STR("stringMatch"));
    print_string_matcher(json, match);
}

static void print_header_match(struct json *json, const struct header_matcher *matcher)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), matcher->written.len > 0 ? matcher->written : matcher->name);
    print_string_match(json, &matcher->match);
    if (matcher->is_inverted)
        json_key_bool(json, STR("invertMatch"), true);
    if (matcher->is_missing_treated_as_empty)
        json_key_bool(json, STR("treatMissingHeaderAsEmpty"), true);
    json_end_object(json);
}

static void print_path(struct json *json, const struct path_matcher *path)
{
    switch (path->kind) {
    case PATH_PREFIX:
        json_key_str(json, STR("prefix"), path->value);
        break;
    case PATH_EXACT:
        json_key_str(json, STR("path"), path->value);
        break;
    case PATH_SEPARATED_PREFIX:
        json_key_str(json, STR("pathSeparatedPrefix"), path->value);
        break;
    case PATH_REGEX:
        json_key(json, STR("safeRegex"));
        json_begin_object(json);
        json_key_str(json, STR("regex"), path->value);
        json_end_object(json);
        break;
    }
    if (path->has_case_sensitive)
        json_key_bool(json, STR("caseSensitive"), !path->is_ignoring_case);
}

static void print_claim_value(struct json *json, const struct claim_matcher *claim)
{
    json_begin_object(json);
    json_key(json, STR("stringMatch"));
    print_string_matcher(json, &claim->value);
    json_end_object(json);
}

static void print_claim(struct json *json, const struct claim_matcher *claim)
{
    json_begin_object(json);
    json_key_str(json, STR("filter"), STR("envoy.filters.http.jwt_authn"));
    json_key(json, STR("path"));
    json_begin_array(json);
    for (uint32_t i = 0; i < claim->path_count + 1; i++) {
        json_begin_object(json);
        json_key_str(json, STR("key"), i == 0 ? STR("payload") : claim->path[i - 1]);
        json_end_object(json);
    }
    json_end_array(json);
    json_key(json, STR("value"));
    json_begin_object(json);
    json_key(json, STR("orMatch"));
    json_begin_object(json);
    json_key(json, STR("valueMatchers"));
    json_begin_array(json);
    json_begin_object(json);
    json_key(json, STR("listMatch"));
    json_begin_object(json);
    json_key(json, STR("oneOf"));
    print_claim_value(json, claim);
    json_end_object(json);
    json_end_object(json);
    print_claim_value(json, claim);
    json_end_array(json);
    json_end_object(json);
    json_end_object(json);
    if (claim->is_inverted)
        json_key_bool(json, STR("invert"), true);
    json_end_object(json);
}

static void print_match(struct json *json, const struct route_match *match)
{
    json_key(json, STR("match"));
    json_begin_object(json);
    print_path(json, &match->path);
    if (match->header_count > 0) {
        json_key(json, STR("headers"));
        json_begin_array(json);
        for (uint32_t i = 0; i < match->header_count; i++)
            print_header_match(json, &match->headers[i]);
        json_end_array(json);
    }
    if (match->query_count > 0) {
        json_key(json, STR("queryParameters"));
        json_begin_array(json);
        for (uint32_t i = 0; i < match->query_count; i++) {
            json_begin_object(json);
            json_key_str(json, STR("name"), match->queries[i].name);
            print_string_match(json, &match->queries[i].match);
            json_end_object(json);
        }
        json_end_array(json);
    }
    if (match->claim_count > 0) {
        json_key(json, STR("dynamicMetadata"));
        json_begin_array(json);
        for (uint32_t i = 0; i < match->claim_count; i++)
            print_claim(json, &match->claims[i]);
        json_end_array(json);
    }
    if (match->is_grpc) {
        json_key(json, STR("grpc"));
        json_begin_object(json);
        json_end_object(json);
    }
    json_end_object(json);
}

static struct str redirect_code(uint32_t status)
{
    switch (status) {
    case 302:
        return STR("FOUND");
    case 303:
        return STR("SEE_OTHER");
    case 307:
        return STR("TEMPORARY_REDIRECT");
    case 308:
        return STR("PERMANENT_REDIRECT");
    default:
        return STR("MOVED_PERMANENTLY");
    }
}

static void print_redirect(struct json *json, const struct redirect_action *redirect)
{
    json_key(json, STR("redirect"));
    json_begin_object(json);
    if (redirect->scheme.len > 0)
        json_key_str(json, STR("schemeRedirect"), redirect->scheme);
    if (redirect->host.len > 0)
        json_key_str(json, STR("hostRedirect"), redirect->host);
    if (redirect->port_kind == PORT_REDIRECT_SET)
        json_key_i64(json, STR("portRedirect"), redirect->port);
    if (redirect->has_path)
        json_key_str(json, STR("pathRedirect"), redirect->path);
    if (redirect->has_prefix_rewrite)
        json_key_str(json, STR("prefixRewrite"), redirect->prefix_rewrite);
    if (redirect->status != 301)
        json_key_str(json, STR("responseCode"), redirect_code(redirect->status));
    json_end_object(json);
}

/* Envoy's JSON has bytes in base64; three bytes become four letters. */
static void print_base64(struct json *json, struct str key, struct str bytes)
{
    static const char LETTERS[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct buf out;

    buf_init(&out, bytes.len / 3 * 4 + 8);
    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t bits = 0;
        size_t left = bytes.len - i < 3 ? bytes.len - i : 3;
        char *room = buf_reserve(&out, 4);
        ASSERT(room != NULL);
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < left ? (unsigned char)bytes.ptr[i + k] : 0u);
        for (uint32_t k = 0; k < 4; k++)
            room[k] = k <= left ? LETTERS[bits >> (18 - 6 * k) & 63] : '=';
        buf_added(&out, 4);
    }
    json_key_str(json, key, buf_str(&out));
    buf_fini(&out);
}

static void print_direct(struct json *json, const struct direct_response_action *direct)
{
    json_key(json, STR("directResponse"));
    json_begin_object(json);
    json_key_i64(json, STR("status"), direct->status);
    if (direct->has_body) {
        json_key(json, STR("body"));
        json_begin_object(json);
        if (direct->is_body_bytes)
            print_base64(json, STR("inlineBytes"), direct->body);
        else
            json_key_str(json, STR("inlineString"), direct->body);
        json_end_object(json);
    }
    json_end_object(json);
}

static void print_fault(struct json *json, const struct fault_policy *fault)
{
    json_key(json, STR("envoy.filters.http.fault"));
    json_begin_object(json);
    json_key_str(json, STR("@type"), TYPE("envoy.extensions.filters.http.fault.v3.HTTPFault"));
    if (fault->has_delay) {
        json_key(json, STR("delay"));
        json_begin_object(json);
        print_duration(json, STR("fixedDelay"), fault->delay_ns);
        print_fraction(json, STR("percentage"), fault->delay_share);
        json_end_object(json);
    }
    if (fault->has_abort) {
        json_key(json, STR("abort"));
        json_begin_object(json);
        if (fault->has_grpc_status)
            json_key_i64(json, STR("grpcStatus"), fault->grpc_status);
        else
            json_key_i64(json, STR("httpStatus"), fault->abort_status);
        if (fault->has_abort_share)
            print_fraction(json, STR("percentage"), fault->abort_share);
        json_end_object(json);
    }
    json_end_object(json);
}

static void print_text(struct json *json, struct str key, struct str text)
{
    if (text.len > 0)
        json_key_str(json, key, text);
}

static void print_cors(struct json *json, const struct cors_policy *cors)
{
    json_key(json, STR("envoy.filters.http.cors"));
    json_begin_object(json);
    json_key_str(json, STR("@type"), TYPE("envoy.extensions.filters.http.cors.v3.CorsPolicy"));
    if (cors->origin_count > 0) {
        json_key(json, STR("allowOriginStringMatch"));
        json_begin_array(json);
        for (uint32_t i = 0; i < cors->origin_count; i++)
            print_string_matcher(json, &cors->origins[i]);
        json_end_array(json);
    }
    print_text(json, STR("allowMethods"), cors->methods);
    print_text(json, STR("allowHeaders"), cors->headers);
    print_text(json, STR("exposeHeaders"), cors->exposed);
    print_text(json, STR("maxAge"), cors->max_age);
    if (cors->has_credentials)
        json_key_bool(json, STR("allowCredentials"), cors->is_allowing_credentials);
    json_key(json, STR("filterEnabled"));
    json_begin_object(json);
    print_fraction(json, STR("defaultValue"), (struct fraction){100, 100});
    json_end_object(json);
    json_key_bool(json, STR("forwardNotMatchingPreflights"), cors->is_passing_unmatched);
    json_end_object(json);
}

static void print_filters(struct json *json, const struct route *route)
{
    if (route->fault == NULL && route->cors == NULL)
        return;
    json_key(json, STR("typedPerFilterConfig"));
    json_begin_object(json);
    if (route->fault != NULL)
        print_fault(json, route->fault);
    if (route->cors != NULL)
        print_cors(json, route->cors);
    json_end_object(json);
}

static void print_route(struct json *json, const struct route *route)
{
    json_begin_object(json);
    if (route->name.len > 0)
        json_key_str(json, STR("name"), route->name);
    print_match(json, &route->match);
    switch (route->action) {
    case ROUTE_FORWARD:
        print_forward(json, &route->forward);
        break;
    case ROUTE_REDIRECT:
        print_redirect(json, &route->redirect);
        break;
    case ROUTE_DIRECT_RESPONSE:
        print_direct(json, &route->direct);
        break;
    case ROUTE_NO_ACTION:
        break;
    }
    print_mutations(json, &route->request_headers, &route->response_headers);
    print_filters(json, route);
    if (route->decorator.len > 0) {
        json_key(json, STR("decorator"));
        json_begin_object(json);
        json_key_str(json, STR("operation"), route->decorator);
        json_end_object(json);
    }
    if (route->config.len > 0)
        print_route_metadata(json, route->config);
    if (route->stat_prefix.len > 0)
        json_key_str(json, STR("statPrefix"), route->stat_prefix);
    json_end_object(json);
}

static void print_virtual_host(struct json *json, const struct virtual_host *host)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), host->name);
    json_key(json, STR("domains"));
    json_begin_array(json);
    for (uint32_t i = 0; i < host->domain_count; i++)
        json_str(json, host->domains[i]);
    json_end_array(json);
    if (host->route_count > 0) {
        json_key(json, STR("routes"));
        json_begin_array(json);
        for (uint32_t i = 0; i < host->route_count; i++)
            print_route(json, &host->routes[i]);
        json_end_array(json);
    }
    if (host->require_tls == REQUIRE_TLS_ALL)
        json_key_str(json, STR("requireTls"), STR("ALL"));
    if (host->has_attempt_count)
        json_key_bool(json, STR("includeRequestAttemptCount"), true);
    json_end_object(json);
}

void print_route_config(struct json *json, const struct route_config *config)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), config->name);
    json_key(json, STR("virtualHosts"));
    json_begin_array(json);
    for (uint32_t i = 0; i < config->virtual_host_count; i++)
        print_virtual_host(json, &config->virtual_hosts[i]);
    json_end_array(json);
    json_key_bool(json, STR("validateClusters"), false);
    if (config->direct_response_bytes_max != 0)
        json_key_i64(json, STR("maxDirectResponseBodySizeBytes"),
                     config->direct_response_bytes_max);
    if (config->is_port_ignored)
        json_key_bool(json, STR("ignorePortInHostMatching"), true);
    json_end_object(json);
}
