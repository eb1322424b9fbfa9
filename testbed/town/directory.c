/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/directory.c - see directory.h.
 *
 * Source: Kubernetes DNS-Based Service Discovery, and resolv.conf(5).
 */
#include "testbed/town/directory.h"

#include "base/hash.h"
#include "config/resource/mesh.h"
#include "proxy/live/address_map.h"

#define CLUSTER_DOMAIN ".svc.cluster.local"
#define POD_DOMAIN ".pod.cluster.local"
#define NDOTS 5u
#define ALIASES_MAX 8u /* of aliases that lead to aliases; a loop ends here */
#define NEAR_DISTANCE 2u
#define SHOWN_MAX 12u
#define DNS_NAME_BYTES_MAX 253u /* RFC 1035 2.3.4, without the root's dot */

struct searcher {
    const struct directory_question *asked;
    const struct mesh *mesh;
    struct arena *arena;
    uint32_t alias_count;
};

static struct guide_answer here(const struct searcher *searcher, struct str address)
{
    return (struct guide_answer){
        .verdict = GUIDE_HERE,
        .address = arena_str(searcher->arena, address),
        .port = searcher->asked->port,
    };
}

static struct guide_answer nowhere(struct str text)
{
    return (struct guide_answer){.verdict = GUIDE_NOWHERE, .status = 502, .text = text};
}

static bool is_headless(const struct service *service)
{
    return service->cluster_ip.len == 0 || str_eq(service->cluster_ip, STR("None"));
}

static const struct service_endpoint *first_ready(const struct service *service)
{
    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        if (service->endpoints[i].is_ready || service->is_publishing_not_ready)
            return &service->endpoints[i];
    }
    return NULL;
}

/* An address of 127.192.0.0/10 by the name: nobody listens there. */
static struct str address_of_outsider(const struct searcher *searcher, struct str host)
{
    uint32_t n = hash_fnv32(arena_concat(searcher->arena, STR("external/"), host)) % (64u * 65536u);
    return arena_format(searcher->arena, "127.%u.%u.%u", 192 + n / 65536, n / 256 % 256, n % 256);
}

static struct guide_answer outside(const struct searcher *searcher, struct str host,
                                   bool is_declared)
{
    if (searcher->asked->is_external_allowed)
        return (struct guide_answer){.verdict = GUIDE_OUTSIDE,
                                     .address = arena_str(searcher->arena, host),
                                     .port = searcher->asked->port};
    if (is_declared)
        return here(searcher, address_of_outsider(searcher, host));
    return (struct guide_answer){.verdict = GUIDE_NOWHERE};
}

static struct guide_answer find_absolute(struct searcher *searcher, struct str host);

static struct guide_answer at_service(struct searcher *searcher, const struct service *service)
{
    struct arena *arena = searcher->arena;
    if (service->external_name.len > 0) {
        if (searcher->alias_count++ == ALIASES_MAX)
            return nowhere(arena_format(arena, "Service %.*s/%.*s is an alias without end",
                                        STR_FMT(service->meta.namespace),
                                        STR_FMT(service->meta.name)));
        struct guide_answer inside =
            find_absolute(searcher, arena_str_lower(arena, service->external_name));
        return inside.verdict == GUIDE_NOWHERE && inside.status == 0
                   ? outside(searcher, service->external_name, true)
                   : inside;
    }
    if (!is_headless(service))
        return here(searcher, service->cluster_ip);
    const struct service_endpoint *endpoint = first_ready(service);
    if (endpoint != NULL)
        return here(searcher, endpoint->address);
    return nowhere(arena_format(
        arena,
        "Service %.*s/%.*s is headless and has no pod that is ready: its name has no address",
        STR_FMT(service->meta.namespace), STR_FMT(service->meta.name)));
}

/* POD.SERVICE.NAMESPACE: the pods of a headless service have names of their own. */
static struct guide_answer at_pod(const struct searcher *searcher, const struct service *service,
                                  struct str pod)
{
    for (uint32_t i = 0; is_headless(service) && i < service->endpoint_count; i++) {
        const struct service_endpoint *endpoint = &service->endpoints[i];
        if (endpoint->pod != NULL && str_eq(endpoint->pod->meta.name, pod))
            return here(searcher, endpoint->address);
    }
    return (struct guide_answer){.verdict = GUIDE_NOWHERE};
}

