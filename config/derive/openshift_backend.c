/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/openshift_backend.c - see openshift_backend.h.
 */
#include "config/derive/openshift_backend.h"

#include "config/derive/convert.h"
#include "config/resource/host.h"

struct openshift_backend {
    struct str namespace, service;
    struct text_list routes; /* that encrypt again */
};

static struct openshift_backend *backend_of(struct openshift_backends *all, struct str namespace,
                                            struct str service)
{
    for (uint32_t i = 0; i < all->count; i++) {
        struct openshift_backend *known = &all->items[i];
        if (str_eq(known->namespace, namespace) && str_eq(known->service, service))
            return known;
    }
    struct openshift_backend *added =
        ARENA_PUSH(all->mesh->arena, all->items, all->count, all->capacity);
    *added = (struct openshift_backend){.namespace = namespace, .service = service};
    return added;
}

/* What the Secret of a Route would be called (testbed/world/secrets.h). */
static struct str credential(struct arena *arena, struct str namespace, struct str route)
{
    return arena_format(arena, "route-%.*s-%.*s", STR_FMT(namespace), STR_FMT(route));
}

struct str openshift_backend_note(struct openshift_backends *all, struct str namespace,
                                  struct str service, struct str route)
{
    struct openshift_backend *backend = backend_of(all, namespace, service);
    if (route.len == 0)
        return STR_EMPTY;
    bool is_known = false;
    for (uint32_t i = 0; i < backend->routes.count; i++)
        is_known = is_known || str_eq(backend->routes.items[i], route);
    if (!is_known)
        text_list_add(&backend->routes, route, all->mesh->arena);
    return credential(all->mesh->arena, namespace, route);
}

static void put_subset(const struct maker *maker, const struct openshift_backend *backend,
                       struct str route, struct node *subsets)
{
    struct str name = credential(maker->arena, backend->namespace, route);
    struct node *subset = make_push(maker, subsets, make_map(maker));
    make_put_text(maker, subset, STR("name"), name);
    struct node *policy = make_put_map(maker, subset, STR("trafficPolicy"));
    struct node *tls = make_put_map(maker, policy, STR("tls"));
    make_put_text(maker, tls, STR("mode"), STR("SIMPLE"));
    make_put_text(maker, tls, STR("credentialName"),
                  arena_concat(maker->arena, name, STR("-destination")));
    /* verifyhost of the router's template. */
    struct node *names = make_put_list(maker, tls, STR("subjectAltNames"));
    (void)make_push(
        maker, names,
        make_text(maker, arena_format(maker->arena, "%.*s.%.*s.svc", STR_FMT(backend->service),
                                      STR_FMT(backend->namespace))));
}

void openshift_backends_convert(const struct openshift_backends *all, struct str namespace,
                                struct origin origin)
{
    struct mesh *mesh = all->mesh;
    struct maker maker = {.arena = mesh->arena, .origin = origin};
    for (uint32_t i = 0; i < all->count; i++) {
        const struct openshift_backend *backend = &all->items[i];
        struct object_meta meta = {.name = arena_format(mesh->arena, "router-default~%.*s.%.*s",
                                                        STR_FMT(backend->service),
                                                        STR_FMT(backend->namespace)),
                                   .namespace = namespace,
                                   .origin = origin};
        struct node *made = make_map(&maker);
        make_put_text(&maker, made, STR("host"),
                      host_of_service(backend->service, backend->namespace, mesh->arena));
        struct node *seen = make_put_list(&maker, made, STR("exportTo"));
        (void)make_push(&maker, seen, make_text(&maker, STR(".")));
        struct node *policy = make_put_map(&maker, made, STR("trafficPolicy"));
        struct node *tls = make_put_map(&maker, policy, STR("tls"));
        make_put_text(&maker, tls, STR("mode"), STR("DISABLE"));
        struct node *subsets = make_put_list(&maker, made, STR("subsets"));
        for (uint32_t k = 0; k < backend->routes.count; k++)
            put_subset(&maker, backend, backend->routes.items[k], subsets);
        (void)entrance_add_destination_rule(mesh, &meta, made);
    }
}
