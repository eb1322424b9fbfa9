/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/register.c - see register.h.
 */
#include "testbed/town/register.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/map.h"
#include "proxy/live/address_map.h"
#include "testbed/town/people.h"

#define PRIVILEGED_PORTS 1024u
#define HTTP_PORT 80u
#define HTTP_SUBSTITUTE 8080u
#define SUBSTITUTE_OFFSET 8000u
#define TRIES_MAX 200u /* of one port's substitutes */
#define PURPOSE_HOSTS_MAX 3u

struct registrar {
    const struct register_question *asked;
    struct arena *arena;
    struct registry registry;
    struct map taken; /* "address:port" of this registry */
};

static struct str place_name(const struct registrar *registrar, struct str address, uint32_t port)
{
    return arena_format(registrar->arena, "%.*s:%u", STR_FMT(address), port);
}

/* 0, or the errno with which the system refuses to listen there. */
static int probe(struct str address, uint32_t port)
{
    struct sockaddr_storage place;
    if (!address_parse(address, port, &place))
        return EINVAL;
    int fd = socket(place.ss_family, SOCK_STREAM, 0);
    if (fd < 0)
        return errno;
    /* As libuv does: a port whose last user has gone a moment ago is free. */
    const int yes = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    socklen_t size = place.ss_family == AF_INET ? (socklen_t)sizeof(struct sockaddr_in)
                                                : (socklen_t)sizeof(struct sockaddr_in6);
    bool is_free = bind(fd, (const struct sockaddr *)&place, size) == 0 && listen(fd, 1) == 0;
    int error = is_free ? 0 : errno;
    (void)close(fd);
    return error;
}

static const struct register_row *row_of_before(const struct registrar *registrar,
                                                const struct register_row *row)
{
    const struct registry *before = registrar->asked->before;
    for (uint32_t i = 0; before != NULL && i < before->count; i++) {
        const struct register_row *other = &before->rows[i];
        if (other->kind == row->kind && other->wanted_port == row->wanted_port &&
            str_eq(other->name, row->name) && str_eq(other->namespace, row->namespace) &&
            str_eq(other->address, row->address) && other->port != 0 &&
            (other->is_guarded || !other->is_foreign))
            return other;
    }
    return NULL;
}

/* The town itself listens there since before. */
static bool is_ours(const struct registrar *registrar, struct str address, uint32_t port)
{
    const struct registry *before = registrar->asked->before;
    for (uint32_t i = 0; before != NULL && i < before->count; i++) {
        if (before->rows[i].port == port && str_eq(before->rows[i].address, address))
            return true;
    }
    return false;
}

static bool take(struct registrar *registrar, struct register_row *row, uint32_t port)
{
    struct str name = place_name(registrar, row->address, port);
    if (map_get(&registrar->taken, name) != MAP_NONE || is_ours(registrar, row->address, port)) {
        row->error = EADDRINUSE;
        return false;
    }
    row->error = probe(row->address, port);
    if (row->error != 0)
        return false;
    row->port = port;
    (void)map_set(&registrar->taken, name, 0);
    return true;
}

static uint32_t first_substitute(uint32_t port)
{
    if (port == HTTP_PORT)
        return HTTP_SUBSTITUTE;
    return port < PRIVILEGED_PORTS ? SUBSTITUTE_OFFSET + port : port + 1;
}

static void find_port(struct registrar *registrar, struct register_row *row)
{
    const struct register_row *before = row_of_before(registrar, row);
    if (before != NULL) {
        row->port = before->port;
        (void)map_set(&registrar->taken, place_name(registrar, row->address, row->port), 0);
        return;
    }
    if (take(registrar, row, row->wanted_port))
        return;
    int error = row->error;
    uint32_t port = first_substitute(row->wanted_port);
    /* Another port helps against these only. */
    for (uint32_t i = 0; (error == EACCES || error == EADDRINUSE) && i < TRIES_MAX; i++) {
        if (port + i <= UINT16_MAX && take(registrar, row, port + i))
            return;
    }
    row->error = error;
}

