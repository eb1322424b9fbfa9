/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_backend_tls.c - BackendTLSPolicy: TLS to what a Service or
 * ServiceEntry leads to. All policies of one host are one DestinationRule, which yields
 * to what a DestinationRule of the user's says.
 *
 * Source: pilot/pkg/config/kube/gateway/backend_policies.go.
 */
#include "config/derive/gateway_api.h"

#include "config/resource/host.h"

#define INVALID_AUTHORITIES STR("invalid://")

/* One targetRef of one policy. */
struct backend_policy {
    const struct entrance *entrance;
    struct node *tls;
    struct str kind, target, host, section;
    uint32_t port; /* of the section; 0: all ports */
};

struct policy_list {
    struct backend_policy *items;
    uint32_t count, capacity;
};

static const struct field_row SPEC_ROWS[] = {
    {"targetRefs", FIELD_USED}, {"validation", FIELD_USED}, {"options", FIELD_IGNORED}};
static const struct field_row VALIDATION_ROWS[] = {{"hostname", FIELD_USED},
                                                   {"caCertificateRefs", FIELD_USED},
                                                   {"wellKnownCACertificates", FIELD_USED},
                                                   {"subjectAltNames", FIELD_USED}};

static bool is_ignored(const struct entrance *entrance)
{
    const struct str *word = label_find(entrance->meta.annotations, entrance->meta.annotation_count,
                                        STR("istio.io/ignore-policy-attachment"));

    return word != NULL && str_eq_ci(*word, STR("true"));
}

static void put_names(const struct maker *maker, const struct view *validation, struct node *tls)
{
    struct view names = view_list(validation, STR("subjectAltNames"));
    struct node *out = make_list(maker);

    for (uint32_t i = 0; i < view_count(&names); i++) {
        struct view item = view_item(&names, i);
        bool is_uri = str_eq(view_str(&item, STR("type"), STR_EMPTY), STR("URI"));
        struct str name = view_str(&item, is_uri ? STR("uri") : STR("hostname"), STR_EMPTY);
        (void)make_push(maker, out, make_text(maker, name));
    }
    if (out->count > 0)
        (void)make_put(maker, tls, STR("subjectAltNames"), out);
}

/* Empty: the system's. What cannot be used lets nobody through. */
static struct str credential_of(const struct mesh *mesh, const struct entrance *entrance,
                                const struct view *validation)
{
    struct view references = view_list(validation, STR("caCertificateRefs"));
    struct view known = view_field(validation, STR("wellKnownCACertificates"));

    if (view_is_present(&known) || view_count(&references) == 0)
        return STR_EMPTY;
    struct view first = view_item(&references, 0);
    struct api_authorities found = api_authorities_of(mesh, &first, entrance->meta.namespace);
    found.namespace = entrance->meta.namespace; /* it has no other */
    if (found.why_not == NULL && !str_eq(found.kind, STR("ConfigMap")))
        found.why_not = "istiod takes a ConfigMap only";
    if (found.why_not != NULL) {
        view_complain(&first, DIAG_API_AUTHORITIES, found.name, str_of(found.why_not));
        return INVALID_AUTHORITIES;
    }
    return arena_format(mesh->arena, "configmap://%.*s/%.*s", STR_FMT(found.namespace),
                        STR_FMT(found.name));
}

static struct node *tls_of(const struct mesh *mesh, const struct entrance *entrance,
                           const struct view *spec)
{
    struct view validation = view_map(spec, STR("validation"));
    struct maker maker = {.arena = mesh->arena, .origin = view_origin(&validation)};
    struct node *out = make_map(&maker);

    view_check_fields(&validation, VALIDATION_ROWS, COUNT_OF(VALIDATION_ROWS));
    make_put_text(&maker, out, STR("mode"), STR("SIMPLE"));
    make_put_text(&maker, out, STR("sni"), view_str(&validation, STR("hostname"), STR_EMPTY));
    put_names(&maker, &validation, out);
    make_put_text(&maker, out, STR("credentialName"), credential_of(mesh, entrance, &validation));
    return out;
}

/* --- targets ----------------------------------------------------------------------- */

static const struct service_entry *find_entry(const struct mesh *mesh, struct str namespace,
                                              struct str name)
{
    for (uint32_t i = 0; i < mesh->service_entries_count; i++) {
        const struct object_meta *meta = &mesh->service_entries[i].meta;
        if (!meta->is_replaced && str_eq(meta->name, name) && str_eq(meta->namespace, namespace))
            return &mesh->service_entries[i];
    }
    return NULL;
}

/* The number of a port by its name; 0: there is none. */
static uint32_t port_named(const struct service_port *ports, uint32_t count, struct str name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (str_eq(ports[i].name, name))
            return ports[i].port;
    }
    return 0;
}

static bool is_taken(const struct policy_list *list, const struct backend_policy *policy)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct backend_policy *other = &list->items[i];
        if (str_eq(other->kind, policy->kind) && str_eq(other->target, policy->target) &&
            str_eq(other->section, policy->section) && str_eq(other->host, policy->host) &&
            str_eq(other->entrance->meta.namespace, policy->entrance->meta.namespace))
            return true;
    }
    return false;
}

static void add_policy(const struct mesh *mesh, const struct view *target,
                       const struct backend_policy *policy, struct policy_list *out)
{
    if (is_taken(out, policy))
        view_complain(target, DIAG_API_POLICY_TARGET, policy->target,
                      STR("an older policy has this target"));
    else
        *ARENA_PUSH(mesh->arena, out->items, out->count, out->capacity) = *policy;
}

