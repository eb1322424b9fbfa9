/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_listener.c - Listener: filter chains, the HTTP connection
 * manager with istiod's filters, the TCP proxy.
 */
#include "base/ns.h"
#include "proxy/model/print_parts.h"
#include "proxy/model/print_security.h"

#define TYPE(name) STR("type.googleapis.com/" name)

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

/* Which ALPN the mesh's TLS offers upstream, by the downstream's protocol. */
static void print_alpn_filter(struct json *json)
{
    static const struct {
        struct str protocol; /* empty: HTTP/1.0, the enum's zero */
        struct str names[3];
    } ROWS[] = {
        {STR_INIT(""), {STR_INIT("istio-http/1.0"), STR_INIT("istio"), STR_INIT("http/1.0")}},
        {STR_INIT("HTTP11"), {STR_INIT("istio-http/1.1"), STR_INIT("istio"), STR_INIT("http/1.1")}},
        {STR_INIT("HTTP2"), {STR_INIT("istio-h2"), STR_INIT("istio"), STR_INIT("h2")}},
    };

    begin_filter(json, STR("istio.alpn"),
                 TYPE("istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig"));
    json_key(json, STR("alpnOverride"));
    json_begin_array(json);
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        json_begin_object(json);
        if (ROWS[i].protocol.len > 0)
            json_key_str(json, STR("upstreamProtocol"), ROWS[i].protocol);
        print_strings(json, STR("alpnOverride"), ROWS[i].names, COUNT_OF(ROWS[i].names));
        json_end_object(json);
    }
    json_end_array(json);
    end_filter(json);
}

static void print_http_filters(struct json *json, const struct http_connection_manager *http,
                               const struct security *security)
{
    json_key(json, STR("httpFilters"));
    json_begin_array(json);
    print_security(json, security, false);
    if (http->has_grpc_web) {
        begin_filter(json, STR("envoy.filters.http.grpc_web"),
                     TYPE("envoy.extensions.filters.http.grpc_web.v3.GrpcWeb"));
        end_filter(json);
    }
    if (!http->is_inbound)
        print_alpn_filter(json);
    begin_filter(json, STR("envoy.filters.http.fault"),
                 TYPE("envoy.extensions.filters.http.fault.v3.HTTPFault"));
    end_filter(json);
    begin_filter(json, STR("envoy.filters.http.cors"),
                 TYPE("envoy.extensions.filters.http.cors.v3.Cors"));
    end_filter(json);
    for (uint32_t i = 0; i < http->dns_cache_count; i++) {
        begin_filter(json, STR("envoy.filters.http.dynamic_forward_proxy"),
                     TYPE("envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig"));
        print_dns_cache(json, &http->dns_caches[i]);
        end_filter(json);
    }
    begin_filter(json, STR("envoy.filters.http.router"),
                 TYPE("envoy.extensions.filters.http.router.v3.Router"));
    end_filter(json);
    json_end_array(json);
}

/* What servers hear of the client's certificate. */
static void print_cert_details(struct json *json, enum client_cert_details details)
{
    if (details == CERT_SANITIZE)
        return;
    bool is_edge = details == CERT_SANITIZE_SET;
    json_key_str(json, STR("forwardClientCertDetails"),
                 is_edge ? STR("SANITIZE_SET") : STR("APPEND_FORWARD"));
    json_key(json, STR("setCurrentClientCertDetails"));
    json_begin_object(json);
    json_key_bool(json, STR("subject"), true);
    if (is_edge)
        json_key_bool(json, STR("cert"), true);
    json_key_bool(json, STR("dns"), true);
    json_key_bool(json, STR("uri"), true);
    json_end_object(json);
}

/* A gateway is the edge: it trusts its own sight of the peer. */
static void print_edge(struct json *json, const struct http_connection_manager *http)
{
    json_key_bool(json, STR("useRemoteAddress"), http->is_using_remote_address);
    if (!str_eq(http->server_name, STR("envoy")))
        json_key_str(json, STR("serverName"), http->server_name);
    print_cert_details(json, http->cert_details);
    if (http->is_using_remote_address || http->is_accepting_http10 || http->is_absolute_url_said) {
        json_key(json, STR("httpProtocolOptions"));
        json_begin_object(json);
        if (http->is_absolute_url_said)
            json_key_bool(json, STR("allowAbsoluteUrl"), true);
        if (http->is_accepting_http10)
            json_key_bool(json, STR("acceptHttp10"), true);
        json_end_object(json);
    }
    if (http->is_http2_declared) {
        json_key(json, STR("http2ProtocolOptions"));
        json_begin_object(json);
        json_end_object(json);
    }
    if (http->xff_trusted_hops != 0)
        json_key_i64(json, STR("xffNumTrustedHops"), http->xff_trusted_hops);
}

