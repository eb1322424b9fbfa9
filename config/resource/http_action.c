/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/http_action.c - what a rule does with a request: destination,
 * redirect, direct response, rewrite, header operations.
 *
 * Source: ISTIO.md 2.8 to 2.12, 9.3.
 */
#include "base/base64.h"
#include "config/resource/host.h"
#include "config/resource/syntax.h"
#include "config/resource/virtual_service.h"

#define DIRECT_BODY_BYTES_MAX (1024u * 1024)    /* Istio refuses more */
#define DIRECT_BODY_BYTES_WARNING (100u * 1024) /* and frowns at this */

static const struct field_row DESTINATION_ROWS[] = {
    {"host", FIELD_USED}, {"subset", FIELD_USED}, {"port", FIELD_USED}};
static const struct field_row PORT_ROWS[] = {{"number", FIELD_USED}};
static const struct field_row HEADERS_ROWS[] = {{"request", FIELD_USED}, {"response", FIELD_USED}};
static const struct field_row OPERATION_ROWS[] = {
    {"set", FIELD_USED}, {"add", FIELD_USED}, {"remove", FIELD_USED}};
static const struct field_row REDIRECT_ROWS[] = {
    {"uri", FIELD_USED},          {"authority", FIELD_USED}, {"port", FIELD_USED},
    {"derivePort", FIELD_USED},   {"scheme", FIELD_USED},    {"redirectCode", FIELD_USED},
    {"prefixRewrite", FIELD_USED}};
static const struct field_row REWRITE_ROWS[] = {
    {"uri", FIELD_USED}, {"authority", FIELD_USED}, {"uriRegexRewrite", FIELD_USED}};
static const struct field_row REGEX_REWRITE_ROWS[] = {{"match", FIELD_USED},
                                                      {"rewrite", FIELD_USED}};
static const struct field_row DIRECT_ROWS[] = {{"status", FIELD_USED}, {"body", FIELD_USED}};
static const struct field_row BODY_ROWS[] = {{"string", FIELD_USED}, {"bytes", FIELD_USED}};

static bool is_host_name(struct str name)
{
    return str_eq_ci(name, STR("host")) || str_eq_ci(name, STR(":authority"));
}

static void check_operation_name(const struct view *view, struct str name, bool is_host_allowed)
{
    if (name.len == 0)
        view_complain(view, DIAG_HEADER_NAME_EMPTY, STR_EMPTY, STR_EMPTY);
    else if (is_host_name(name) && is_host_allowed)
        return;
    else if (str_eq_ci(name, STR("host")))
        view_complain(view, DIAG_HEADER_OPERATION_HOST, name, STR_EMPTY);
    else if (name.ptr[0] == ':')
        view_complain(view, DIAG_HEADER_OPERATION_PSEUDO, name, STR_EMPTY);
    else if (!syntax_is_header_name(name))
        view_complain(view, DIAG_HEADER_NAME_BAD, name, STR_EMPTY);
}

static void read_values(const struct view *operations, struct str field, bool is_request,
                        struct header_operation_list *out)
{
    struct view map = view_map(operations, field);

    for (uint32_t i = 0; i < view_count(&map); i++) {
        struct view entry = view_entry(&map, i);
        struct header_operation operation = {.name = entry.key,
                                             .value = view_own_str(&entry, STR_EMPTY),
                                             .origin = view_origin(&entry)};
        check_operation_name(&entry, entry.key, is_request);
        syntax_check_header_value(&entry, operation.value);
        (void)ARENA_PUSH(operations->reading->arena, out->items, out->count, out->capacity);
        uint32_t place = out->count - 1;
        for (; place > 0 && str_order(out->items[place - 1].name, operation.name) > 0; place--)
            out->items[place] = out->items[place - 1];
        out->items[place] = operation;
    }
}

static void read_operations(const struct view *headers, struct str field, bool is_request,
                            struct header_operations *out)
{
    struct view operations = view_map(headers, field);
    struct view remove = view_list(&operations, STR("remove"));

    view_check_fields(&operations, OPERATION_ROWS, COUNT_OF(OPERATION_ROWS));
    read_values(&operations, STR("set"), is_request, &out->set);
    read_values(&operations, STR("add"), is_request, &out->add);
    for (uint32_t i = 0; i < view_count(&remove); i++) {
        struct view item = view_item(&remove, i);
        struct str name = view_own_str(&item, STR_EMPTY);
        check_operation_name(&item, name, false);
        text_list_add(&out->remove, name, headers->reading->arena);
    }
}

