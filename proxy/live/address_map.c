/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/address_map.c - see address_map.h.
 */
#include "proxy/live/address_map.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define ARENA_BLOCK_BYTES 4096u
/* A DNS name (RFC 1035 2.3.4) or an address, a colon and a port. */
#define NAME_BYTES_MAX 272

struct address_map_entry {
    struct str key;
    struct sockaddr_storage *places;
    uint32_t place_count, place_capacity; /* none: nobody is there */
};

/* The key, in `text`; empty: no such name can be in a map. */
static struct str key_of(struct str name, uint32_t port, char text[NAME_BYTES_MAX])
{
    int size = snprintf(text, NAME_BYTES_MAX, "%.*s:%u", STR_FMT(name), port);
    if (size < 0 || size >= NAME_BYTES_MAX)
        return STR_EMPTY;
    return (struct str){text, (size_t)size};
}

static struct address_map_entry *entry_of(const struct address_map *map, struct str name,
                                          uint32_t port)
{
    char text[NAME_BYTES_MAX];
    struct str key = key_of(name, port, text);
    uint32_t index = key.len > 0 ? map_get(&map->by_name, key) : MAP_NONE;
    return index != MAP_NONE ? &map->entries[index] : NULL;
}

static struct address_map_entry *add_entry(struct address_map *map, struct str key)
{
    uint32_t index = map->count;
    struct address_map_entry *entry =
        ARENA_PUSH(&map->arena, map->entries, map->count, map->capacity);
    entry->key = arena_str(&map->arena, key);
    entry->places = ARENA_NEW(&map->arena, struct sockaddr_storage); /* mostly the only one */
    entry->place_capacity = 1;
    map_set(&map->by_name, entry->key, index);
    return entry;
}

void address_map_init(struct address_map *map)
{
    *map = (struct address_map){0};
    arena_init(&map->arena, ARENA_BLOCK_BYTES, 0);
    map_init(&map->by_name, &map->arena);
}

void address_map_fini(struct address_map *map)
{
    arena_fini(&map->arena);
    *map = (struct address_map){0};
}

void address_map_copy(struct address_map *map, const struct address_map *from)
{
    ASSERT(map->count == 0);
    for (uint32_t i = 0; i < from->count; i++) {
        struct address_map_entry *entry = add_entry(map, from->entries[i].key);
        for (uint32_t j = 0; j < from->entries[i].place_count; j++)
            *ARENA_PUSH(&map->arena, entry->places, entry->place_count, entry->place_capacity) =
                from->entries[i].places[j];
    }
}

bool address_map_add(struct address_map *map, struct str name, uint32_t port, struct str to_address,
                     uint32_t to_port)
{
    struct sockaddr_storage place;
    char text[NAME_BYTES_MAX];
    struct str key = key_of(name, port, text);
    if (key.len == 0 || !address_parse(to_address, to_port, &place))
        return false;
    struct address_map_entry *entry = entry_of(map, name, port);
    if (entry == NULL)
        entry = add_entry(map, key);
    *ARENA_PUSH(&map->arena, entry->places, entry->place_count, entry->place_capacity) = place;
    return true;
}

bool address_map_set(struct address_map *map, struct str name, uint32_t port, struct str to_address,
                     uint32_t to_port)
{
    struct sockaddr_storage place;
    if (!address_parse(to_address, to_port, &place))
        return false;
    address_map_remove(map, name, port);
    return address_map_add(map, name, port, to_address, to_port);
}

void address_map_remove(struct address_map *map, struct str name, uint32_t port)
{
    struct address_map_entry *entry = entry_of(map, name, port);
    if (entry != NULL)
        entry->place_count = 0;
}

bool address_map_find(const struct address_map *map, struct str name, uint32_t port, uint32_t turn,
                      struct sockaddr_storage *place)
{
    const struct address_map_entry *entry = entry_of(map, name, port);
    if (entry == NULL || entry->place_count == 0)
        entry = entry_of(map, name, ADDRESS_MAP_ANY_PORT);
    if (entry == NULL || entry->place_count == 0)
        return false;
    *place = entry->places[turn % entry->place_count];
    return true;
}

bool address_parse(struct str address, uint32_t port, struct sockaddr_storage *place)
{
    char text[INET6_ADDRSTRLEN];
    if (address.len == 0 || address.len >= sizeof(text) || port > UINT16_MAX)
        return false;
    memcpy(text, address.ptr, address.len);
    text[address.len] = '\0';
    *place = (struct sockaddr_storage){0};
    return uv_ip4_addr(text, (int)port, (struct sockaddr_in *)place) == 0 ||
           uv_ip6_addr(text, (int)port, (struct sockaddr_in6 *)place) == 0;
}

bool address_is_loopback(const struct sockaddr_storage *place)
{
    if (place->ss_family == AF_INET) {
        const struct sockaddr_in *ip4 = (const struct sockaddr_in *)place;
        return ntohl(ip4->sin_addr.s_addr) >> 24 == 127;
    }
    return place->ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)place)->sin6_addr);
}

struct str address_text(const struct sockaddr_storage *place, char text[ADDRESS_TEXT_BYTES_MAX],
                        uint32_t *port)
{
    *port = 0;
    int rc = -1;
    if (place->ss_family == AF_INET) {
        const struct sockaddr_in *ip4 = (const struct sockaddr_in *)place;
        *port = ntohs(ip4->sin_port);
        rc = uv_ip4_name(ip4, text, ADDRESS_TEXT_BYTES_MAX);
    } else if (place->ss_family == AF_INET6) {
        const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)place;
        *port = ntohs(ip6->sin6_port);
        rc = uv_ip6_name(ip6, text, ADDRESS_TEXT_BYTES_MAX);
    }
    return rc == 0 ? str_of(text) : STR_EMPTY;
}
