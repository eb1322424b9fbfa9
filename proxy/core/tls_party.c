/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/tls_party.c - what a side of a handshake is, from its transport socket
 * and its secrets.
 */
#include <stddef.h>

#include "proxy/core/tls_verdict.h"

/* "TLSv1_2", "TLSV1_2"; anything else, also nothing: `otherwise`. */
static enum tls_version version_of(struct str word, enum tls_version otherwise)
{
    static const struct str words[] = {
        [TLS_VERSION_1_0] = STR_INIT("TLSv1_0"),
        [TLS_VERSION_1_1] = STR_INIT("TLSv1_1"),
        [TLS_VERSION_1_2] = STR_INIT("TLSv1_2"),
        [TLS_VERSION_1_3] = STR_INIT("TLSv1_3"),
    };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (str_eq_ci(word, words[i]))
            return (enum tls_version)i;
    }
    return otherwise;
}

struct str tls_version_name(enum tls_version version)
{
    static const struct str names[] = {
        [TLS_VERSION_1_0] = STR_INIT("TLSv1"),
        [TLS_VERSION_1_1] = STR_INIT("TLSv1.1"),
        [TLS_VERSION_1_2] = STR_INIT("TLSv1.2"),
        [TLS_VERSION_1_3] = STR_INIT("TLSv1.3"),
    };
    return names[version];
}

/* A keyring that leaves nothing in common with the socket goes before it. */
static struct tls_versions within(struct tls_versions socket, const struct keyring *keyring)
{
    struct tls_versions out = socket;
    if (keyring == NULL)
        return out;
    enum tls_version oldest = version_of(keyring->version_min, socket.min);
    enum tls_version newest = version_of(keyring->version_max, socket.max);
    out.min = oldest > out.min ? oldest : out.min;
    out.max = newest < out.max ? newest : out.max;
    if (out.min > out.max && socket.min <= socket.max)
        out = oldest > socket.max ? (struct tls_versions){oldest, oldest}
                                  : (struct tls_versions){newest, newest};
    return out;
}

struct tls_versions tls_versions_upstream(const struct keyring *keyring)
{
    return within((struct tls_versions){TLS_VERSION_1_2, TLS_VERSION_1_3}, keyring);
}

struct tls_versions tls_versions_downstream(const struct downstream_tls *tls,
                                            const struct keyring *keyring)
{
    struct tls_versions socket = {version_of(tls->version_min, TLS_VERSION_1_2),
                                  version_of(tls->version_max, TLS_VERSION_1_3)};
    return within(socket, keyring);
}

/* The certificate behind a name; notes when there is none. */
static const struct certificate *find_certificate(const struct keyring *keyring, struct str name,
                                                  struct tls_party *party)
{
    const struct secret *secret = keyring_find(keyring, name);
    if (secret == NULL || secret->certificate == NULL) {
        party->is_absent = true;
        return NULL;
    }
    return secret->certificate;
}

static void find_authorities(const struct keyring *keyring, struct str name,
                             struct tls_party *party)
{
    const struct secret *secret = keyring_find(keyring, name);
    if (secret == NULL || secret->certificate != NULL) {
        party->is_absent = true;
        return;
    }
    party->is_checking = true;
    party->authorities = secret->authorities;
    party->authority_count = secret->authority_count;
}

const struct upstream_tls *tls_of_endpoint(const struct cluster *cluster,
                                           const struct endpoint *endpoint)
{
    switch (cluster->security) {
    case UPSTREAM_PLAINTEXT:
        return NULL;
    case UPSTREAM_TLS:
        return cluster->tls;
    case UPSTREAM_TLS_BY_ENDPOINT:
        return endpoint != NULL && endpoint->is_tls_mode_istio ? cluster->tls : NULL;
    }
    UNREACHABLE("upstream_security");
}

static bool is_address(struct str host)
{
    bool has_letter = false;
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == ':')
            return true;
        has_letter |= host.ptr[i] != '.' && (host.ptr[i] < '0' || host.ptr[i] > '9');
    }
    return !has_letter;
}

