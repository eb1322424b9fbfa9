/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/budget_window.c - see budget_window.h.
 */
#include "proxy/core/budget_window.h"

#include "base/check.h"

#define NEVER INT64_MIN

void budget_window_init(struct budget_window *window, int64_t interval_ns)
{
    ASSERT(interval_ns > 0);
    window->slot_ns = interval_ns / BUDGET_WINDOW_SLOTS;
    if (window->slot_ns == 0)
        window->slot_ns = 1;
    for (uint32_t i = 0; i < BUDGET_WINDOW_SLOTS; i++) {
        atomic_init(&window->numbers[i], NEVER);
        atomic_init(&window->counts[i], 0);
    }
}

/* Whoever comes first into a new slot of time empties it. */
void budget_window_note(struct budget_window *window, int64_t now_ns)
{
    ASSERT(now_ns >= 0);
    int_least64_t number = now_ns / window->slot_ns;
    uint32_t place = (uint32_t)(number % BUDGET_WINDOW_SLOTS);
    int_least64_t before = atomic_load_explicit(&window->numbers[place], memory_order_relaxed);
    if (before != number &&
        atomic_compare_exchange_strong_explicit(&window->numbers[place], &before, number,
                                                memory_order_relaxed, memory_order_relaxed))
        atomic_store_explicit(&window->counts[place], 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&window->counts[place], 1, memory_order_relaxed);
}

uint32_t budget_window_count(const struct budget_window *window, int64_t now_ns)
{
    int64_t oldest = now_ns / window->slot_ns - BUDGET_WINDOW_SLOTS;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < BUDGET_WINDOW_SLOTS; i++)
        if (atomic_load_explicit(&window->numbers[i], memory_order_relaxed) > oldest)
            sum += atomic_load_explicit(&window->counts[i], memory_order_relaxed);
    return sum;
}
