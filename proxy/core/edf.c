/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/edf.c - see edf.h.
 */
#include "proxy/core/edf.h"

#include <stdbool.h>
#include <string.h>

#include "base/check.h"

/* Envoy pretends that fewer picks than this came before the first. */
#define EARLIER_PICKS UINT64_C(429496729)

#define LATER_ORDER (UINT64_C(1) << 63) /* after first_order of any weight */

static bool is_before(const struct edf_entry *a, const struct edf_entry *b)
{
    return a->deadline < b->deadline || (a->deadline == b->deadline && a->order < b->order);
}

static void sift_down(struct edf *edf, uint32_t at)
{
    struct edf_entry moved = edf->heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= edf->count)
            break;
        if (child + 1 < edf->count && is_before(&edf->heap[child + 1], &edf->heap[child]))
            child++;
        if (!is_before(&edf->heap[child], &moved))
            break;
        edf->heap[at] = edf->heap[child];
        at = child;
    }
    edf->heap[at] = moved;
}

void edf_init(struct edf *edf, uint32_t capacity, struct arena *arena)
{
    *edf =
        (struct edf){.heap = ARENA_ARRAY(arena, struct edf_entry, capacity), .capacity = capacity};
}

/* The place of an entry among those that are due at once, at the start: as if
 * the earlier picks had been made, the lighter one was put in before (1/weight
 * earlier), and of equal ones the first. Greater doubles have greater bits. */
static uint64_t first_order(double weight, uint32_t item)
{
    uint64_t bits;
    memcpy(&bits, &weight, sizeof(bits));
    return (bits & ~(uint64_t)UINT32_MAX) | item;
}

/* Whole turns of the earlier picks by arithmetic, the rest one by one. */
void edf_start(struct edf *edf, const double *weights, uint32_t count, uint64_t seed)
{
    ASSERT(count <= edf->capacity);
    double total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += weights[i];
    edf->count = count;
    edf->next_order = LATER_ORDER;
    edf->now = 0;
    uint64_t rest = seed % EARLIER_PICKS;
    double earlier = (double)rest;
    for (uint32_t i = 0; i < count; i++) {
        ASSERT(weights[i] > 0);
        uint64_t turns = (uint64_t)(weights[i] * earlier / total);
        edf->heap[i] = (struct edf_entry){.deadline = (double)(turns + 1) / weights[i],
                                          .order = first_order(weights[i], i),
                                          .item = i};
        rest -= turns < rest ? turns : rest;
    }
    for (uint32_t i = count / 2; i-- > 0;)
        sift_down(edf, i);
    for (; count > 0 && rest > 0; rest--)
        edf_return(edf, weights[edf_take(edf)]);
}

uint32_t edf_take(struct edf *edf)
{
    ASSERT(edf->count > 0);
    edf->now = edf->heap[0].deadline;
    return edf->heap[0].item;
}

void edf_return(struct edf *edf, double weight)
{
    ASSERT(weight > 0);
    edf->heap[0].deadline = edf->now + 1.0 / weight;
    edf->heap[0].order = edf->next_order++;
    sift_down(edf, 0);
}
