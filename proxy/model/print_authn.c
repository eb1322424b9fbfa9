/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_authn.c - jwt_authn and ext_authz: who asks, and whom we
 * ask about it.
 */
#include "proxy/model/print_security.h"

#define TYPE(name) STR("type.googleapis.com/" name)

static void print_texts(struct json *json, struct str key, const struct str *items, uint32_t count)
{
    if (count > 0)
        print_strings(json, key, items, count);
}

static void print_headers(struct json *json, struct str key, struct str name_key,
                          struct str other_key, const struct jwt_header *headers, uint32_t count)
{
    if (count == 0)
        return;
    json_key(json, key);
    json_begin_array(json);
    for (uint32_t i = 0; i < count; i++) {
        json_begin_object(json);
        json_key_str(json, name_key, headers[i].name);
        if (headers[i].other.len > 0)
            json_key_str(json, other_key, headers[i].other);
        json_end_object(json);
    }
    json_end_array(json);
}

static void print_provider(struct json *json, const struct jwt_provider *provider)
{
    json_begin_object(json);
    if (provider->issuer.len > 0)
        json_key_str(json, STR("issuer"), provider->issuer);
    print_texts(json, STR("audiences"), provider->audiences, provider->audience_count);
    json_key(json, STR("localJwks"));
    json_begin_object(json);
    json_key_str(json, STR("inlineString"), provider->jwks);
    json_end_object(json);
    if (provider->is_forwarding)
        json_key_bool(json, STR("forward"), true);
    print_headers(json, STR("fromHeaders"), STR("name"), STR("valuePrefix"), provider->headers,
                  provider->header_count);
    print_texts(json, STR("fromParams"), provider->params, provider->param_count);
    print_texts(json, STR("fromCookies"), provider->cookies, provider->cookie_count);
    if (provider->payload_header.len > 0)
        json_key_str(json, STR("forwardPayloadHeader"), provider->payload_header);
    print_headers(json, STR("claimToHeaders"), STR("headerName"), STR("claimName"),
                  provider->claims, provider->claim_count);
    json_key_str(json, STR("payloadInMetadata"), STR("payload"));
    json_key(json, STR("normalizePayloadInMetadata"));
    json_begin_object(json);
    print_texts(json, STR("spaceDelimitedClaims"), provider->space_delimited,
                provider->space_delimited_count);
    json_end_object(json);
    if (provider->is_clearing_route_cache)
        json_key_bool(json, STR("clearRouteCache"), true);
    json_end_object(json);
}

/* istiod calls them by their number. */
static struct str provider_name(uint32_t index, char *out, size_t size)
{
    static const char PREFIX[] = "origins-";
    char digits[10];
    size_t count = 0, len = sizeof(PREFIX) - 1;

    for (size_t i = 0; i < len; i++)
        out[i] = PREFIX[i];
    do {
        digits[count++] = (char)('0' + index % 10);
        index /= 10;
    } while (index > 0);
    ASSERT(len + count <= size);
    while (count > 0)
        out[len++] = digits[--count];
    return (struct str){out, len};
}

static void print_provider_ref(struct json *json, uint32_t index)
{
    char name[24];

    json_begin_object(json);
    json_key_str(json, STR("providerName"), provider_name(index, name, sizeof(name)));
    json_end_object(json);
}

static void begin_requirements(struct json *json, struct str key)
{
    json_key(json, key);
    json_begin_object(json);
    json_key(json, STR("requirements"));
    json_begin_array(json);
}

static void end_requirements(struct json *json)
{
    json_end_array(json);
    json_end_object(json);
}

/* The provider's token, or none at all. */
static void print_own_or_none(struct json *json, uint32_t index)
{
    begin_requirements(json, STR("requiresAny"));
    print_provider_ref(json, index);
    json_begin_object(json);
    json_key(json, STR("allowMissing"));
    json_begin_object(json);
    json_end_object(json);
    json_end_object(json);
    end_requirements(json);
}

static void print_requirement(struct json *json, const struct jwt_authn *jwt)
{
    if (jwt->provider_count == 1) {
        print_own_or_none(json, 0);
        return;
    }
    begin_requirements(json, STR("requiresAny"));
    for (uint32_t i = 0; i < jwt->provider_count; i++)
        print_provider_ref(json, i);
    json_begin_object(json);
    begin_requirements(json, STR("requiresAll"));
    for (uint32_t i = 0; i < jwt->provider_count; i++) {
        json_begin_object(json);
        print_own_or_none(json, i);
        json_end_object(json);
    }
    end_requirements(json);
    json_end_object(json);
    end_requirements(json);
}

static void begin_filter(struct json *json, struct str name, struct str type)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), name);
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"), type);
}

static void end_filter(struct json *json)
{
    json_end_object(json);
    json_end_object(json);
}

void print_jwt_authn(struct json *json, const struct jwt_authn *jwt)
{
    char name[24];

    begin_filter(json, STR("envoy.filters.http.jwt_authn"),
                 TYPE("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"));
    json_key(json, STR("providers"));
    json_begin_object(json);
    for (uint32_t i = 0; i < jwt->provider_count; i++) {
        json_key(json, provider_name(i, name, sizeof(name)));
        print_provider(json, &jwt->providers[i]);
    }
    json_end_object(json);
    json_key(json, STR("rules"));
    json_begin_array(json);
    json_begin_object(json);
    json_key(json, STR("match"));
    json_begin_object(json);
    json_key_str(json, STR("prefix"), STR("/"));
    json_end_object(json);
    json_key(json, STR("requires"));
    json_begin_object(json);
    print_requirement(json, jwt);
    json_end_object(json);
    json_end_object(json);
    json_end_array(json);
    json_key_bool(json, STR("bypassCorsPreflight"), true);
    end_filter(json);
}

