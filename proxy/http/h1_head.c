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
        "GET",     "POST",     "PUT",        "DELETE",     "HEAD",     "OPTIONS", "PATCH",
        "CONNECT", "TRACE",    "ACL",        "BIND",       "CHECKOUT", "COPY",    "LINK",
        "LOCK",    "MERGE",    "MKACTIVITY", "MKCALENDAR", "MKCOL",    "MSEARCH", "MOVE",
        "NOTIFY",  "PROPFIND", "PROPPATCH",  "PURGE",      "QUERY",    "REBIND",  "REPORT",
        "SEARCH",  "SOURCE",   "SUBSCRIBE",  "UNBIND",     "UNLINK",   "UNLOCK",  "UNSUBSCRIBE"};
    for (size_t i = 0; i < COUNT_OF(METHODS); i++)
        if (str_eq(method, str_of(METHODS[i])))
            return true;
    return false;
}

/* Legal characters; the empty one is legal. */
static bool is_legal_authority(struct str authority)
{
    for (size_t i = 0; i < authority.len; i++) {
        char c = authority.ptr[i];
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_alnum && str_find(STR("!$%&'()*+,-.:;=@[]_~"), c) == STR_NONE)
            return false;
    }
    return true;
}

/* "host" or "host:port" as Envoy's URL parser takes them: letters, digits, dots
 * and hyphens, or an address in brackets. `has_port` true: the port must be there. */
static bool is_url_authority(struct str text, bool must_have_port)
{
    bool is_bracketed = text.len > 0 && text.ptr[0] == '[';
    size_t end = is_bracketed ? str_find(text, ']') : str_find(text, ':');
    if (is_bracketed && end == STR_NONE)
        return false;
    struct str host = is_bracketed ? str_slice(text, 1, end) : str_slice(text, 0, end);
    struct str rest = str_from(text, is_bracketed ? end + 1 : host.len);
    for (size_t i = 0; i < host.len; i++) {
        char c = str_lower_char(host.ptr[i]);
        bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        bool is_name = is_hex || (c >= 'g' && c <= 'z') || c == '-' || c == '.';
        if (is_bracketed ? !is_hex && c != ':' && c != '.' : !is_name)
            return false;
    }
    uint64_t port;
    if (host.len == 0 || (rest.len == 0 && must_have_port))
        return false;
    return rest.len == 0 ||
           (rest.ptr[0] == ':' && str_to_u64(str_from(rest, 1), UINT16_MAX, &port));
}

static struct str without_userinfo(struct str authority)
{
    size_t at = str_find(authority, '@');
    return at == STR_NONE ? authority : str_from(authority, at + 1);
}

static struct h1_refusal absolute_target(struct request_head *head,
                                         const struct h1_head_question *asked, size_t scheme_len)
{
    struct str target = asked->target;
    struct str scheme = str_slice(target, 0, scheme_len);
    struct str rest = str_from(target, scheme_len + 3);
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    struct str authority = without_userinfo(str_slice(rest, 0, end));
    if (!is_url_authority(authority, false))
        return h1_refuse(400, STR("http1.invalid_url"));
    if (!str_eq_ci(scheme, STR("http")) && !str_eq_ci(scheme, STR("https")))
        return h1_refuse(400, STR("http1.invalid_scheme"));
    head->authority = authority;
    head->has_authority = true;
    head->scheme = str_eq_ci(scheme, STR("https")) ? STR("https") : STR("http");
    /* "http://a?q" has the path "?q": the connection manager refuses it. */
    head->path = end == rest.len ? STR("/") : str_from(rest, end);
    if (asked->is_refusing_https && str_eq(head->scheme, STR("https")))
        return h1_refuse(403, STR("http1.https_url_on_plaintext_connection"));
    return (struct h1_refusal){0};
}

static struct h1_refusal take_target(struct request_head *head,
                                     const struct h1_head_question *asked)
{
    struct str target = asked->target;
    ASSERT(target.len > 0);
    if (str_eq(head->method, STR("CONNECT"))) {
        if (!is_url_authority(target, true))
            return h1_refuse(400, STR("http1.invalid_url"));
        head->authority = target;
        head->has_authority = true;
        head->path = STR_EMPTY;
        return (struct h1_refusal){0};
    }
    bool is_options = str_eq(head->method, STR("OPTIONS"));
    if (target.ptr[0] == '/' || (target.ptr[0] == '*' && is_options)) {
        head->path = target;
        return (struct h1_refusal){0};
    }
    size_t scheme_len = str_find_str(target, STR("://"));
    if (scheme_len == STR_NONE)
        return h1_refuse(400, STR("http1.invalid_url"));
    return absolute_target(head, asked, scheme_len);
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
    return str_eq_ci(token, STR("close")) || str_eq_ci(token, STR("keep-alive")) ||
           str_eq_ci(token, STR("upgrade")) || str_eq_ci(token, STR("http2-settings"));
}

