/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/mirrors.c - requests that real Envoys mirror: which address of this
 * machine they tell, and when they have all come, as no answer says so.
 */
#include <netinet/in.h>

#include "testbed/sockets/hop_inside.h"
#include "testbed/world/outcome.h"

void hops_find_nodes(struct sockets *sockets)
{
    uv_interface_address_t *all;
    int count;
    if (uv_interface_addresses(&all, &count) != 0)
        return;
    struct str *out = ARENA_ARRAY(&sockets->arena, struct str, (size_t)count + 1);
    for (int i = 0; i < count; i++) {
        char text[INET6_ADDRSTRLEN];
        if (all[i].is_internal || all[i].address.address4.sin_family != AF_INET ||
            uv_ip4_name(&all[i].address.address4, text, sizeof(text)) != 0)
            continue;
        out[sockets->world->node_address_count++] = arena_str(&sockets->arena, str_of(text));
    }
    sockets->world->node_addresses = out;
    uv_free_interface_addresses(all, count);
}

void hops_name_nodes(const struct outcome *outcome, struct arena *arena)
{
    for (uint32_t i = 0; i < outcome->sighting_count; i++) {
        const struct sighting *seen = &outcome->sightings[i];
        for (uint32_t k = 0; seen->is_mirror && k < seen->header_count; k++) {
            struct header *header = &seen->headers[k];
            size_t comma = str_find_last(header->value, ',');
            size_t from = comma == STR_NONE ? 0 : comma + 1;
            if (str_eq_ci(header->name, STR("x-forwarded-for")))
                header->value = arena_format(arena, "%.*s" WORLD_NODE_ADDRESS,
                                             STR_FMT(str_slice(header->value, 0, from)));
        }
    }
}

/* --- have they come? ----------------------------------------------------------- */

static bool has_mirrors(const struct snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->route_config_count; i++) {
        const struct route_config *config = &snapshot->route_configs[i];
        for (uint32_t k = 0; k < config->virtual_host_count; k++) {
            const struct virtual_host *host = &config->virtual_hosts[k];
            for (uint32_t m = 0; m < host->route_count; m++) {
                if (host->routes[m].forward.mirror_count > 0)
                    return true;
            }
        }
    }
    return false;
}

/* Of clusters that lead outside of the proxy's own pod. */
static uint64_t under_way_of(const struct hop *hop)
{
    static const struct str NAMES[] = {STR_INIT("upstream_rq_active"),
                                       STR_INIT("upstream_rq_pending_active")};
    uint64_t sum = 0;
    for (size_t i = 0; i < COUNT_OF(NAMES); i++)
        sum += envoy_sum(hop->envoy, STR("cluster.outbound|"), NAMES[i]);
    return sum;
}

/* Requests that applications have and have not answered. */
static uint64_t held_by_applications(const struct sockets *sockets)
{
    uint64_t count = 0;
    for (struct list *at = sockets->all_peers.next; at != &sockets->all_peers; at = at->next) {
        const struct peer *peer = LIST_ITEM(at, struct peer, everybody);
        count += peer->role == PEER_STANDIN && peer->handle_count > 0 && !peer->is_closing &&
                 peer->standin.state != STANDIN_IN_HEAD;
    }
    return count;
}

static bool is_on_the_way(const struct sockets *sockets)
{
    uint64_t under_way = 0;
    for (uint32_t i = 0; i < sockets->world->client_count; i++) {
        const struct hop *hop = &sockets->hops[i];
        if (hop->envoy != NULL && has_mirrors(sockets->world->clients[i].snapshot))
            under_way += under_way_of(hop);
    }
    return under_way > held_by_applications(sockets);
}

void hops_await_mirrors(struct sockets *sockets)
{
    sockets_begin_turn(sockets);
    int64_t end_ns = sockets_now_ns(sockets) + SOCKETS_RECORD_PATIENCE_NS;
    while (is_on_the_way(sockets) && sockets_now_ns(sockets) < end_ns)
        turns_until_quiet(sockets);
}
