/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/authz_provider.c - see authz_provider.h.
 */
#include "config/resource/authz_provider.h"

static const struct field_row ROWS[] = {
    {"service", FIELD_USED},
    {"port", FIELD_USED},
    {"timeout", FIELD_USED},
    {"failOpen", FIELD_USED},
    {"statusOnError", FIELD_USED},
    {"clearRouteCache", FIELD_NO_EFFECT},
    {"pathPrefix", FIELD_USED},
    {"includeRequestHeadersInCheck", FIELD_USED},
    {"includeHeadersInCheck", FIELD_USED},
    {"includeAdditionalHeadersInCheck", FIELD_USED},
    {"includeRequestBodyInCheck", FIELD_USED},
    {"headersToUpstreamOnAllow", FIELD_USED},
    {"headersToDownstreamOnDeny", FIELD_USED},
    {"headersToDownstreamOnAllow", FIELD_USED},
};
static const struct field_row BODY_ROWS[] = {{"maxRequestBytes", FIELD_USED},
                                             {"allowPartialMessage", FIELD_USED},
                                             {"packAsBytes", FIELD_USED}};

static struct text_list read_texts(const struct view *view, struct str name)
{
    struct view list = view_list(view, name);

    return text_list_read(&list);
}

static void read_body(const struct view *view, struct authz_provider *out)
{
    struct view body = view_map(view, STR("includeRequestBodyInCheck"));

    if (!view_is_present(&body))
        return;
    view_check_fields(&body, BODY_ROWS, COUNT_OF(BODY_ROWS));
    out->has_body = true;
    out->body_bytes_max = (uint32_t)view_i64(&body, STR("maxRequestBytes"), 0, UINT32_MAX, 0);
    out->is_body_partial = view_bool(&body, STR("allowPartialMessage"), false);
    out->is_body_bytes = view_bool(&body, STR("packAsBytes"), false);
}

static void read_one(const struct view *view, struct authz_provider *out)
{
    struct view added = view_map(view, STR("includeAdditionalHeadersInCheck"));
    uint64_t status = 0;

    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    out->service = view_str(view, STR("service"), STR_EMPTY);
    out->port = (uint32_t)view_i64(view, STR("port"), 0, UINT16_MAX, 0);
    out->timeout_ns = view_duration_ns(view, STR("timeout"), 0);
    out->is_failing_open = view_bool(view, STR("failOpen"), false);
    if (str_to_u64(view_str(view, STR("statusOnError"), STR_EMPTY), 599, &status))
        out->error_status = (uint32_t)status;
    out->path_prefix = view_str(view, STR("pathPrefix"), STR_EMPTY);
    out->asked = read_texts(view, STR("includeRequestHeadersInCheck"));
    if (out->asked.count == 0) /* the name it had before */
        out->asked = read_texts(view, STR("includeHeadersInCheck"));
    out->to_upstream = read_texts(view, STR("headersToUpstreamOnAllow"));
    out->to_client_denied = read_texts(view, STR("headersToDownstreamOnDeny"));
    out->to_client_allowed = read_texts(view, STR("headersToDownstreamOnAllow"));
    out->added = label_list_read(&added);
    label_list_sort(&out->added);
    read_body(view, out);
}

struct authz_provider_list authz_providers_read(const struct view *list)
{
    struct authz_provider_list out = {0};

    for (uint32_t i = 0; i < view_count(list); i++) {
        struct view item = view_item(list, i);
        struct view http = view_map(&item, STR("envoyExtAuthzHttp"));
        struct view grpc = view_map(&item, STR("envoyExtAuthzGrpc"));
        if (!view_is_present(&http) && !view_is_present(&grpc))
            continue;
        struct authz_provider *provider =
            ARENA_PUSH(list->reading->arena, out.items, out.count, out.capacity);
        provider->name = view_str(&item, STR("name"), STR_EMPTY);
        provider->is_grpc = view_is_present(&grpc);
        read_one(provider->is_grpc ? &grpc : &http, provider);
    }
    return out;
}
