/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/rewrite.c - rewriting path and host.
 */
#include "proxy/core/rewrite.h"

#include "base/check.h"
#include "base/regex.h"
#include "proxy/core/matcher.h"

static size_t matched_length(const struct path_matcher *match, struct str path)
{
    switch (match->kind) {
    case PATH_PREFIX:
    case PATH_SEPARATED_PREFIX:
        return match->value.len;
    case PATH_EXACT:
    case PATH_REGEX:
        return matcher_bare_path(path).len;
    }
    UNREACHABLE("path_match_kind");
}

static void tell(struct trace *trace, int64_t now_ns, enum trace_kind kind, struct str from,
                 struct str to, struct origin origin)
{
    if (trace == NULL)
        return;
    struct trace_event *event = trace_add(trace, kind, now_ns);
    event->text = arena_str(trace->arena, from);
    event->other = arena_str(trace->arena, to);
    event->origin = origin;
}

static void rewrite_host(const struct route *route, const struct weighted_cluster *weighted,
                         struct request_head *head, struct trace *trace, int64_t now_ns)
{
    /* The weighted cluster's is applied first, the route's over it. */
    struct str host = route->forward.host_rewrite;
    if (host.len == 0 && weighted != NULL)
        host = weighted->host_rewrite;
    if (host.len == 0)
        return;
    header_set(&head->headers, STR("x-envoy-original-host"), head->authority);
    tell(trace, now_ns, TRACE_HOST_REWRITTEN, head->authority, host, route->origin);
    head->authority = host;
    head->has_authority = true;
}

struct str rewrite_prefix(const struct path_matcher *match, struct str path, struct str replacement,
                          struct arena *arena)
{
    size_t length = matched_length(match, path);
    ASSERT(length <= path.len);
    return arena_concat(arena, replacement, str_from(path, length));
}

void rewrite_request(const struct route *route, const struct weighted_cluster *weighted,
                     struct request_head *head, struct trace *trace, int64_t now_ns)
{
    rewrite_host(route, weighted, head, trace, now_ns);
    const struct forward_action *forward = &route->forward;
    struct arena *arena = head->headers.arena;
    struct str path = head->path;
    if (forward->has_prefix_rewrite) {
        path = rewrite_prefix(&route->match.path, head->path, forward->prefix_rewrite, arena);
    } else if (forward->has_regex_rewrite) {
        struct str bare = matcher_bare_path(head->path);
        struct str replaced = regex_replace_all(forward->regex_rewrite.regex, bare,
                                                forward->regex_rewrite.substitution, arena);
        if (replaced.len == 0)
            return;
        path = arena_concat(arena, replaced, str_from(head->path, bare.len));
    } else {
        return;
    }
    header_set(&head->headers, STR("x-envoy-original-path"), head->path);
    tell(trace, now_ns, TRACE_PATH_REWRITTEN, head->path, path, route->origin);
    head->path = path;
}
