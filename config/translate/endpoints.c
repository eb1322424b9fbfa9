/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/endpoints.c - see endpoints.h.
 *
 * Source: ISTIO.md 4.5.
 */
#include "config/translate/endpoints.h"

#include "config/resource/host.h"
#include "config/resource/label.h"
#include "config/resource/service_entry.h"
#include "config/translate/authn.h"
#include "config/translate/locality.h"
#include "config/translate/scope.h"
#define TUNNEL_LABEL STR("networking.istio.io/tunnel")

/* Of a pod and of a WorkloadEntry alike. */
struct workload_facts {
    const struct label *labels;
    uint32_t label_count;
    struct str name, namespace, locality;
};

static struct workload_facts facts_of(struct translation *t, const struct service_endpoint *from)
{
    struct workload_facts out = {0};

    if (from->pod != NULL) {
        out = (struct workload_facts){
            .labels = from->pod->meta.labels,
            .label_count = from->pod->meta.label_count,
            .name = from->pod->workload,
            .namespace = from->pod->meta.namespace,
        };
    } else if (from->entry != NULL) {
        out = (struct workload_facts){
            .labels = from->entry->labels.items,
            .label_count = from->entry->labels.count,
            .name = from->entry->workload,
            .namespace = from->entry->meta.namespace,
            .locality = from->entry->locality,
        };
    }
    if (out.locality.len == 0)
        out.locality = locality_of_labels(t, out.labels, out.label_count);
    return out;
}

static struct str first_label(const struct workload_facts *facts, const struct str *names,
                              size_t name_count, struct str otherwise)
{
    for (size_t i = 0; i < name_count; i++) {
        const struct str *value = label_find(facts->labels, facts->label_count, names[i]);
        if (value != NULL && value->len > 0)
            return *value;
    }
    return otherwise;
}

/* "name;namespace;canonical name;canonical revision;cluster" */
static struct str workload_text(struct translation *t, const struct workload_facts *facts)
{
    static const struct str NAMES[] = {
        STR_INIT("service.istio.io/canonical-name"),
        STR_INIT("app.kubernetes.io/name"),
        STR_INIT("app"),
    };
    static const struct str REVISIONS[] = {
        STR_INIT("service.istio.io/canonical-revision"),
        STR_INIT("app.kubernetes.io/version"),
        STR_INIT("version"),
    };
    struct str name = first_label(facts, NAMES, COUNT_OF(NAMES), facts->name);
    struct str revision = first_label(facts, REVISIONS, COUNT_OF(REVISIONS), STR_EMPTY);

    return arena_format(&t->scratch, "%.*s;%.*s;%.*s;%.*s;Kubernetes", STR_FMT(facts->name),
                        STR_FMT(facts->namespace), STR_FMT(name), STR_FMT(revision));
}

static bool has_sidecar(const struct service_endpoint *from)
{
    if (from->pod != NULL)
        return from->pod->is_injected;
    return from->entry != NULL && from->entry->is_tls_mode_istio;
}

/* The rule's word about TLS is for all endpoints; without one each endpoint's
 * PeerAuthentication is asked. */
static bool is_mtls(struct translation *t, const struct endpoints_question *question,
                    const struct service_endpoint *from, const struct workload_facts *facts,
                    uint32_t port)
{
    enum client_tls_mode mode;

    if (!has_sidecar(from) || !t->profile->has_auto_mtls)
        return false;
    if (policy_tls_mode(question->rule, question->subset,
                        question->service->ports[question->port_index].port, &mode))
        return mode == CLIENT_TLS_ISTIO;
    struct peer_policy policy = authn_peer_policy(t->mesh, facts->namespace, facts->labels,
                                                  facts->label_count, &t->scratch);
    return authn_mode_of_port(&policy, port) != MTLS_MODE_DISABLE;
}

