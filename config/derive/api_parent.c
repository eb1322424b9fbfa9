/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/api_parent.c - which parents of a route take it: the parentRefs
 * of HTTPRoute, GRPCRoute, TLSRoute and TCPRoute.
 */
#include "config/derive/gateway_api.h"

#include "config/resource/host.h"

#define MESH_NAME STR("mesh")

/* One parentRef. */
struct parent_reference {
    struct view view;
    struct str group, kind, name, namespace, section;
    uint32_t port;
};

static const struct api_parent MESH_PARENT = {
    .internal_name = STR_INIT("mesh"),
    .allowed = (1u << ENTRANCE_HTTP_ROUTE) | (1u << ENTRANCE_GRPC_ROUTE) |
               (1u << ENTRANCE_TCP_ROUTE) | (1u << ENTRANCE_TLS_ROUTE),
};

static const struct field_row ROWS[] = {{"group", FIELD_USED},       {"kind", FIELD_USED},
                                        {"name", FIELD_USED},        {"namespace", FIELD_USED},
                                        {"sectionName", FIELD_USED}, {"port", FIELD_USED}};

static struct parent_reference read_reference(const struct api_route *route,
                                              const struct view *view)
{
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    return (struct parent_reference){
        .view = *view,
        .group = view_str(view, STR("group"), API_GROUP),
        .kind = view_str(view, STR("kind"), STR("Gateway")),
        .name = label_text_field(view, STR("name"), STR_EMPTY),
        .namespace = label_text_field(view, STR("namespace"), route->entrance->meta.namespace),
        .section = label_text_field(view, STR("sectionName"), STR_EMPTY),
        .port = (uint32_t)view_i64(view, STR("port"), 0, 65535, 0),
    };
}

/* "ns/host": does a route in `namespace` with `hostname` fit? */
static bool fits_host(struct str parent_host, struct str namespace, struct str hostname,
                      bool *is_host_fitting)
{
    struct str rest = parent_host;
    struct str allowed = str_cut(&rest, '/');

    if (!host_matches(rest, hostname))
        return false;
    *is_host_fitting = true;
    return str_eq(allowed, STR("*")) || str_eq(allowed, namespace);
}

/* NULL: it does; else why not. */
static const char *why_not_by_host(const struct api_route *route, const struct api_parent *parent)
{
    struct view hostnames = view_list(&route->view.spec, STR("hostnames"));
    uint32_t count = view_count(&hostnames);
    bool is_host_fitting = false;

    for (uint32_t i = 0; i < (count > 0 ? count : 1); i++) {
        struct str hostname = STR("*");
        if (count > 0) {
            struct view item = view_item(&hostnames, i);
            hostname = view_own_str(&item, STR_EMPTY);
        }
        for (uint32_t k = 0; k < parent->hosts.count; k++) {
            if (fits_host(parent->hosts.items[k], route->entrance->meta.namespace, hostname,
                          &is_host_fitting))
                return NULL;
        }
    }
    return is_host_fitting ? "its allowedRoutes do not let this namespace attach"
                           : "its hostname goes together with none of the route's";
}

static const char *why_not(const struct api_route *route, const struct parent_reference *reference,
                           const struct api_parent *parent)
{
    if (reference->port != 0 && reference->port != parent->port)
        return "it has another port";
    if (reference->section.len > 0 && !str_eq(reference->section, parent->section))
        return "it has another name";
    if (parent->hosts.count > 0) {
        const char *why = why_not_by_host(route, parent);
        if (why != NULL)
            return why;
    }
    if ((parent->allowed & (1u << route->entrance->kind)) == 0)
        return "it does not take routes of this kind";
    return NULL;
}

/* group/kind/name/section/port.namespace, by which istiod sorts. */
static struct str order_of(struct arena *arena, const struct parent_reference *reference)
{
    return arena_format(arena, "%.*s/%.*s/%.*s/%.*s/%u.%.*s", STR_FMT(reference->group),
                        STR_FMT(reference->kind), STR_FMT(reference->name),
                        STR_FMT(reference->section), reference->port,
                        STR_FMT(reference->namespace));
}

/* By the Gateway's name; of one Gateway as istiod sorts parentRefs. */
static void insert(const struct api_route *route, struct api_reference_list *list,
                   const struct api_reference *added)
{
    uint32_t place = list->count;

    *ARENA_PUSH(route->api->mesh->arena, list->items, list->count, list->capacity) = *added;
    for (; place > 0; place--) {
        const struct api_reference *before = &list->items[place - 1];
        int order = str_order(before->parent->internal_name, added->parent->internal_name);
        if (order < 0 || (order == 0 && str_order(before->order, added->order) <= 0))
            break;
        list->items[place] = *before;
    }
    list->items[place] = *added;
}

