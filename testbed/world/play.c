/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/play.c - what all engines tell alike.
 */
#include "testbed/world/play.h"

#include "testbed/world/outcome.h"

struct play_event play_event_of(const struct world *world, const struct outlier_event *event,
                                int64_t at_ns, struct arena *arena)
{
    return (struct play_event){
        .kind = event->is_ejection ? PLAY_EJECT : PLAY_UNEJECT,
        .at_ns = at_ns,
        .pod = world_pod_at(world, event->address, event->port),
        .cluster = arena_str(arena, event->cluster),
        .reason = ejection_type_word(event->type),
        .is_enforced = event->is_enforced,
    };
}

static struct str name_of(const struct certificate *peer, struct arena *arena)
{
    if (peer == NULL)
        return STR_EMPTY;
    if (peer->uri_count > 0)
        return arena_str(arena, peer->uris[0]);
    return peer->name_count > 0 ? arena_str(arena, peer->names[0]) : STR("somebody without a name");
}

void play_hops_note(struct play_hops *hops, uint32_t client, const struct record *record,
                    const struct trace *trace, struct arena *arena)
{
    const struct listener *listener = record->downstream.listener;
    bool is_inbound = listener != NULL && listener->direction == TRAFFIC_INBOUND;
    if (!is_inbound || trace == NULL || hops->count == PLAY_HOPS_MAX)
        return;
    struct play_hop *hop = ARENA_PUSH(arena, hops->items, hops->count, hops->capacity);
    *hop = (struct play_hop){.client = client, .peer = name_of(record_peer(record), arena)};
    outcome_take_record(&hop->outcome, record, trace, arena);
}
