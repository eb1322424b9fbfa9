/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/tls_params.c - versions, ciphers, groups and signatures: what BoringSSL, and
 * so Envoy, would agree upon, said to OpenSSL.
 *
 * Every list is said here whole, so that neither OpenSSL's own defaults nor those of the
 * machine (openssl.cnf, security levels) have a say.
 *
 * Source: ENVOY.md 9.1.
 */
#include <openssl/err.h>

#include "base/check.h"
#include "proxy/live/tls_inside.h"

/* Envoy's, in its order. */
#define CIPHERS                                                                                \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:" \
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define CIPHERS_CHACHA_FIRST                                                                   \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:" \
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define CIPHERS_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS_13_AES256_FIRST \
    "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS_13_CHACHA_FIRST \
    "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
#define GROUPS "X25519:P-256"
#define GROUP_X25519 0x001du
/* What BoringSSL signs with, and what it believes, in its order. */
#define SIGNS                                                                             \
    "ed25519:ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:"                \
    "ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:rsa_pkcs1_sha384:ecdsa_secp521r1_sha512:" \
    "rsa_pss_rsae_sha512:rsa_pkcs1_sha512:ECDSA+SHA1:RSA+SHA1"
#define BELIEVES                                                                          \
    "ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ecdsa_secp384r1_sha384:" \
    "rsa_pss_rsae_sha384:rsa_pkcs1_sha384:rsa_pss_rsae_sha512:rsa_pkcs1_sha512:"          \
    "RSA+SHA1"
/* BoringSSL's limits. */
#define KEY_UPDATES_MAX 32u
#define CLIENT_HELLO_BYTES_MAX (16384u + SSL3_HM_HEADER_LENGTH)

static int version_number(enum tls_version version)
{
    switch (version) {
    case TLS_VERSION_1_0:
        return TLS1_VERSION;
    case TLS_VERSION_1_1:
        return TLS1_1_VERSION;
    case TLS_VERSION_1_2:
        return TLS1_2_VERSION;
    case TLS_VERSION_1_3:
        return TLS1_3_VERSION;
    }
    UNREACHABLE("tls_version");
}

/* What OpenSSL lets pass and BoringSSL does not: who asks for other keys and never says
 * anything, a greeting that is too long; and to whom a new handshake was refused, OpenSSL
 * goes on to listen. */
static void note_message(int is_written, int version, int type, const void *bytes, size_t size,
                         SSL *ssl, void *user)
{
    struct tls_check *check = tls_check_of(ssl);
    const unsigned char *at = bytes;
    bool is_wrong = false;
    (void)version;
    (void)user;
    if (is_written)
        is_wrong = type == SSL3_RT_ALERT && size == 2 && at[1] == SSL_AD_NO_RENEGOTIATION;
    else if (type == SSL3_RT_HANDSHAKE && size > 0 && at[0] == SSL3_MT_KEY_UPDATE)
        is_wrong = ++check->key_update_count > KEY_UPDATES_MAX;
    else if (type == SSL3_RT_HANDSHAKE && size > 0 && at[0] == SSL3_MT_CLIENT_HELLO)
        is_wrong = size > CLIENT_HELLO_BYTES_MAX;
    if (is_wrong)
        check->failure = TLS_UNEXPECTED_MESSAGE;
}

/* Names of ciphers that OpenSSL does not know are passed over; without one that it knows,
 * Envoy's list stays. */
static void set_params(SSL_CTX *ssl, const struct tls_params *params)
{
    SSL_CTX_set_security_level(ssl, 0); /* what may be agreed upon is said below */
    long rc = SSL_CTX_set_min_proto_version(ssl, version_number(params->versions.min));
    ASSERT(rc == 1);
    rc = SSL_CTX_set_max_proto_version(ssl, version_number(params->versions.max));
    ASSERT(rc == 1);
    rc = SSL_CTX_set_cipher_list(ssl, CIPHERS);
    ASSERT(rc == 1);
    if (params->ciphers.len > 0)
        (void)SSL_CTX_set_cipher_list(ssl, params->ciphers.ptr);
    rc = SSL_CTX_set_ciphersuites(ssl, CIPHERS_13);
    ASSERT(rc == 1);
    rc = SSL_CTX_set1_groups_list(ssl, GROUPS);
    ASSERT(rc == 1);
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_msg_callback(ssl, note_message);
    ERR_clear_error();
}

