/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/service_entry.c - ServiceEntries become services, one
 * for each host and address; endpoints of one namespace and host are one set,
 * whoever declared them, and so are its names.
 *
 * Source: ISTIO.md 1.7, 7.1.
 */
#include "config/derive/service_entry.h"

#include "config/derive/auto_address.h"
#include "config/resource/host.h"
#include "config/resource/mesh_types.h"
#include "config/resource/meta.h"
#include "config/resource/service.h"

#define UNIX_PREFIX STR("unix://")

/* "10.0.0.1/32" is an address, other CIDRs stay what they are. */
static struct str address_of(struct str written)
{
    size_t slash = str_find(written, '/');

    if (slash == STR_NONE)
        return written;
    bool is_ipv6 = str_find(written, ':') != STR_NONE;
    struct str bits = str_from(written, slash + 1);
    if (str_eq(bits, is_ipv6 ? STR("128") : STR("32")))
        return str_slice(written, 0, slash);
    return written;
}

static struct service *add_service(struct mesh *mesh, const struct service_entry *entry,
                                   struct str host, struct str address)
{
    struct service *service = ARENA_PUSH(mesh->arena, mesh->entry_services,
                                         mesh->entry_services_count, mesh->entry_services_capacity);

    *service = (struct service){
        .meta = entry->meta,
        .host = host,
        .ports = entry->ports,
        .port_count = entry->port_count,
        .cluster_ip = address,
        .type = STR("ServiceEntry"),
        .entry = entry,
        .resolution = entry->resolution,
    };
    service->meta.name = host;
    return service;
}

static struct service_endpoint *push_endpoint(struct mesh *mesh, struct service *service,
                                              struct str address, struct origin origin)
{
    struct service_endpoint *endpoint = ARENA_PUSH(
        mesh->arena, service->endpoints, service->endpoint_count, service->endpoint_capacity);

    *endpoint = (struct service_endpoint){
        .address = address,
        .ports = ARENA_ARRAY(mesh->arena, uint32_t, service->port_count),
        .is_ready = true,
        .origin = origin,
    };
    return endpoint;
}

static uint32_t own_target(const struct service_port *port)
{
    return port->target_port != 0 ? port->target_port : port->port;
}

/* The entry's own word for a port, else the service's. */
static uint32_t port_of(const struct workload_entry *entry, const struct service_port *port)
{
    for (uint32_t i = 0; i < entry->port_count; i++) {
        if (entry->ports[i].port != 0 && str_eq(entry->ports[i].name, port->name))
            return entry->ports[i].port;
    }
    return own_target(port);
}

static void add_entry(struct mesh *mesh, struct service *service,
                      const struct workload_entry *entry)
{
    struct service_endpoint *endpoint =
        push_endpoint(mesh, service, entry->address, entry->meta.origin);

    endpoint->entry = entry;
    for (uint32_t i = 0; i < service->port_count; i++)
        endpoint->ports[i] = port_of(entry, &service->ports[i]);
}

static bool is_dns(const struct service *service)
{
    return service->resolution == RESOLUTION_DNS ||
           service->resolution == RESOLUTION_DNS_ROUND_ROBIN;
}

/* Names and sockets can be nobody's endpoint but that of a DNS service. */
static bool is_selectable(const struct workload_entry *entry, const struct service *service)
{
    return is_dns(service) || host_is_ip(entry->address);
}

static bool is_selected(const struct service *service, const struct label *selector,
                        uint32_t selector_count, const struct workload_entry *entry)
{
    return str_eq(entry->meta.namespace, service->meta.namespace) &&
           label_is_subset(selector, selector_count, entry->labels.items, entry->labels.count) &&
           is_selectable(entry, service);
}

