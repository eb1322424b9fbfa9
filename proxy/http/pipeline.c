/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/pipeline.c - the connection manager's work on heads.
 */
#include "proxy/http/pipeline.h"

#include "proxy/http/client_cert.h"

#include <string.h>

#include "base/check.h"
#include "proxy/http/h1_head.h"
#include "proxy/http/h1_text.h"
#include "proxy/http/path.h"

/* ENVOY.md 1.6.7: from everybody who is not internal; nobody is. */
static const struct str STRIPPED[] = {
    STR_INIT("x-envoy-retriable-status-codes"),
    STR_INIT("x-envoy-retriable-header-names"),
    STR_INIT("x-envoy-retry-on"),
    STR_INIT("x-envoy-retry-grpc-on"),
    STR_INIT("x-envoy-max-retries"),
    STR_INIT("x-envoy-upstream-alt-stat-name"),
    STR_INIT("x-envoy-upstream-rq-timeout-ms"),
    STR_INIT("x-envoy-upstream-rq-per-try-timeout-ms"),
    STR_INIT("x-envoy-upstream-rq-timeout-alt-response"),
    STR_INIT("x-envoy-upstream-stream-duration-ms"),
    STR_INIT("x-envoy-expected-rq-timeout-ms"),
    STR_INIT("x-envoy-force-trace"),
    STR_INIT("x-envoy-ip-tags"),
    STR_INIT("x-envoy-original-url"),
    STR_INIT("x-envoy-hedge-on-per-try-timeout"),
};

/* And at the edge. */
static const struct str STRIPPED_AT_EDGE[] = {
    STR_INIT("x-envoy-decorator-operation"),     STR_INIT("x-envoy-downstream-service-cluster"),
    STR_INIT("x-envoy-downstream-service-node"), STR_INIT("x-envoy-original-path"),
    STR_INIT("x-envoy-original-host"),
};

static struct pipeline_answer refused(uint32_t status, struct str details)
{
    return (struct pipeline_answer){
        .is_refused = true, .status = status, .details = details, .is_closing = status == 400};
}

/* ENVOY.md 1.3, steps 6 to 9. */
static struct pipeline_answer check(const struct request_head *head)
{
    bool is_connect = str_eq(head->method, STR("CONNECT"));
    if (!head->has_authority)
        return refused(400, STR("missing_host_header"));
    if (head->path.len == 0 && !is_connect)
        return refused(404, STR("missing_path_rejected"));
    if (!is_connect && head->path.ptr[0] != '/')
        return refused(404, STR("absolute_path_rejected"));
    if (str_eq(head->method, STR("QUERY")) &&
        !header_is_present(&head->headers, STR("content-type")))
        return refused(400, STR("query_missing_content_type"));
    return (struct pipeline_answer){0};
}

static struct pipeline_answer normalize(const struct http_connection_manager *http,
                                        struct request_head *head, struct arena *arena)
{
    if (str_find(head->path, '#') != STR_NONE)
        return refused(400, STR("path_normalization_failed"));
    if (http->is_unescaping_slashes)
        head->path = path_unescape_slashes(head->path, arena);
    if (http->is_normalizing_path && !path_normalize(head->path, arena, &head->path))
        return refused(400, STR("path_normalization_failed"));
    if (http->is_merging_slashes)
        head->path = path_merge_slashes(head->path, arena);
    return (struct pipeline_answer){0};
}

/* RFC 3986, without what only a host or a fragment may have. */
static bool is_reference_char(char c)
{
    bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_alnum || str_find(STR("-._~%!$&'()*+,;=:@/?"), c) != STR_NONE;
}

static bool is_relative_reference(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (!is_reference_char(value.ptr[i]))
            return false;
    size_t slash = str_find(value, '/'), colon = str_find(value, ':');
    return colon == STR_NONE || (slash != STR_NONE && slash < colon);
}

static bool is_absolute_reference(struct str value)
{
    size_t scheme = str_find_str(value, STR("://"));
    if (scheme == STR_NONE || str_find(value, '#') != STR_NONE ||
        !h1_text_is_target(value, false) || value.ptr[0] == '/' || value.ptr[0] == '*')
        return false;
    struct str rest = str_from(value, scheme + 3);
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    return h1_head_is_url_authority(str_slice(rest, 0, end));
}