static void add_target(const struct mesh *mesh, const struct entrance *entrance,
                       const struct view *target, struct node *tls, struct policy_list *out)
{
    struct str namespace = entrance->meta.namespace;
    struct backend_policy policy = {
        .entrance = entrance,
        .tls = tls,
        .kind = view_str(target, STR("kind"), STR_EMPTY),
        .target = label_text_field(target, STR("name"), STR_EMPTY),
        .section = label_text_field(target, STR("sectionName"), STR_EMPTY),
    };
    const struct service *service = mesh_service_find(mesh, namespace, policy.target);
    const struct service_entry *entry = find_entry(mesh, namespace, policy.target);
    bool is_entry = str_eq(policy.kind, STR("ServiceEntry"));

    if (is_entry ? entry == NULL : service == NULL || !str_eq(policy.kind, STR("Service"))) {
        view_complain(target, DIAG_API_POLICY_TARGET, policy.target, STR("it is not there"));
        return;
    }
    if (policy.section.len > 0) {
        policy.port = is_entry ? port_named(entry->ports, entry->port_count, policy.section)
                               : port_named(service->ports, service->port_count, policy.section);
        if (policy.port == 0) {
            view_complain(target, DIAG_API_POLICY_TARGET, policy.target,
                          STR("it has no port of this name"));
            return;
        }
    }
    for (uint32_t i = 0; i < (is_entry ? entry->hosts.count : 1); i++) {
        policy.host = is_entry ? entry->hosts.items[i]
                               : host_of_service(policy.target, namespace, mesh->arena);
        add_policy(mesh, target, &policy, out);
    }
}

static void add_entrance(const struct mesh *mesh, const struct entrance *entrance,
                         struct policy_list *out)
{
    struct entrance_view view;
    struct view *spec = &entrance_view_init(entrance, &view)->spec;
    struct view targets = view_list(spec, STR("targetRefs"));

    view_check_fields(spec, SPEC_ROWS, COUNT_OF(SPEC_ROWS));
    if (is_ignored(entrance))
        return;
    struct node *tls = tls_of(mesh, entrance, spec);
    for (uint32_t i = 0; i < view_count(&targets); i++) {
        struct view target = view_item(&targets, i);
        add_target(mesh, entrance, &target, tls, out);
    }
}

/* --- rules ------------------------------------------------------------------------- */

static bool is_of_rule(const struct backend_policy *a, const struct backend_policy *b)
{
    return str_eq(a->kind, b->kind) && str_eq(a->target, b->target) && str_eq(a->host, b->host) &&
           str_eq(a->entrance->meta.namespace, b->entrance->meta.namespace);
}

static struct str rule_name(const struct mesh *mesh, const struct backend_policy *policy)
{
    if (str_eq(policy->kind, STR("Service")))
        return arena_format(mesh->arena, "%.*s~" API_NAME_MIDDLE, STR_FMT(policy->target));
    char *host = arena_alloc(mesh->arena, policy->host.len);
    for (size_t i = 0; i < policy->host.len; i++)
        host[i] = policy->host.ptr[i] == '.' ? '-' : policy->host.ptr[i];
    return arena_format(mesh->arena, "%.*s~%.*s~" API_NAME_MIDDLE, STR_FMT(policy->target),
                        (int)policy->host.len, host);
}

static void put_policy(const struct maker *maker, const struct backend_policy *policy,
                       struct node *out, struct node *ports)
{
    if (policy->port == 0) {
        (void)make_put(maker, out, STR("tls"), policy->tls);
        return;
    }
    struct node *item = make_push(maker, ports, make_map(maker));
    struct node *port = make_put_map(maker, item, STR("port"));
    (void)make_put(maker, port, STR("number"), make_whole(maker, policy->port));
    (void)make_put(maker, item, STR("tls"), policy->tls);
}

/* Of the policy and all later ones of its host. */
static void convert(struct mesh *mesh, const struct policy_list *list, uint32_t first)
{
    const struct backend_policy *policy = &list->items[first];
    struct maker maker = {.arena = mesh->arena, .origin = policy->entrance->meta.origin};
    struct node *made = make_map(&maker);
    struct object_meta meta = {.name = rule_name(mesh, policy),
                               .namespace = policy->entrance->meta.namespace,
                               .created_ns = INT64_MIN, /* older than every other */
                               .origin = maker.origin};

    make_put_text(&maker, made, STR("host"), policy->host);
    struct node *traffic = make_put_map(&maker, made, STR("trafficPolicy"));
    struct node *ports = make_list(&maker);
    for (uint32_t i = first; i < list->count; i++) {
        maker.origin = list->items[i].entrance->meta.origin;
        if (is_of_rule(policy, &list->items[i]))
            put_policy(&maker, &list->items[i], traffic, ports);
    }
    if (ports->count > 0)
        (void)make_put(&maker, traffic, STR("portLevelSettings"), ports);
    entrance_add_destination_rule(mesh, &meta, made)->is_of_backend_policy = true;
}

void api_backend_tls_convert(struct mesh *mesh)
{
    struct policy_list list = {0};

    /* The mesh has them by age and name. */
    for (uint32_t i = 0; i < mesh->entrances_count; i++) {
        if (mesh->entrances[i].kind == ENTRANCE_BACKEND_TLS_POLICY)
            add_entrance(mesh, &mesh->entrances[i], &list);
    }
    for (uint32_t i = 0; i < list.count; i++) {
        bool is_first = true;
        for (uint32_t k = 0; k < i; k++)
            is_first &= !is_of_rule(&list.items[k], &list.items[i]);
        if (is_first)
            convert(mesh, &list, i);
    }
}