/* WorkloadEntries and pods alike. */
static void select_workloads(struct mesh *mesh, struct service *service)
{
    const struct label_list *selector = &service->entry->selector;

    for (uint32_t i = 0; i < mesh->pods_count; i++) {
        const struct pod *pod = &mesh->pods[i];
        if (pod->is_over || !str_eq(pod->meta.namespace, service->meta.namespace) ||
            !label_is_subset(selector->items, selector->count, pod->meta.labels,
                             pod->meta.label_count))
            continue;
        struct service_endpoint *endpoint =
            push_endpoint(mesh, service, pod->address, pod->meta.origin);
        endpoint->pod = pod;
        endpoint->is_ready = pod->is_ready;
        for (uint32_t k = 0; k < service->port_count; k++)
            endpoint->ports[k] = own_target(&service->ports[k]);
    }
    for (uint32_t i = 0; i < mesh->workload_entries_count; i++) {
        if (is_selected(service, selector->items, selector->count, &mesh->workload_entries[i]))
            add_entry(mesh, service, &mesh->workload_entries[i]);
    }
}

/* Without endpoints a DNS service is looked up by its own name. */
static void add_own_name(struct mesh *mesh, struct service *service)
{
    struct workload_entry *entry = ARENA_NEW(mesh->arena, struct workload_entry);

    *entry = (struct workload_entry){
        .meta = service->entry->meta,
        .address = service->host,
        .workload = service->entry->meta.name,
        .weight = 1,
    };
    add_entry(mesh, service, entry);
}

static void find_endpoints(struct mesh *mesh, struct service *service)
{
    const struct service_entry *entry = service->entry;

    if (entry->has_selector) {
        select_workloads(mesh, service);
    } else if (entry->endpoint_count == 0 && is_dns(service)) {
        add_own_name(mesh, service);
    } else {
        for (uint32_t i = 0; i < entry->endpoint_count; i++)
            add_entry(mesh, service, &entry->endpoints[i]);
    }
}

/* Each address of a host is a service of its own to istiod, and their endpoints are
 * one set: it has each once for each address. */
static void find_all_endpoints(struct mesh *mesh, struct service *service)
{
    uint32_t address_count = service->entry->addresses.count;

    find_endpoints(mesh, service);
    for (uint32_t i = 1; i < address_count; i++)
        find_endpoints(mesh, service);
}

/* The port of a WorkloadEntry that a Service leads to: a name must be one of the
 * entry's, a number yields to the entry's port of the Service's own name. */
static uint32_t service_port_of(const struct workload_entry *entry, const struct service_port *port)
{
    bool is_named = port->target_port == 0;
    struct str name = is_named ? port->target_port_name : port->name;

    for (uint32_t i = 0; i < entry->port_count; i++) {
        if (entry->ports[i].port != 0 && str_eq(entry->ports[i].name, name))
            return entry->ports[i].port;
    }
    return is_named ? 0 : port->target_port;
}

static void add_to_service(struct mesh *mesh, struct service *service,
                           const struct workload_entry *entry)
{
    struct service_endpoint *endpoint =
        push_endpoint(mesh, service, entry->address, entry->meta.origin);

    endpoint->entry = entry;
    for (uint32_t i = 0; i < service->port_count; i++)
        endpoint->ports[i] = service_port_of(entry, &service->ports[i]);
}

/* WorkloadEntries that a Kubernetes Service selects; a headless one has pods only. */
static void add_to_services(struct mesh *mesh)
{
    for (uint32_t i = 0; i < mesh->services_count && mesh->workload_entries_count > 0; i++) {
        struct service *service = &mesh->services[i];
        if (service->selector_count == 0 || service_is_headless(service))
            continue;
        for (uint32_t k = 0; k < mesh->workload_entries_count; k++) {
            const struct workload_entry *entry = &mesh->workload_entries[k];
            if (is_selected(service, service->selector, service->selector_count, entry))
                add_to_service(mesh, service, entry);
        }
    }
}

/* --- one set of endpoints ------------------------------------------------- */

/* The port of an endpoint of `from` that is `wanted` of `to`: of the same name,
 * but DNS clusters know the ports of ServiceEntries by their numbers. */
