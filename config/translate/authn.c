/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/authn.c - see authn.h.
 */
#include "config/translate/authn.h"

#include <string.h>

#include "config/resource/label.h"
#include "config/translate/service_targets.h"

#define PEER_AUTHENTICATION STR("PeerAuthentication")

/* The last two are HTTP's. */
static const struct str PROTOCOLS[] = {STR_INIT("istio-peer-exchange"), STR_INIT("h2"),
                                       STR_INIT("http/1.1")};
static const struct str CIPHERS[] = {
    STR_INIT("ECDHE-ECDSA-AES256-GCM-SHA384"),
    STR_INIT("ECDHE-RSA-AES256-GCM-SHA384"),
    STR_INIT("ECDHE-ECDSA-AES128-GCM-SHA256"),
    STR_INIT("ECDHE-RSA-AES128-GCM-SHA256"),
    STR_INIT("AES256-GCM-SHA384"),
    STR_INIT("AES128-GCM-SHA256"),
};
static const struct str WORKLOAD_CERTIFICATE[] = {STR_INIT("default")};

/* The oldest of each scope; lists are in the order of age. */
struct scopes {
    const struct peer_authentication *mesh, *namespace, *workload;
};

static void take(const struct peer_authentication **place, const struct peer_authentication *policy)
{
    if (*place == NULL)
        *place = policy;
}

static struct scopes find_scopes(const struct mesh *mesh, struct str namespace,
                                 const struct label *labels, uint32_t label_count)
{
    struct scopes out = {0};

    for (uint32_t i = 0; i < mesh->peer_authentications_count; i++) {
        const struct peer_authentication *policy = &mesh->peer_authentications[i];
        const struct label_list *selector = &policy->selector;
        bool is_root = str_eq(policy->meta.namespace, mesh->config.root_namespace);
        if (selector->count == 0 && is_root)
            take(&out.mesh, policy);
        else if (!str_eq(policy->meta.namespace, namespace) || is_root)
            continue; /* a selector has no meaning in the root namespace */
        else if (selector->count == 0)
            take(&out.namespace, policy);
        else if (label_is_subset(selector->items, selector->count, labels, label_count))
            take(&out.workload, policy);
    }
    return out;
}

const struct port_mtls *authn_strange_port(const struct mesh *mesh, const struct pod *pod,
                                           const uint32_t *ports, uint32_t port_count)
{
    struct scopes scopes =
        find_scopes(mesh, pod->meta.namespace, pod->meta.labels, pod->meta.label_count);

    for (uint32_t i = 0; scopes.workload != NULL && i < scopes.workload->port_count; i++) {
        const struct port_mtls *named = &scopes.workload->ports[i];
        bool is_there = false;
        for (uint32_t k = 0; k < port_count; k++)
            is_there |= ports[k] == named->port;
        for (uint32_t k = 0; k < pod->port_count; k++)
            is_there |= pod->ports[k].port == named->port;
        if (!is_there)
            return named;
    }
    return NULL;
}

static void inherit(struct peer_mode *mode, const struct peer_authentication *policy)
{
    if (policy != NULL && policy->mode != MTLS_MODE_UNSET)
        *mode = (struct peer_mode){.mode = policy->mode,
                                   .kind = PEER_AUTHENTICATION,
                                   .by = &policy->meta,
                                   .origin = policy->mode_origin};
}

/* Keeps them sorted. */
static void add_port(struct peer_mode *ports, uint32_t *count, struct peer_mode port)
{
    uint32_t place = (*count)++;
    for (; place > 0 && ports[place - 1].port > port.port; place--)
        ports[place] = ports[place - 1];
    ports[place] = port;
}

struct peer_policy authn_peer_policy(const struct mesh *mesh, struct str namespace,
                                     const struct label *labels, uint32_t label_count,
                                     struct arena *arena)
{
    struct scopes scopes = find_scopes(mesh, namespace, labels, label_count);
    struct peer_policy out = {.whole = {.mode = MTLS_MODE_PERMISSIVE}};

    inherit(&out.whole, scopes.mesh);
    inherit(&out.whole, scopes.namespace);
    inherit(&out.whole, scopes.workload);
    if (scopes.workload == NULL || scopes.workload->port_count == 0)
        return out;
    struct peer_mode *ports = ARENA_ARRAY(arena, struct peer_mode, scopes.workload->port_count);
    for (uint32_t i = 0; i < scopes.workload->port_count; i++) {
        const struct port_mtls *said = &scopes.workload->ports[i];
        struct peer_mode port = {.mode = said->mode,
                                 .kind = PEER_AUTHENTICATION,
                                 .by = &scopes.workload->meta,
                                 .origin = said->origin};
        if (port.mode == MTLS_MODE_UNSET)
            port = out.whole;
        port.port = said->port;
        add_port(ports, &out.port_count, port);
    }
    out.ports = ports;
    return out;
}

