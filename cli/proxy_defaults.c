/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_defaults.c - see proxy_defaults.h.
 */
#include "cli/proxy_defaults.h"

#include "testbed/inspect/defaults.h"

/* A value, and how often it holds. */
struct tally {
    struct default_note note;
    const char *noun;
    uint32_t count;
};

struct tallies {
    struct arena *arena;
    struct tally *items;
    uint32_t count, capacity;
};

static void count_notes(struct tallies *tallies, const struct default_list *notes, const char *noun)
{
    for (uint32_t i = 0; i < notes->count; i++) {
        const struct default_note *note = &notes->items[i];
        uint32_t at = 0;
        while (at < tallies->count && (!str_eq(tallies->items[at].note.name, note->name) ||
                                       !str_eq(tallies->items[at].note.words, note->words)))
            at++;
        if (at == tallies->count)
            *ARENA_PUSH(tallies->arena, tallies->items, tallies->count, tallies->capacity) =
                (struct tally){.note = *note, .noun = noun};
        tallies->items[at].count++;
    }
}

static void count_routes(struct tallies *tallies, const struct snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->route_config_count; i++) {
        const struct route_config *config = &snapshot->route_configs[i];
        for (uint32_t k = 0; k < config->virtual_host_count; k++) {
            const struct virtual_host *host = &config->virtual_hosts[k];
            for (uint32_t r = 0; r < host->route_count; r++) {
                struct default_list notes = {0};
                defaults_of_route(&host->routes[r], tallies->arena, &notes);
                count_notes(tallies, &notes, "route");
            }
        }
    }
}

static void count_clusters(struct tallies *tallies, const struct snapshot *snapshot)
{
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        struct default_list notes = {0};
        defaults_of_cluster(&snapshot->clusters[i], tallies->arena, &notes);
        count_notes(tallies, &notes, "cluster");
    }
}

static void count_proxy(struct tallies *tallies, const struct snapshot *snapshot)
{
    struct default_list notes = {0};

    defaults_of_snapshot(snapshot, tallies->arena, &notes);
    for (uint32_t i = 0; i < notes.count; i++)
        *ARENA_PUSH(tallies->arena, tallies->items, tallies->count, tallies->capacity) =
            (struct tally){.note = notes.items[i], .noun = "proxy", .count = 1};
}

enum rc proxy_defaults_print(const struct snapshot *shown, enum proxy_section section,
                             const struct profile *profile, struct arena *scratch, struct buf *out)
{
    struct tallies tallies = {.arena = scratch};

    if (section == SECTION_LISTENER || section == SECTION_ALL)
        count_proxy(&tallies, shown);
    if (section == SECTION_CLUSTER || section == SECTION_ALL)
        count_clusters(&tallies, shown);
    if (section == SECTION_ROUTE || section == SECTION_ALL)
        count_routes(&tallies, shown);
    if (tallies.count == 0)
        return RC_OK;
    enum rc rc =
        buf_format(out, "nobody wrote: defaults of profile %.*s\n", STR_FMT(profile->name));
    for (uint32_t i = 0; i < tallies.count && rc == RC_OK; i++) {
        const struct tally *tally = &tallies.items[i];
        rc = buf_format(out, "  %.*s %.*s: %u %s%s\n", STR_FMT(tally->note.name),
                        STR_FMT(tally->note.words), tally->count, tally->noun,
                        tally->count == 1 ? "" : "s");
    }
    return rc;
}