/* A URL without userinfo, or a relative reference; no fragment (ENVOY.md 1.6.3). */
static bool is_good_referer(const struct header_list *headers)
{
    struct str value;
    return !header_get(headers, STR("referer"), &value) || is_relative_reference(value) ||
           is_absolute_reference(value);
}

/* Envoy looks for this word as it is written here. */
static bool has_te_trailers(const struct header_list *headers)
{
    struct str rest;
    if (!header_get(headers, STR("te"), &rest))
        return false;
    while (rest.ptr != NULL)
        if (str_eq(str_trim(str_cut(&rest, ',')), STR("trailers")))
            return true;
    return false;
}

static void drop_hop_by_hop(struct header_list *headers, bool is_upgrade)
{
    if (!is_upgrade) {
        header_remove(headers, STR("connection"));
        header_remove(headers, STR("upgrade"));
    }
    struct str te;
    if (header_get(headers, STR("te"), &te) && te.len > 0) {
        if (has_te_trailers(headers))
            header_set(headers, STR("te"), STR("trailers"));
        else
            header_remove(headers, STR("te"));
    }
    header_remove(headers, STR("x-envoy-internal"));
    header_remove(headers, STR("keep-alive"));
    header_remove(headers, STR("proxy-connection"));
    header_remove(headers, STR("transfer-encoding"));
    if (!is_good_referer(headers))
        header_remove(headers, STR("referer"));
}

static bool is_loopback(struct str address)
{
    return str_eq(address, STR("127.0.0.1")) || str_eq(address, STR("::1"));
}

static void add_forwarded_for(const struct peer_facts *peer, struct header_list *headers,
                              struct arena *arena)
{
    struct str address = peer->remote_address;
    if (is_loopback(address) && peer->node_address.len > 0)
        address = peer->node_address;
    if (address.len == 0)
        return;
    struct str old;
    if (header_get(headers, STR("x-forwarded-for"), &old) && old.len > 0)
        address = arena_format(arena, "%.*s,%.*s", STR_FMT(old), STR_FMT(address));
    header_set(headers, STR("x-forwarded-for"), address);
}

static bool is_address(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = str_lower_char(text.ptr[i]);
        bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (!is_hex && c != '.' && c != ':')
            return false;
    }
    return text.len > 0;
}

/* The n-th address from the right of what came in, for trusted hops. */
static struct str trusted_address(const struct http_connection_manager *http,
                                  const struct peer_facts *peer, const struct header_list *headers)
{
    struct str value;
    if (http->xff_trusted_hops == 0 || !header_get(headers, STR("x-forwarded-for"), &value))
        return peer->remote_address;
    struct str part = value;
    for (uint32_t hop = 0; hop < http->xff_trusted_hops; hop++) {
        size_t comma = str_find_last(value, ',');
        part = str_trim(comma == STR_NONE ? value : str_from(value, comma + 1));
        if (comma == STR_NONE)
            part = hop + 1 < http->xff_trusted_hops ? STR_EMPTY : part;
        if (comma == STR_NONE)
            break;
        value = str_slice(value, 0, comma);
    }
    /* What is no address is not believed. */
    return is_address(part) ? part : peer->remote_address;
}

static void set_forwarded(const struct http_connection_manager *http, const struct peer_facts *peer,
                          struct request_head *head, struct arena *arena)
{
    struct header_list *headers = &head->headers;
    struct str proto = peer->is_tls ? STR("https") : STR("http");
    bool has_proto = header_is_present(headers, STR("x-forwarded-proto"));
    struct str external = STR_EMPTY;
    if (http->is_using_remote_address) {
        external = trusted_address(http, peer, headers);
        add_forwarded_for(peer, headers, arena);
        if (!has_proto || http->xff_trusted_hops == 0)
            header_set(headers, STR("x-forwarded-proto"), proto);
    } else if (!has_proto) {
        header_set(headers, STR("x-forwarded-proto"), proto);
    }
    (void)header_get(headers, STR("x-forwarded-proto"), &proto);
    bool is_known = str_eq_ci(proto, STR("http")) || str_eq_ci(proto, STR("https"));
    if (head->scheme.len == 0)
        head->scheme =
            is_known ? arena_str_lower(arena, proto) : (peer->is_tls ? STR("https") : STR("http"));
    if (external.len > 0)
        header_set(headers, STR("x-envoy-external-address"), external);
}