/* --- ext_authz --------------------------------------------------------------- */

static void print_patterns(struct json *json, struct str key, const struct string_matcher *items,
                           uint32_t count)
{
    if (count == 0)
        return;
    json_key(json, key);
    json_begin_object(json);
    json_key(json, STR("patterns"));
    json_begin_array(json);
    for (uint32_t i = 0; i < count; i++)
        print_string_matcher(json, &items[i]);
    json_end_array(json);
    json_end_object(json);
}

static void print_grpc_service(struct json *json, const struct ext_authz *authz)
{
    json_key(json, STR("grpcService"));
    json_begin_object(json);
    json_key(json, STR("envoyGrpc"));
    json_begin_object(json);
    json_key_str(json, STR("clusterName"), authz->cluster);
    json_key_str(json, STR("authority"), authz->host);
    json_end_object(json);
    print_duration(json, STR("timeout"), authz->timeout_ns);
    json_end_object(json);
}

static void print_answers(struct json *json, const struct ext_authz *authz)
{
    if (authz->to_upstream_count + authz->to_client_denied_count + authz->to_client_allowed_count ==
        0)
        return;
    json_key(json, STR("authorizationResponse"));
    json_begin_object(json);
    print_patterns(json, STR("allowedUpstreamHeaders"), authz->to_upstream,
                   authz->to_upstream_count);
    print_patterns(json, STR("allowedClientHeaders"), authz->to_client_denied,
                   authz->to_client_denied_count);
    print_patterns(json, STR("allowedClientHeadersOnSuccess"), authz->to_client_allowed,
                   authz->to_client_allowed_count);
    json_end_object(json);
}

static void print_http_service(struct json *json, const struct ext_authz *authz)
{
    json_key(json, STR("httpService"));
    json_begin_object(json);
    json_key(json, STR("serverUri"));
    json_begin_object(json);
    json_key_str(json, STR("uri"), authz->uri);
    json_key_str(json, STR("cluster"), authz->cluster);
    print_duration(json, STR("timeout"), authz->timeout_ns);
    json_end_object(json);
    if (authz->path_prefix.len > 0)
        json_key_str(json, STR("pathPrefix"), authz->path_prefix);
    if (authz->added_count > 0) {
        json_key(json, STR("authorizationRequest"));
        json_begin_object(json);
        json_key(json, STR("headersToAdd"));
        json_begin_array(json);
        for (uint32_t i = 0; i < authz->added_count; i++) {
            json_begin_object(json);
            json_key_str(json, STR("key"), authz->added[i].name);
            json_key_str(json, STR("value"), authz->added[i].value);
            json_end_object(json);
        }
        json_end_array(json);
        json_end_object(json);
    }
    print_answers(json, authz);
    json_end_object(json);
}

static void print_body(struct json *json, const struct ext_authz *authz)
{
    if (!authz->has_body)
        return;
    json_key(json, STR("withRequestBody"));
    json_begin_object(json);
    json_key_i64(json, STR("maxRequestBytes"), authz->body_bytes_max);
    if (authz->is_body_partial)
        json_key_bool(json, STR("allowPartialMessage"), true);
    if (authz->is_body_bytes)
        json_key_bool(json, STR("packAsBytes"), true);
    json_end_object(json);
}

/* Only requests that one of the provider's policies matched. */
static void print_enabled(struct json *json, const struct ext_authz *authz, bool is_tcp)
{
    json_key(json, STR("filterEnabledMetadata"));
    json_begin_object(json);
    json_key_str(json, STR("filter"),
                 is_tcp ? STR("envoy.filters.network.rbac") : STR("envoy.filters.http.rbac"));
    json_key(json, STR("path"));
    json_begin_array(json);
    json_begin_object(json);
    json_key_str(json, STR("key"), STR("istio_ext_authz_shadow_effective_policy_id"));
    json_end_object(json);
    json_end_array(json);
    json_key(json, STR("value"));
    json_begin_object(json);
    json_key(json, STR("stringMatch"));
    json_begin_object(json);
    json_key_str(json, STR("prefix"), authz->filter_prefix);
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
}

/* Envoy's names of the statuses. */
static struct str status_name(uint32_t status)
{
    static const struct {
        uint32_t status;
        struct str name;
    } ROWS[] = {
#define X(number, name) {number, STR_INIT(#name)},
#include "proxy/model/status_name.def"
#undef X
    };

    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        if (ROWS[i].status == status)
            return ROWS[i].name;
    }
    return STR_EMPTY;
}

void print_ext_authz(struct json *json, const struct ext_authz *authz, bool is_tcp)
{
    struct str status = status_name(authz->error_status);

    begin_filter(
        json, is_tcp ? STR("envoy.filters.network.ext_authz") : STR("envoy.filters.http.ext_authz"),
        is_tcp ? TYPE("envoy.extensions.filters.network.ext_authz.v3.ExtAuthz")
               : TYPE("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz"));
    if (is_tcp)
        json_key_str(json, STR("statPrefix"), STR("tcp."));
    if (authz->is_grpc)
        print_grpc_service(json, authz);
    else
        print_http_service(json, authz);
    if (authz->is_failing_open)
        json_key_bool(json, STR("failureModeAllow"), true);
    if (!is_tcp) {
        print_body(json, authz);
        if (status.len > 0) {
            json_key(json, STR("statusOnError"));
            json_begin_object(json);
            json_key_str(json, STR("code"), status);
            json_end_object(json);
        }
        print_patterns(json, STR("allowedHeaders"), authz->asked, authz->asked_count);
    }
    print_enabled(json, authz, is_tcp);
    json_key_str(json, STR("transportApiVersion"), STR("V3"));
    end_filter(json);
}