static struct register_row *add_row(struct registrar *registrar, struct register_row row)
{
    struct registry *registry = &registrar->registry;
    struct register_row *place =
        ARENA_PUSH(registrar->arena, registry->rows, registry->count, registry->capacity);
    *place = row;
    return place;
}

static bool is_on_loopback(struct str address)
{
    struct sockaddr_storage place;
    return address_parse(address, 0, &place) && address_is_loopback(&place);
}

/* Addresses of a real cluster are not this machine's. */
static struct str address_here(const struct registrar *registrar, struct str address,
                               struct str namespace, struct str name)
{
    if (is_on_loopback(address))
        return address;
    return mesh_address(
        registrar->asked->world->mesh, 192,
        arena_format(registrar->arena, "proxy/%.*s/%.*s", STR_FMT(namespace), STR_FMT(name)));
}

/* The services that lead to this port of the pod. */
static struct str pod_purpose(const struct registrar *registrar, const struct world_pod *pod,
                              uint32_t port)
{
    const struct mesh *mesh = registrar->asked->world->mesh;
    struct str text = STR_EMPTY;
    for (uint32_t i = 0; i < mesh_service_count(mesh); i++) {
        const struct service *service = mesh_service(mesh, i);
        for (uint32_t k = 0; k < service->endpoint_count; k++) {
            const struct service_endpoint *endpoint = &service->endpoints[k];
            for (uint32_t j = 0; str_eq(endpoint->address, pod->address) && j < service->port_count;
                 j++) {
                if (endpoint->ports[j] == port)
                    text = arena_format(registrar->arena, "%.*s%s%.*s.%.*s:%u", STR_FMT(text),
                                        text.len > 0 ? ", " : "", STR_FMT(service->meta.name),
                                        STR_FMT(service->meta.namespace), service->ports[j].port);
            }
        }
    }
    return text;
}

static bool is_refusing(const struct world_pod *pod)
{
    return pod->behaviour.is_refusing || pod->behaviour.is_dropping;
}

static void add_pod(struct registrar *registrar, uint32_t index)
{
    const struct world_pod *pod = &registrar->asked->world->pods[index];
    struct str here = STR_EMPTY;
    for (uint32_t i = 0; i < pod->port_count; i++) {
        struct register_row row = {
            .kind = REGISTER_POD,
            .name = pod->kube_name,
            .namespace = pod->namespace,
            .wanted_address = pod->address,
            .wanted_port = pod->ports[i],
            .purpose = pod_purpose(registrar, pod, pod->ports[i]),
            .index = index,
            .is_foreign = pod->behaviour.listen_port != 0,
            .is_guarded = pod->is_played,
        };
        if (row.is_foreign) {
            row.inside_address = pod->behaviour.listen_address;
            row.inside_port = pod->behaviour.listen_port;
        }
        if (row.is_foreign && !row.is_guarded) {
            row.address = pod->behaviour.listen_address;
            row.port = pod->behaviour.listen_port;
            add_row(registrar, row);
            continue;
        }
        if (here.len == 0)
            here = address_here(registrar, pod->address, pod->namespace, pod->kube_name);
        row.address = here;
        /* Who drops connections refuses them here: nobody listens. */
        if (row.is_guarded || !is_refusing(pod))
            find_port(registrar, add_row(registrar, row));
    }
}

static struct register_wish *find_wish(const struct registrar *registrar,
                                       const struct world_client *client)
{
    const struct register_question *asked = registrar->asked;
    for (uint32_t i = 0; i < asked->wish_count; i++) {
        if (people_is_gateway(asked->world, client, asked->wishes[i].name))
            return &asked->wishes[i];
    }
    return NULL;
}

