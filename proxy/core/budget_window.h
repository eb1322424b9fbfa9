/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/budget_window.h - how many requests began in the interval that has just
 * passed: what a retry budget with a budget_interval is a share of.
 *
 * A ring of counts, each of a 64th of the interval; times are those since 1970, so
 * that workers agree. A real Envoy 1.40 counts each attempt that way, the retries too.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define BUDGET_WINDOW_SLOTS 64u

struct budget_window {
    int64_t slot_ns;
    atomic_int_least64_t numbers[BUDGET_WINDOW_SLOTS]; /* of the slot of time counted here */
    atomic_uint counts[BUDGET_WINDOW_SLOTS];
};

void budget_window_init(struct budget_window *window, int64_t interval_ns);
void budget_window_note(struct budget_window *window, int64_t now_ns);
uint32_t budget_window_count(const struct budget_window *window, int64_t now_ns);
