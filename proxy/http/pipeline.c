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

/* Of each byte. */
static const char HEX_PAIRS[] = "000102030405060708090a0b0c0d0e0f"
                                "101112131415161718191a1b1c1d1e1f"
                                "202122232425262728292a2b2c2d2e2f"
                                "303132333435363738393a3b3c3d3e3f"
                                "404142434445464748494a4b4c4d4e4f"
                                "505152535455565758595a5b5c5d5e5f"
                                "606162636465666768696a6b6c6d6e6f"
                                "707172737475767778797a7b7c7d7e7f"
                                "808182838485868788898a8b8c8d8e8f"
                                "909192939495969798999a9b9c9d9e9f"
                                "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
                                "b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
                                "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
                                "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
                                "e0e1e2e3e4e5e6e7e8e9eaebecedeeef"
                                "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

/* Four digits of the lowest two bytes. */
static char *put_hex(char *out, uint64_t number)
{
    memcpy(out, HEX_PAIRS + 2 * (number >> 8 & 0xff), 2);
    memcpy(out + 2, HEX_PAIRS + 2 * (number & 0xff), 2);
    return out + 4;
}

/* A random UUID; its digit for the trace decision says "none" (4), which is
 * what version 4 says as well. */
struct str pipeline_new_id(struct rng *uuid, struct arena *arena)
{
    uint64_t first = rng_next(uuid), second = rng_next(uuid);
    /* The version's digit, and the variant's two bits. */
    first = (first & ~UINT64_C(0xf000)) | 0x4000;
    second = (second & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62;
    char *text = arena_raw(arena, UUID_BYTES);
    char *out = put_hex(put_hex(text, first >> 48), first >> 32);
    *out++ = '-';
    out = put_hex(out, first >> 16);
    *out++ = '-';
    out = put_hex(out, first);
    *out++ = '-';
    out = put_hex(out, second >> 48);
    *out++ = '-';
    (void)put_hex(put_hex(put_hex(out, second >> 32), second >> 16), second);
    return (struct str){text, UUID_BYTES};
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