static bool has_port(const struct peer_policy *policy, uint32_t port)
{
    for (uint32_t i = 0; i < policy->port_count; i++) {
        if (policy->ports[i].port == port)
            return true;
    }
    return false;
}

enum mtls_mode authn_mode_of_port(const struct peer_policy *policy, uint32_t port)
{
    for (uint32_t i = 0; i < policy->port_count; i++) {
        if (policy->ports[i].port == port)
            return policy->ports[i].mode;
    }
    return policy->whole.mode;
}

/* --- Istio 1.0 -------------------------------------------------------------- */

static bool means_port(const struct authentication_target *target, const struct service_port *port)
{
    for (uint32_t i = 0; i < target->port_count; i++) {
        const struct authentication_port *said = &target->ports[i];
        if (said->number != 0 ? said->number == port->port : str_eq(said->name, port->name))
            return true;
    }
    return target->port_count == 0;
}

static bool is_targeted(const struct authentication_policy *policy, const struct service *service,
                        const struct service_port *port)
{
    if (!str_eq(policy->meta.namespace, service->meta.namespace))
        return false;
    for (uint32_t i = 0; i < policy->target_count; i++) {
        if (str_eq(policy->targets[i].name, service->meta.name) &&
            means_port(&policy->targets[i], port))
            return true;
    }
    return false;
}

static struct peer_mode old_mode(const struct authentication_policy *policy)
{
    return (struct peer_mode){.mode = policy->mode,
                              .kind = policy->is_of_mesh ? STR("MeshPolicy") : STR("Policy"),
                              .by = &policy->meta,
                              .origin = policy->meta.origin};
}

/* Without targets it is the namespace's, or the mesh's; the older one counts. */
static struct peer_mode mode_of_scope(const struct translation *t)
{
    const struct authentication_policy *of_mesh = NULL;

    for (uint32_t i = 0; i < t->mesh->authentication_policies_count; i++) {
        const struct authentication_policy *policy = &t->mesh->authentication_policies[i];
        if (policy->is_of_mesh)
            of_mesh = of_mesh == NULL ? policy : of_mesh;
        else if (policy->target_count == 0 && str_eq(policy->meta.namespace, t->proxy->namespace))
            return old_mode(policy);
    }
    return of_mesh != NULL ? old_mode(of_mesh) : (struct peer_mode){.mode = MTLS_MODE_DISABLE};
}

static const struct authentication_policy *policy_of_port(const struct translation *t,
                                                          const struct service_target *target)
{
    for (uint32_t i = 0; i < t->mesh->authentication_policies_count; i++) {
        const struct authentication_policy *policy = &t->mesh->authentication_policies[i];
        if (!policy->is_of_mesh &&
            is_targeted(policy, target->service, &target->service->ports[target->port_index]))
            return policy;
    }
    return NULL;
}

static struct peer_policy old_policy(struct translation *t)
{
    struct service_targets targets = service_targets_find(t);
    struct peer_mode *ports = ARENA_ARRAY(&t->scratch, struct peer_mode, targets.count);
    struct peer_policy out = {.whole = mode_of_scope(t), .ports = ports};

    for (uint32_t i = 0; i < targets.count; i++) {
        const struct authentication_policy *policy = policy_of_port(t, &targets.items[i]);
        uint32_t port = targets.items[i].target_port;
        if (policy == NULL || has_port(&out, port))
            continue;
        struct peer_mode mode = old_mode(policy);
        mode.port = port;
        add_port(ports, &out.port_count, mode);
    }
    return out;
}

struct peer_policy authn_own_policy(struct translation *t)
{
    const struct proxy_identity *proxy = t->proxy;
    bool is_old = t->profile->has_old_authentication;

    if (is_old && t->mesh->authentication_policies_count > 0)
        return old_policy(t);
    struct peer_policy out = authn_peer_policy(t->mesh, proxy->namespace, proxy->labels,
                                               proxy->label_count, &t->scratch);
    struct scopes scopes =
        find_scopes(t->mesh, proxy->namespace, proxy->labels, proxy->label_count);
    if (is_old && scopes.mesh == NULL && scopes.namespace == NULL && scopes.workload == NULL)
        out.whole.mode = MTLS_MODE_DISABLE;
    return out;
}

