/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/usher_head.c - see usher_head.h.
 */
#include "proxy/http/usher_head.h"

static bool is_version(struct str text)
{
    return text.len == 8 && str_has_prefix(text, STR("HTTP/1."));
}

/* Takes scheme://authority off an absolute form; false: another scheme. */
static bool cut_absolute(struct usher_asked *asked)
{
    size_t end = str_find_str(asked->target, STR("://"));
    struct str scheme = str_slice(asked->target, 0, end);
    if (!str_eq_ci(scheme, STR("http")) && !str_eq_ci(scheme, STR("ws")))
        return false;
    struct str rest = str_from(asked->target, end + 3);
    size_t slash = 0;
    while (slash < rest.len && rest.ptr[slash] != '/' && rest.ptr[slash] != '?')
        slash++;
    asked->authority = str_slice(rest, 0, slash);
    size_t at = str_find_last(asked->authority, '@');
    if (at != STR_NONE)
        asked->authority = str_from(asked->authority, at + 1);
    asked->target = str_from(rest, slash);
    return true;
}

static bool is_named(struct str line, struct str name)
{
    return line.len > name.len && line.ptr[name.len] == ':' && str_has_prefix_ci(line, name);
}

struct str usher_head_cut_line(struct str rest, struct str *line)
{
    *line = str_cut(&rest, '\n');
    if (line->len > 0 && line->ptr[line->len - 1] == '\r')
        line->len--;
    return rest;
}

const char *usher_head_read_line(struct str line, struct usher_asked *asked)
{
    *asked = (struct usher_asked){0};
    asked->method = str_cut(&line, ' ');
    asked->target = line.ptr != NULL ? str_cut(&line, ' ') : STR_EMPTY;
    asked->version = line;
    if (asked->method.len == 0 || asked->target.len == 0 || !is_version(asked->version))
        return "this is the address of an HTTP proxy; what came is no HTTP/1 request";
    if (str_eq(asked->method, STR("CONNECT"))) {
        asked->is_tunnel = true;
        asked->authority = asked->target;
        return NULL;
    }
    if (asked->target.ptr[0] == '/' || str_eq(asked->target, STR("*")))
        return NULL;
    if (str_find_str(asked->target, STR("://")) == STR_NONE)
        return "the request's target is neither a path nor a URL";
    if (!cut_absolute(asked))
        return "a proxy is asked for http:// URLs; for TLS use CONNECT (curl does so by itself)";
    return asked->authority.len > 0 ? NULL : "the URL names no host";
}

bool usher_head_is_for_proxies(struct str line)
{
    return is_named(line, STR("proxy-connection")) || is_named(line, STR("proxy-authorization"));
}

bool usher_head_find_host(struct str lines, struct str *host)
{
    while (lines.ptr != NULL) {
        struct str line;
        lines = usher_head_cut_line(lines, &line);
        if (!is_named(line, STR("host")))
            continue;
        *host = str_trim(str_from(line, sizeof("host:") - 1));
        return true;
    }
    return false;
}

bool usher_head_split_authority(struct str authority, struct str *host, uint32_t *port)
{
    struct str rest = STR_EMPTY;
    if (authority.len > 0 && authority.ptr[0] == '[') {
        size_t end = str_find(authority, ']');
        if (end == STR_NONE)
            return false;
        *host = str_slice(authority, 1, end);
        rest = str_from(authority, end + 1);
    } else {
        size_t colon = str_find(authority, ':');
        *host = str_slice(authority, 0, colon == STR_NONE ? authority.len : colon);
        rest = str_from(authority, host->len);
    }
    *port = 0;
    if (host->len == 0 || host->len >= USHER_HOST_BYTES_MAX)
        return false;
    if (rest.len <= 1)
        return rest.len == 0 || rest.ptr[0] == ':';
    uint64_t number = 0;
    if (rest.ptr[0] != ':' || !str_to_u64(str_from(rest, 1), UINT16_MAX, &number) || number == 0)
        return false;
    *port = (uint32_t)number;
    return true;
}
