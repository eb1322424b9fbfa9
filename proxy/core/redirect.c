/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/redirect.c - where a redirect leads.
 */
#include "proxy/core/redirect.h"

#include "proxy/core/rewrite.h"

/* Index of the ":" before a port, or the length. */
static size_t port_at(struct str host)
{
    size_t colon = str_find_last(host, ':');
    size_t bracket = str_find_last(host, ']');
    if (colon == STR_NONE || (bracket != STR_NONE && bracket > colon))
        return host.len;
    uint64_t port;
    return str_to_u64(str_from(host, colon + 1), UINT16_MAX, &port) ? colon : host.len;
}

/* The request's authority, its port dropped when another one is prescribed, or
 * when the scheme changes and it is the default of the old one. */
static struct str host_of(const struct redirect_action *redirect, const struct request_head *head,
                          struct str scheme)
{
    if (redirect->host.len > 0)
        return redirect->host;
    struct str host = head->authority;
    size_t colon = port_at(host);
    if (colon == host.len)
        return host;
    if (redirect->port_kind == PORT_REDIRECT_SET)
        return str_slice(host, 0, colon);
    struct str proto = head->scheme;
    (void)header_get(&head->headers, STR("x-forwarded-proto"), &proto);
    struct str port = str_from(host, colon);
    bool is_default = (str_eq_ci(proto, STR("http")) && str_eq(port, STR(":80"))) ||
                      (str_eq_ci(proto, STR("https")) && str_eq(port, STR(":443")));
    if (is_default && !str_eq_ci(scheme, head->scheme))
        return str_slice(host, 0, colon);
    return host;
}

static struct str path_of(const struct route *route, const struct request_head *head,
                          struct arena *arena)
{
    const struct redirect_action *redirect = &route->redirect;
    struct str path = head->path;
    if (redirect->has_prefix_rewrite) {
        path = rewrite_prefix(&route->match.path, path, redirect->prefix_rewrite, arena);
    } else if (redirect->has_path && redirect->path.len > 0) {
        size_t query = str_find(head->path, '?');
        path = redirect->path;
        /* A query of its own is the only one; else the request's is kept. */
        if (str_find(path, '?') == STR_NONE && query != STR_NONE)
            path = arena_concat(arena, path, str_from(head->path, query));
    }
    if (path.len == 0 || path.ptr[0] != '/')
        path = arena_concat(arena, STR("/"), path);
    return path;
}

struct str redirect_location(const struct route *route, const struct request_head *head,
                             struct arena *arena)
{
    const struct redirect_action *redirect = &route->redirect;
    struct str scheme = redirect->scheme.len > 0 ? redirect->scheme : head->scheme;
    struct str host = host_of(redirect, head, scheme);
    struct str path = path_of(route, head, arena);
    if (redirect->port_kind == PORT_REDIRECT_SET)
        return arena_format(arena, "%.*s://%.*s:%u%.*s", STR_FMT(scheme), STR_FMT(host),
                            redirect->port, STR_FMT(path));
    return arena_format(arena, "%.*s://%.*s%.*s", STR_FMT(scheme), STR_FMT(host), STR_FMT(path));
}

struct str redirect_to_tls(const struct request_head *head, struct arena *arena)
{
    return arena_format(arena, "https://%.*s%.*s", STR_FMT(head->authority), STR_FMT(head->path));
}