/* 10-1-2-3.NAMESPACE.pod.cluster.local is 10.1.2.3. */
static struct guide_answer at_dashed_address(const struct searcher *searcher, struct str name)
{
    struct str dotted = arena_str(searcher->arena, str_cut(&name, '.'));
    for (size_t i = 0; i < dotted.len; i++) {
        if (dotted.ptr[i] == '-')
            ((char *)(uintptr_t)dotted.ptr)[i] = '.';
    }
    if (map_get(&searcher->asked->world->pod_by_address, dotted) == MAP_NONE)
        return (struct guide_answer){.verdict = GUIDE_NOWHERE};
    return here(searcher, dotted);
}

/* A ServiceEntry's host has its address, of a subnet the first; without one it is
 * a name outside, whose HTTP is told apart by the name alone. */
static struct guide_answer at_entry(const struct searcher *searcher, struct str host)
{
    const struct service *service = mesh_entry_service(searcher->mesh, host);
    bool is_wildcard = service != NULL && !str_eq(service->host, host);
    if (service == NULL || (is_wildcard && str_has_suffix(host, STR(CLUSTER_DOMAIN))))
        return (struct guide_answer){.verdict = GUIDE_NOWHERE};
    struct str address = service->cluster_ip;
    if (address.len == 0)
        return outside(searcher, host, true);
    return here(searcher, str_cut(&address, '/'));
}

static struct guide_answer find_in_cluster(struct searcher *searcher, struct str host)
{
    const struct guide_answer unknown = {.verdict = GUIDE_NOWHERE};
    if (str_has_suffix(host, STR(POD_DOMAIN)))
        return at_dashed_address(searcher, host);
    if (!str_has_suffix(host, STR(CLUSTER_DOMAIN)))
        return unknown;
    struct str name = str_slice(host, 0, host.len - (sizeof(CLUSTER_DOMAIN) - 1));
    size_t dot = str_find_last(name, '.');
    if (dot == STR_NONE)
        return unknown;
    struct str namespace = str_from(name, dot + 1);
    name = str_slice(name, 0, dot);
    const struct service *service = mesh_service_find(searcher->mesh, namespace, name);
    if (service != NULL)
        return at_service(searcher, service);
    dot = str_find(name, '.');
    service = dot == STR_NONE
                  ? NULL
                  : mesh_service_find(searcher->mesh, namespace, str_from(name, dot + 1));
    return service != NULL ? at_pod(searcher, service, str_slice(name, 0, dot)) : unknown;
}

static uint32_t count_dots(struct str host)
{
    uint32_t count = 0;
    for (size_t i = 0; i < host.len; i++)
        count += host.ptr[i] == '.';
    return count;
}

/* GUIDE_NOWHERE without a status: nobody has this name. */
static struct guide_answer find_absolute(struct searcher *searcher, struct str host)
{
    struct guide_answer found = find_in_cluster(searcher, host);
    return found.verdict == GUIDE_NOWHERE && found.status == 0 ? at_entry(searcher, host) : found;
}

/* As resolv.conf of every pod has it. */
static struct guide_answer search(struct searcher *searcher, struct str host)
{
    struct arena *arena = searcher->arena;
    bool is_rooted = host.ptr[host.len - 1] == '.';
    if (is_rooted)
        host = str_slice(host, 0, host.len - 1);
    bool is_absolute_first = is_rooted || count_dots(host) >= NDOTS;
    struct str namespace = searcher->asked->namespace;
    const struct str names[] = {
        is_absolute_first ? host : STR_EMPTY,
        arena_format(arena, "%.*s.%.*s" CLUSTER_DOMAIN, STR_FMT(host), STR_FMT(namespace)),
        arena_format(arena, "%.*s" CLUSTER_DOMAIN, STR_FMT(host)),
        arena_format(arena, "%.*s.cluster.local", STR_FMT(host)),
        is_absolute_first ? STR_EMPTY : host,
    };
    for (size_t i = 0; i < (is_rooted ? 1u : COUNT_OF(names)); i++) {
        struct guide_answer found = find_absolute(searcher, names[i]);
        if (found.verdict != GUIDE_NOWHERE || found.status != 0)
            return found;
    }
    return (struct guide_answer){.verdict = GUIDE_NOWHERE};
}

/* Text for a person who asked for a name that is not there. */

static struct str name_seen_from(const struct searcher *searcher, const struct service *service)
{
    if (str_eq(service->meta.namespace, searcher->asked->namespace))
        return service->meta.name;
    return arena_format(searcher->arena, "%.*s.%.*s", STR_FMT(service->meta.name),
                        STR_FMT(service->meta.namespace));
}

