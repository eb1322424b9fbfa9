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

static struct tls_store *store_of(struct era *era, const struct tls_end *end)
{
    for (uint32_t i = 0; i < era->end_count; i++) {
        if (era->ends[i].end == end)
            return era->ends[i].store;
    }
    struct era_end *added = ARENA_PUSH(&era->arena, era->ends, era->end_count, era->end_capacity);
    *added = (struct era_end){end, tls_store_new(&end->keyring)};
    return added->store;
}

struct tls_session *era_accept_tls(struct era *era, uint32_t pod)
{
    const struct tls_end *end = world_pod_tls(era->world, pod, true);
    return end != NULL ? tls_accept(store_of(era, end), &end->server) : NULL;
}

void era_drop(struct era *era)
{
    if (era == NULL)
        return;
    ASSERT(era->holder_count >= 1);
    if (--era->holder_count > 0)
        return;
    for (uint32_t i = 0; i < era->end_count; i++)
        tls_store_drop(era->ends[i].store);
    world_free(era->world);
    struct arena arena = era->arena; /* the era lives in it */
    arena_fini(&arena);
}
