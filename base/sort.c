/* SPDX-License-Identifier: Apache-2.0
 *
 * base/sort.c - runs of indexes, merged until one is left.
 */
#include "base/sort.h"

struct job {
    const char *items;
    size_t size;
    sort_order_fn *order;
};

static bool is_before(const struct job *job, uint32_t a, uint32_t b)
{
    return job->order(job->items + a * job->size, job->items + b * job->size) < 0;
}

/* [from, middle) and [middle, to), each in order, become one run. */
static void merge(const struct job *job, const uint32_t *runs, uint32_t *out, uint32_t from,
                  uint32_t middle, uint32_t to)
{
    uint32_t left = from, right = middle;

    if (middle == to || !is_before(job, runs[middle], runs[middle - 1])) {
        memcpy(out + from, runs + from, (to - from) * sizeof(*runs));
        return;
    }
    for (uint32_t i = from; i < to; i++) {
        bool is_right = left == middle || (right < to && is_before(job, runs[right], runs[left]));
        out[i] = is_right ? runs[right++] : runs[left++];
    }
}

uint32_t *sort_indexes(struct arena *arena, const void *items, uint32_t count, size_t size,
                       sort_order_fn *order)
{
    struct job job = {.items = items, .size = size, .order = order};
    uint32_t *runs = ARENA_ARRAY(arena, uint32_t, count);
    uint32_t *merged = ARENA_ARRAY(arena, uint32_t, count);

    for (uint32_t i = 0; i < count; i++)
        runs[i] = i;
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t from = 0; from < count; from += 2 * width) {
            uint32_t middle = from + width < count ? from + width : count;
            uint32_t to = middle + width < count ? middle + width : count;
            merge(&job, runs, merged, from, middle, to);
        }
        uint32_t *swap = runs;
        runs = merged;
        merged = swap;
    }
    return runs;
}

static bool is_in_order(const struct job *job, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        if (is_before(job, i, i - 1))
            return false;
    return true;
}

void sort_items(struct arena *arena, void *items, uint32_t count, size_t size, sort_order_fn *order)
{
    if (is_in_order(&(struct job){.items = items, .size = size, .order = order}, count))
        return;
    uint32_t *indexes = sort_indexes(arena, items, count, size, order);
    char *copy = arena_array(arena, count, size);
    memcpy(copy, items, count * size);
    for (uint32_t i = 0; i < count; i++)
        memcpy((char *)items + i * size, copy + indexes[i] * size, size);
}