static unsigned number_at(const unsigned char *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

/* Is `number` one of those that stand `step` bytes apart? */
static bool is_among(unsigned number, const unsigned char *bytes, size_t size, size_t step)
{
    for (size_t i = 0; i + 1 < size; i += step) {
        if (number_at(bytes + i) == number)
            return true;
    }
    return false;
}

static bool is_offering_13(SSL *ssl)
{
    const unsigned char *versions;
    size_t size;
    return SSL_get_max_proto_version(ssl) == TLS1_3_VERSION &&
           SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &versions, &size) == 1 &&
           size > 0 && is_among(TLS1_3_VERSION, versions + 1, size - 1, 2);
}

/* BoringSSL asks for a share of the group that it likes best, if the client has it and
 * sent one of another. */
static void insist_on_group(SSL *ssl)
{
    const unsigned char *groups, *shares;
    size_t group_size, share_size;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_groups, &groups, &group_size) != 1 ||
        SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_key_share, &shares, &share_size) != 1 ||
        group_size < 2 || !is_among(GROUP_X25519, groups + 2, group_size - 2, 2))
        return;
    for (size_t i = 2; i + 4 <= share_size; i += 4 + number_at(shares + i + 2)) {
        if (number_at(shares + i) == GROUP_X25519)
            return;
    }
    (void)SSL_set1_groups_list(ssl, "X25519");
}

/* Of TLS 1.3's ciphers the client's first counts, and so it does of two that stand
 * together in Envoy's list: AES128 and ChaCha20. */
static int follow_taste(SSL *ssl, int *alert, void *user)
{
    const unsigned char *ciphers;
    size_t count = SSL_client_hello_get0_ciphers(ssl, &ciphers) / 2;
    const bool *has_own_list = user;
    bool is_13 = is_offering_13(ssl);
    if (tls_check_of(ssl)->failure != TLS_FINE) {
        *alert = SSL_AD_ILLEGAL_PARAMETER;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (is_13)
        insist_on_group(ssl);
    for (size_t i = 0; i < count; i++) {
        switch (number_at(ciphers + 2 * i)) {
        case 0x1301:
            if (is_13)
                return SSL_CLIENT_HELLO_SUCCESS;
            break;
        case 0x1302:
            if (is_13)
                return SSL_set_ciphersuites(ssl, CIPHERS_13_AES256_FIRST);
            break;
        case 0x1303:
            if (is_13)
                return SSL_set_ciphersuites(ssl, CIPHERS_13_CHACHA_FIRST);
            break;
        case 0xc02b:
        case 0xc02f:
            if (!is_13)
                return SSL_CLIENT_HELLO_SUCCESS;
            break;
        case 0xcca8:
        case 0xcca9:
            if (!is_13 && !*has_own_list)
                return SSL_set_cipher_list(ssl, CIPHERS_CHACHA_FIRST);
            break;
        default:
            break;
        }
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

void tls_params_server(SSL_CTX *ssl, struct arena *arena, const struct tls_params *params)
{
    bool *has_own_list = ARENA_NEW(arena, bool);
    *has_own_list = params->ciphers.len > 0;
    set_params(ssl, params);
    long rc = SSL_CTX_set1_sigalgs_list(ssl, SIGNS);
    ASSERT(rc == 1);
    rc = SSL_CTX_set1_client_sigalgs_list(ssl, BELIEVES);
    ASSERT(rc == 1);
    SSL_CTX_set_client_hello_cb(ssl, follow_taste, has_own_list);
}

void tls_params_client(SSL_CTX *ssl, const struct tls_params *params)
{
    set_params(ssl, params);
    long rc = SSL_CTX_set1_sigalgs_list(ssl, BELIEVES);
    ASSERT(rc == 1);
    rc = SSL_CTX_set1_client_sigalgs_list(ssl, SIGNS);
    ASSERT(rc == 1);
}