struct str tls_server_name(const struct cluster *cluster, struct str host)
{
    if (cluster->tls == NULL || cluster->tls->sni.len > 0 || !cluster->has_auto_sni)
        return cluster->tls != NULL ? cluster->tls->sni : STR_EMPTY;
    size_t colon = str_find_last(host, ':');
    if (colon != STR_NONE && !str_has_prefix(host, STR("[")))
        host = str_slice(host, 0, colon);
    return is_address(host) ? STR_EMPTY : host;
}

uint32_t tls_protocols(const struct cluster *cluster, enum tls_payload payload,
                       struct str out[TLS_PROTOCOLS_MAX])
{
    uint32_t count = 0;
    bool is_h2 = cluster->protocol == UPSTREAM_HTTP2;
    if (!cluster->tls->is_mesh) {
        if (is_h2 && payload != TLS_CARRIES_HTTP1)
            out[count++] = STR("h2");
        return count;
    }
    switch (payload) {
    case TLS_CARRIES_BYTES:
        out[count++] = STR("istio-peer-exchange");
        out[count++] = STR("istio");
        return count;
    case TLS_CARRIES_HTTP1:
        out[count++] = STR("istio-http/1.1");
        out[count++] = STR("istio");
        out[count++] = STR("http/1.1");
        return count;
    case TLS_CARRIES_HTTP2:
        out[count++] = STR("istio-h2");
        out[count++] = STR("istio");
        out[count++] = STR("h2");
        return count;
    }
    UNREACHABLE("tls_payload");
}

struct tls_party tls_party_upstream(const struct cluster *cluster, struct str host,
                                    const struct keyring *keyring)
{
    const struct upstream_tls *tls = cluster->tls;
    struct tls_versions versions = tls_versions_upstream(keyring);
    struct tls_party out = {.version_min = versions.min, .version_max = versions.max};
    if (tls->certificate.len > 0)
        out.certificate = find_certificate(keyring, tls->certificate, &out);
    if (tls->root.len > 0)
        find_authorities(keyring, tls->root, &out);
    out.names.exact = tls->names;
    out.names.exact_count = out.is_checking ? tls->name_count : 0;
    if (cluster->has_auto_san_validation && out.is_checking)
        out.names.host = tls_server_name(cluster, host);
    return out;
}

bool tls_is_requiring(const struct downstream_tls *tls)
{
    uint32_t listed_count = tls->peer_name_count + tls->peer_hash_count + tls->peer_key_hash_count;
    return tls->is_client_certificate_required ||
           (listed_count > 0 && !tls->is_accepting_untrusted);
}

struct tls_names tls_names_downstream(const struct downstream_tls *tls)
{
    return (struct tls_names){
        .matchers = tls->peer_names,
        .count = tls->peer_name_count,
        .hashes = tls->peer_hashes,
        .hash_count = tls->peer_hash_count,
        .key_hashes = tls->peer_key_hashes,
        .key_hash_count = tls->peer_key_hash_count,
    };
}

struct tls_party tls_party_downstream(const struct downstream_tls *tls,
                                      const struct keyring *keyring)
{
    struct tls_versions versions = tls_versions_downstream(tls, keyring);
    struct tls_party out = {
        .version_min = versions.min,
        .version_max = versions.max,
        .names = tls_names_downstream(tls),
        .is_requiring = tls_is_requiring(tls),
        .ciphers = tls->ciphers,
        .cipher_count = tls->cipher_count,
        .protocols = tls->protocols,
        .protocol_count = tls->protocol_count,
    };
    for (uint32_t i = 0; i < tls->certificate_count; i++) {
        const struct certificate *found = find_certificate(keyring, tls->certificates[i], &out);
        out.certificate = out.certificate == NULL ? found : out.certificate;
    }
    if (tls->authorities.len > 0)
        find_authorities(keyring, tls->authorities, &out);
    out.is_asking = out.is_checking || out.is_requiring || tls->peer_name_count > 0;
    if (tls->is_accepting_untrusted) { /* it is looked at, and believed */
        out.is_checking = false;
        out.names = (struct tls_names){0};
    }
    return out;
}
