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

/* "reviews:9080" becomes "reviews-shadow:9080"; an IPv6 address keeps its colons. */
static struct str with_suffix(struct str authority, struct arena *arena)
{
    size_t end = authority.len;

    while (end > 0 && authority.ptr[end - 1] >= '0' && authority.ptr[end - 1] <= '9')
        end--;
    bool has_port = end > 0 && end < authority.len && authority.ptr[end - 1] == ':';
    size_t host_bytes = has_port ? end - 1 : authority.len;
    return arena_format(arena, "%.*s-shadow%.*s", STR_FMT(str_slice(authority, 0, host_bytes)),
                        STR_FMT(str_from(authority, host_bytes)));
}

const struct request_head *mirror_request(const struct request_head *request,
                                          struct str node_address, bool has_host_suffix,
                                          struct arena *arena)
{
    struct request_head *copy = ARENA_NEW(arena, struct request_head);
    request_head_copy(copy, request, arena);
    if (has_host_suffix && copy->has_authority)
        copy->authority = with_suffix(copy->authority, arena);
    header_set(&copy->headers, STR("x-envoy-internal"), STR("true"));
    if (node_address.len > 0)
        header_add(&copy->headers, STR("x-forwarded-for"), node_address);
    return copy;
}