static void fill_endpoint(struct translation *t, const struct endpoints_question *question,
                          const struct service_endpoint *from, struct endpoint *out)
{
    struct workload_facts facts = facts_of(t, from);
    uint32_t port = from->ports[question->port_index];
    bool is_unix = str_has_prefix(from->address, STR("unix://"));
    /* Names of the world outside are not looked up, so nobody is behind them. */
    bool is_place = is_unix || host_is_ip(from->address);

    *out = (struct endpoint){
        .address = context_keep(t, from->address),
        .port = is_unix ? 0 : port,
        .weight = from->entry != NULL ? from->entry->weight : 1,
        .health = from->is_ready && is_place ? ENDPOINT_HEALTHY : ENDPOINT_UNHEALTHY,
        .has_no_status = from->entry != NULL,
        .is_absent = from->pod != NULL && from->pod->is_absent,
        .locality = locality_parse(t, facts.locality),
        .origin = context_keep_origin(t, from->origin),
    };
    if (from->pod == NULL && from->entry == NULL) {
        out->workload = STR(";;;;Kubernetes");
        return;
    }
    out->is_tls_mode_istio = is_mtls(t, question, from, &facts, port);
    out->workload = context_keep(t, workload_text(t, &facts));
    if (from->pod != NULL)
        out->pod =
            context_keep(t, arena_format(&t->scratch, "%.*s.%.*s", STR_FMT(from->pod->meta.name),
                                         STR_FMT(from->pod->meta.namespace)));
}

/* A pod that has none of the service's ports is no endpoint. */
static bool serves_something(const struct service *service, const struct service_endpoint *endpoint)
{
    for (uint32_t i = 0; i < service->port_count; i++) {
        if (endpoint->ports[i] != 0)
            return true;
    }
    return false;
}

/* Topology counts among a workload's labels. */
static bool has_labels(struct translation *t, const struct workload_facts *facts,
                       const struct label_list *wanted)
{
    for (uint32_t i = 0; i < wanted->count; i++) {
        struct str value = locality_label(t, facts->labels, facts->label_count, facts->locality,
                                          wanted->items[i].name);
        if (value.ptr == NULL || !str_eq(value, wanted->items[i].value))
            return false;
    }
    return true;
}

/* By its name nobody is found whom istiod tells of, but where the proxy looks it up. */
static bool is_told(const struct service_endpoint *from, const struct cluster *cluster)
{
    return cluster->type != CLUSTER_EDS || host_is_ip(from->address) ||
           str_has_prefix(from->address, STR("unix://"));
}

/* Where no file says on which node somebody is, all are on one. */
static struct str node_of(const struct pod *pod)
{
    return pod != NULL && pod->node.len > 0 ? pod->node : STR("node-0");
}

static bool is_near_enough(const struct translation *t, const struct service *service,
                           const struct service_endpoint *from)
{
    const struct pod *own = NULL;

    if (!service->is_node_local)
        return true;
    own = mesh_pod_find(t->mesh, t->proxy->namespace, t->proxy->name);
    return from->pod != NULL && str_eq(node_of(from->pod), node_of(own));
}

static bool is_wanted(struct translation *t, const struct endpoints_question *question,
                      const struct service_endpoint *from)
{
    const struct subset *subset = question->subset;
    const struct outlier_rule *outlier = question->parts->outlier;
    bool is_hiding_unready = outlier != NULL && outlier->min_health_percent > 0;

    if (from->ports[question->port_index] == 0 || !is_near_enough(t, question->service, from))
        return false;
    /* With a panic threshold the ones that are not ready could be chosen. */
    if (is_hiding_unready && !from->is_ready)
        return false;
    if (subset == NULL || subset->labels.count == 0)
        return true;
    if (from->pod == NULL && from->entry == NULL)
        return false;
    struct workload_facts facts = facts_of(t, from);
    return has_labels(t, &facts, &subset->labels);
}

void endpoints_translate(struct translation *t, const struct endpoints_question *question,
                         struct cluster *out)
{
    const struct service *service = question->service;
    uint32_t count = 0;

