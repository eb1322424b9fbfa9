/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/admin_town.c - see admin_town.h.
 */
#include "testbed/town/admin_town.h"

#include "base/check.h"
#include "proxy/live/admin_fleet.h"

#define MEMORY_BLOCK_BYTES (16u * 1024)

/* A proxy that is, or was: one of its name takes its place. */
struct member {
    struct admin_fleet fleet; /* borrowed by the admin interface */
    struct admin_town *admin;
    struct str name;
    struct member *next;
};

struct admin_town {
    struct arena memory;
    struct admin_town_options options;
    struct town *town;
    struct admin *admin;
    struct member *members;
};

static void quit(void *owner)
{
    const struct member *member = owner;
    member->admin->options.quit(member->admin->options.user);
}

static void reopen_logs(void *owner)
{
    const struct member *member = owner;
    member->admin->options.reopen_logs(member->admin->options.user);
}

/* A gateway's listeners have doors; those of a sidecar are reached by its pod's
 * HTTP proxy, and are called what the redirect would lead to. */
static bool place(void *owner, const struct listener *listener, struct str *address, uint32_t *port)
{
    const struct member *member = owner;
    const struct registry *registry = town_registry(member->admin->town);
    for (uint32_t i = 0; i < registry->count; i++) {
        const struct register_row *row = &registry->rows[i];
        if (row->kind != REGISTER_GATEWAY || row->listener != listener)
            continue;
        *address = row->address;
        *port = row->port;
        return true;
    }
    return false;
}

static struct member *member_of(struct admin_town *admin, struct str name)
{
    for (struct member *member = admin->members; member != NULL; member = member->next)
        if (str_eq(member->name, name))
            return member;
    struct member *member = ARENA_NEW(&admin->memory, struct member);
    *member = (struct member){
        .admin = admin, .name = arena_str(&admin->memory, name), .next = admin->members};
    member->fleet = (struct admin_fleet){
        .fleet = town_fleet(admin->town),
        .proxy = FLEET_NONE,
        .owner = member,
        .quit = admin->options.quit != NULL ? quit : NULL,
        .reopen_logs = admin->options.reopen_logs != NULL ? reopen_logs : NULL,
        .place = place,
    };
    admin->members = member;
    return member;
}

struct admin_town *admin_town_new(struct town *town, const struct admin_town_options *options,
                                  struct str *why)
{
    struct admin *admin = admin_new(town_loop(town), &options->port, why);
    if (admin == NULL)
        return NULL;
    struct arena memory;
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct admin_town *out = ARENA_NEW(&memory, struct admin_town);
    *out = (struct admin_town){.memory = memory, .options = *options, .town = town, .admin = admin};
    return out;
}

void admin_town_free(struct admin_town *admin)
{
    if (admin == NULL)
        return;
    admin_free(admin->admin);
    struct arena memory = admin->memory;
    arena_fini(&memory);
}

uint32_t admin_town_port(const struct admin_town *admin)
{
    return admin_port(admin->admin);
}

static void forget_those_who_have_gone(struct admin_town *admin)
{
    for (struct member *member = admin->members; member != NULL; member = member->next) {
        uint32_t number = fleet_find(town_fleet(admin->town), member->name);
        if (member->fleet.proxy == FLEET_NONE || member->fleet.proxy == number)
            continue;
        admin_remove_proxy(admin->admin, member->name);
        member->fleet.proxy = FLEET_NONE;
    }
}

void admin_town_follow(struct admin_town *admin)
{
    if (admin == NULL || town_era(admin->town) == NULL)
        return;
    struct era *era = town_era(admin->town);
    forget_those_who_have_gone(admin);
    for (uint32_t i = 0; i < era->world->client_count; i++) {
        struct str name = town_proxy_name(&era->world->clients[i], &era->arena);
        uint32_t number = fleet_find(town_fleet(admin->town), name);
        if (number == FLEET_NONE)
            continue;
        struct member *member = member_of(admin, name);
        if (member->fleet.proxy == number)
            continue;
        member->fleet.proxy = number;
        member->fleet.is_draining = false;
        admin_add_fleet(admin->admin, &member->fleet, member->name);
    }
}

void admin_town_drain(struct admin_town *admin)
{
    if (admin == NULL)
        return;
    for (struct member *member = admin->members; member != NULL; member = member->next)
        member->fleet.is_draining = true;
}