static uint32_t lent_port(const struct service *from, const struct service_endpoint *endpoint,
                          const struct service_port *wanted, bool is_by_number)
{
    for (uint32_t i = 0; i < from->port_count; i++) {
        const struct service_port *port = &from->ports[i];
        if (is_by_number ? port->port == wanted->port : str_eq(port->name, wanted->name))
            return endpoint->ports[i];
    }
    return 0;
}

static bool is_same(const struct service *a, const struct service *b)
{
    return a != b && str_eq(a->host, b->host) && str_eq(a->meta.namespace, b->meta.namespace);
}

/* Appends the endpoints that `from` had at first, with the ports that `to`
 * knows by name. */
static void lend(struct mesh *mesh, const struct service *from, uint32_t count, struct service *to)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct service_endpoint *endpoint = &from->endpoints[i];
        struct service_endpoint *added =
            push_endpoint(mesh, to, endpoint->address, endpoint->origin);
        added->pod = endpoint->pod;
        added->entry = endpoint->entry;
        added->is_ready = endpoint->is_ready;
        added->is_lent = true;
        uint32_t *indexed = ARENA_ARRAY(mesh->arena, uint32_t, to->port_count);
        bool is_entry = from->entry != NULL;
        for (uint32_t k = 0; k < to->port_count; k++) {
            added->ports[k] = lent_port(from, endpoint, &to->ports[k], is_entry && is_dns(to));
            indexed[k] = lent_port(from, endpoint, &to->ports[k], is_entry);
        }
        added->indexed_ports = indexed;
    }
}

/* What addresses of one ServiceEntry have in common is there already. */
static bool may_lend(const struct service *from, const struct service *to)
{
    return is_same(from, to) && (from->entry == NULL || from->entry != to->entry);
}

static bool has_port_until(const struct service *service, uint32_t count, uint32_t port)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < service->port_count; k++) {
            if (service->ports[k].port == port && service->endpoints[i].ports[k] != 0)
                return true;
        }
    }
    return false;
}

/* Somebody older has an endpoint for that port of the host. */
static bool is_port_taken(const struct mesh *mesh, uint32_t index, uint32_t port)
{
    for (uint32_t i = 0; i < index; i++) {
        const struct service *older = &mesh->entry_services[i];
        if (may_lend(older, &mesh->entry_services[index]) &&
            has_port_until(older, older->endpoint_count, port))
            return true;
    }
    return false;
}

/* DNS_ROUND_ROBIN has one endpoint for a port, and only where nobody came first. */
static void keep_first_endpoint(struct mesh *mesh, uint32_t index)
{
    struct service *service = &mesh->entry_services[index];
    uint32_t kept = 0;

    for (uint32_t i = 0; i < service->endpoint_count; i++) {
        struct service_endpoint *endpoint = &service->endpoints[i];
        bool is_kept = false;
        for (uint32_t k = 0; k < service->port_count; k++) {
            if (has_port_until(service, kept, service->ports[k].port) ||
                is_port_taken(mesh, index, service->ports[k].port))
                endpoint->ports[k] = 0;
            is_kept |= endpoint->ports[k] != 0;
        }
        if (is_kept)
            service->endpoints[kept++] = *endpoint;
    }
    service->endpoint_count = kept;
}

/* Of a host's addresses the first one lends for all. */
static bool is_lender(const struct mesh *mesh, uint32_t index)
{
    const struct service *service = &mesh->entry_services[index];

    return index == 0 || mesh->entry_services[index - 1].entry != service->entry ||
           !str_eq(mesh->entry_services[index - 1].host, service->host);
}

