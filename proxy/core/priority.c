/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/priority.c - availability, shares, panic.
 */
#include "proxy/core/priority.h"

#include "base/check.h"

#define OVERPROVISIONING_PERCENT 140u

static uint32_t at_most_100(uint64_t percent)
{
    return percent > 100 ? 100 : (uint32_t)percent;
}

static uint32_t availability(struct priority_count count)
{
    if (count.counted == 0)
        return 0;
    return at_most_100((uint64_t)OVERPROVISIONING_PERCENT * count.healthy / count.counted);
}

static bool is_below(struct priority_count count, uint32_t panic_percent)
{
    return (uint64_t)100 * count.healthy < (uint64_t)panic_percent * count.counted ||
           (count.counted == 0 && panic_percent > 0);
}

/* Everybody panics: the shares follow the numbers of endpoints. */
static void share_by_size(const struct priority_count *counts, uint32_t count,
                          struct priority_share *shares)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += counts[i].all;
    uint32_t rest = 100;
    uint32_t first = 0;
    for (uint32_t i = count; i-- > 0;) {
        shares[i].percent = total == 0 ? 0 : (uint32_t)((uint64_t)100 * counts[i].all / total);
        rest -= shares[i].percent;
        if (counts[i].all > 0)
            first = i;
    }
    shares[first].percent += rest;
}

void priority_shares(const struct priority_count *counts, uint32_t count, uint32_t panic_percent,
                     struct priority_share *shares)
{
    ASSERT(count >= 1);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += availability(counts[i]);
    uint32_t total = at_most_100(sum);
    uint32_t rest = total > 0 ? 100 : 0;
    uint32_t first = UINT32_MAX;
    bool is_total_panic = true;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t want = total > 0 ? availability(counts[i]) * 100 / total : 0;
        shares[i].percent = want < rest ? want : rest;
        rest -= shares[i].percent;
        if (first == UINT32_MAX && shares[i].percent > 0)
            first = i;
        shares[i].is_panicking = total < 100 && is_below(counts[i], panic_percent);
        is_total_panic = is_total_panic && shares[i].is_panicking;
    }
    /* What rounding left over goes to the first that takes any. */
    if (first != UINT32_MAX)
        shares[first].percent += rest;
    if (is_total_panic)
        share_by_size(counts, count, shares);
}

bool priority_shares_without(const struct priority_count *counts, uint32_t count,
                             const bool *is_excluded, struct priority_share *shares)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += is_excluded[i] ? 0 : availability(counts[i]);
    uint32_t total = at_most_100(sum);
    if (total == 0)
        return false;
    for (uint32_t i = 0; i < count; i++)
        shares[i] = (struct priority_share){0};
    /* What rounding leaves over is given in another round. */
    for (uint32_t rest = 100; rest > 0;) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t want = is_excluded[i] ? 0 : availability(counts[i]) * 100 / total;
            uint32_t more = want < rest ? want : rest;
            shares[i].percent += more;
            rest -= more;
        }
    }
    return true;
}

uint32_t priority_choose(const struct priority_share *shares, uint32_t count, uint64_t random)
{
    uint64_t wanted = random % 100 + 1;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += shares[i].percent;
        if (sum >= wanted)
            return i;
    }
    ASSERT(sum == 0);
    return UINT32_MAX;
}
