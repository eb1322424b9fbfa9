/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/server_tls.c - see server_tls.h.
 *
 * Source: ISTIO.md 5.8, 5.9.
 */
#include "config/resource/server_tls.h"

static const struct field_row ROWS[] = {
    {"httpsRedirect", FIELD_USED},         {"mode", FIELD_USED},
    {"serverCertificate", FIELD_USED},     {"privateKey", FIELD_USED},
    {"caCertificates", FIELD_USED},        {"caCrl", FIELD_USED},
    {"credentialName", FIELD_USED},        {"credentialNames", FIELD_USED},
    {"caCertCredentialName", FIELD_USED},  {"tlsCertificates", FIELD_USED},
    {"subjectAltNames", FIELD_USED},       {"verifyCertificateSpki", FIELD_USED},
    {"verifyCertificateHash", FIELD_USED}, {"insecureSkipVerify", FIELD_USED},
    {"minProtocolVersion", FIELD_USED},    {"maxProtocolVersion", FIELD_USED},
    {"cipherSuites", FIELD_USED},
};
static const struct field_row CERTIFICATE_ROWS[] = {{"serverCertificate", FIELD_USED},
                                                    {"privateKey", FIELD_USED},
                                                    {"caCertificates", FIELD_IGNORED}};

/* Istio drops what Envoy does not know, and what is there twice. */
static struct text_list read_ciphers(const struct view *tls)
{
    struct view list = view_list(tls, STR("cipherSuites"));
    struct text_list all = text_list_read(&list);
    struct text_list out = {0};

    for (uint32_t i = 0; i < all.count; i++) {
        if (server_tls_knows_cipher(all.items[i]) && !text_list_has(&out, all.items[i]))
            text_list_add(&out, all.items[i], tls->reading->arena);
    }
    return out;
}

static struct str read_version(const struct view *tls, struct str name)
{
    static const char *const NAMES[] = {"TLS_AUTO", "TLSV1_0", "TLSV1_1",
                                        "TLSV1_2",  "TLSV1_3", NULL};
    static const struct str VERSIONS[] = {STR_INIT(""), STR_INIT("TLSv1_0"), STR_INIT("TLSv1_1"),
                                          STR_INIT("TLSv1_2"), STR_INIT("TLSv1_3")};

    return VERSIONS[view_choice(tls, name, NAMES, 0)];
}

static void read_certificates(const struct view *tls, struct server_tls *out)
{
    struct view list = view_list(tls, STR("tlsCertificates"));
    struct arena *arena = tls->reading->arena;

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        view_check_fields(&item, CERTIFICATE_ROWS, COUNT_OF(CERTIFICATE_ROWS));
        text_list_add(&out->more_certificates, view_str(&item, STR("serverCertificate"), STR_EMPTY),
                      arena);
        text_list_add(&out->more_keys, view_str(&item, STR("privateKey"), STR_EMPTY), arena);
    }
}

bool server_tls_knows_cipher(struct str text)
{
    static const struct str NAMES[] = {
        STR_INIT("ECDHE-ECDSA-AES128-GCM-SHA256"),
        STR_INIT("ECDHE-RSA-AES128-GCM-SHA256"),
        STR_INIT("ECDHE-ECDSA-AES256-GCM-SHA384"),
        STR_INIT("ECDHE-RSA-AES256-GCM-SHA384"),
        STR_INIT("ECDHE-ECDSA-CHACHA20-POLY1305"),
        STR_INIT("ECDHE-RSA-CHACHA20-POLY1305"),
        STR_INIT("ECDHE-ECDSA-AES128-SHA"),
        STR_INIT("ECDHE-RSA-AES128-SHA"),
        STR_INIT("ECDHE-ECDSA-AES256-SHA"),
        STR_INIT("ECDHE-RSA-AES256-SHA"),
        STR_INIT("AES128-GCM-SHA256"),
        STR_INIT("AES256-GCM-SHA384"),
        STR_INIT("AES128-SHA"),
        STR_INIT("AES256-SHA"),
        STR_INIT("DES-CBC3-SHA"),
        STR_INIT("ALL"),
    };

    if (text.len == 0)
        return true;
    char first = text.ptr[0];
    bool is_word = (first >= '0' && first <= '9') || (first >= 'a' && first <= 'z') ||
                   (first >= 'A' && first <= 'Z');
    if (!is_word)
        return true; /* an operator of the cipher language */
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        if (str_eq(NAMES[i], text))
            return true;
    }
    return false;
}

bool server_tls_is_passthrough(const struct server_tls *tls)
{
    return tls->mode == SERVER_TLS_PASSTHROUGH || tls->mode == SERVER_TLS_AUTO_PASSTHROUGH;
}

static const char *const MODES[] = {"PASSTHROUGH",  "SIMPLE",          "MUTUAL", "AUTO_PASSTHROUGH",
                                    "ISTIO_MUTUAL", "OPTIONAL_MUTUAL", NULL};

struct str server_tls_mode_name(enum server_tls_mode mode)
{
    return str_of(MODES[mode]);
}

const struct server_tls *server_tls_read(const struct view *tls)
{
    struct view names = view_list(tls, STR("subjectAltNames"));
    struct view credentials = view_list(tls, STR("credentialNames"));
    struct view hashes = view_list(tls, STR("verifyCertificateHash"));
    struct view key_hashes = view_list(tls, STR("verifyCertificateSpki"));
    struct view crl = view_field(tls, STR("caCrl"));

    if (!view_is_present(tls))
        return NULL;
    view_check_fields(tls, ROWS, COUNT_OF(ROWS));
    struct server_tls *out = ARENA_NEW(tls->reading->arena, struct server_tls);
    *out = (struct server_tls){
        .mode = (enum server_tls_mode)view_choice(tls, STR("mode"), MODES, 0),
        .is_redirecting_to_https = view_bool(tls, STR("httpsRedirect"), false),
        .certificate = view_str(tls, STR("serverCertificate"), STR_EMPTY),
        .private_key = view_str(tls, STR("privateKey"), STR_EMPTY),
        .authorities = view_str(tls, STR("caCertificates"), STR_EMPTY),
        .credential_name = view_str(tls, STR("credentialName"), STR_EMPTY),
        .authorities_credential = view_str(tls, STR("caCertCredentialName"), STR_EMPTY),
        .credential_names = text_list_read(&credentials),
        .names = text_list_read(&names),
        .hashes = text_list_read(&hashes),
        .key_hashes = text_list_read(&key_hashes),
        .crl = view_str(tls, STR("caCrl"), STR_EMPTY),
        .ciphers = read_ciphers(tls),
        .is_not_verifying = view_bool(tls, STR("insecureSkipVerify"), false),
        .version_min = read_version(tls, STR("minProtocolVersion")),
        .version_max = read_version(tls, STR("maxProtocolVersion")),
        .origin = view_origin(tls),
    };
    if (out->crl.len > 0)
        view_complain(&crl, DIAG_NOT_ACTED_ON, STR("caCrl"), STR_EMPTY);
    read_certificates(tls, out);
    return out;
}
