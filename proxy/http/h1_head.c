/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1_head.c - what Envoy's codec asks of a head.
 */
#include "proxy/http/h1_head.h"

#include "base/check.h"

/* Connection with this many tokens is refused. */
#define NOMINATED_MAX 10u
#define TE_BYTES_MAX 256u

struct h1_refusal h1_refuse(uint32_t status, struct str details)
{
    /* The body is the reason phrase (ENVOY.md 1.2). */
    return (struct h1_refusal){status, details, status_reason(status)};
}

bool h1_head_has_known_method(struct str method)
{
    static const char *const METHODS[] = {
        "GET",       "POST",      "PUT",      "DELETE", "HEAD",       "OPTIONS",
        "PATCH",     "CONNECT",   "TRACE",    "ACL",    "BIND",       "CHECKOUT",
        "COPY",      "LINK",      "LOCK",     "MERGE",  "MKACTIVITY", "MKCALENDAR",
        "MKCOL",     "MSEARCH",   "M-SEARCH", "MOVE",   "NOTIFY",     "PROPFIND",
        "PROPPATCH", "PURGE",     "QUERY",    "REBIND", "REPORT",     "SEARCH",
        "SOURCE",    "SUBSCRIBE", "UNBIND",   "UNLINK", "UNLOCK",     "UNSUBSCRIBE"};
    for (size_t i = 0; i < COUNT_OF(METHODS); i++)
        if (str_eq(method, str_of(METHODS[i])))
            return true;
    return false;
}

bool h1_head_has_legal_authority(struct str authority)
{
    for (size_t i = 0; i < authority.len; i++) {
        char c = authority.ptr[i];
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_alnum && str_find(STR("!$%&'()*+,-.:;=@[]_~"), c) == STR_NONE)
            return false;
    }
    return true;
}

static struct h1_refusal absolute_target(struct request_head *head, struct str target,
                                         size_t scheme_len)
{
    struct str scheme = str_slice(target, 0, scheme_len);
    struct str rest = str_from(target, scheme_len + 3);
    if (!str_eq_ci(scheme, STR("http")) && !str_eq_ci(scheme, STR("https")))
        return h1_refuse(400, STR("http1.invalid_scheme"));
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?' && rest.ptr[end] != '#')
        end++;
    head->authority = str_slice(rest, 0, end);
    if (end == 0 || !h1_head_has_legal_authority(head->authority))
        return h1_refuse(400, STR("http1.invalid_url"));
    head->has_authority = true;
    head->scheme = str_eq_ci(scheme, STR("https")) ? STR("https") : STR("http");
    struct str path = str_from(rest, end);
    if (path.len == 0)
        path = STR("/");
    else if (path.ptr[0] != '/')
        path = arena_concat(head->headers.arena, STR("/"), path);
    head->path = path;
    return (struct h1_refusal){0};
}

struct h1_refusal h1_head_target(struct request_head *head, struct str target)
{
    if (str_eq(head->method, STR("CONNECT"))) {
        head->authority = target;
        head->has_authority = true;
        head->path = STR_EMPTY;
        return (struct h1_refusal){0};
    }
    if (target.len > 0 && (target.ptr[0] == '/' || target.ptr[0] == '*')) {
        head->path = target;
        return (struct h1_refusal){0};
    }
    size_t scheme_len = str_find_str(target, STR("://"));
    if (scheme_len == STR_NONE)
        return h1_refuse(400, STR("http1.codec_error"));
    return absolute_target(head, target, scheme_len);
}

bool h1_head_has_token(const struct header_list *headers, struct str name, struct str token)
{
    for (uint32_t i = header_find(headers, name, 0); i != UINT32_MAX;
         i = header_find(headers, name, i + 1)) {
        struct str rest = headers->items[i].value;
        while (rest.ptr != NULL)
            if (str_eq_ci(str_trim(str_cut(&rest, ',')), token))
                return true;
    }
    return false;
}

static bool is_control_token(struct str token)
{
    return token.len == 0 || str_eq_ci(token, STR("close")) ||
           str_eq_ci(token, STR("keep-alive")) || str_eq_ci(token, STR("upgrade")) ||
           str_eq_ci(token, STR("http2-settings"));
}

static bool is_forbidden_token(struct str token)
{
    return token.ptr[0] == ':' || str_eq_ci(token, STR("x-forwarded-for")) ||
           str_eq_ci(token, STR("x-forwarded-host")) || str_eq_ci(token, STR("x-forwarded-proto"));
}

struct h1_refusal h1_head_connection(struct request_head *head)
{
    struct h1_refusal refused = h1_refuse(400, STR("http1.connection_header_rejected"));
    struct header_list *headers = &head->headers;
    struct str rest;
    if (!header_get(headers, STR("connection"), &rest))
        return (struct h1_refusal){0};
    uint32_t count = 0;
    while (rest.ptr != NULL) {
        struct str token = str_trim(str_cut(&rest, ','));
        if (++count >= NOMINATED_MAX)
            return refused;
        if (is_control_token(token))
            continue;
        if (is_forbidden_token(token))
            return refused;
        struct str lower = arena_str_lower(headers->arena, token);
        struct str te;
        if (str_eq(lower, STR("te"))) {
            if (header_get(headers, lower, &te) && te.len >= TE_BYTES_MAX)
                return refused;
            continue; /* the connection manager reduces it */
        }
        header_remove(headers, lower);
    }
    return (struct h1_refusal){0};
}
