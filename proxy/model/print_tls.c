/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_tls.c - DownstreamTlsContext and the inspectors that find
 * out what a connection speaks before its filter chain is chosen.
 */
#include "proxy/model/print_parts.h"

#define TYPE(name) STR("type.googleapis.com/" name)

void print_strings(struct json *json, struct str key, const struct str *items, uint32_t count)
{
    json_key(json, key);
    json_begin_array(json);
    for (uint32_t i = 0; i < count; i++)
        json_str(json, items[i]);
    json_end_array(json);
}

static void print_secret(struct json *json, struct str name)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), name);
    json_end_object(json);
}

static void print_peer_names(struct json *json, const struct downstream_tls *tls)
{
    if (tls->peer_name_count == 0)
        return;
    json_key(json, STR("matchSubjectAltNames"));
    json_begin_array(json);
    for (uint32_t i = 0; i < tls->peer_name_count; i++)
        print_string_matcher(json, &tls->peer_names[i]);
    json_end_array(json);
}

static void print_validation(struct json *json, const struct downstream_tls *tls)
{
    if (tls->authorities.len == 0 && tls->peer_name_count == 0)
        return;
    if (tls->authorities.len == 0) {
        json_key(json, STR("validationContext"));
        json_begin_object(json);
        print_peer_names(json, tls);
        json_end_object(json);
        return;
    }
    json_key(json, STR("combinedValidationContext"));
    json_begin_object(json);
    json_key(json, STR("defaultValidationContext"));
    json_begin_object(json);
    print_peer_names(json, tls);
    if (tls->peer_key_hash_count > 0)
        print_strings(json, STR("verifyCertificateSpki"), tls->peer_key_hashes,
                      tls->peer_key_hash_count);
    if (tls->peer_hash_count > 0)
        print_strings(json, STR("verifyCertificateHash"), tls->peer_hashes, tls->peer_hash_count);
    if (tls->crl.len > 0) {
        json_key(json, STR("crl"));
        json_begin_object(json);
        json_key_str(json, STR("filename"), tls->crl);
        json_end_object(json);
    }
    if (tls->is_accepting_untrusted)
        json_key_str(json, STR("trustChainVerification"), STR("ACCEPT_UNTRUSTED"));
    json_end_object(json);
    json_key(json, STR("validationContextSdsSecretConfig"));
    print_secret(json, tls->authorities);
    json_end_object(json);
}

static void print_params(struct json *json, const struct downstream_tls *tls)
{
    if (tls->cipher_count == 0 && tls->version_min.len == 0 && tls->version_max.len == 0 &&
        tls->curve_count == 0)
        return;
    json_key(json, STR("tlsParams"));
    json_begin_object(json);
    if (tls->version_min.len > 0)
        json_key_str(json, STR("tlsMinimumProtocolVersion"), tls->version_min);
    if (tls->version_max.len > 0)
        json_key_str(json, STR("tlsMaximumProtocolVersion"), tls->version_max);
    if (tls->cipher_count > 0)
        print_strings(json, STR("cipherSuites"), tls->ciphers, tls->cipher_count);
    if (tls->curve_count > 0)
        print_strings(json, STR("ecdhCurves"), tls->curves, tls->curve_count);
    json_end_object(json);
}

void print_downstream_tls(struct json *json, const struct downstream_tls *tls)
{
    json_key(json, STR("transportSocket"));
    json_begin_object(json);
    json_key_str(json, STR("name"), STR("envoy.transport_sockets.tls"));
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"),
                 TYPE("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"));
    json_key(json, STR("commonTlsContext"));
    json_begin_object(json);
    if (tls->protocol_count > 0)
        print_strings(json, STR("alpnProtocols"), tls->protocols, tls->protocol_count);
    print_validation(json, tls);
    if (tls->certificate_count > 0) {
        json_key(json, STR("tlsCertificateSdsSecretConfigs"));
        json_begin_array(json);
        for (uint32_t i = 0; i < tls->certificate_count; i++)
            print_secret(json, tls->certificates[i]);
        json_end_array(json);
    }
    print_params(json, tls);
    json_end_object(json);
    if (tls->has_client_certificate_word)
        json_key_bool(json, STR("requireClientCertificate"), tls->is_client_certificate_required);
    json_end_object(json);
    json_end_object(json);
}

static void print_port(struct json *json, uint32_t port)
{
    json_key(json, STR("destinationPortRange"));
    json_begin_object(json);
    json_key_i64(json, STR("start"), port);
    json_key_i64(json, STR("end"), (int64_t)port + 1);
    json_end_object(json);
}

static void print_any_port(struct json *json, const struct inspector *inspector)
{
    if (inspector->port_count == 1) {
        print_port(json, inspector->ports[0]);
        return;
    }
    json_key(json, STR("orMatch"));
    json_begin_object(json);
    json_key(json, STR("rules"));
    json_begin_array(json);
    for (uint32_t i = 0; i < inspector->port_count; i++) {
        json_begin_object(json);
        print_port(json, inspector->ports[i]);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

static void print_disabled(struct json *json, const struct inspector *inspector)
{
    if (inspector->port_count == 0)
        return;
    json_key(json, STR("filterDisabled"));
    json_begin_object(json);
    if (inspector->is_on_ports_only) {
        json_key(json, STR("notMatch"));
        json_begin_object(json);
        print_any_port(json, inspector);
        json_end_object(json);
    } else {
        print_any_port(json, inspector);
    }
    json_end_object(json);
}

static void begin_listener_filter(struct json *json, struct str name, struct str type)
{
    json_begin_object(json);
    json_key_str(json, STR("name"), name);
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"), type);
}

static void end_listener_filter(struct json *json, const struct inspector *inspector)
{
    json_end_object(json);
    if (inspector != NULL)
        print_disabled(json, inspector);
    json_end_object(json);
}

void print_listener_filters(struct json *json, const struct listener *listener)
{
    if (!listener->tls_inspector.is_there && !listener->http_inspector.is_there &&
        !listener->has_original_dst)
        return;
    json_key(json, STR("listenerFilters"));
    json_begin_array(json);
    if (listener->has_original_dst) {
        begin_listener_filter(json, STR("envoy.filters.listener.original_dst"),
                              TYPE("envoy.extensions.filters.listener.original_dst.v3."
                                   "OriginalDst"));
        end_listener_filter(json, NULL);
    }
    if (listener->tls_inspector.is_there) {
        begin_listener_filter(json, STR("envoy.filters.listener.tls_inspector"),
                              TYPE("envoy.extensions.filters.listener.tls_inspector.v3."
                                   "TlsInspector"));
        json_key_i64(json, STR("initialReadBufferSize"), 512);
        end_listener_filter(json, &listener->tls_inspector);
    }
    if (listener->http_inspector.is_there) {
        begin_listener_filter(json, STR("envoy.filters.listener.http_inspector"),
                              TYPE("envoy.extensions.filters.listener.http_inspector.v3."
                                   "HttpInspector"));
        end_listener_filter(json, &listener->http_inspector);
    }
    json_end_array(json);
}
