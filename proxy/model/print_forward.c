/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_forward.c - RouteAction, and the header operations of
 * routes and weighted clusters.
 */
#include "proxy/model/print_parts.h"

#define TYPE(name) STR("type.googleapis.com/" name)

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
        json_str(json, mutations->remove_written != NULL ? mutations->remove_written[i]
                                                         : mutations->remove[i]);
    json_end_array(json);
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
        if (!mirror->has_host_suffix)
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

void print_mutations(struct json *json, const struct header_mutations *request,
                     const struct header_mutations *response)
{
    print_additions(json, STR("requestHeadersToAdd"), request);
    print_removals(json, STR("requestHeadersToRemove"), request);
    print_additions(json, STR("responseHeadersToAdd"), response);
    print_removals(json, STR("responseHeadersToRemove"), response);
}

static void print_stream_duration(struct json *json, const struct forward_action *forward)
{
    if (!forward->has_max_stream_duration && !forward->has_grpc_timeout_header_max)
        return;
    json_key(json, STR("maxStreamDuration"));
    json_begin_object(json);
    if (forward->has_max_stream_duration)
        print_duration(json, STR("maxStreamDuration"), forward->max_stream_duration_ns);
    if (forward->has_grpc_timeout_header_max)
        print_duration(json, STR("grpcTimeoutHeaderMax"), forward->grpc_timeout_header_max_ns);
    json_end_object(json);
}

void print_forward(struct json *json, const struct forward_action *forward)
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
    if (forward->has_idle_timeout)
        print_duration(json, STR("idleTimeout"), forward->idle_timeout_ns);
    if (forward->has_max_grpc_timeout)
        print_duration(json, STR("maxGrpcTimeout"), forward->max_grpc_timeout_ns);
    print_stream_duration(json, forward);
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
