/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/tls.c - see tls.h.
 */
#include "config/validate/tls.h"

#include "base/check.h"
#include "config/resource/label.h"
#include "config/resource/server_tls.h"
#include "config/validate/field.h"

#define SERVER_CERTIFICATES_MAX 2u

/* What an ISTIO_MUTUAL server must not have. */
static const struct {
    struct str field, name;
    bool is_list;
} MUTUAL_EXCLUDES[] = {
    {STR_INIT("serverCertificate"), STR_INIT("server certificate"), false},
    {STR_INIT("privateKey"), STR_INIT("private key"), false},
    {STR_INIT("caCertificates"), STR_INIT("CA bundle"), false},
    {STR_INIT("tlsCertificates"), STR_INIT("tlsCertificates"), true},
    {STR_INIT("credentialName"), STR_INIT("credentialName"), false},
    {STR_INIT("credentialNames"), STR_INIT("credentialNames"), true},
};

static void insert_sorted(struct text_list *list, struct str text, struct arena *arena)
{
    if (text_list_has(list, text))
        return;
    text_list_add(list, text, arena);
    for (uint32_t i = list->count - 1; i > 0 && str_order(list->items[i], list->items[i - 1]) < 0;
         i--) {
        struct str swap = list->items[i];
        list->items[i] = list->items[i - 1];
        list->items[i - 1] = swap;
    }
}

/* "[a b]" */
static struct str listed(const struct text_list *list, struct arena *arena)
{
    struct str text = STR("[");

    for (uint32_t i = 0; i < list->count; i++)
        text = arena_format(arena, "%.*s%s%.*s", STR_FMT(text), i == 0 ? "" : " ",
                            STR_FMT(list->items[i]));
    return arena_concat(arena, text, STR("]"));
}

static void check_ciphers(const struct view *tls)
{
    struct view suites = view_field(tls, STR("cipherSuites"));
    struct arena *arena = tls->reading->arena;
    struct text_list valid = {0}, invalid = {0}, twice = {0};

    for (uint32_t i = 0; i < view_count(&suites); i++) {
        struct view item = view_item(&suites, i);
        struct str suite = field_own_text(&item);
        if (!server_tls_knows_cipher(suite))
            insert_sorted(&invalid, suite, arena);
        else if (text_list_has(&valid, suite))
            insert_sorted(&twice, suite, arena);
        else
            text_list_add(&valid, suite, arena);
    }
    if (invalid.count > 0)
        say_text(&suites, DIAG_V_CIPHERS_INVALID, listed(&invalid, arena));
    if (twice.count > 0)
        say_text(&suites, DIAG_V_CIPHERS_TWICE, listed(&twice, arena));
}

static bool has_text(const struct view *tls, struct str name)
{
    return field_text(tls, name).len > 0;
}

static void check_mutual(const struct view *tls)
{
    for (size_t i = 0; i < COUNT_OF(MUTUAL_EXCLUDES); i++) {
        struct str field = MUTUAL_EXCLUDES[i].field;
        struct view there = view_field(tls, field);
        if (MUTUAL_EXCLUDES[i].is_list ? view_count(&there) > 0 : has_text(tls, field))
            say_text(&there, DIAG_V_TLS_ISTIO_MUTUAL, MUTUAL_EXCLUDES[i].name);
    }
}

static void check_one_source(const struct view *tls)
{
    int sources =
        (has_text(tls, STR("serverCertificate")) && has_text(tls, STR("privateKey")) ? 1 : 0) +
        (has_text(tls, STR("credentialName")) ? 1 : 0) +
        (field_count(tls, STR("credentialNames")) > 0 ? 1 : 0) +
        (field_count(tls, STR("tlsCertificates")) > 0 ? 1 : 0);

    if (sources > 1)
        say(tls, DIAG_V_TLS_SOURCES);
}

static void check_certificate(const struct view *certificate, struct str prefix)
{
    if (!has_text(certificate, STR("serverCertificate")))
        say_text(certificate, DIAG_V_TLS_NO_CERTIFICATE, prefix);
    if (!has_text(certificate, STR("privateKey")))
        say_text(certificate, DIAG_V_TLS_NO_KEY, prefix);
}

/* SIMPLE, MUTUAL and OPTIONAL_MUTUAL without a credential's name. */
static void check_files(const struct view *tls, bool is_simple)
{
    struct view list = view_field(tls, STR("tlsCertificates"));
    struct str prefix = is_simple ? STR("SIMPLE TLS") : STR("MUTUAL TLS");

    if (!is_simple && !has_text(tls, STR("caCertificates")))
        say_text(tls, DIAG_V_TLS_NO_CA, prefix);
    if (view_count(&list) > SERVER_CERTIFICATES_MAX)
        say_text(&list, DIAG_V_TLS_TOO_MANY, prefix);
    if (view_count(&list) == 0)
        check_certificate(tls, prefix);
    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        check_certificate(&item, prefix);
    }
}

