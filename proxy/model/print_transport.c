/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_transport.c - transport sockets of a cluster: TLS, PROXY
 * protocol.
 */
#include "proxy/model/print_parts.h"

#define TYPE(name) STR("type.googleapis.com/" name)

static void print_empty(struct json *json, struct str key)
{
    json_key(json, key);
    json_begin_object(json);
    json_end_object(json);
}

/* The mesh's own names come first; HTTP/2 is offered where it is spoken. */
static void print_alpn(struct json *json, const struct cluster *cluster)
{
    bool is_h2 = cluster->protocol == UPSTREAM_HTTP2;

    if (!cluster->tls->is_mesh && !is_h2)
        return;
    json_key(json, STR("alpnProtocols"));
    json_begin_array(json);
    if (cluster->tls->is_mesh) {
        json_str(json, STR("istio-peer-exchange"));
        json_str(json, STR("istio"));
    }
    if (is_h2)
        json_str(json, STR("h2"));
    json_end_array(json);
}

static void print_validation(struct json *json, const struct upstream_tls *tls)
{
    if (tls->has_no_validation)
        print_empty(json, STR("validationContext"));
    if (tls->root.len == 0)
        return;
    json_key(json, STR("combinedValidationContext"));
    json_begin_object(json);
    json_key(json, STR("defaultValidationContext"));
    json_begin_object(json);
    if (tls->name_count > 0) {
        json_key(json, STR("matchSubjectAltNames"));
        json_begin_array(json);
        for (uint32_t i = 0; i < tls->name_count; i++) {
            json_begin_object(json);
            json_key_str(json, STR("exact"), tls->names[i]);
            json_end_object(json);
        }
        json_end_array(json);
    }
    if (tls->crl.len > 0) {
        json_key(json, STR("crl"));
        json_begin_object(json);
        json_key_str(json, STR("filename"), tls->crl);
        json_end_object(json);
    }
    json_end_object(json);
    json_key(json, STR("validationContextSdsSecretConfig"));
    json_begin_object(json);
    json_key_str(json, STR("name"), tls->root);
    json_end_object(json);
    json_end_object(json);
}

static void print_common_tls(struct json *json, const struct cluster *cluster)
{
    const struct upstream_tls *tls = cluster->tls;

    json_key(json, STR("commonTlsContext"));
    json_begin_object(json);
    print_alpn(json, cluster);
    print_validation(json, tls);
    if (tls->certificate.len > 0) {
        json_key(json, STR("tlsCertificateSdsSecretConfigs"));
        json_begin_array(json);
        json_begin_object(json);
        json_key_str(json, STR("name"), tls->certificate);
        json_end_object(json);
        json_end_array(json);
    }
    json_key(json, STR("tlsParams"));
    json_begin_object(json);
    json_key_str(json, STR("tlsMinimumProtocolVersion"), STR("TLSv1_2"));
    json_key_str(json, STR("tlsMaximumProtocolVersion"), STR("TLSv1_3"));
    if (tls->cipher_count > 0)
        print_strings(json, STR("cipherSuites"), tls->ciphers, tls->cipher_count);
    if (tls->curve_count > 0)
        print_strings(json, STR("ecdhCurves"), tls->curves, tls->curve_count);
    json_end_object(json);
    json_end_object(json);
}

static void print_tls(struct json *json, const struct cluster *cluster)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), STR("envoy.transport_sockets.tls"));
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"),
                 TYPE("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"));
    print_common_tls(json, cluster);
    if (cluster->tls->sni.len > 0)
        json_key_str(json, STR("sni"), cluster->tls->sni);
    json_end_object(json);
    json_end_object(json);
}

static void print_raw_buffer(struct json *json, struct str name)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), name);
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"),
                 TYPE("envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"));
    json_end_object(json);
    json_end_object(json);
}

/* What PROXY protocol wraps, or (NONE) the socket alone. */
static void print_socket(struct json *json, const struct cluster *cluster, bool is_tls)
{
    bool is_wrapped = cluster->proxy_protocol != PROXY_PROTOCOL_NONE;

    json_key(json, STR("transportSocket"));
    if (is_wrapped) {
        json_begin_object(json);
        json_key_str(json, STR("name"), STR("envoy.transport_sockets.upstream_proxy_protocol"));
        json_key(json, STR("typedConfig"));
        json_begin_object(json);
        json_key_str(json, STR("@type"),
                     TYPE("envoy.extensions.transport_sockets.proxy_protocol.v3."
                          "ProxyProtocolUpstreamTransport"));
        json_key(json, STR("config"));
        json_begin_object(json);
        if (cluster->proxy_protocol == PROXY_PROTOCOL_V2)
            json_key_str(json, STR("version"), STR("V2"));
        json_end_object(json);
        json_key(json, STR("transportSocket"));
    }
    if (is_tls)
        print_tls(json, cluster);
    else
        print_raw_buffer(json, cluster->security == UPSTREAM_PLAINTEXT
                                   ? STR("raw_buffer")
                                   : STR("envoy.transport_sockets.raw_buffer"));
    if (is_wrapped) {
        json_end_object(json);
        json_end_object(json);
    }
}

static void print_matches(struct json *json, const struct cluster *cluster)
{
    json_key(json, STR("transportSocketMatches"));
    json_begin_array(json);
    json_begin_object(json);
    json_key_str(json, STR("name"), STR("tlsMode-istio"));
    json_key(json, STR("match"));
    json_begin_object(json);
    json_key_str(json, STR("tlsMode"), STR("istio"));
    json_end_object(json);
    print_socket(json, cluster, true);
    json_end_object(json);
    json_begin_object(json);
    json_key_str(json, STR("name"), STR("tlsMode-disabled"));
    print_empty(json, STR("match"));
    print_socket(json, cluster, false);
    json_end_object(json);
    json_end_array(json);
}

void print_transport(struct json *json, const struct cluster *cluster)
{
    switch (cluster->security) {
    case UPSTREAM_PLAINTEXT:
        if (cluster->proxy_protocol != PROXY_PROTOCOL_NONE)
            print_socket(json, cluster, false);
        return;
    case UPSTREAM_TLS:
        print_socket(json, cluster, true);
        return;
    case UPSTREAM_TLS_BY_ENDPOINT:
        print_matches(json, cluster);
        return;
    }
    UNREACHABLE("upstream_security");
}