static bool is_forbidden_token(struct str token)
{
    return token.ptr[0] == ':' || str_eq_ci(token, STR("x-forwarded-for")) ||
           str_eq_ci(token, STR("x-forwarded-host")) || str_eq_ci(token, STR("x-forwarded-proto"));
}

static struct h1_refusal drop_nominated(struct request_head *head)
{
    struct h1_refusal refused = h1_refuse(400, STR("http1.connection_header_rejected"));
    struct header_list *headers = &head->headers;
    struct str rest;
    if (!header_get(headers, STR("connection"), &rest))
        return (struct h1_refusal){0};
    uint32_t count = 0;
    while (rest.ptr != NULL) {
        struct str token = str_trim(str_cut(&rest, ','));
        if (token.len == 0)
            continue;
        if (++count >= NOMINATED_MAX)
            return refused;
        if (is_control_token(token))
            continue;
        if (is_forbidden_token(token))
            return refused;
        struct str lower = arena_str_lower(headers->arena, token);
        struct str te;
        if (str_eq(lower, STR("te")) && header_get(headers, lower, &te)) {
            if (te.len >= TE_BYTES_MAX)
                return refused;
            if (h1_head_has_token(headers, lower, STR("trailers"))) {
                header_set(headers, lower, STR("trailers"));
                continue;
            }
        }
        if (str_eq(lower, STR("host")))
            head->has_authority = false;
        header_remove(headers, lower);
    }
    return (struct h1_refusal){0};
}

/* Both lengths, or an encoding that nobody knows. */
static struct h1_refusal check_framing(const struct header_list *headers, bool is_connect)
{
    struct str encoding;
    if (!header_get(headers, STR("transfer-encoding"), &encoding))
        return (struct h1_refusal){0};
    if (header_is_present(headers, STR("content-length")))
        return h1_refuse(400, STR("http1.content_length_and_chunked_not_allowed"));
    if (!str_eq_ci(encoding, STR("chunked")) || is_connect)
        return h1_refuse(501, STR("http1.invalid_transfer_encoding"));
    return (struct h1_refusal){0};
}

/* CONNECT has no body; a length of zero is not said. */
static struct h1_refusal check_connect(struct request_head *head,
                                       const struct h1_framing_words *words)
{
    if (!str_eq(head->method, STR("CONNECT")) || words->length_count == 0)
        return (struct h1_refusal){0};
    if (words->length > 0)
        return h1_refuse(400, STR("http1.body_disallowed"));
    header_remove(&head->headers, STR("content-length"));
    return (struct h1_refusal){0};
}

static struct h1_refusal check_host(const struct request_head *head)
{
    if (head->has_authority && !is_legal_authority(head->authority))
        return h1_refuse(400, STR("http.invalid_authority"));
    return (struct h1_refusal){0};
}

/* Upgrade: h2c is ignored, the request served as it is. */
static bool drop_h2c(struct header_list *headers)
{
    struct str upgrade;
    if (!header_get(headers, STR("upgrade"), &upgrade) || !str_eq_ci(upgrade, STR("h2c")))
        return false;
    header_remove(headers, STR("upgrade"));
    header_remove(headers, STR("http2-settings"));
    return true;
}

bool h1_head_is_url_authority(struct str authority)
{
    return is_url_authority(authority, false);
}

bool h1_head_is_upgrade(const struct header_list *headers)
{
    return header_is_present(headers, STR("upgrade")) &&
           h1_head_has_token(headers, STR("connection"), STR("upgrade"));
}

struct h1_refusal h1_head_check_request(struct request_head *head,
                                        const struct h1_head_question *asked, bool *is_upgrade)
{
    *is_upgrade = h1_head_is_upgrade(&head->headers) && !drop_h2c(&head->headers);
    bool is_connect = str_eq(head->method, STR("CONNECT"));
    struct h1_refusal refusal = check_connect(head, asked->words);
    if (refusal.status == 0)
        refusal = check_framing(&head->headers, is_connect);
    if (refusal.status == 0 && !*is_upgrade && !is_connect)
        refusal = drop_nominated(head);
    if (refusal.status == 0)
        refusal = take_target(head, asked);
    if (refusal.status == 0 && head->version != HTTP_1_1 && !asked->is_accepting_http10)
        refusal = h1_refuse(426, STR("low_version"));
    return refusal.status == 0 ? check_host(head) : refusal;
}

/* Who has no body must not announce one (1xx and 204; 304 may). */
struct h1_refusal h1_head_check_response(struct response_head *head,
                                         const struct h1_framing_words *words)
{
    bool is_bodiless = head->status < 200 || head->status == 204;
    if (is_bodiless && header_is_present(&head->headers, STR("transfer-encoding")))
        return h1_refuse(502, STR("http1.transfer_encoding_not_allowed"));
    if (is_bodiless && words->length > 0)
        return h1_refuse(502, STR("http1.content_length_not_allowed"));
    return check_framing(&head->headers, false);
}
