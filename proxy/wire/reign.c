/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/reign.c - see reign.h.
 */
#include "proxy/wire/reign.h"

#include "proxy/core/succession.h"
#include "proxy/wire/inside.h"

#define REIGN_BLOCK_BYTES (16u * 1024)

struct reign *reign_new(struct wire *wire, const struct reign_options *options)
{
    struct arena memory;
    arena_init(&memory, REIGN_BLOCK_BYTES, 0);
    struct reign *reign = ARENA_NEW(&memory, struct reign);
    reign->memory = memory;
    reign->wire = wire;
    reign->engine = options->shared != NULL ? engine_new_worker(options->shared, options->seed)
                                            : engine_new(options->snapshot, options->seed);
    reign->snapshot = engine_snapshot(reign->engine);
    engine_start(reign->engine, options->started_ns);
    engine_set_epoch(reign->engine, wire->epoch_seconds);
    list_init(&reign->link);
    return reign;
}

void reign_free(struct reign *reign)
{
    engine_free(reign->engine);
    struct arena memory = reign->memory;
    arena_fini(&memory);
}

struct reign *reign_at(const struct wire *wire, uint32_t nth)
{
    if (nth == 0)
        return wire->reign;
    struct list *link = wire->past_reigns.next;
    for (uint32_t i = 1; i < nth; i++)
        link = link->next;
    ASSERT(nth <= wire->past_reign_count);
    return LIST_ITEM(link, struct reign, link);
}

struct reign *reign_of(struct wire *wire, const struct engine *engine)
{
    uint32_t nth = 0;
    while (reign_at(wire, nth)->engine != engine)
        nth++;
    return reign_at(wire, nth);
}

void reigns_end(struct wire *wire)
{
    struct list *next;
    for (struct list *link = wire->past_reigns.next; link != &wire->past_reigns; link = next) {
        struct reign *reign = LIST_ITEM(link, struct reign, link);
        next = link->next;
        if (reign->holder_count > 0 || engine_has_event(reign->engine))
            continue;
        engine_inherit(wire->reign->engine, reign->engine);
        list_remove(&reign->link);
        wire->past_reign_count--;
        reign_free(reign);
    }
}
