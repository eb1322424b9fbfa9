/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/cluster_tls.c - see cluster_tls.h.
 */
#include "config/translate/cluster_tls.h"

#include "config/resource/service.h"
#include "config/resource/service_entry.h"
#include "config/translate/authn.h"
#include "config/translate/clusters.h"
#include "config/translate/endpoints.h"

#define CONFIG_MAP_PREFIX STR("configmap://")

static const struct str *keep_names(struct translation *t, const struct text_list *list)
{
    struct str *out = ARENA_ARRAY(t->arena, struct str, list->count);

    for (uint32_t i = 0; i < list->count; i++)
        out[i] = context_keep(t, list->items[i]);
    return out;
}

static struct upstream_tls *mesh_tls(struct translation *t, const struct service *service,
                                     const struct client_tls *rule, struct cluster *cluster)
{
    struct upstream_tls *out = ARENA_NEW(t->arena, struct upstream_tls);

    *out = (struct upstream_tls){
        .is_mesh = true, .certificate = STR("default"), .root = STR("ROOTCA")};
    if (rule != NULL && rule->sni.len > 0)
        out->sni = context_keep(t, rule->sni);
    else if (cluster->type != CLUSTER_DYNAMIC_DNS)
        out->sni =
            cluster_sni_name(t, cluster->service_port, cluster->subset, cluster->service_host);
    if (rule != NULL && rule->has_names) {
        out->names = keep_names(t, &rule->names);
        out->name_count = rule->names.count;
    } else if (service != NULL) {
        out->names = endpoints_identities(t, service, &out->name_count);
    }
    return out;
}

/* Secrets are a gateway's, or a workload's that the rule names. */
static bool may_fetch_credential(const struct translation *t, const struct tls_question *question)
{
    const struct client_tls *rule = question->parts->tls;

    return rule->credential_name.len == 0 || t->proxy->type != PROXY_SIDECAR ||
           question->has_selector || str_has_prefix(rule->credential_name, CONFIG_MAP_PREFIX);
}

static struct str credential(struct translation *t, struct str name, const char *suffix)
{
    if (str_eq(name, STR("invalid://")))
        return context_keep(t, name);
    if (str_find_str(name, STR("://")) != STR_NONE)
        return context_keep(t, arena_format(&t->scratch, "%.*s%s", STR_FMT(name), suffix));
    return context_keep(t, arena_format(&t->scratch, "kubernetes://%.*s%s", STR_FMT(name), suffix));
}

static void set_credential(struct translation *t, const struct client_tls *rule,
                           struct upstream_tls *out)
{
    if (rule->mode == CLIENT_TLS_MUTUAL)
        out->certificate = credential(t, rule->credential_name, "");
    if (!rule->is_not_verifying)
        out->root = credential(t, rule->credential_name, "-cacert");
}

static void set_files(struct translation *t, const struct client_tls *rule,
                      struct upstream_tls *out)
{
    struct str root = rule->ca_certificates.len > 0 ? rule->ca_certificates : STR("system");

    if (rule->mode == CLIENT_TLS_MUTUAL)
        out->certificate = context_keep(t, arena_format(&t->scratch, "file-cert:%.*s~%.*s",
                                                        STR_FMT(rule->client_certificate),
                                                        STR_FMT(rule->private_key)));
    if (rule->is_not_verifying) {
        out->has_no_validation = true;
        return;
    }
    out->root = context_keep(t, arena_format(&t->scratch, "file-root:%.*s", STR_FMT(root)));
    out->crl = context_keep(t, rule->ca_crl);
}

/* What names the request's own host gives. Where it is looked up, it is to be who
 * answers, or Envoy must be told that it need not. */
static void set_auto_names(const struct client_tls *rule, struct cluster *cluster)
{
    bool is_dynamic = cluster->type == CLUSTER_DYNAMIC_DNS;

    cluster->has_auto_sni = rule->sni.len == 0;
    cluster->has_auto_san_validation =
        !rule->is_not_verifying &&
        (is_dynamic || (cluster->has_auto_sni && rule->names.count == 0));
    cluster->has_insecure_options =
        is_dynamic && !(cluster->has_auto_sni && cluster->has_auto_san_validation);
}

/* SIMPLE and MUTUAL: TLS that somebody else ends. */
static void set_own_tls(struct translation *t, const struct tls_question *question,
                        struct cluster *cluster)
{
    const struct client_tls *rule = question->parts->tls;
    bool has_files = rule->client_certificate.len > 0 && rule->private_key.len > 0;

    if (!may_fetch_credential(t, question))
        return;
    set_auto_names(rule, cluster);
    /* Istio says so in its log, and stays with plaintext. */
    if (rule->mode == CLIENT_TLS_MUTUAL && rule->credential_name.len == 0 && !has_files)
        return;
    struct upstream_tls *out = ARENA_NEW(t->arena, struct upstream_tls);
    out->sni = context_keep(t, rule->sni);
    /* What the ServiceEntry says of its names, where the rule says nothing. */
    const struct service *service = question->service;
    bool has_entry = service != NULL && service->entry != NULL;
    if (rule->names.count == 0 && has_entry && cluster->type != CLUSTER_DYNAMIC_DNS) {
        out->names = endpoints_identities(t, service, &out->name_count);
    } else {
        out->names = keep_names(t, &rule->names);
        out->name_count = rule->names.count;
    }
    if (rule->credential_name.len > 0)
        set_credential(t, rule, out);
    else
        set_files(t, rule, out);
    out->ciphers = context_keep_list(t, &t->mesh->config.default_ciphers);
    out->cipher_count = t->mesh->config.default_ciphers.count;
    out->curves = context_keep_list(t, &t->mesh->config.default_curves);
    out->curve_count = t->mesh->config.default_curves.count;
    cluster->tls = out;
    cluster->security = UPSTREAM_TLS;
}

