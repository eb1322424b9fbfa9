/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/split.c - weighted clusters.
 */
#include "proxy/core/split.h"

#include "base/check.h"

struct split_answer split_choose(const struct forward_action *forward, uint64_t stream_random)
{
    ASSERT(forward->weight_total > 0);
    uint64_t number = stream_random % forward->weight_total;
    uint64_t end = 0;
    for (uint32_t i = 0; i < forward->weighted_count; i++) {
        end += forward->weighted[i].weight;
        if (number < end)
            return (struct split_answer){.index = i, .number = number};
    }
    UNREACHABLE("weights do not sum to weight_total");
}