/* The hosts that the listener answers for. */
static struct str gateway_purpose(const struct registrar *registrar,
                                  const struct listener *listener)
{
    struct str text = STR_EMPTY;
    const struct filter_chain *chain = listener->chain_count > 0 ? &listener->chains[0] : NULL;
    if (chain == NULL || chain->kind != CHAIN_HTTP || chain->http.routes == NULL)
        return text;
    const struct route_config *routes = chain->http.routes;
    for (uint32_t i = 0; i < routes->virtual_host_count; i++) {
        if (i == PURPOSE_HOSTS_MAX)
            return arena_format(registrar->arena, "%.*s, ...", STR_FMT(text));
        if (routes->virtual_hosts[i].domain_count > 0)
            text = arena_format(registrar->arena, "%.*s%s%.*s", STR_FMT(text), i > 0 ? ", " : "",
                                STR_FMT(routes->virtual_hosts[i].domains[0]));
    }
    return text;
}

static void add_gateway(struct registrar *registrar, uint32_t index)
{
    const struct world_client *client = &registrar->asked->world->clients[index];
    struct register_wish *wish = find_wish(registrar, client);
    struct str here =
        address_here(registrar, client->proxy_address, client->spec.namespace, client->spec.name);
    if (wish != NULL)
        wish->is_fulfilled = true;
    for (uint32_t i = 0; i < client->snapshot->listener_count; i++) {
        const struct listener *listener = &client->snapshot->listeners[i];
        struct register_row *row =
            add_row(registrar, (struct register_row){
                                   .kind = REGISTER_GATEWAY,
                                   .name = client->spec.name,
                                   .namespace = client->spec.namespace,
                                   .wanted_address = client->proxy_address,
                                   .wanted_port = listener->port,
                                   .address = wish != NULL ? wish->address : here,
                                   .purpose = gateway_purpose(registrar, listener),
                                   .index = index,
                                   .listener = listener,
                               });
        bool is_wished = wish != NULL && wish->port != 0 && i == 0;
        if (!is_wished) {
            find_port(registrar, row);
            continue;
        }
        const struct register_row *before = row_of_before(registrar, row);
        if (before != NULL)
            row->port = before->port;
        else /* who names a port means that one */
            (void)take(registrar, row, wish->port);
    }
}

static void add_client(struct registrar *registrar, uint32_t index)
{
    const struct world_client *client = &registrar->asked->world->clients[index];
    struct str here =
        address_here(registrar, client->proxy_address, client->spec.namespace, client->spec.name);
    find_port(registrar, add_row(registrar, (struct register_row){
                                                .kind = REGISTER_CLIENT,
                                                .name = client->spec.name,
                                                .namespace = client->spec.namespace,
                                                .wanted_address = client->proxy_address,
                                                .wanted_port = REGISTER_PROXY_PORT,
                                                .address = here,
                                                .purpose = STR("http_proxy"),
                                                .index = index,
                                            }));
}

struct registry registry_of(const struct register_question *asked)
{
    const struct world *world = asked->world;
    struct registrar registrar = {.asked = asked, .arena = world->arena};
    map_init(&registrar.taken, world->arena);
    for (uint32_t i = 0; i < world->pod_count; i++)
        add_pod(&registrar, i);
    for (uint32_t i = 0; i < world->client_count; i++) {
        if (world->clients[i].spec.via == VIA_GATEWAY)
            add_gateway(&registrar, i);
    }
    for (uint32_t i = 0; i < world->client_count; i++) {
        if (world->clients[i].spec.via == VIA_SIDECAR && !world->clients[i].is_pods)
            add_client(&registrar, i);
    }
    return registrar.registry;
}

struct str register_kind_name(enum register_kind kind)
{
    switch (kind) {
    case REGISTER_POD:
        return STR("pod");
    case REGISTER_GATEWAY:
        return STR("gateway");
    case REGISTER_CLIENT:
        return STR("client");
    }
    UNREACHABLE("register_kind");
}
