/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/plan.c - see plan.h.
 */
#include "proxy/live/plan.h"

#include "base/check.h"
#include "proxy/live/port.h"

#define MEMORY_BLOCK_BYTES 4096u
#define PLACES_BLOCK_BYTES 1024u

static int *fds_of(const struct plan *plan, uint32_t door)
{
    return &plan->fds[(size_t)door * plan->worker_count];
}

static bool is_at(const struct place *place, const struct fleet_door *door)
{
    return place->bind_port == door->door.bind_port &&
           str_eq(place->bind_address, door->door.bind_address) &&
           (place->bind_port != 0 || str_eq(place->name, door->name));
}

/* The door before that `door` goes on with, or FLEET_NONE. */
static uint32_t find_kept(const struct member *member, const struct fleet_door *door)
{
    for (uint32_t i = 0; i < member->place_count; i++) {
        if (is_at(&member->places[i], door))
            return i;
    }
    return FLEET_NONE;
}

/* Is one of our own sockets bound to the port, on whatever address? */
static bool is_port_ours(const struct members *members, uint32_t port)
{
    for (uint32_t i = 0; i < members->count; i++) {
        for (uint32_t k = 0; k < members->items[i].place_count; k++) {
            if (members->items[i].places[k].port == port)
                return true;
        }
    }
    return false;
}

/* Has another proxy, or an earlier door of the same configuration, that place? */
static bool is_taken(const struct members *members, const struct plan *plan, uint32_t door)
{
    const struct fleet_door *wanted = &plan->config->doors[door];
    for (uint32_t i = 0; i < door; i++) {
        const struct fleet_door *earlier = &plan->config->doors[i];
        if (earlier->door.bind_port == wanted->door.bind_port &&
            str_eq(earlier->door.bind_address, wanted->door.bind_address) &&
            (wanted->door.bind_port != 0 || str_eq(earlier->name, wanted->name)))
            return true;
    }
    for (uint32_t i = 0; i < members->count; i++) {
        const struct member *member = &members->items[i];
        if (i == plan->proxy || wanted->door.bind_port == 0)
            continue;
        for (uint32_t k = 0; k < member->place_count; k++) {
            if (member->places[k].port == wanted->door.bind_port &&
                str_eq(member->places[k].bind_address, wanted->door.bind_address))
                return true;
        }
    }
    return false;
}

/* 0, or an errno. */
static int open_door(const struct members *members, struct plan *plan, uint32_t door)
{
    const struct server_door *wanted = &plan->config->doors[door].door;
    struct port_question asked = {.socket_count = plan->worker_count};
    if (!address_parse(wanted->bind_address, wanted->bind_port, &asked.place))
        return -UV_EINVAL;
    asked.is_shared = wanted->bind_port != 0 && is_port_ours(members, wanted->bind_port);
    return port_open(&asked, fds_of(plan, door), &plan->ports[door]);
}

static void close_opened(const struct plan *plan, uint32_t door_count)
{
    for (uint32_t i = 0; i < door_count; i++) {
        if (plan->kept[i] == FLEET_NONE)
            port_close(fds_of(plan, i), plan->worker_count);
    }
}

/* Keeps its sockets, or opens them. 0, or an errno. */
static int settle_door(const struct members *members, struct plan *plan, uint32_t door)
{
    uint32_t kept = plan->kept[door];
    if (is_taken(members, plan, door))
        return -UV_EADDRINUSE;
    if (kept == FLEET_NONE)
        return open_door(members, plan, door);
    plan->ports[door] = members->items[plan->proxy].places[kept].port;
    return 0;
}

static bool is_kept(const struct plan *plan, uint32_t old_door)
{
    for (uint32_t i = 0; i < plan->config->door_count; i++) {
        if (plan->kept[i] == old_door)
            return true;
    }
    return false;
}

static void close_doors(const struct plan *plan, struct worker_host *host)
{
    for (uint32_t i = 0; i < host->door_count; i++) {
        if (!is_kept(plan, i))
            server_door_close(host->server, host->door_numbers[i]);
    }
}

int plan_make(struct plan *plan, const struct members *members, uint32_t *door)
{
    const struct fleet_config *config = plan->config;
    const struct member *before =
        plan->proxy < members->count ? &members->items[plan->proxy] : NULL;
    arena_init(&plan->memory, MEMORY_BLOCK_BYTES, 0);
    plan->kept = ARENA_ARRAY(&plan->memory, uint32_t, config->door_count);
    plan->ports = ARENA_ARRAY(&plan->memory, uint32_t, config->door_count);
    plan->fds = ARENA_ARRAY(&plan->memory, int, (size_t)config->door_count * plan->worker_count);
    for (*door = 0; *door < config->door_count; ++*door) {
        plan->kept[*door] = before != NULL ? find_kept(before, &config->doors[*door]) : FLEET_NONE;
        int error = settle_door(members, plan, *door);
        if (error == 0)
            continue;
        close_opened(plan, *door);
        arena_fini(&plan->memory);
        return error;
    }
    return 0;
}

void plan_carry_out(const struct plan *plan, struct worker *worker, struct worker_host *host)
{
    const struct fleet_config *config = plan->config;
    close_doors(plan, host);
    struct arena memory;
    arena_init(&memory, PLACES_BLOCK_BYTES, 0);
    uint32_t *numbers = ARENA_ARRAY(&memory, uint32_t, config->door_count);
    for (uint32_t i = 0; i < config->door_count; i++) {
        const struct server_door *door = &config->doors[i].door;
        if (plan->kept[i] == FLEET_NONE) {
            numbers[i] = server_adopt_listener(host->server, door, fds_of(plan, i)[worker->index]);
        } else {
            numbers[i] = host->door_numbers[plan->kept[i]];
            server_door_change(host->server, numbers[i], door);
        }
    }
    arena_fini(&host->numbers);
    host->numbers = memory;
    host->door_numbers = numbers;
    host->door_count = config->door_count;
}

void plan_finish(struct plan *plan, struct member *member)
{
    const struct fleet_config *config = plan->config;
    struct arena memory;
    arena_init(&memory, PLACES_BLOCK_BYTES, 0);
    struct place *places = ARENA_ARRAY(&memory, struct place, config->door_count);
    for (uint32_t i = 0; i < config->door_count; i++) {
        const struct fleet_door *door = &config->doors[i];
        places[i] = (struct place){.name = arena_str(&memory, door->name),
                                   .bind_address = arena_str(&memory, door->door.bind_address),
                                   .bind_port = door->door.bind_port,
                                   .port = plan->ports[i]};
    }
    arena_fini(&member->memory);
    shared_drop(member->shared);
    member->shared = plan->shared;
    member->memory = memory;
    member->places = places;
    member->place_count = config->door_count;
    arena_fini(&plan->memory);
}