/* Only what was set: Envoy's defaults are not said. */
static void print_times(struct json *json, const struct http_connection_manager *http)
{
    const struct {
        struct str name;
        int64_t ns;
    } times[] = {
        {STR("requestTimeout"), http->request_timeout_ns},
        {STR("requestHeadersTimeout"), http->request_headers_timeout_ns},
        {STR("drainTimeout"), http->drain_timeout_ns},
    };
    print_duration(json, STR("streamIdleTimeout"), http->stream_idle_timeout_ns);
    for (size_t i = 0; i < COUNT_OF(times); i++)
        if (times[i].ns != 0)
            print_duration(json, times[i].name, times[i].ns == NS_NEVER ? 0 : times[i].ns);
}

static void print_common_options(struct json *json, const struct http_connection_manager *http)
{
    const struct {
        struct str name;
        int64_t ns;
    } times[] = {
        {STR("idleTimeout"), http->idle_timeout_ns},
        {STR("maxConnectionDuration"), http->max_connection_duration_ns},
        {STR("maxStreamDuration"), http->max_stream_duration_ns},
    };
    bool any = http->requests_per_connection_max != 0;
    for (size_t i = 0; i < COUNT_OF(times); i++)
        any |= times[i].ns != 0;
    if (!any)
        return;
    json_key(json, STR("commonHttpProtocolOptions"));
    json_begin_object(json);
    for (size_t i = 0; i < COUNT_OF(times); i++)
        if (times[i].ns != 0)
            print_duration(json, times[i].name, times[i].ns == NS_NEVER ? 0 : times[i].ns);
    if (http->requests_per_connection_max != 0)
        json_key_i64(json, STR("maxRequestsPerConnection"), http->requests_per_connection_max);
    json_end_object(json);
}

static void print_manager(struct json *json, const struct http_connection_manager *http,
                          const struct security *security)
{
    begin_filter(json, STR("envoy.filters.network.http_connection_manager"),
                 TYPE("envoy.extensions.filters.network.http_connection_manager.v3."
                      "HttpConnectionManager"));
    if (http->stat_prefix.len > 0)
        json_key_str(json, STR("statPrefix"), http->stat_prefix);
    if (http->has_inline_routes) {
        json_key(json, STR("routeConfig"));
        print_route_config(json, http->routes);
    } else {
        json_key(json, STR("rds"));
        json_begin_object(json);
        json_key_str(json, STR("routeConfigName"), http->routes->name);
        json_end_object(json);
    }
    print_access_logs(json, &http->access_logs);
    print_http_filters(json, http, security);
    print_edge(json, http);
    print_common_options(json, http);
    print_times(json, http);
    if (http->is_proxying_100_continue)
        json_key_bool(json, STR("proxy100Continue"), true);
    json_key_bool(json, STR("normalizePath"), http->is_normalizing_path);
    if (http->is_merging_slashes)
        json_key_bool(json, STR("mergeSlashes"), true);
    json_key_str(json, STR("pathWithEscapedSlashesAction"),
                 http->is_unescaping_slashes ? STR("UNESCAPE_AND_FORWARD") : STR("KEEP_UNCHANGED"));
    if (http->has_websocket) {
        json_key(json, STR("upgradeConfigs"));
        json_begin_array(json);
        json_begin_object(json);
        json_key_str(json, STR("upgradeType"), STR("websocket"));
        json_end_object(json);
        json_end_array(json);
    }
    end_filter(json);
}

static void print_tcp_details(struct json *json, const struct tcp_proxy *tcp)
{
    if (tcp->idle_timeout_ns != 0)
        print_duration(json, STR("idleTimeout"),
                       tcp->idle_timeout_ns == NS_NEVER ? 0 : tcp->idle_timeout_ns);
    if (tcp->max_connection_duration_ns != 0)
        print_duration(json, STR("maxDownstreamConnectionDuration"),
                       tcp->max_connection_duration_ns);
    if (tcp->is_hashing_source_ip) {
        json_key(json, STR("hashPolicy"));
        json_begin_array(json);
        json_begin_object(json);
        json_key(json, STR("sourceIp"));
        json_begin_object(json);
        json_end_object(json);
        json_end_object(json);
        json_end_array(json);
    }
    if (tcp->tunnel_host.len > 0) {
        json_key(json, STR("tunnelingConfig"));
        json_begin_object(json);
        json_key_str(json, STR("hostname"), tcp->tunnel_host);
        if (tcp->is_tunnel_post)
            json_key_bool(json, STR("usePost"), true);
        json_end_object(json);
    }
}

static void print_mongo(struct json *json, const struct tcp_proxy *tcp)
{
    begin_filter(json, STR("envoy.filters.network.mongo_proxy"),
                 TYPE("envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy"));
    json_key_str(json, STR("statPrefix"), tcp->stat_prefix);
    end_filter(json);
}

static void print_sni_lookup(struct json *json, const struct tcp_proxy *tcp)
{
    begin_filter(
        json, STR("envoy.extensions.filters.network.sni_dynamic_forward_proxy"),
        TYPE("envoy.extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig"));
    print_dns_cache(json, &tcp->sni_cache);
    json_key_i64(json, STR("portValue"), tcp->sni_port);
    end_filter(json);
}