static void share_endpoints(struct mesh *mesh)
{
    uint32_t count = mesh->entry_services_count;
    uint32_t *own = ARENA_ARRAY(mesh->arena, uint32_t, count);
    struct map first_by_host = {0};

    map_init(&first_by_host, mesh->arena);
    for (uint32_t i = 0; i < count; i++) {
        if (mesh->entry_services[i].resolution == RESOLUTION_DNS_ROUND_ROBIN)
            keep_first_endpoint(mesh, i);
        own[i] = mesh->entry_services[i].endpoint_count;
        (void)map_set(&first_by_host, mesh->entry_services[i].host, i);
    }
    for (uint32_t i = 0; i < mesh->services_count; i++) {
        struct service *service = &mesh->services[i];
        if (map_get(&first_by_host, service->host) == MAP_NONE)
            continue;
        uint32_t before = service->endpoint_count;
        for (uint32_t k = 0; k < count; k++) {
            if (!may_lend(&mesh->entry_services[k], service))
                continue;
            if (is_lender(mesh, k))
                lend(mesh, &mesh->entry_services[k], own[k], service);
            lend(mesh, service, before, &mesh->entry_services[k]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < count; k++) {
            if (is_lender(mesh, k) && may_lend(&mesh->entry_services[k], &mesh->entry_services[i]))
                lend(mesh, &mesh->entry_services[k], own[k], &mesh->entry_services[i]);
        }
    }
}

/* --- the names of the youngest -------------------------------------------- */

static struct str host_key(struct mesh *mesh, const struct service *service)
{
    return arena_format(mesh->arena, "%.*s %.*s", STR_FMT(service->meta.namespace),
                        STR_FMT(service->host));
}

static void claim_names(struct mesh *mesh, struct map *by_host, struct service **youngest,
                        uint32_t *count, struct service *service)
{
    uint32_t index = map_get(by_host, host_key(mesh, service));

    if (index == MAP_NONE) {
        (void)map_set(by_host, host_key(mesh, service), *count);
        youngest[(*count)++] = service;
    } else if (meta_order(&service->meta, &youngest[index]->meta) >= 0) {
        youngest[index] = service;
    }
}

/* Of services with one host and namespace the last one's subjectAltNames are
 * all that clients are told. */
static void share_names(struct mesh *mesh)
{
    struct service **youngest =
        ARENA_ARRAY(mesh->arena, struct service *, mesh->entry_services_count);
    struct map by_host = {0};
    uint32_t count = 0;

    map_init(&by_host, mesh->arena);
    for (uint32_t i = 0; i < mesh->entry_services_count; i++)
        claim_names(mesh, &by_host, youngest, &count, &mesh->entry_services[i]);
    for (uint32_t i = 0; count > 0 && i < mesh->services_count; i++) {
        if (map_get(&by_host, host_key(mesh, &mesh->services[i])) != MAP_NONE)
            claim_names(mesh, &by_host, youngest, &count, &mesh->services[i]);
    }
    for (uint32_t i = 0; i < mesh->entry_services_count + mesh->services_count && count > 0; i++) {
        struct service *service = i < mesh->entry_services_count
                                      ? &mesh->entry_services[i]
                                      : &mesh->services[i - mesh->entry_services_count];
        uint32_t index = map_get(&by_host, host_key(mesh, service));
        if (index != MAP_NONE && youngest[index]->entry != NULL)
            service->names = &youngest[index]->entry->names;
    }
}

void service_entry_derive(struct mesh *mesh)
{
    struct auto_addresses own;

    auto_addresses_init(&own, mesh);
    for (uint32_t i = 0; i < mesh->service_entries_count; i++) {
        const struct service_entry *entry = &mesh->service_entries[i];
        for (uint32_t h = 0; h < entry->hosts.count; h++) {
            struct str host = entry->hosts.items[h];
            for (uint32_t a = 0; a < entry->addresses.count; a++)
                (void)add_service(mesh, entry, host, address_of(entry->addresses.items[a]));
            if (entry->addresses.count == 0)
                add_service(mesh, entry, host, STR_EMPTY)->auto_address =
                    auto_addresses_take(&own, entry, host);
        }
    }
    add_to_services(mesh);
    for (uint32_t i = 0; i < mesh->entry_services_count; i++)
        find_all_endpoints(mesh, &mesh->entry_services[i]);
    share_endpoints(mesh);
    share_names(mesh);
}
