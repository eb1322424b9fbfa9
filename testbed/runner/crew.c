/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/crew.c - see crew.h.
 */
#include "testbed/runner/crew.h"

#include <pthread.h>
#include <time.h>

#include "base/check.h"
#include "base/ns.h"

/* What an item has besides what the asker sees. */
struct crew_slot {
    struct arena arena; /* of its diagnostics */
    bool is_done;
};

struct crew {
    struct arena arena;
    struct crew_item *items;
    struct crew_slot *slots;
    uint32_t item_count;
    struct run_options options;
    pthread_t *threads;
    uint32_t thread_count; /* 0: a crew of one */
    pthread_mutex_t mutex; /* over next_index and is_done */
    pthread_cond_t has_run;
    uint32_t next_index;
};

static int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_SECOND + now.tv_nsec;
}

static void run_item(struct crew *crew, uint32_t index)
{
    struct crew_item *item = &crew->items[index];
    struct run_options options = crew->options;
    int64_t began_ns = clock_ns();
    arena_init(&crew->slots[index].arena, 4096, 0);
    diag_list_init(&item->diags, &crew->slots[index].arena);
    options.diags = &item->diags;
    test_result_of(item->suite, item->test, &options, &item->result);
    item->took_ns = clock_ns() - began_ns;
}

static void lock(struct crew *crew)
{
    ASSERT(pthread_mutex_lock(&crew->mutex) == 0);
}

static void unlock(struct crew *crew)
{
    ASSERT(pthread_mutex_unlock(&crew->mutex) == 0);
}

static void *work(void *user)
{
    struct crew *crew = user;
    lock(crew);
    while (crew->next_index < crew->item_count) {
        uint32_t index = crew->next_index++;
        unlock(crew);
        run_item(crew, index);
        lock(crew);
        crew->slots[index].is_done = true;
        ASSERT(pthread_cond_broadcast(&crew->has_run) == 0);
    }
    unlock(crew);
    return NULL;
}

struct crew *crew_new(struct crew_item *items, uint32_t item_count,
                      const struct run_options *options, uint32_t worker_count)
{
    ASSERT(worker_count >= 1 && worker_count <= CREW_MAX);
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct crew *crew = ARENA_NEW(&arena, struct crew);
    crew->arena = arena;
    crew->items = items;
    crew->item_count = item_count;
    crew->options = *options;
    crew->slots = ARENA_ARRAY(&crew->arena, struct crew_slot, item_count);
    ASSERT(pthread_mutex_init(&crew->mutex, NULL) == 0);
    ASSERT(pthread_cond_init(&crew->has_run, NULL) == 0);
    if (worker_count == 1)
        return crew;
    crew->threads = ARENA_ARRAY(&crew->arena, pthread_t, worker_count);
    for (uint32_t i = 0; i < worker_count && i < item_count; i++) {
        /* Fewer threads than were asked for do the same work. */
        if (pthread_create(&crew->threads[crew->thread_count], NULL, work, crew) != 0)
            break;
        crew->thread_count++;
    }
    return crew;
}

struct crew_item *crew_take(struct crew *crew, uint32_t index)
{
    ASSERT(index < crew->item_count);
    if (crew->thread_count == 0) {
        run_item(crew, index);
        return &crew->items[index];
    }
    lock(crew);
    while (!crew->slots[index].is_done)
        ASSERT(pthread_cond_wait(&crew->has_run, &crew->mutex) == 0);
    unlock(crew);
    return &crew->items[index];
}

void crew_free(struct crew *crew)
{
    for (uint32_t i = 0; i < crew->thread_count; i++)
        ASSERT(pthread_join(crew->threads[i], NULL) == 0);
    for (uint32_t i = 0; i < crew->item_count; i++)
        arena_fini(&crew->slots[i].arena);
    ASSERT(pthread_cond_destroy(&crew->has_run) == 0);
    ASSERT(pthread_mutex_destroy(&crew->mutex) == 0);
    struct arena arena = crew->arena; /* the crew lives in it */
    arena_fini(&arena);
}
