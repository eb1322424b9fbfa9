/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/world_make.c - builds the world.
 *
 * Order matters: manifests but for ServiceEntries, then the roster of
 * workloads (which Deployments complete), then pods with addresses, then
 * ServiceEntries (which may name pods), then the whole mesh, then what each
 * client's proxy is told.
 *
 * Addresses: pod I of workload N is 127.1.N.(I+1), client N is 127.3.N.1, its
 * gateway 127.5.N.1; what does not fit, and everything where addresses must be
 * stable, gets one from docs/addresses.md.
 */
#include "config/derive/derive.h"
#include "testbed/world/world.h"

#include "base/check.h"
#include "testbed/world/rewrite.h"
#include "testbed/world/world_maker.h"

static bool is_service_entry(const struct node *object)
{
    return str_eq(manifest_kind(object), STR("ServiceEntry"));
}

static void make_mesh(struct maker *maker)
{
    struct world *world = maker->world;
    const struct manifests *all = &world->manifests;
    world->mesh = mesh_new(maker->arena, maker->diags);
    for (uint32_t i = 0; i < all->count; i++) {
        if (!is_service_entry(all->items[i]))
            mesh_add_document(world->mesh, all->items[i]);
    }
    mesh_set_access_log(world->mesh, &world->spec.access_log);
    mesh_skip_derived_pods(world->mesh);
    maker->roster = roster_of(&world->spec, all, world->mesh, maker->arena);
    world_make_pods(maker);
    for (uint32_t i = 0; i < all->count; i++) {
        if (is_service_entry(all->items[i]))
            mesh_add_document(world->mesh,
                              rewrite_pod_addresses(all->items[i], world, maker->arena));
    }
    for (uint32_t i = 0; i < world->pod_count; i++)
        world_declare_pod(maker, &world->pods[i]);
    mesh_complete(world->mesh);
    world_adopt_bare_pods(maker);
}

static bool is_known(const struct diag_list *list, const struct diag *diag)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct diag *other = &list->items[i];
        bool is_same = other->id == diag->id && other->origin.line == diag->origin.line &&
                       other->origin.column == diag->origin.column &&
                       str_eq(other->origin.file, diag->origin.file) &&
                       str_eq(other->path, diag->path);
        for (uint32_t j = 0; is_same && j < DIAG_ARGS_MAX; j++)
            is_same = str_eq(other->args[j], diag->args[j]);
        if (is_same)
            return true;
    }
    return false;
}

/* Two proxies are told the same of the same resource; say it once. */
static void add_new_diags(struct diag_list *to, const struct diag_list *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct diag *diag = &from->items[i];
        if (!is_known(to, diag))
            diag_add(to, diag->id, diag->origin, diag->path, diag->args[0], diag->args[1],
                     diag->args[2]);
    }
}

/* The selector's labels, then the client's own. */
static void gateway_labels(struct maker *maker, const struct world_client *client,
                           struct proxy_identity *proxy)
{
    struct label *selector = NULL;
    uint32_t selector_count = 0;
    const struct client_spec *spec = &client->spec;
    if (!mesh_gateway_selector(maker->world->mesh, spec->gateway_namespace, spec->gateway_name,
                               &selector, &selector_count)) {
        diag_add(maker->diags, DIAG_GATEWAY_ABSENT, spec->origin, STR_EMPTY,
                 spec->gateway_namespace, spec->gateway_name, STR_EMPTY);
        return;
    }
    struct label *labels =
        ARENA_ARRAY(maker->arena, struct label, selector_count + spec->label_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < selector_count; i++)
        labels[count++] = selector[i];
    for (uint32_t i = 0; i < spec->label_count; i++)
        labels[count++] = spec->labels[i];
    proxy->labels = labels;
    proxy->label_count = count;
}

static struct proxy_identity identity_of(struct maker *maker, const struct world_client *client)
{
    const struct client_spec *spec = &client->spec;
    struct proxy_identity proxy = {
        .type = spec->via == VIA_GATEWAY ? PROXY_ROUTER : PROXY_SIDECAR,
        .name = spec->name,
        .namespace = spec->namespace,
        .labels = spec->labels,
        .label_count = spec->label_count,
        .address = client->proxy_address,
        .service_account = spec->service_account,
    };
    if (proxy.service_account.len == 0)
        proxy.service_account = spec->via == VIA_GATEWAY ? STR("gateway") : STR("default");
    if (spec->via == VIA_GATEWAY) {
        gateway_labels(maker, client, &proxy);
    } else if (spec->label_count == 0) {
        struct label *app = ARENA_NEW(maker->arena, struct label);
        *app = (struct label){STR("app"), spec->name};
        proxy.labels = app;
        proxy.label_count = 1;
    }
    return proxy;
}

