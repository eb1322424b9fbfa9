/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/era.c - see era.h.
 */
#include "testbed/town/era.h"

#include "base/check.h"

#define ARENA_BLOCK_BYTES (64u * 1024)

struct era *era_new(void)
{
    struct arena arena;
    arena_init(&arena, ARENA_BLOCK_BYTES, 0);
    struct era *era = ARENA_NEW(&arena, struct era);
    era->arena = arena;
    era->holder_count = 1;
    return era;
}

void era_hold(struct era *era)
{
    ASSERT(era->holder_count >= 1);
    era->holder_count++;
}

void era_drop(struct era *era)
{
    if (era == NULL)
        return;
    ASSERT(era->holder_count >= 1);
    if (--era->holder_count > 0)
        return;
    world_free(era->world);
    struct arena arena = era->arena; /* the era lives in it */
    arena_fini(&arena);
}
