/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/fault.c - draws against the policy's shares.
 */
#include "proxy/core/fault.h"

#include "base/check.h"

static bool is_hit(struct fraction share, struct rng *rng)
{
    ASSERT(share.denominator > 0);
    return rng_below(rng, share.denominator) < share.numerator;
}

int64_t fault_delay_ns(const struct fault_policy *policy, struct rng *rng)
{
    if (policy == NULL || !policy->has_delay || policy->delay_ns <= 0)
        return 0;
    return is_hit(policy->delay_share, rng) ? policy->delay_ns : 0;
}

bool fault_is_aborted(const struct fault_policy *policy, struct rng *rng)
{
    return policy != NULL && policy->has_abort && policy->has_abort_share &&
           is_hit(policy->abort_share, rng);
}

uint32_t fault_abort_status(const struct fault_policy *policy)
{
    return policy->has_grpc_status ? 200 : policy->abort_status;
}
