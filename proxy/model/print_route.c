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
    json_begin_object(json);
    switch (match->kind) {
    case STRING_EXACT:
        json_key_str(json, STR("exact"), match->value);
        break;
    case STRING_PREFIX:
        json_key_str(json, STR("prefix"), match->value);
        break;
    case STRING_SUFFIX:
        json_key_str(json, STR("suffix"), match->value);
        break;
    case STRING_CONTAINS:
        json_key_str(json, STR("contains"), match->value);
        break;
    case STRING_REGEX:
        json_key(json, STR("safeRegex"));
        json_begin_object(json);
        json_key_str(json, STR("regex"), match->value);
        json_end_object(json);
        break;
    case STRING_PRESENT:
        break;
    }
    if (match->is_ignoring_case)
        json_key_bool(json, STR("ignoreCase"), true);
    json_end_object(json);
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
    if (match->is_grpc) {
        json_key(json, STR("grpc"));
        json_begin_object(json);
        json_end_object(json);
    }
    json_end_object(json);
}

static void print_additions(struct json *json, struct str key,
                            const struct header_mutations *mutations)
{
    if (mutations->add_count == 0)
        return;
    json_key(json, key);
    json_begin_array(json);
    for (uint32_t i = 0; i < mutations->add_count; i++) {
        const struct header_mutation *add = &mutations->add[i];
        json_begin_object(json);
        json_key(json, STR("header"));
        json_begin_object(json);
        json_key_str(json, STR("key"), add->written.len > 0 ? add->written : add->name);
        json_key_str(json, STR("value"), add->value);
        json_end_object(json);
        if (add->action == OVERWRITE_OR_ADD)
            json_key_str(json, STR("appendAction"), STR("OVERWRITE_IF_EXISTS_OR_ADD"));
        json_end_object(json);
    }
    json_end_array(json);
}

static void print_removals(struct json *json, struct str key,
                           const struct header_mutations *mutations)
{
    if (mutations->remove_count == 0)
        return;
    json_key(json, key);
    json_begin_array(json);
    for (uint32_t i = 0; i < mutations->remove_count; i++)
        json_str(json, mutations->remove[i]);
    json_end_array(json);
}

static void print_mutations(struct json *json, const struct header_mutations *request,
                            const struct header_mutations *response)
{
    print_additions(json, STR("requestHeadersToAdd"), request);
    print_removals(json, STR("requestHeadersToRemove"), request);
    print_additions(json, STR("responseHeadersToAdd"), response);
    print_removals(json, STR("responseHeadersToRemove"), response);
}

/* {"name": NAME, "typedConfig": {"@type": TYPE}}, left open inside. */
static void begin_extension(struct json *json, struct str name, struct str type)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), name);
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"), type);
}

static void end_extension(struct json *json)
{
    json_end_object(json);
    json_end_object(json);
}

static void print_retry_plugins(struct json *json, const struct retry_policy *retry)
{
    if (retry->has_previous_hosts) {
        json_key(json, STR("retryHostPredicate"));
        json_begin_array(json);
        begin_extension(json, STR("envoy.retry_host_predicates.previous_hosts"),
                        TYPE("envoy.extensions.retry.host.previous_hosts.v3."
                             "PreviousHostsPredicate"));
        end_extension(json);
        json_end_array(json);
    }
    if (retry->has_previous_priorities) {
        json_key(json, STR("retryPriority"));
        begin_extension(json, STR("envoy.retry_priorities.previous_priorities"),
                        TYPE("envoy.extensions.retry.priority.previous_priorities.v3."
                             "PreviousPrioritiesConfig"));
        json_key_i64(json, STR("updateFrequency"), 2);
        end_extension(json);
    }
}

static void print_retry(struct json *json, const struct retry_policy *retry)
{
    if (retry == NULL)
        return;
    json_key(json, STR("retryPolicy"));
    json_begin_object(json);
    json_key_str(json, STR("retryOn"), retry->retry_on);
    json_key_i64(json, STR("numRetries"), retry->num_retries);
    if (retry->per_try_timeout_ns != 0)
        print_duration(json, STR("perTryTimeout"), retry->per_try_timeout_ns);
    if (retry->host_selection_attempts_max != 0) {
        /* A 64-bit number is a string in proto JSON. */
        char digit = (char)('0' + retry->host_selection_attempts_max % 10);
        ASSERT(retry->host_selection_attempts_max < 10);
        json_key_str(json, STR("hostSelectionRetryMaxAttempts"), (struct str){&digit, 1});
    }
    if (retry->status_code_count > 0) {
        json_key(json, STR("retriableStatusCodes"));
        json_begin_array(json);
        for (uint32_t i = 0; i < retry->status_code_count; i++)
            json_i64(json, retry->status_codes[i]);
        json_end_array(json);
    }
    if (retry->backoff_base_ns != 0) {
        json_key(json, STR("retryBackOff"));
        json_begin_object(json);
        print_duration(json, STR("baseInterval"), retry->backoff_base_ns);
        if (retry->backoff_max_ns != 0)
            print_duration(json, STR("maxInterval"), retry->backoff_max_ns);
        json_end_object(json);
    }
    print_retry_plugins(json, retry);
    json_end_object(json);
}

