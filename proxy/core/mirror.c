/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/mirror.c - draws and heads of copies.
 */
#include "proxy/core/mirror.h"

#include "base/check.h"

bool mirror_is_drawn(const struct mirror_policy *policy, uint64_t stream_random)
{
    if (!policy->has_share)
        return true;
    ASSERT(policy->share.denominator > 0);
    return stream_random % policy->share.denominator < policy->share.numerator;
}

const struct request_head *mirror_request(const struct request_head *request,
                                          struct str node_address, struct arena *arena)
{
    struct request_head *copy = ARENA_NEW(arena, struct request_head);
    request_head_copy(copy, request, arena);
    header_set(&copy->headers, STR("x-envoy-internal"), STR("true"));
    if (node_address.len > 0)
        header_add(&copy->headers, STR("x-forwarded-for"), node_address);
    return copy;
}