    ASSERT(question->port_index < service->port_count);
    uint32_t told_count = scope_is_untold(t, service) ? 0 : service->endpoint_count;
    struct endpoint *items = ARENA_ARRAY(t->arena, struct endpoint, told_count);
    struct locality_member *members = ARENA_ARRAY(&t->scratch, struct locality_member, told_count);
    for (uint32_t i = 0; i < told_count; i++) {
        const struct service_endpoint *from = &service->endpoints[i];
        if (!is_wanted(t, question, from) || !is_told(from, out))
            continue;
        struct workload_facts facts = facts_of(t, from);
        fill_endpoint(t, question, from, &items[count]);
        members[count] = (struct locality_member){.labels = facts.labels,
                                                  .label_count = facts.label_count,
                                                  .locality = facts.locality,
                                                  .endpoint = items[count],
                                                  .is_left_out = question->is_mtls_only &&
                                                                 !items[count].is_tls_mode_istio};
        count++;
    }
    out->endpoints = items;
    out->endpoint_count = count;
    locality_arrange(t, question->parts, question->service, members, items, out);
}

static void add_sorted(struct translation *t, struct text_list *list, struct str name)
{
    if (text_list_has(list, name))
        return;
    text_list_add(list, name, t->arena);
    for (uint32_t k = list->count - 1; k > 0; k--) {
        if (str_order(list->items[k - 1], name) <= 0)
            break;
        list->items[k] = list->items[k - 1];
        list->items[k - 1] = name;
    }
}

static void add_name(struct translation *t, struct text_list *list, struct str domain,
                     struct str namespace, struct str account)
{
    struct str name = arena_format(&t->scratch, "spiffe://%.*s/ns/%.*s/sa/%.*s", STR_FMT(domain),
                                   STR_FMT(namespace), STR_FMT(account));

    add_sorted(t, list, context_keep(t, name));
}

/* Of the mesh's trust domain and of its aliases. */
static void add_identity(struct translation *t, struct text_list *list, struct str namespace,
                         struct str account)
{
    const struct mesh_config *config = &t->mesh->config;

    add_name(t, list, config->trust_domain, namespace, account);
    for (uint32_t i = 0; i < config->trust_domain_aliases.count; i++)
        add_name(t, list, config->trust_domain_aliases.items[i], namespace, account);
}

const struct str *endpoints_identities(struct translation *t, const struct service *service,
                                       uint32_t *count)
{
    struct text_list list = {0};
    uint32_t told_count = scope_is_untold(t, service) ? 0 : service->endpoint_count;

    for (uint32_t i = 0; i < told_count; i++) {
        const struct service_endpoint *from = &service->endpoints[i];
        if (!from->is_lent && !serves_something(service, from))
            continue;
        if (from->pod != NULL)
            add_identity(t, &list, from->pod->meta.namespace, from->pod->service_account);
        else if (from->entry != NULL && from->entry->service_account.len > 0)
            add_identity(t, &list, from->entry->meta.namespace, from->entry->service_account);
    }
    for (uint32_t i = 0; service->names != NULL && i < service->names->count; i++)
        add_sorted(t, &list, context_keep(t, service->names->items[i]));
    *count = list.count;
    return list.items;
}

bool endpoints_are_injected(const struct translation *t, const struct service *service,
                            uint32_t port_index)
{
    const struct service *known = scope_indexed(t, service, &port_index);

    for (uint32_t i = 0; known != NULL && i < known->endpoint_count; i++) {
        if (scope_indexed_port(&known->endpoints[i], port_index) != 0 &&
            !has_sidecar(&known->endpoints[i]))
            return false;
    }
    return known != NULL;
}

/* networking.istio.io/tunnel: a list with commas. */
static bool takes_tunnels(struct translation *t, const struct service_endpoint *from)
{
    struct workload_facts facts = facts_of(t, from);
    const struct str *label = label_find(facts.labels, facts.label_count, TUNNEL_LABEL);
    struct str rest = label != NULL ? *label : STR_EMPTY;

    while (rest.len > 0) {
        if (str_eq(str_cut(&rest, ','), STR("http")))
            return true;
    }
    return false;
}

bool endpoints_are_tunneled(struct translation *t, const struct service *service,
                            uint32_t port_index)
{
    const struct service *known = scope_indexed(t, service, &port_index);
    uint32_t count = 0;

    for (uint32_t i = 0; known != NULL && i < known->endpoint_count; i++) {
        if (scope_indexed_port(&known->endpoints[i], port_index) == 0)
            continue;
        if (!takes_tunnels(t, &known->endpoints[i]))
            return false;
        count++;
    }
    return count > 0;
}