static void print_mirrors(struct json *json, const struct forward_action *forward)
{
    if (forward->mirror_count == 0)
        return;
    json_key(json, STR("requestMirrorPolicies"));
    json_begin_array(json);
    for (uint32_t i = 0; i < forward->mirror_count; i++) {
        const struct mirror_policy *mirror = &forward->mirrors[i];
        json_begin_object(json);
        json_key_str(json, STR("cluster"), mirror->cluster);
        if (mirror->has_share) {
            json_key(json, STR("runtimeFraction"));
            json_begin_object(json);
            print_fraction(json, STR("defaultValue"), mirror->share);
            json_end_object(json);
        }
        json_key_bool(json, STR("traceSampled"), false);
        json_key_bool(json, STR("disableShadowHostSuffixAppend"), true);
        json_end_object(json);
    }
    json_end_array(json);
}

static void print_weighted(struct json *json, const struct forward_action *forward)
{
    json_key(json, STR("weightedClusters"));
    json_begin_object(json);
    json_key(json, STR("clusters"));
    json_begin_array(json);
    for (uint32_t i = 0; i < forward->weighted_count; i++) {
        const struct weighted_cluster *weighted = &forward->weighted[i];
        json_begin_object(json);
        json_key_str(json, STR("name"), weighted->cluster);
        json_key_i64(json, STR("weight"), weighted->weight);
        print_mutations(json, &weighted->request_headers, &weighted->response_headers);
        if (weighted->host_rewrite.len > 0)
            json_key_str(json, STR("hostRewriteLiteral"), weighted->host_rewrite);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void print_rewrite(struct json *json, const struct forward_action *forward)
{
    if (forward->has_prefix_rewrite)
        json_key_str(json, STR("prefixRewrite"), forward->prefix_rewrite);
    if (forward->has_regex_rewrite) {
        json_key(json, STR("regexRewrite"));
        json_begin_object(json);
        json_key(json, STR("pattern"));
        json_begin_object(json);
        json_key_str(json, STR("regex"), forward->regex_rewrite.pattern);
        json_end_object(json);
        json_key_str(json, STR("substitution"), forward->regex_rewrite.substitution);
        json_end_object(json);
    }
    if (forward->host_rewrite.len > 0)
        json_key_str(json, STR("hostRewriteLiteral"), forward->host_rewrite);
    if (forward->is_auto_host_rewrite)
        json_key_bool(json, STR("autoHostRewrite"), true);
}

static void print_hash_policy(struct json *json, const struct hash_policy *hash)
{
    json_begin_object(json);
    switch (hash->kind) {
    case HASH_HEADER:
        json_key(json, STR("header"));
        json_begin_object(json);
        json_key_str(json, STR("headerName"), hash->name);
        json_end_object(json);
        break;
    case HASH_COOKIE:
        json_key(json, STR("cookie"));
        json_begin_object(json);
        json_key_str(json, STR("name"), hash->name);
        if (hash->has_cookie_ttl)
            print_duration(json, STR("ttl"), hash->cookie_ttl_ns);
        if (hash->cookie_path.len > 0)
            json_key_str(json, STR("path"), hash->cookie_path);
        json_end_object(json);
        break;
    case HASH_SOURCE_IP:
        json_key(json, STR("connectionProperties"));
        json_begin_object(json);
        json_key_bool(json, STR("sourceIp"), true);
        json_end_object(json);
        break;
    case HASH_QUERY:
        json_key(json, STR("queryParameter"));
        json_begin_object(json);
        json_key_str(json, STR("name"), hash->name);
        json_end_object(json);
        break;
    }
    if (hash->is_terminal)
        json_key_bool(json, STR("terminal"), true);
    json_end_object(json);
}

static void print_forward(struct json *json, const struct forward_action *forward)
{
    json_key(json, STR("route"));
    json_begin_object(json);
    if (forward->cluster.len > 0)
        json_key_str(json, STR("cluster"), forward->cluster);
    else
        print_weighted(json, forward);
    print_rewrite(json, forward);
    if (forward->has_timeout)
        print_duration(json, STR("timeout"), forward->timeout_ns);
    if (forward->has_max_grpc_timeout)
        print_duration(json, STR("maxGrpcTimeout"), forward->max_grpc_timeout_ns);
    print_retry(json, forward->retry);
    print_mirrors(json, forward);
    if (forward->hash_count > 0) {
        json_key(json, STR("hashPolicy"));
        json_begin_array(json);
        for (uint32_t i = 0; i < forward->hash_count; i++)
            print_hash_policy(json, &forward->hashes[i]);
        json_end_array(json);
    }
    if (forward->cluster_not_found_status == 500)
        json_key_str(json, STR("clusterNotFoundResponseCode"), STR("INTERNAL_SERVER_ERROR"));
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
    json_key(json, STR("typedPerFilterConfig"));
    json_begin_object(json);
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
    if (route->fault != NULL)
        print_fault(json, route->fault);
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
