/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/sighting.c - see sighting.h.
 */
#include "testbed/world/sighting.h"

void sighting_log_init(struct sighting_log *log)
{
    *log = (struct sighting_log){0};
}

void sighting_log_open(struct sighting_log *log, struct arena *arena)
{
    ASSERT(log->arena == NULL);
    *log = (struct sighting_log){.arena = arena, .generation = log->generation + 1};
}

void sighting_log_close(struct sighting_log *log)
{
    *log = (struct sighting_log){.generation = log->generation};
}

bool sighting_log_is_open(const struct sighting_log *log)
{
    return log->arena != NULL;
}

struct sighting_ref sighting_log_add(struct sighting_log *log)
{
    ASSERT(log->arena != NULL);
    (void)ARENA_PUSH(log->arena, log->items, log->count, log->capacity);
    return (struct sighting_ref){log->generation, log->count - 1};
}

struct sighting *sighting_log_at(struct sighting_log *log, struct sighting_ref ref)
{
    if (log->arena == NULL || ref.generation != log->generation)
        return NULL;
    ASSERT(ref.index < log->count);
    return &log->items[ref.index];
}