static uint32_t read_port(const struct view *destination)
{
    struct view port = view_map(destination, STR("port"));

    if (!view_is_present(&port))
        return 0;
    view_check_fields(&port, PORT_ROWS, COUNT_OF(PORT_ROWS));
    int64_t number = view_i64(&port, STR("number"), INT64_MIN, INT64_MAX, 0);
    struct view field = view_field(&port, STR("number"));
    syntax_check_port(view_is_present(&field) ? &field : &port, number);
    return number > 0 && number <= 65535 ? (uint32_t)number : 0;
}

static struct str bytes_of(const struct view *view)
{
    struct str out = STR_EMPTY;

    if (!base64_decode(view_own_str(view, STR_EMPTY), view->reading->arena, &out))
        view_complain(view, DIAG_BASE64_BAD, STR_EMPTY, STR_EMPTY);
    return out;
}

static void read_direct_body(const struct view *direct, struct http_direct_response *out)
{
    struct view body = view_map(direct, STR("body"));

    if (!view_is_present(&body))
        return;
    view_check_fields(&body, BODY_ROWS, COUNT_OF(BODY_ROWS));
    struct view text = view_field(&body, STR("string"));
    struct view bytes = view_field(&body, STR("bytes"));
    if (view_is_present(&text)) {
        out->has_body = true;
        out->body = view_own_str(&text, STR_EMPTY);
    } else if (view_is_present(&bytes)) {
        out->has_body = true;
        out->is_body_bytes = true;
        out->body = bytes_of(&bytes);
    }
    if (out->body.len > DIRECT_BODY_BYTES_MAX)
        view_complain(&body, DIAG_DIRECT_BODY_LARGE, STR_EMPTY, STR_EMPTY);
    else if (out->body.len > DIRECT_BODY_BYTES_WARNING)
        view_complain(&body, DIAG_DIRECT_BODY_LARGISH, STR_EMPTY, STR_EMPTY);
}

void destination_read(const struct view *destination, struct str namespace, struct destination *out)
{
    *out = (struct destination){.origin = view_origin(destination)};
    view_check_fields(destination, DESTINATION_ROWS, COUNT_OF(DESTINATION_ROWS));
    struct view host_field = view_field(destination, STR("host"));
    const struct view *host_view = view_is_present(&host_field) ? &host_field : destination;
    struct str host = label_text(&host_field, STR_EMPTY);
    if (str_eq(host, STR("*")))
        view_complain(host_view, DIAG_DESTINATION_STAR, STR_EMPTY, STR_EMPTY);
    else if (!host_is_ip(host))
        syntax_check_wildcard_domain(host_view, host);
    out->host = host_resolve(host, namespace, destination->reading->arena);
    out->subset = view_str(destination, STR("subset"), STR_EMPTY);
    if (out->subset.len > 0) {
        struct view subset = view_field(destination, STR("subset"));
        syntax_check_name(&subset, out->subset, STR("subset"));
    }
    out->port = read_port(destination);
}

void header_operations_read(const struct view *headers, struct header_operations *request,
                            struct header_operations *response)
{
    if (!view_is_present(headers))
        return;
    view_check_fields(headers, HEADERS_ROWS, COUNT_OF(HEADERS_ROWS));
    read_operations(headers, STR("request"), true, request);
    read_operations(headers, STR("response"), false, response);
}

