/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/downstream_tls.c - see downstream_tls.h.
 */
#include "config/translate/downstream_tls.h"

#include "config/translate/authn.h"

#define AUTHORITIES_SUFFIX STR("-cacert")
#define WORKLOAD_CERTIFICATE STR("default")
#define MESH_ROOT STR("ROOTCA")

/* A name without a kind is a Secret of Kubernetes. */
static struct str secret_name(struct translation *t, struct str name)
{
    static const struct str KINDS[] = {STR_INIT("kubernetes://"), STR_INIT("kubernetes-gateway://"),
                                       STR_INIT("configmap://")};
    static const struct str BUILT_IN = STR_INIT("builtin://");
    static const struct str INVALID = STR_INIT("invalid://");

    if (str_has_prefix(name, BUILT_IN))
        return str_has_suffix(name, AUTHORITIES_SUFFIX) ? MESH_ROOT : WORKLOAD_CERTIFICATE;
    if (str_has_prefix(name, INVALID))
        return INVALID;
    for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
        if (str_has_prefix(name, KINDS[i]))
            return context_keep(t, name);
    }
    return context_keep(t, arena_concat(&t->scratch, KINDS[0], name));
}

static struct str file_secret(struct translation *t, struct str certificate, struct str key)
{
    if (certificate.len == 0 || key.len == 0)
        return WORKLOAD_CERTIFICATE;
    return context_keep(
        t, arena_format(&t->scratch, "file-cert:%.*s~%.*s", STR_FMT(certificate), STR_FMT(key)));
}

static struct str file_authorities(struct translation *t, struct str file)
{
    return file.len == 0 ? MESH_ROOT
                         : context_keep(t, arena_concat(&t->scratch, STR("file-root:"), file));
}

static bool is_checking(const struct server_tls *from)
{
    return from->mode == SERVER_TLS_MUTUAL || from->mode == SERVER_TLS_OPTIONAL_MUTUAL ||
           from->mode == SERVER_TLS_ISTIO_MUTUAL;
}

static void set_names(struct translation *t, const struct server_tls *from,
                      struct downstream_tls *out)
{
    struct string_matcher *names = ARENA_ARRAY(t->arena, struct string_matcher, from->names.count);

    for (uint32_t i = 0; i < from->names.count; i++)
        names[i] = (struct string_matcher){.kind = STRING_EXACT,
                                           .value = context_keep(t, from->names.items[i])};
    out->peer_names = names;
    out->peer_name_count = from->names.count;
}

/* Secrets by name. Of several the first also names the authorities. */
static void set_credentials(struct translation *t, const struct server_tls *from,
                            struct downstream_tls *out)
{
    const struct text_list one = {(struct str *)&from->credential_name, 1, 1};
    const struct text_list *list =
        from->credential_names.count > 0 ? &from->credential_names : &one;
    struct str *names = ARENA_ARRAY(t->arena, struct str, list->count);

    for (uint32_t i = 0; i < list->count; i++)
        names[i] = secret_name(t, list->items[i]);
    out->certificates = names;
    out->certificate_count = list->count;
    if (from->mode != SERVER_TLS_SIMPLE) {
        struct str authorities = arena_concat(&t->scratch, list->items[0], AUTHORITIES_SUFFIX);
        if (from->authorities_credential.len > 0)
            authorities = from->authorities_credential;
        out->authorities = secret_name(t, authorities);
        out->is_accepting_untrusted = from->is_not_verifying;
        out->peer_hashes = context_keep_list(t, &from->hashes);
        out->peer_hash_count = from->hashes.count;
        out->peer_key_hashes = context_keep_list(t, &from->key_hashes);
        out->peer_key_hash_count = from->key_hashes.count;
    }
    set_names(t, from, out);
}

static void set_files(struct translation *t, const struct server_tls *from,
                      struct downstream_tls *out)
{
    uint32_t count = from->more_certificates.count > 0 ? from->more_certificates.count : 1;
    struct str *names = ARENA_ARRAY(t->arena, struct str, count);

    names[0] = file_secret(t, from->certificate, from->private_key);
    for (uint32_t i = 0; i < from->more_certificates.count; i++)
        names[i] = file_secret(t, from->more_certificates.items[i], from->more_keys.items[i]);
    out->certificates = names;
    out->certificate_count = count;
    if (!is_checking(from))
        return;
    out->authorities = file_authorities(t, from->authorities);
    out->is_accepting_untrusted = from->is_not_verifying;
    out->crl = context_keep(t, from->crl);
    set_names(t, from, out);
}

static void set_workload(struct translation *t, const struct server_tls *from,
                         struct downstream_tls *out)
{
    struct str *names = ARENA_ARRAY(t->arena, struct str, 1);

    names[0] = WORKLOAD_CERTIFICATE;
    out->certificates = names;
    out->certificate_count = 1;
    out->authorities = MESH_ROOT;
    out->is_accepting_untrusted = from->is_not_verifying;
    out->crl = context_keep(t, from->crl);
    set_names(t, from, out);
}

/* Its own, else the mesh's tlsDefaults. Istio's own mode takes Envoy's. */
static void set_params(struct translation *t, const struct server_tls *from,
                       struct downstream_tls *out)
{
    const struct mesh_config *config = &t->mesh->config;
    bool is_said = from->ciphers.count > 0;
    const struct text_list *ciphers = is_said ? &from->ciphers : &config->default_ciphers;

    out->ciphers = context_keep_list(t, ciphers);
    out->cipher_count = ciphers->count;
    out->curves = context_keep_list(t, &config->default_curves);
    out->curve_count = config->default_curves.count;
    out->version_min = from->version_min.len > 0 ? from->version_min : config->default_version_min;
    out->version_max = from->version_max;
}

const struct downstream_tls *downstream_tls_translate(struct translation *t,
                                                      const struct server_tls *from, bool is_tcp)
{
    struct downstream_tls *out = ARENA_NEW(t->arena, struct downstream_tls);
    bool is_istio = from->mode == SERVER_TLS_ISTIO_MUTUAL;

    out->protocols = is_tcp && is_istio ? authn_tcp_protocols(&out->protocol_count)
                                        : authn_http_protocols(&out->protocol_count);
    out->has_client_certificate_word = true;
    out->is_client_certificate_required = is_istio || from->mode == SERVER_TLS_MUTUAL;
    if (is_istio) {
        set_workload(t, from, out);
        return out;
    }
    if (from->credential_name.len > 0 || from->credential_names.count > 0)
        set_credentials(t, from, out);
    else
        set_files(t, from, out);
    set_params(t, from, out);
    return out;
}