static void strip(const struct http_connection_manager *http, struct header_list *headers)
{
    bool any = false;
    for (uint32_t i = 0; i < headers->count && !any; i++)
        any = str_has_prefix(headers->items[i].name, STR("x-envoy-"));
    if (any) {
        for (size_t i = 0; i < COUNT_OF(STRIPPED); i++)
            header_remove(headers, STRIPPED[i]);
        for (size_t i = 0; http->is_using_remote_address && i < COUNT_OF(STRIPPED_AT_EDGE); i++)
            header_remove(headers, STRIPPED_AT_EDGE[i]);
    }
}

#define UUID_BYTES 36u

/* Eight digits, all at once: each byte of `x` becomes one, the first one lowest. */
static void put_hex(char *out, uint32_t number)
{
    uint64_t x = __builtin_bswap32(number);
    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x >> 4 & UINT64_C(0x000f000f000f000f)) | (x & UINT64_C(0x000f000f000f000f)) << 8;
    uint64_t letters = (x + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
    x += UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    memcpy(out, &x, sizeof(x));
}

/* A random UUID; its digit for the trace decision says "none" (4), which is
 * what version 4 says as well. */
struct str pipeline_new_id(struct rng *uuid, struct arena *arena)
{
    uint64_t first = rng_next(uuid), second = rng_next(uuid);
    /* The version's digit, and the variant's two bits. */
    first = (first & ~UINT64_C(0xf000)) | 0x4000;
    second = (second & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62;
    char digits[32];
    put_hex(digits, (uint32_t)(first >> 32));
    put_hex(digits + 8, (uint32_t)first);
    put_hex(digits + 16, (uint32_t)(second >> 32));
    put_hex(digits + 24, (uint32_t)second);
    char *out = arena_raw(arena, UUID_BYTES);
    memcpy(out, digits, 8);
    memcpy(out + 9, digits + 8, 4);
    memcpy(out + 14, digits + 12, 4);
    memcpy(out + 19, digits + 16, 4);
    memcpy(out + 24, digits + 20, 12);
    out[8] = out[13] = out[18] = out[23] = '-';
    return (struct str){out, UUID_BYTES};
}

bool pipeline_draws_id(const struct http_connection_manager *http,
                       const struct header_list *headers)
{
    struct str value;
    return http->is_using_remote_address || !header_get(headers, STR("x-request-id"), &value) ||
           value.len == 0;
}

static void set_request_id(const struct http_connection_manager *http, struct header_list *headers,
                           struct rng *uuid, struct arena *arena)
{
    if (pipeline_draws_id(http, headers))
        header_set(headers, STR("x-request-id"), pipeline_new_id(uuid, arena));
}

struct pipeline_answer pipeline_request(const struct http_connection_manager *http,
                                        const struct peer_facts *peer, bool is_upgrade,
                                        struct request_head *head, struct rng *uuid,
                                        struct arena *arena)
{
    struct pipeline_answer answer = check(head);
    if (!answer.is_refused && !str_eq(head->method, STR("CONNECT")))
        answer = normalize(http, head, arena);
    if (answer.is_refused)
        return answer;
    drop_hop_by_hop(&head->headers, is_upgrade);
    set_forwarded(http, peer, head, arena);
    strip(http, &head->headers);
    set_request_id(http, &head->headers, uuid, arena);
    client_cert_set(http->cert_details, peer->certificate, peer->own_certificate, &head->headers,
                    arena);
    return answer;
}

void pipeline_response(const struct http_connection_manager *http, struct str date, bool is_upgrade,
                       struct response_head *head)
{
    struct header_list *headers = &head->headers;
    if (!header_is_present(headers, STR("date")))
        header_append_line(headers, STR("date"), date);
    header_set(headers, STR("server"), http->server_name);
    if (!is_upgrade) {
        header_remove(headers, STR("connection"));
        header_remove(headers, STR("upgrade"));
    }
    header_remove(headers, STR("transfer-encoding"));
    header_remove(headers, STR("keep-alive"));
    header_remove(headers, STR("proxy-connection"));
    header_remove(headers, STR("x-envoy-decorator-operation"));
}
