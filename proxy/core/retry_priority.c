/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/retry_priority.c - see retry_priority.h.
 */
#include "proxy/core/retry_priority.h"

#define UPDATE_FREQUENCY 2u /* Istio's */

const struct priority_share *retry_priority_shares(struct retry_priority *state,
                                                   const struct retry_priority_question *asked,
                                                   struct arena *arena)
{
    uint32_t attempted_count = asked->tried_count - state->forgotten_count;
    if (attempted_count < UPDATE_FREQUENCY)
        return NULL;
    if (attempted_count % UPDATE_FREQUENCY != 0)
        return state->shares;
    if (state->is_excluded == NULL) {
        state->is_excluded = ARENA_ARRAY(arena, bool, asked->count);
        state->shares = ARENA_ARRAY(arena, struct priority_share, asked->count);
    }
    for (uint32_t i = state->forgotten_count; i < asked->tried_count; i++)
        if (asked->tried[i] < asked->cluster->endpoint_count)
            state->is_excluded[asked->cluster->endpoints[asked->tried[i]].priority] = true;
    if (priority_shares_without(asked->counts, asked->count, state->is_excluded, state->shares))
        return state->shares;
    for (uint32_t i = 0; i < asked->count; i++)
        state->is_excluded[i] = false;
    state->forgotten_count = asked->tried_count;
    return priority_shares_without(asked->counts, asked->count, state->is_excluded, state->shares)
               ? state->shares
               : NULL;
}
