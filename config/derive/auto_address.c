/* SPDX-License-Identifier: Apache-2.0
 *
 * config/derive/auto_address.c - see auto_address.h.
 */
#include "config/derive/auto_address.h"

#include "config/resource/host.h"

#define BLOCK_SIZE (256u * 256u)

static bool is_eligible(const struct service_entry *entry, struct str host)
{
    if (entry->has_no_auto_address)
        return false;
    if (entry->resolution == RESOLUTION_NONE || entry->addresses.count > 0)
        return false;
    return !host_is_wildcard(host) || entry->resolution == RESOLUTION_DYNAMIC_DNS;
}

static bool is_ipv4(struct str text)
{
    return host_is_ip(text) && str_find(text, ':') == STR_NONE;
}

void auto_addresses_init(struct auto_addresses *addresses, const struct mesh *mesh)
{
    *addresses = (struct auto_addresses){.mesh = mesh, .next = 1};
    map_init(&addresses->used, mesh->arena);
    for (uint32_t i = 0; i < mesh->service_entries_count; i++) {
        const struct service_entry *entry = &mesh->service_entries[i];
        for (uint32_t k = 0; k < entry->addresses.count; k++)
            (void)map_set(&addresses->used, entry->addresses.items[k], i);
        for (uint32_t k = 0; k < entry->given_count; k++)
            (void)map_set(&addresses->used, entry->given[k].value, i);
    }
}

struct str auto_addresses_take(struct auto_addresses *addresses, const struct service_entry *entry,
                               struct str host)
{
    const struct mesh *mesh = addresses->mesh;

    if (!is_eligible(entry, host))
        return STR_EMPTY;
    for (uint32_t i = 0; i < entry->given_count; i++) {
        if (str_eq(entry->given[i].host, host) && is_ipv4(entry->given[i].value))
            return entry->given[i].value;
    }
    while (addresses->next < BLOCK_SIZE) {
        uint32_t place = addresses->next++;
        struct str address = arena_format(mesh->arena, "240.240.%u.%u", place / 256, place % 256);
        if (map_set(&addresses->used, address, place) == MAP_NONE)
            return address;
    }
    return STR_EMPTY;
}
