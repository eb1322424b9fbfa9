/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/address_map.h - names of the snapshot to places on this machine.
 *
 * An address and port in a snapshot are names: several pods may be named
 * 10.0.0.1:80 in as many runs at once, while the kernel gave each its own port
 * on loopback. A pod whose every port leads to one door is mapped once, with
 * ADDRESS_MAP_ANY_PORT; an exact port goes before it.
 *
 * Whoever owns the map may change it between turns; connections that are
 * there stay.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/str.h"

#define ADDRESS_MAP_ANY_PORT 0u
/* "127.0.0.1:65535", "[::1]:80", with the NUL. */
#define ADDRESS_TEXT_BYTES_MAX 64

struct address_map_entry;

struct address_map {
    struct arena arena;
    struct map by_name; /* "address:port" to an index into entries */
    struct address_map_entry *entries;
    uint32_t count, capacity;
};

void address_map_init(struct address_map *map);
void address_map_fini(struct address_map *map);

/* An empty one that gets everything that `from` has. */
void address_map_copy(struct address_map *map, const struct address_map *from);
/* From now on name:port is `to_address`:`to_port`; false: that is no numeric
 * address. Copies. */
bool address_map_set(struct address_map *map, struct str name, uint32_t port, struct str to_address,
                     uint32_t to_port);
/* name:port is this place too. False as above. */
bool address_map_add(struct address_map *map, struct str name, uint32_t port, struct str to_address,
                     uint32_t to_port);
/* From now on nobody is there. */
void address_map_remove(struct address_map *map, struct str name, uint32_t port);
/* False: not mapped. Of several places the one whose turn it is: a caller that
 * counts up meets them one after another. */
bool address_map_find(const struct address_map *map, struct str name, uint32_t port, uint32_t turn,
                      struct sockaddr_storage *place);

/* A numeric IPv4 or IPv6 address; false: it is none. */
bool address_parse(struct str address, uint32_t port, struct sockaddr_storage *place);
/* 127.0.0.0/8 or ::1. */
bool address_is_loopback(const struct sockaddr_storage *place);
/* The address as text, into `text`, and the port; empty for other families. */
struct str address_text(const struct sockaddr_storage *place, char text[ADDRESS_TEXT_BYTES_MAX],
                        uint32_t *port);
