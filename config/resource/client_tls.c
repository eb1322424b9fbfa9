/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/client_tls.c - tls of a policy.
 *
 * Source: ISTIO.md 3.7.
 */
#include "config/resource/destination_rule.h"

static const struct field_row TLS_ROWS[] = {
    {"mode", FIELD_USED},
    {"clientCertificate", FIELD_USED},
    {"privateKey", FIELD_USED},
    {"caCertificates", FIELD_USED},
    {"credentialName", FIELD_USED},
    {"subjectAltNames", FIELD_USED},
    {"sni", FIELD_USED},
    {"insecureSkipVerify", FIELD_USED},
    {"caCrl", FIELD_USED},
};

const struct client_tls *client_tls_read(const struct view *policy)
{
    static const char *const MODES[] = {"DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL", NULL};
    static const enum client_tls_mode MEANINGS[] = {CLIENT_TLS_DISABLE, CLIENT_TLS_SIMPLE,
                                                    CLIENT_TLS_MUTUAL, CLIENT_TLS_ISTIO};
    struct view view = view_map(policy, STR("tls"));

    if (!view_is_present(&view))
        return NULL;
    view_check_fields(&view, TLS_ROWS, COUNT_OF(TLS_ROWS));
    struct client_tls *out = ARENA_NEW(policy->reading->arena, struct client_tls);
    struct view names = view_list(&view, STR("subjectAltNames"));
    out->object = view.reading->object;
    out->origin = view_origin(&view);
    out->mode = MEANINGS[view_choice(&view, STR("mode"), MODES, 0)];
    out->client_certificate = view_str(&view, STR("clientCertificate"), STR_EMPTY);
    out->private_key = view_str(&view, STR("privateKey"), STR_EMPTY);
    out->ca_certificates = view_str(&view, STR("caCertificates"), STR_EMPTY);
    out->ca_crl = view_str(&view, STR("caCrl"), STR_EMPTY);
    struct view crl = view_field(&view, STR("caCrl"));
    if (out->ca_crl.len > 0)
        view_complain(&crl, DIAG_NOT_ACTED_ON, STR("caCrl"), STR_EMPTY);
    out->credential_name = view_str(&view, STR("credentialName"), STR_EMPTY);
    out->has_names = view_count(&names) > 0;
    out->names = text_list_read(&names);
    out->sni = view_str(&view, STR("sni"), STR_EMPTY);
    out->is_not_verifying = view_bool(&view, STR("insecureSkipVerify"), false);
    return out;
}