static struct str suggestion(const struct searcher *searcher, struct str host)
{
    struct str first = host;
    first = str_cut(&first, '.');
    for (uint32_t i = 0; i < mesh_service_count(searcher->mesh); i++) {
        const struct service *service = mesh_service(searcher->mesh, i);
        if (str_edit_distance(first, service->meta.name, NEAR_DISTANCE) <= NEAR_DISTANCE)
            return arena_format(searcher->arena, "; did you mean \"%.*s\"?",
                                STR_FMT(name_seen_from(searcher, service)));
    }
    return STR_EMPTY;
}

static struct str known_services(const struct searcher *searcher)
{
    struct str text = STR_EMPTY;
    uint32_t count = mesh_service_count(searcher->mesh);
    for (uint32_t i = 0; i < count && i < SHOWN_MAX; i++) {
        const struct service *service = mesh_service(searcher->mesh, i);
        text = arena_format(searcher->arena, "%.*s%s%.*s", STR_FMT(text), i > 0 ? ", " : "",
                            STR_FMT(name_seen_from(searcher, service)));
        if (service->port_count > 0)
            text = arena_format(searcher->arena, "%.*s:%u", STR_FMT(text), service->ports[0].port);
    }
    if (count > SHOWN_MAX)
        text = arena_format(searcher->arena, "%.*s and %u more", STR_FMT(text), count - SHOWN_MAX);
    return count > 0 ? text : STR("none");
}

static struct str unknown_text(const struct searcher *searcher)
{
    struct str host = searcher->asked->host;
    return arena_format(
        searcher->arena,
        "pocketmesh: nobody is called \"%.*s\"%.*s\n\n"
        "Looked up as the DNS of a pod in namespace %.*s would:\n"
        "  %.*s.%.*s" CLUSTER_DOMAIN "\n  %.*s" CLUSTER_DOMAIN "\n  %.*s.cluster.local\n  %.*s\n\n"
        "Services that there are: %.*s.\n"
        "Names outside of the mesh are not looked up; `up --allow-external` does that.",
        STR_FMT(host), STR_FMT(suggestion(searcher, host)), STR_FMT(searcher->asked->namespace),
        STR_FMT(host), STR_FMT(searcher->asked->namespace), STR_FMT(host), STR_FMT(host),
        STR_FMT(host), STR_FMT(known_services(searcher)));
}

static bool is_known_address(const struct searcher *searcher, struct str address)
{
    if (map_get(&searcher->asked->world->pod_by_address, address) != MAP_NONE)
        return true;
    for (uint32_t i = 0; i < mesh_service_count(searcher->mesh); i++) {
        if (str_eq(mesh_service(searcher->mesh, i)->cluster_ip, address))
            return true;
    }
    return mesh_has_entry_address(searcher->mesh, address);
}

static struct guide_answer at_address(const struct searcher *searcher,
                                      const struct sockaddr_storage *place)
{
    struct str address = searcher->asked->host;
    if (address_is_loopback(place) || searcher->asked->is_external_allowed ||
        is_known_address(searcher, address))
        return here(searcher, address);
    return nowhere(arena_format(searcher->arena,
                                "pocketmesh: %.*s is no address of the mesh and not of this "
                                "machine; `up --allow-external` lets it be dialled",
                                STR_FMT(address)));
}

struct guide_answer directory_find(const struct directory_question *asked, struct arena *arena)
{
    struct searcher searcher = {.asked = asked, .mesh = asked->world->mesh, .arena = arena};
    struct sockaddr_storage place;
    if (address_parse(asked->host, asked->port, &place))
        return at_address(&searcher, &place);
    if (asked->host.len == 0 || asked->host.len > DNS_NAME_BYTES_MAX)
        return nowhere(STR("pocketmesh: that is no host's name"));
    struct str host = arena_str_lower(arena, asked->host);
    if (str_eq(host, STR("localhost")) || str_has_suffix(host, STR(".localhost")))
        return here(&searcher, STR("127.0.0.1"));
    struct guide_answer found = search(&searcher, host);
    if (found.verdict == GUIDE_NOWHERE && found.status == 0)
        found = outside(&searcher, host, false);
    return found.verdict == GUIDE_NOWHERE && found.status == 0 ? nowhere(unknown_text(&searcher))
                                                               : found;
}