/* Of what is outside of the mesh nothing is believed. */
static struct tls_word external_word(struct translation *t, const struct service_entry *entry)
{
    struct str by = arena_format(&t->scratch, "ServiceEntry/%.*s.%.*s", STR_FMT(entry->meta.name),
                                 STR_FMT(entry->meta.namespace));

    return (struct tls_word){.by = context_keep(t, by),
                             .origin = context_keep_origin(t, entry->place_origin)};
}

static void set_auto_tls(struct translation *t, const struct tls_question *question,
                         struct cluster *cluster)
{
    const struct service *service = question->service;
    bool is_all_or_nothing = service_is_passthrough(service) || question->is_passthrough;

    if (service_is_external(service)) {
        if (t->profile->has_auto_mtls)
            cluster->tls_word = external_word(t, service->entry);
        return;
    }
    if (t->mesh->config.has_auto_mtls_off) {
        cluster->tls_word =
            (struct tls_word){.by = STR("MeshConfig"),
                              .origin = context_keep_origin(t, t->mesh->config.auto_mtls_origin)};
        return;
    }
    /* What a workload or port says of itself is looked at for each endpoint. */
    struct peer_mode mode =
        authn_peer_policy(t->mesh, service->meta.namespace, NULL, 0, &t->scratch).whole;
    if (mode.mode == MTLS_MODE_DISABLE) {
        cluster->tls_word = authn_word(t, &mode);
        cluster->tls_word.mode = STR_EMPTY;
        return;
    }
    cluster->defaults |= DEFAULT_MTLS;
    if (!t->profile->has_auto_mtls)
        return;
    /* Without a per-endpoint choice all endpoints need a sidecar. */
    if (is_all_or_nothing && !endpoints_are_injected(t, service, question->port_index))
        return;
    cluster->tls = mesh_tls(t, service, NULL, cluster);
    cluster->security =
        cluster->type == CLUSTER_ORIGINAL_DST ? UPSTREAM_TLS : UPSTREAM_TLS_BY_ENDPOINT;
}

static struct str mode_word(enum client_tls_mode mode)
{
    switch (mode) {
    case CLIENT_TLS_DISABLE:
        return STR("DISABLE");
    case CLIENT_TLS_SIMPLE:
        return STR("SIMPLE");
    case CLIENT_TLS_MUTUAL:
        return STR("MUTUAL");
    case CLIENT_TLS_ISTIO:
        return STR("ISTIO_MUTUAL");
    }
    UNREACHABLE("client_tls_mode");
}

/* Of several rules that were merged, the one in which it stands. */
static struct tls_word word_of(struct translation *t, const struct client_tls *rule)
{
    struct str name = rule->object; /* "DestinationRule NAMESPACE/NAME" */
    struct str kind = str_cut(&name, ' ');
    struct str namespace = str_cut(&name, '/');
    struct tls_word out = {.mode = mode_word(rule->mode),
                           .origin = context_keep_origin(t, rule->origin)};

    out.by = context_keep(t, arena_format(&t->scratch, "%.*s/%.*s.%.*s", STR_FMT(kind),
                                          STR_FMT(name), STR_FMT(namespace)));
    return out;
}

bool cluster_tls_is_own(const struct client_tls *rule)
{
    return rule != NULL && (rule->mode == CLIENT_TLS_SIMPLE || rule->mode == CLIENT_TLS_MUTUAL);
}

void cluster_tls_apply(struct translation *t, const struct tls_question *question,
                       struct cluster *cluster)
{
    const struct client_tls *rule = question->parts->tls;

    if (rule != NULL)
        cluster->tls_word = word_of(t, rule);
    if (rule == NULL) {
        set_auto_tls(t, question, cluster);
    } else if (rule->mode == CLIENT_TLS_ISTIO) {
        cluster->tls = mesh_tls(t, question->service, rule, cluster);
        cluster->security = UPSTREAM_TLS;
        if (cluster->type == CLUSTER_DYNAMIC_DNS)
            set_auto_names(rule, cluster);
    } else if (cluster_tls_is_own(rule)) {
        cluster->has_alpn_override_off = true;
        set_own_tls(t, question, cluster);
    }
    switch (question->parts->proxy_protocol) {
    case PROXY_PROTOCOL_UNSET:
        return;
    case PROXY_PROTOCOL_1:
        cluster->proxy_protocol = PROXY_PROTOCOL_V1;
        return;
    case PROXY_PROTOCOL_2:
        cluster->proxy_protocol = PROXY_PROTOCOL_V2;
        return;
    }
    UNREACHABLE("proxy_protocol_rule");
}