struct str world_gateway_home(const struct mesh *mesh, struct str namespace, struct str name)
{
    static const struct str LABELS[] = {
        STR_INIT("gateway.networking.k8s.io/gateway-name"),
        STR_INIT("ingresscontroller.operator.openshift.io/deployment-ingresscontroller")};
    struct label *selector = NULL;
    uint32_t count = 0;
    (void)mesh_gateway_selector(mesh, namespace, name, &selector, &count);
    for (uint32_t i = 0; i < count; i++) {
        for (size_t k = 0; k < COUNT_OF(LABELS); k++) {
            if (str_eq(selector[i].name, LABELS[k]))
                return namespace;
        }
    }
    return STR("istio-system");
}

static void fill_client_spec(struct maker *maker, struct client_spec *spec)
{
    if (spec->via == VIA_GATEWAY && spec->gateway_name.len == 0 &&
        mesh_gateway_count(maker->world->mesh) > 0)
        mesh_gateway_at(maker->world->mesh, 0, &spec->gateway_namespace, &spec->gateway_name);
    if (spec->gateway_namespace.len == 0)
        spec->gateway_namespace = maker->world->spec.namespace;
    if (spec->namespace.len == 0)
        spec->namespace = spec->via == VIA_GATEWAY
                              ? world_gateway_home(maker->world->mesh, spec->gateway_namespace,
                                                   spec->gateway_name)
                              : maker->world->spec.namespace;
}

/* A client that is one of the pods has that pod's address. */
static struct str stable_address(struct maker *maker, const struct client_spec *spec)
{
    struct world *world = maker->world;
    for (uint32_t i = 0; i < world->pod_count; i++) {
        if (str_eq(world->pods[i].kube_name, spec->name) &&
            str_eq(world->pods[i].namespace, spec->namespace))
            return world->pods[i].address;
    }
    return mesh_address(world->mesh, 192,
                        arena_format(maker->arena, "proxy/%.*s/%.*s", STR_FMT(spec->namespace),
                                     STR_FMT(spec->name)));
}

static void give_addresses(struct maker *maker, struct world_client *client, uint32_t index)
{
    uint32_t third = index % BYTE_MAX + 1;
    uint32_t fourth = index / BYTE_MAX + 1;
    client->address = client->spec.address;
    if (maker->world->spec.has_stable_addresses) {
        client->proxy_address = stable_address(maker, &client->spec);
        if (client->address.len == 0)
            client->address = client->proxy_address;
        return;
    }
    if (client->address.len == 0)
        client->address = arena_format(maker->arena, "127.3.%u.%u", third, fourth);
    client->proxy_address = client->spec.via == VIA_SIDECAR
                                ? client->address
                                : arena_format(maker->arena, "127.5.%u.%u", third, fourth);
}

static void translate_client(struct maker *maker, struct world_client *client)
{
    struct diag_list found;
    diag_list_init(&found, maker->arena);
    client->snapshot =
        translate_proxy(maker->world->mesh, &client->identity, maker->world->spec.profile, &found);
    add_new_diags(maker->diags, &found);
}

static void make_client(struct maker *maker, uint32_t index)
{
    struct world_client *client = &maker->world->clients[index];
    client->spec = maker->world->spec.clients[index];
    fill_client_spec(maker, &client->spec);
    give_addresses(maker, client, index);
    if (client->spec.via == VIA_NONE)
        return;
    client->identity = identity_of(maker, client);
    translate_client(maker, client);
}

/* Others like the client: a name and addresses of their own, the same snapshot. */
static void make_others(struct maker *maker, uint32_t index)
{
    struct world *world = maker->world;
    struct world_client *first = &world->clients[index];
    first->others_first = world->client_count;
    for (uint32_t nth = 1; nth < first->spec.caller_count; nth++) {
        struct world_client *other = &world->clients[world->client_count];
        *other = *first;
        other->spec.name = arena_format(maker->arena, "%.*s/%u", STR_FMT(first->spec.name), nth);
        other->spec.address = STR_EMPTY;
        give_addresses(maker, other, world->client_count++);
        if (other->snapshot != NULL)
            snapshot_hold(other->snapshot);
    }
}

static struct client_spec pod_spec_of(const struct maker *maker, const struct world_pod *pod)
{
    struct client_spec spec = {.name = pod->name,
                               .via = VIA_SIDECAR,
                               .namespace = pod->namespace,
                               .address = pod->address,
                               .caller_count = 1};
    if (pod->workload_index != UINT32_MAX) {
        const struct roster_entry *entry = &maker->roster.items[pod->workload_index];
        spec.labels = entry->labels;
        spec.label_count = entry->label_count;
        spec.service_account = entry->service_account;
        if (entry->spec != NULL) {
            spec.origin = entry->spec->origin;
            spec.fault = entry->spec->fault;
            spec.trust_domain = entry->spec->trust_domain;
            spec.versions = entry->spec->versions;
        }
        return spec;
    }
    const struct pod *resource = mesh_pod_find(maker->world->mesh, pod->namespace, pod->kube_name);
    ASSERT(resource != NULL);
    spec.labels = resource->meta.labels;
    spec.label_count = resource->meta.label_count;
    spec.service_account = resource->service_account;
    spec.origin = resource->meta.origin;
    return spec;
}