static struct str mode_word(enum mtls_mode mode)
{
    switch (mode) {
    case MTLS_MODE_UNSET:
        return STR("UNSET");
    case MTLS_MODE_DISABLE:
        return STR("DISABLE");
    case MTLS_MODE_PERMISSIVE:
        return STR("PERMISSIVE");
    case MTLS_MODE_STRICT:
        return STR("STRICT");
    }
    UNREACHABLE("mtls_mode");
}

struct tls_word authn_word(struct translation *t, const struct peer_mode *mode)
{
    struct tls_word out = {.mode = mode_word(mode->mode)};
    if (mode->by == NULL)
        return out;
    out.by = context_keep(t, arena_format(&t->scratch, "%.*s/%.*s%s%.*s", STR_FMT(mode->kind),
                                          STR_FMT(mode->by->name),
                                          mode->by->namespace.len > 0 ? "." : "",
                                          STR_FMT(mode->by->namespace)));
    out.origin = context_keep_origin(t, mode->origin);
    return out;
}

void authn_tell_modes(struct translation *t, const struct peer_policy *policy)
{
    struct inbound_mode *modes = ARENA_ARRAY(t->arena, struct inbound_mode, policy->port_count + 1);

    modes[0] = (struct inbound_mode){.word = authn_word(t, &policy->whole)};
    for (uint32_t i = 0; i < policy->port_count; i++)
        modes[i + 1] = (struct inbound_mode){.port = policy->ports[i].port,
                                             .word = authn_word(t, &policy->ports[i])};
    t->snapshot->inbound_modes = modes;
    t->snapshot->inbound_mode_count = policy->port_count + 1;
}

/* Peers of the own trust domain and of its aliases. */
static void set_peer_names(struct translation *t, struct downstream_tls *out)
{
    const struct mesh_config *config = &t->mesh->config;
    struct text_list domains = {0};

    text_list_add(&domains, config->trust_domain, &t->scratch);
    for (uint32_t i = 0; i < config->trust_domain_aliases.count; i++) {
        struct str alias = config->trust_domain_aliases.items[i];
        if (alias.len > 0 && !text_list_has(&domains, alias))
            text_list_add(&domains, alias, &t->scratch);
    }
    struct string_matcher *names = ARENA_ARRAY(t->arena, struct string_matcher, domains.count);
    for (uint32_t i = 0; i < domains.count; i++) {
        names[i].kind = STRING_PREFIX;
        names[i].value =
            context_keep(t, arena_format(&t->scratch, "spiffe://%.*s/", STR_FMT(domains.items[i])));
    }
    out->peer_names = names;
    out->peer_name_count = domains.count;
}

const struct downstream_tls *authn_inbound_tls(struct translation *t, bool is_http)
{
    const struct mesh_config *config = &t->mesh->config;
    struct downstream_tls *out = ARENA_NEW(t->arena, struct downstream_tls);

    *out = (struct downstream_tls){
        .protocols = is_http ? PROTOCOLS + 1 : PROTOCOLS,
        .protocol_count = COUNT_OF(PROTOCOLS) - (is_http ? 1 : 0),
        .certificates = WORKLOAD_CERTIFICATE,
        .certificate_count = COUNT_OF(WORKLOAD_CERTIFICATE),
        .authorities = STR("ROOTCA"),
        .has_client_certificate_word = true,
        .is_client_certificate_required = true,
        .version_min = config->is_tls13_only ? STR("TLSv1_3") : STR("TLSv1_2"),
        .version_max = STR("TLSv1_3"),
        .ciphers = CIPHERS,
        .cipher_count = COUNT_OF(CIPHERS),
    };
    if (config->ciphers.count > 0) {
        out->ciphers = context_keep_list(t, &config->ciphers);
        out->cipher_count = config->ciphers.count;
    }
    out->curves = context_keep_list(t, &config->curves);
    out->curve_count = config->curves.count;
    set_peer_names(t, out);
    return out;
}

const struct str *authn_http_protocols(uint32_t *count)
{
    *count = COUNT_OF(PROTOCOLS) - 1;
    return PROTOCOLS + 1;
}

const struct str *authn_tcp_protocols(uint32_t *count)
{
    *count = COUNT_OF(PROTOCOLS);
    return PROTOCOLS;
}
