/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/play.c - what all engines tell alike.
 */
#include "testbed/world/play.h"

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