static void print_tcp_proxy(struct json *json, const struct tcp_proxy *tcp)
{
    begin_filter(json, STR("envoy.filters.network.tcp_proxy"),
                 TYPE("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"));
    json_key_str(json, STR("statPrefix"), tcp->stat_prefix);
    print_access_logs(json, &tcp->access_logs);
    if (tcp->cluster.len > 0) {
        json_key_str(json, STR("cluster"), tcp->cluster);
    } else {
        json_key(json, STR("weightedClusters"));
        json_begin_object(json);
        json_key(json, STR("clusters"));
        json_begin_array(json);
        for (uint32_t i = 0; i < tcp->weighted_count; i++) {
            json_begin_object(json);
            json_key_str(json, STR("name"), tcp->weighted[i].cluster);
            json_key_i64(json, STR("weight"), tcp->weighted[i].weight);
            json_end_object(json);
        }
        json_end_array(json);
        json_end_object(json);
    }
    print_tcp_details(json, tcp);
    end_filter(json);
}

static void print_destinations(struct json *json, const struct filter_chain *chain)
{
    if (chain->destination_count == 0)
        return;
    json_key(json, STR("prefixRanges"));
    json_begin_array(json);
    for (uint32_t i = 0; i < chain->destination_count; i++) {
        json_begin_object(json);
        json_key_str(json, STR("addressPrefix"), chain->destinations[i].address);
        json_key_i64(json, STR("prefixLen"), chain->destinations[i].bits);
        json_end_object(json);
    }
    json_end_array(json);
}

static void print_chain_match(struct json *json, const struct filter_chain *chain)
{
    if (chain->server_name_count == 0 && chain->application_protocol_count == 0 &&
        chain->transport_protocol.len == 0 && chain->destination_port == 0 &&
        chain->destination_count == 0)
        return;
    json_key(json, STR("filterChainMatch"));
    json_begin_object(json);
    if (chain->destination_port != 0)
        json_key_i64(json, STR("destinationPort"), chain->destination_port);
    print_destinations(json, chain);
    if (chain->server_name_count > 0)
        print_strings(json, STR("serverNames"), chain->server_names, chain->server_name_count);
    if (chain->transport_protocol.len > 0)
        json_key_str(json, STR("transportProtocol"), chain->transport_protocol);
    if (chain->application_protocol_count > 0)
        print_strings(json, STR("applicationProtocols"), chain->application_protocols,
                      chain->application_protocol_count);
    json_end_object(json);
}

static void print_chain(struct json *json, const struct filter_chain *chain)
{
    json_begin_object(json);
    if (chain->name.len > 0)
        json_key_str(json, STR("name"), chain->name);
    print_chain_match(json, chain);
    json_key(json, STR("filters"));
    json_begin_array(json);
    switch (chain->kind) {
    case CHAIN_HTTP:
        print_manager(json, &chain->http, chain->security);
        break;
    case CHAIN_TCP:
        print_security(json, chain->security, true);
        if (chain->tcp.sni_cache.name.len > 0)
            print_sni_lookup(json, &chain->tcp);
        if (chain->has_mongo)
            print_mongo(json, &chain->tcp);
        print_tcp_proxy(json, &chain->tcp);
        break;
    }
    json_end_array(json);
    if (chain->tls != NULL)
        print_downstream_tls(json, chain->tls);
    if (chain->config.len > 0)
        print_route_metadata(json, chain->config);
    if (chain->transport_connect_timeout_ns != 0)
        print_duration(json, STR("transportSocketConnectTimeout"),
                       chain->transport_connect_timeout_ns);
    json_end_object(json);
}

void print_listener(struct json *json, const struct listener *listener)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), listener->name);
    json_key(json, STR("address"));
    print_address(json, listener->address, listener->port);
    if (listener->chain_count > 0) {
        json_key(json, STR("filterChains"));
        json_begin_array(json);
        for (uint32_t i = 0; i < listener->chain_count; i++)
            print_chain(json, &listener->chains[i]);
        json_end_array(json);
    }
    if (listener->default_chain != NULL) {
        json_key(json, STR("defaultFilterChain"));
        print_chain(json, listener->default_chain);
    }
    print_listener_filters(json, listener);
    if (listener->has_detection_timeout) {
        print_duration(json, STR("listenerFiltersTimeout"), listener->detection_timeout_ns);
        json_key_bool(json, STR("continueOnListenerFiltersTimeout"), true);
    }
    if (!listener->is_bound)
        json_key_bool(json, STR("bindToPort"), false);
    if (listener->is_using_original_dst)
        json_key_bool(json, STR("useOriginalDst"), true);
    json_key_str(json, STR("trafficDirection"),
                 listener->direction == TRAFFIC_INBOUND ? STR("INBOUND") : STR("OUTBOUND"));
    json_end_object(json);
}