static void check_crl(const struct view *tls, bool is_simple)
{
    struct view crl = view_field(tls, STR("caCrl"));

    if (field_own_text(&crl).len == 0)
        return;
    if (has_text(tls, STR("credentialName")))
        say(&crl, DIAG_V_TLS_CRL_CREDENTIAL);
    if (is_simple)
        say(&crl, DIAG_V_TLS_CRL_SIMPLE);
}

static bool has_certificates(const struct view *tls)
{
    return has_text(tls, STR("caCrl")) || has_text(tls, STR("serverCertificate")) ||
           has_text(tls, STR("privateKey")) || has_text(tls, STR("caCertificates")) ||
           field_count(tls, STR("tlsCertificates")) > 0 || has_text(tls, STR("credentialName")) ||
           field_count(tls, STR("credentialNames")) > 0;
}

/* configmap://NAMESPACE/NAME, of one's own namespace. */
static void check_config_map(const struct view *tls, struct str namespace)
{
    struct view field = view_field(tls, STR("credentialName"));
    struct str name = field_own_text(&field);

    if (!str_has_prefix(name, STR("configmap://")))
        return;
    struct str rest = str_from(name, STR("configmap://").len);
    struct str first = str_cut(&rest, '/');
    struct str second = str_cut(&rest, '/'); /* what is behind is not looked at */
    const char *expected = second.ptr == NULL ? "namespace and name"
                           : first.len == 0   ? "namespace"
                           : second.len == 0  ? "name"
                                              : NULL;
    if (expected != NULL)
        view_complain(&field, DIAG_V_TLS_CONFIGMAP, name, str_of(expected));
    else if (!str_eq(first, namespace))
        say_text(&field, DIAG_V_TLS_CONFIGMAP_NAMESPACE, field_quoted(&field, namespace));
}

static void check_skip_verify(const struct view *tls, bool is_simple, bool is_mutual)
{
    bool has_ca = has_text(tls, STR("caCertificates"));
    bool has_names = field_has(tls, STR("subjectAltNames"));

    if (!field_is_true(tls, STR("insecureSkipVerify")))
        return;
    if (is_simple && (has_ca || has_names || has_text(tls, STR("credentialName"))))
        say(tls, DIAG_V_TLS_SKIP_SIMPLE);
    if (is_mutual && (has_ca || has_names))
        say(tls, DIAG_V_TLS_SKIP_MUTUAL);
}

void tls_check_server(const struct view *tls)
{
    if (!view_is_present(tls))
        return;
    struct str mode = field_choice(tls, STR("mode"), SCHEMA_ENUM_SERVER_TLS_SETTINGS_TLS_MODE);
    struct str version =
        field_choice(tls, STR("minProtocolVersion"), SCHEMA_ENUM_SERVER_TLS_SETTINGS_TLS_PROTOCOL);
    bool is_simple = str_eq(mode, STR("SIMPLE"));
    bool is_mutual = str_eq(mode, STR("MUTUAL")) || str_eq(mode, STR("OPTIONAL_MUTUAL"));

    if ((str_eq(version, STR("TLSV1_0")) || str_eq(version, STR("TLSV1_1"))) &&
        field_count(tls, STR("cipherSuites")) == 0)
        say(tls, DIAG_V_TLS_OLD);
    check_ciphers(tls);
    if (str_eq(mode, STR("ISTIO_MUTUAL"))) {
        check_mutual(tls);
        return;
    }
    if ((str_eq(mode, STR("PASSTHROUGH")) || str_eq(mode, STR("AUTO_PASSTHROUGH"))) &&
        has_certificates(tls))
        say_text(tls, DIAG_V_TLS_PASSTHROUGH, mode);
    check_one_source(tls);
    bool has_credential =
        has_text(tls, STR("credentialName")) || field_count(tls, STR("credentialNames")) > 0;
    if ((is_simple || is_mutual) && has_credential)
        return; /* the rest comes with the secret */
    if (is_simple || is_mutual)
        check_files(tls, is_simple);
    check_crl(tls, is_simple);
}

void tls_check_client(const struct view *tls, struct str namespace)
{
    if (!view_is_present(tls))
        return;
    struct str mode = field_choice(tls, STR("mode"), SCHEMA_ENUM_CLIENT_TLS_SETTINGS_TLS_MODE);
    bool is_simple = str_eq(mode, STR("SIMPLE"));
    bool is_mutual = str_eq(mode, STR("MUTUAL"));

    check_config_map(tls, namespace);
    check_skip_verify(tls, is_simple, is_mutual);
    if ((is_simple || is_mutual) && has_text(tls, STR("credentialName"))) {
        if (has_text(tls, STR("clientCertificate")) || has_text(tls, STR("caCertificates")) ||
            has_text(tls, STR("privateKey")) || has_text(tls, STR("caCrl")))
            say(tls, DIAG_V_TLS_CREDENTIAL_AND_FILES);
        return;
    }
    if (is_mutual && !has_text(tls, STR("clientCertificate")))
        say(tls, DIAG_V_TLS_CLIENT_CERTIFICATE);
    if (is_mutual && !has_text(tls, STR("privateKey")))
        say(tls, DIAG_V_TLS_CLIENT_KEY);
}