/* A pod's own proxy: it stands before the application, and what that asks others
 * goes through it. Only who asks is sure to need it; where there are EnvoyFilters,
 * each is asked what it misses. */
static void make_pod_proxy(struct maker *maker, struct world_pod *pod, bool is_asking)
{
    struct world *world = maker->world;
    struct world_client *client = &world->clients[world->client_count];
    pod->client = world->client_count++;
    *client = (struct world_client){
        .spec = pod_spec_of(maker, pod),
        .address = pod->address,
        .proxy_address = pod->address,
        .is_pods = true,
    };
    if (world->spec.has_stable_addresses)
        client->spec.name = pod->kube_name;
    client->identity = identity_of(maker, client);
    client->identity.name = pod->kube_name;
    if (is_asking || mesh_envoy_filter_count(world->mesh) > 0)
        translate_client(maker, client);
}

/* The client that is this pod. NULL: none is. */
static struct world_client *client_of_pod(struct world *world, const struct world_pod *pod)
{
    for (uint32_t i = 0; i < world->spec.client_count; i++) {
        struct world_client *client = &world->clients[i];
        if (client->spec.via != VIA_NONE && str_eq(client->spec.name, pod->kube_name) &&
            str_eq(client->spec.namespace, pod->namespace))
            return client;
    }
    return NULL;
}

/* In a mesh that stays. A gateway's proxy has no application behind it. */
static void give_proxy(struct maker *maker, struct world_pod *pod)
{
    struct world *world = maker->world;
    struct world_client *client = client_of_pod(world, pod);
    pod->is_played = pod->has_sidecar && (client == NULL || client->spec.via == VIA_SIDECAR);
    if (!pod->is_played)
        return;
    if (client == NULL) {
        make_pod_proxy(maker, pod, false);
        return;
    }
    struct client_spec spec = pod_spec_of(maker, pod);
    client->spec.fault = spec.fault;
    client->spec.trust_domain = spec.trust_domain;
    client->spec.versions = spec.versions;
    pod->client = (uint32_t)(client - world->clients);
}

static void make_pod_proxies(struct maker *maker)
{
    struct world *world = maker->world;
    for (uint32_t i = 0; i < world->pod_count; i++) {
        struct world_pod *pod = &world->pods[i];
        pod->client = UINT32_MAX;
        if (world->spec.has_stable_addresses) {
            give_proxy(maker, pod);
            continue;
        }
        bool is_asking = pod->workload_index != UINT32_MAX && behaviour_is_asking(&pod->behaviour);
        pod->is_played = pod->has_sidecar;
        world->has_asking_pods |= is_asking;
        pod->may_ask = pod->is_played || is_asking;
        if (pod->may_ask)
            make_pod_proxy(maker, pod, is_asking);
    }
}

static void make_clients(struct maker *maker)
{
    struct world *world = maker->world;
    const struct world_spec *spec = &world->spec;
    uint32_t count = spec->client_count + world->pod_count;
    for (uint32_t i = 0; i < spec->client_count; i++)
        count += spec->clients[i].caller_count;
    world->clients = ARENA_ARRAY(maker->arena, struct world_client, count);
    world->client_count = spec->client_count;
    for (uint32_t i = 0; i < spec->client_count; i++)
        make_client(maker, i);
    for (uint32_t i = 0; i < spec->client_count; i++)
        make_others(maker, i);
    make_pod_proxies(maker);
}

struct world *world_new(const struct world_spec *spec, struct arena *arena, struct diag_list *diags)
{
    struct world *world = ARENA_NEW(arena, struct world);
    struct maker maker = {.world = world, .arena = arena, .diags = diags};
    uint32_t errors_before = diags->error_count;
    world->arena = arena;
    world->authority = spec->authority != NULL ? spec->authority : authority_new(arena);
    world->spec = *spec;
    if (world->spec.namespace.len == 0)
        world->spec.namespace = STR("default");
    if (world->spec.profile == NULL)
        world->spec.profile = profile_default();
    map_init(&world->pod_by_address, arena);
    map_init(&world->pod_by_name, arena);
    world->manifests = manifests_of(&spec->documents, arena);
    make_mesh(&maker);
    make_clients(&maker);
    if (diags->error_count > errors_before) {
        world_free(world);
        return NULL;
    }
    return world;
}