const struct http_redirect *http_redirect_read(const struct view *redirect)
{
    static const char *const DERIVE[] = {"FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT", NULL};
    struct http_redirect *out = ARENA_NEW(redirect->reading->arena, struct http_redirect);

    out->origin = view_origin(redirect);
    view_check_fields(redirect, REDIRECT_ROWS, COUNT_OF(REDIRECT_ROWS));
    out->uri = view_str(redirect, STR("uri"), STR_EMPTY);
    out->prefix_rewrite = view_str(redirect, STR("prefixRewrite"), STR_EMPTY);
    out->has_prefix_rewrite = out->prefix_rewrite.len > 0;
    out->authority = view_str(redirect, STR("authority"), STR_EMPTY);
    out->scheme = view_str(redirect, STR("scheme"), STR_EMPTY);
    out->port = (uint32_t)view_i64(redirect, STR("port"), 0, 65535, 0);
    struct view port = view_field(redirect, STR("port"));
    struct view derive = view_field(redirect, STR("derivePort"));
    if (view_is_present(&derive))
        out->derive_port = view_choice(redirect, STR("derivePort"), DERIVE, 0) == 1
                               ? DERIVE_PORT_FROM_REQUEST
                               : DERIVE_PORT_FROM_PROTOCOL;
    if (view_is_present(&derive) && view_is_present(&port))
        view_complain(&derive, DIAG_REDIRECT_PORT_TWICE, STR_EMPTY, STR_EMPTY);
    out->code = (uint32_t)view_i64(redirect, STR("redirectCode"), 0, UINT32_MAX, 0);
    if (out->code != 0 && (out->code < 300 || out->code > 399)) {
        struct view code = view_field(redirect, STR("redirectCode"));
        view_complain(&code, DIAG_REDIRECT_CODE, STR_EMPTY, STR_EMPTY);
    }
    if (out->scheme.len > 0 && !str_eq(out->scheme, STR("http")) &&
        !str_eq(out->scheme, STR("https"))) {
        struct view scheme = view_field(redirect, STR("scheme"));
        view_complain(&scheme, DIAG_REDIRECT_SCHEME, out->scheme, STR_EMPTY);
    }
    if (out->uri.len > 0 && out->has_prefix_rewrite)
        view_complain(redirect, DIAG_REDIRECT_PATH_TWICE, STR_EMPTY, STR_EMPTY);
    if (out->uri.len == 0 && !out->has_prefix_rewrite && out->authority.len == 0 &&
        !view_is_present(&port) && !view_is_present(&derive) && out->scheme.len == 0)
        view_complain(redirect, DIAG_REDIRECT_EMPTY, STR_EMPTY, STR_EMPTY);
    return out;
}

const struct http_rewrite *http_rewrite_read(const struct view *rewrite)
{
    struct http_rewrite *out = ARENA_NEW(rewrite->reading->arena, struct http_rewrite);
    struct view regex = view_map(rewrite, STR("uriRegexRewrite"));

    out->origin = view_origin(rewrite);
    view_check_fields(rewrite, REWRITE_ROWS, COUNT_OF(REWRITE_ROWS));
    out->uri = view_str(rewrite, STR("uri"), STR_EMPTY);
    out->has_uri = out->uri.len > 0;
    out->authority = view_str(rewrite, STR("authority"), STR_EMPTY);
    out->has_regex = view_is_present(&regex);
    if (out->has_regex) {
        view_check_fields(&regex, REGEX_REWRITE_ROWS, COUNT_OF(REGEX_REWRITE_ROWS));
        out->regex_match = view_str(&regex, STR("match"), STR_EMPTY);
        out->regex_rewrite = view_str(&regex, STR("rewrite"), STR_EMPTY);
        if (out->regex_match.len == 0 || out->regex_rewrite.len == 0)
            view_complain(&regex, DIAG_REWRITE_REGEX_HALF, STR_EMPTY, STR_EMPTY);
        struct view match = view_field(&regex, STR("match"));
        if (out->regex_match.len > 0)
            syntax_check_regex(&match, out->regex_match);
    }
    if (out->has_regex && out->has_uri)
        view_complain(rewrite, DIAG_REWRITE_TWICE, STR_EMPTY, STR_EMPTY);
    if (!out->has_regex && !out->has_uri && out->authority.len == 0)
        view_complain(rewrite, DIAG_REWRITE_EMPTY, STR_EMPTY, STR_EMPTY);
    return out;
}

const struct http_direct_response *http_direct_response_read(const struct view *direct)
{
    struct http_direct_response *out =
        ARENA_NEW(direct->reading->arena, struct http_direct_response);

    out->origin = view_origin(direct);
    view_check_fields(direct, DIRECT_ROWS, COUNT_OF(DIRECT_ROWS));
    out->status = (uint32_t)view_i64(direct, STR("status"), 0, UINT32_MAX, 0);
    if (out->status < 200 || out->status > 600) {
        struct view status = view_field(direct, STR("status"));
        view_complain(view_is_present(&status) ? &status : direct, DIAG_DIRECT_STATUS, STR_EMPTY,
                      STR_EMPTY);
    }
    read_direct_body(direct, out);
    return out;
}
