/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/question.c - see question.h.
 */
#include "testbed/inspect/question.h"

#define PORT_MAX 65535u

/* HOST, HOST:PORT or [ADDRESS]:PORT. */
static bool read_host(struct str authority, struct call *out, struct str *why)
{
    size_t colon = str_find_last(authority, ':');
    size_t bracket = str_find_last(authority, ']');
    bool has_port = colon != STR_NONE && (bracket == STR_NONE || colon > bracket);
    struct str host = has_port ? str_slice(authority, 0, colon) : authority;
    uint64_t port = 0;
    *why = STR("it names no host; write http://SERVICE:PORT/PATH");
    if (host.len == 0)
        return false;
    *why = STR("its port is none; a port is a number from 1 to 65535");
    if (has_port && (!str_to_u64(str_from(authority, colon + 1), PORT_MAX, &port) || port == 0))
        return false;
    out->has_authority = true;
    out->authority = authority;
    out->port = (uint32_t)port;
    return true;
}

static bool read_url(struct str url, struct arena *arena, struct call *out, struct str *why)
{
    size_t scheme = str_find_str(url, STR("://"));
    size_t first = str_find(url, '/');
    if (scheme != STR_NONE && scheme < first) {
        struct str name = str_slice(url, 0, scheme);
        *why = arena_format(arena, "\"%.*s\" is no scheme here; write http:// or https://",
                            STR_FMT(name));
        if (!str_eq_ci(name, STR("http")) && !str_eq_ci(name, STR("https")))
            return false;
        url = str_from(url, scheme + STR("://").len);
    }
    size_t fragment = str_find(url, '#');
    if (fragment != STR_NONE)
        url = str_slice(url, 0, fragment);
    size_t end = 0;
    while (end < url.len && url.ptr[end] != '/' && url.ptr[end] != '?')
        end++;
    struct str path = str_from(url, end);
    bool is_whole = path.len > 0 && path.ptr[0] == '/';
    out->uri = is_whole ? path : arena_format(arena, "/%.*s", STR_FMT(path));
    *why = STR("a blank in it must be written %20");
    return str_find(url, ' ') == STR_NONE && read_host(str_slice(url, 0, end), out, why);
}

static bool is_token(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];
        if (c <= ' ' || c >= 0x7f || str_find(STR("\"(),/:;<=>?@[\\]{}"), (char)c) != STR_NONE)
            return false;
    }
    return name.len > 0;
}

static bool read_line(struct str line, struct arena *arena, struct call *out, struct str *why)
{
    size_t colon = str_find(line, ':');
    struct str name, value = STR_EMPTY;
    if (colon != STR_NONE) {
        name = str_trim(str_slice(line, 0, colon));
        value = str_trim(str_from(line, colon + 1));
    } else {
        name = str_slice(line, 0, line.len > 0 ? line.len - 1 : 0);
    }
    *why = arena_format(arena, "\"%.*s\" is no header; write 'NAME: VALUE'", STR_FMT(line));
    if (!is_token(name) || (colon == STR_NONE && !str_has_suffix(line, STR(";"))))
        return false;
    if (str_eq_ci(name, STR("host"))) {
        out->has_authority = true;
        out->authority = value;
        return true;
    }
    out->headers[out->header_count++] = (struct header){name, value};
    return true;
}

bool question_is_tls(const struct question *question)
{
    static const struct str HTTPS = STR_INIT("https://");
    return str_eq_ci(str_slice(question->url, 0, HTTPS.len), HTTPS);
}

struct str question_host(const struct question *question)
{
    struct str rest = str_from(question->url, str_find_str(question->url, STR("://")) + 3);
    size_t end = 0;
    while (end < rest.len && str_find(STR("/?#"), rest.ptr[end]) == STR_NONE)
        end++;
    rest = str_slice(rest, 0, end);
    size_t colon = str_find_last(rest, ':');
    return colon == STR_NONE || str_has_prefix(rest, STR("[")) ? rest : str_slice(rest, 0, colon);
}

bool question_call(const struct question *question, struct arena *arena, struct call *out,
                   struct str *why)
{
    *out = (struct call){.method = question->method, .body = question->body};
    if (out->method.len == 0)
        out->method = question->has_body ? STR("POST") : STR("GET");
    out->headers = ARENA_ARRAY(arena, struct header, question->line_count);
    if (!read_url(question->url, arena, out, why))
        return false;
    *why = arena_format(arena, "\"%.*s\" is no method", STR_FMT(out->method));
    if (!is_token(out->method))
        return false;
    for (uint32_t i = 0; i < question->line_count; i++)
        if (!read_line(question->lines[i], arena, out, why))
            return false;
    return true;
}