static void add_listeners(struct api_route *route, const struct parent_reference *reference,
                          enum entrance_kind kind, struct api_reference_list *out)
{
    const struct gateway_api *api = route->api;
    const char *why = kind == ENTRANCE_API_GATEWAY
                          ? "there is no such Gateway with a listener of Istio's"
                          : "there is no such ListenerSet with a listener of Istio's";
    bool is_taken = false;

    for (uint32_t i = 0; i < api->parent_count; i++) {
        const struct api_parent *parent = &api->parents[i];
        if (parent->kind != kind || !str_eq(parent->name, reference->name) ||
            !str_eq(parent->namespace, reference->namespace))
            continue;
        const char *refused = why_not(route, reference, parent);
        if (refused != NULL) {
            why = refused;
            continue;
        }
        struct api_reference added = {.parent = parent,
                                      .order = order_of(api->mesh->arena, reference)};
        insert(route, out, &added);
        is_taken = true;
    }
    if (!is_taken)
        view_complain(&reference->view, DIAG_API_PARENT_REFUSED, reference->name, str_of(why));
}

static void add_service(struct api_route *route, const struct parent_reference *reference,
                        struct api_reference_list *out)
{
    struct mesh *mesh = route->api->mesh;
    struct str host = host_of_service(reference->name, reference->namespace, mesh->arena);

    if (mesh_service_find(mesh, reference->namespace, reference->name) == NULL) {
        view_complain(&reference->view, DIAG_API_PARENT_REFUSED, host,
                      STR("there is no such Service"));
        return;
    }
    struct api_reference added = {.parent = &MESH_PARENT,
                                  .service_host = host,
                                  .service_namespace = reference->namespace,
                                  .port = reference->port,
                                  .order = order_of(mesh->arena, reference)};
    insert(route, out, &added);
}

static void add_service_entry(struct api_route *route, const struct parent_reference *reference,
                              struct api_reference_list *out)
{
    struct mesh *mesh = route->api->mesh;

    for (uint32_t i = 0; i < mesh->service_entries_count; i++) {
        const struct service_entry *entry = &mesh->service_entries[i];
        if (entry->meta.is_replaced || !str_eq(entry->meta.name, reference->name) ||
            !str_eq(entry->meta.namespace, reference->namespace))
            continue;
        for (uint32_t k = 0; k < entry->hosts.count; k++) {
            struct api_reference added = {.parent = &MESH_PARENT,
                                          .service_host = entry->hosts.items[k],
                                          .service_namespace = reference->namespace,
                                          .port = reference->port,
                                          .order = order_of(mesh->arena, reference)};
            insert(route, out, &added);
        }
        return;
    }
    view_complain(&reference->view, DIAG_API_PARENT_REFUSED, reference->name,
                  STR("there is no such ServiceEntry"));
}

struct api_reference_list api_references_of(struct api_route *route)
{
    struct api_reference_list out = {0};
    struct view list = view_list(&route->view.spec, STR("parentRefs"));

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct parent_reference reference = read_reference(route, &item);
        bool is_core = reference.group.len == 0;
        if (str_eq(reference.group, API_GROUP) && str_eq(reference.kind, STR("Gateway")))
            add_listeners(route, &reference, ENTRANCE_API_GATEWAY, &out);
        else if (str_eq(reference.group, API_GROUP) && str_eq(reference.kind, STR("ListenerSet")))
            add_listeners(route, &reference, ENTRANCE_LISTENER_SET, &out);
        else if (is_core && str_eq(reference.kind, STR("Service")))
            add_service(route, &reference, &out);
        else if (str_eq(reference.group, STR("networking.istio.io")) &&
                 str_eq(reference.kind, STR("ServiceEntry")))
            add_service_entry(route, &reference, &out);
        else
            view_complain(&item, DIAG_API_PARENT_KIND, reference.kind, STR_EMPTY);
    }
    return out;
}

bool api_is_isolated(const struct gateway_api *api, const struct api_parent *parent,
                     struct str host)
{
    struct str own = parent->hostname;

    if (str_eq(parent->internal_name, MESH_NAME))
        return false;
    if (own.len > 0 && !host_is_wildcard(own))
        return false;
    if (own.len > 0 && !host_matches(host, own))
        return true;
    for (uint32_t i = 0; i < api->parent_count; i++) {
        const struct api_parent *other = &api->parents[i];
        if (other == parent || other->kind != parent->kind || !str_eq(other->name, parent->name) ||
            !str_eq(other->namespace, parent->namespace))
            continue;
        if (other->port != parent->port || !str_eq(other->protocol, parent->protocol))
            continue;
        /* A longer name of ours is the more exact one. */
        if (str_eq(other->hostname, own) || own.len > other->hostname.len)
            continue;
        if (host_is_within(host, other->hostname))
            return true;
    }
    return false;
}
