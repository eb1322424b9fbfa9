/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/tls_verdict.c - see tls_verdict.h.
 */
#include "proxy/core/tls_verdict.h"

#include <stddef.h>

#include "proxy/core/matcher.h"

#define ALERT_HANDSHAKE_FAILURE 40u
#define ALERT_CERTIFICATE_REQUIRED 116u
/* BoringSSL's code of an alert that was received. */
#define ALERT_CODE_BASE 268436456u

struct failure_row_tls {
    uint32_t code;
    struct str reason, detail;
    uint32_t alert;
};

static const struct failure_row_tls rows[] = {
    [TLS_RESET] = {33554536, STR_INIT("Connection reset by peer"), STR_INIT(""), 0},
#define X(id, code, reason, detail, alert) \
    [TLS_##id] = {code, STR_INIT(reason), STR_INIT(detail), alert},
#include "proxy/core/tls_failure.def"
#undef X
};

static bool covers(struct str pattern, struct str name)
{
    if (!str_has_prefix(pattern, STR("*.")))
        return str_eq_ci(pattern, name);
    size_t dot = str_find(name, '.');
    return dot != STR_NONE && dot > 0 && str_eq_ci(str_from(pattern, 1), str_from(name, dot));
}

static bool is_matched(const struct tls_names *wanted, struct str name)
{
    for (uint32_t i = 0; i < wanted->count; i++) {
        if (matcher_string(&wanted->matchers[i], name))
            return true;
    }
    for (uint32_t i = 0; i < wanted->exact_count; i++) {
        if (str_eq(wanted->exact[i], name))
            return true;
    }
    return false;
}

/* A DNS name in a certificate may be a wildcard. */
static bool is_dns_matched(const struct tls_names *wanted, struct str name)
{
    for (uint32_t i = 0; i < wanted->exact_count; i++) {
        if (covers(name, wanted->exact[i]))
            return true;
    }
    for (uint32_t i = 0; i < wanted->count; i++) {
        const struct string_matcher *matcher = &wanted->matchers[i];
        if (matcher->kind == STRING_EXACT && covers(name, matcher->value))
            return true;
    }
    return is_matched(wanted, name);
}

static bool is_any_matched(const struct tls_names *wanted, const struct certificate *peer)
{
    for (uint32_t i = 0; i < peer->uri_count; i++) {
        if (is_matched(wanted, peer->uris[i]))
            return true;
    }
    for (uint32_t i = 0; i < peer->name_count; i++) {
        if (is_dns_matched(wanted, peer->names[i]))
            return true;
    }
    return false;
}

static bool is_host_covered(struct str host, const struct certificate *peer)
{
    for (uint32_t i = 0; i < peer->name_count; i++) {
        if (covers(peer->names[i], host))
            return true;
    }
    return false;
}

/* Hex digits, with colons between them or without. */
static bool is_same_hash(struct str wanted, struct str hash)
{
    size_t at = 0;
    for (size_t i = 0; i < wanted.len; i++) {
        if (wanted.ptr[i] == ':')
            continue;
        if (at == hash.len || !str_eq_ci(str_slice(wanted, i, i + 1), str_slice(hash, at, at + 1)))
            return false;
        at++;
    }
    return at == hash.len && hash.len > 0;
}

static bool is_hash_listed(const struct tls_names *wanted, const struct certificate *peer)
{
    for (uint32_t i = 0; i < wanted->hash_count; i++) {
        if (is_same_hash(wanted->hashes[i], peer->hash))
            return true;
    }
    for (uint32_t i = 0; i < wanted->key_hash_count; i++) {
        if (peer->key_hash.len > 0 && str_eq(wanted->key_hashes[i], peer->key_hash))
            return true;
    }
    return wanted->hash_count + wanted->key_hash_count == 0;
}

enum tls_failure tls_check_names(const struct tls_names *wanted, const struct certificate *peer)
{
    if (wanted->host.len > 0 && !is_host_covered(wanted->host, peer))
        return TLS_NAME_NOT_LISTED;
    if (wanted->count + wanted->exact_count > 0 && !is_any_matched(wanted, peer))
        return TLS_NAME_MISMATCH;
    if (!is_hash_listed(wanted, peer))
        return TLS_HASH_NOT_LISTED;
    return TLS_FINE;
}

static bool is_believed(const struct tls_party *own, struct str issuer)
{
    for (uint32_t i = 0; i < own->authority_count; i++) {
        if (str_eq(own->authorities[i], issuer))
            return true;
    }
    return false;
}

enum tls_failure tls_check_peer(const struct tls_party *own, const struct certificate *peer,
                                int64_t now_s)
{
    if (peer == NULL)
        return own->is_requiring ? TLS_NO_CERTIFICATE : TLS_FINE;
    if (own->is_checking) {
        if (peer->issuer.len == 0)
            return TLS_SELF_SIGNED;
        if (!is_believed(own, peer->issuer))
            return TLS_ISSUER_UNKNOWN;
        if (now_s < peer->from_s)
            return TLS_NOT_YET_VALID;
        if (now_s > peer->until_s)
            return TLS_EXPIRED;
    }
    return tls_check_names(&own->names, peer);
}

/* Ciphers of TLS 1.2 are for one kind of key. */
static bool is_for_key(struct str cipher, bool is_rsa)
{
    return str_has_prefix(cipher, STR("ECDHE-ECDSA-")) ? !is_rsa : is_rsa;
}

static bool has_cipher(const struct tls_party *party, struct str cipher)
{
    for (uint32_t i = 0; i < party->cipher_count; i++) {
        if (str_eq(party->ciphers[i], cipher))
            return true;
    }
    return party->cipher_count == 0;
}

/* The first that both have, in the order of who lists any. Empty: there is none. */
static struct str common_cipher(const struct tls_party *client, const struct tls_party *server)
{
    const struct tls_party *listing = server->cipher_count > 0 ? server : client;
    bool is_rsa = server->certificate->is_rsa;
    for (uint32_t i = 0; i < listing->cipher_count; i++) {
        struct str cipher = listing->ciphers[i];
        if (is_for_key(cipher, is_rsa) && has_cipher(client, cipher) && has_cipher(server, cipher))
            return cipher;
    }
    if (listing->cipher_count > 0)
        return STR_EMPTY;
    return is_rsa ? STR("ECDHE-RSA-AES128-GCM-SHA256") : STR("ECDHE-ECDSA-AES128-GCM-SHA256");
}

/* The server's order counts. */
static struct str common_protocol(const struct tls_party *client, const struct tls_party *server)
{
    for (uint32_t i = 0; i < server->protocol_count; i++) {
        for (uint32_t k = 0; k < client->protocol_count; k++) {
            if (str_eq(server->protocols[i], client->protocols[k]))
                return server->protocols[i];
        }
    }
    return STR_EMPTY;
}

static struct tls_outcome refused_by_server(struct tls_outcome out, enum tls_failure why)
{
    out.server = why;
    out.client = tls_heard(why, out.version);
    return out;
}

struct tls_outcome tls_verdict(const struct tls_party *client, const struct tls_party *server,
                               int64_t now_s)
{
    struct tls_outcome out = {.version = client->version_max < server->version_max
                                             ? client->version_max
                                             : server->version_max};
    if (client->is_absent) {
        out.client = TLS_SECRET_ABSENT;
        out.server = TLS_ENDED;
        return out;
    }
    if (server->is_absent || server->certificate == NULL)
        return refused_by_server(out, TLS_SECRET_ABSENT);
    if (out.version < client->version_min || out.version < server->version_min)
        return refused_by_server(out, TLS_UNSUPPORTED_PROTOCOL);
    out.cipher = out.version == TLS_VERSION_1_3 ? STR("TLS_AES_128_GCM_SHA256")
                                                : common_cipher(client, server);
    if (out.cipher.len == 0)
        return refused_by_server(out, TLS_NO_SHARED_CIPHER);
    out.protocol = common_protocol(client, server);
    out.client = tls_check_peer(client, server->certificate, now_s);
    if (out.client != TLS_FINE) {
        out.server = tls_heard(out.client, out.version);
        return out;
    }
    bool is_asking = server->is_asking || server->is_requiring;
    enum tls_failure found =
        is_asking ? tls_check_peer(server, client->certificate, now_s) : TLS_FINE;
    if (found == TLS_FINE)
        return out;
    out.is_client_early = out.version == TLS_VERSION_1_3;
    return refused_by_server(out, found);
}

uint32_t tls_alert(enum tls_failure failure, enum tls_version version)
{
    uint32_t alert = failure > TLS_SECRET_ABSENT ? rows[failure].alert : 0;
    /* Older versions had no word for it. */
    if (alert == ALERT_CERTIFICATE_REQUIRED && version < TLS_VERSION_1_3)
        return ALERT_HANDSHAKE_FAILURE;
    return alert;
}

enum tls_failure tls_of_alert(uint32_t alert)
{
    for (size_t i = TLS_SECRET_ABSENT + 1; i < COUNT_OF(rows); i++) {
        if (rows[i].code == ALERT_CODE_BASE + alert)
            return (enum tls_failure)i;
    }
    return TLS_ALERT_HANDSHAKE_FAILURE;
}

enum tls_failure tls_heard(enum tls_failure found, enum tls_version version)
{
    uint32_t alert = tls_alert(found, version);
    return alert != 0 ? tls_of_alert(alert) : TLS_ENDED;
}

static struct str names_text(const struct certificate *peer, struct arena *arena)
{
    struct str out = STR("[");
    for (uint32_t i = 0; i < peer->name_count + peer->uri_count; i++) {
        struct str name = i < peer->name_count ? peer->names[i] : peer->uris[i - peer->name_count];
        out = arena_concat(arena, i > 0 ? arena_concat(arena, out, STR(", ")) : out, name);
    }
    return arena_concat(arena, out, STR("]"));
}

struct str tls_met_text(enum tls_failure failure, const struct tls_names *wanted,
                        const struct certificate *peer, struct arena *arena)
{
    if (peer == NULL)
        return STR_EMPTY;
    if (failure == TLS_NAME_MISMATCH)
        return names_text(peer, arena);
    if (failure != TLS_NAME_NOT_LISTED)
        return STR_EMPTY;
    return arena_format(arena, ", expected SANs: [%.*s], certificate SANs: %.*s",
                        STR_FMT(wanted->host), STR_FMT(names_text(peer, arena)));
}

struct str tls_failure_text(enum tls_failure failure, struct str met, struct arena *arena)
{
    if (failure == TLS_FINE || failure == TLS_ENDED)
        return STR_EMPTY;
    if (failure == TLS_SECRET_ABSENT)
        return STR("TLS error: Secret is not supplied by SDS");
    const struct failure_row_tls *row = &rows[failure];
    struct str library = failure == TLS_RESET ? STR("system library") : STR("SSL routines");
    return arena_format(arena, "TLS_error:|%u:%.*s:OPENSSL_internal:%.*s%.*s%.*s:TLS_error_end",
                        row->code, STR_FMT(library), STR_FMT(row->reason), STR_FMT(row->detail),
                        STR_FMT(met));
}
