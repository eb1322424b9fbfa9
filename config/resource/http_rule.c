/* SPDX-License-Identifier: Apache-2.0
 *
 * config/resource/http_rule.c - one entry of a VirtualService's http list, and
 * what in it excludes what.
 *
 * Source: ISTIO.md 2.6 to 2.17, 9.3.
 */
#include "config/resource/http_rule.h"

#include "config/resource/syntax.h"

static const struct field_row RULE_ROWS[] = {
    {"name", FIELD_USED},           {"match", FIELD_USED},
    {"route", FIELD_USED},          {"redirect", FIELD_USED},
    {"directResponse", FIELD_USED}, {"delegate", FIELD_USED},
    {"rewrite", FIELD_USED},        {"timeout", FIELD_USED},
    {"retries", FIELD_USED},        {"fault", FIELD_USED},
    {"mirror", FIELD_USED},         {"mirrors", FIELD_USED},
    {"mirrorPercent", FIELD_USED},  {"mirrorPercentage", FIELD_USED},
    {"corsPolicy", FIELD_USED},     {"headers", FIELD_USED},
};

static const struct field_row ROUTE_ROWS[] = {
    {"destination", FIELD_USED}, {"weight", FIELD_USED}, {"headers", FIELD_USED}};

static void read_route_item(const struct view *item, struct str namespace,
                            struct http_route_destination *out)
{
    out->origin = view_origin(item);
    view_check_fields(item, ROUTE_ROWS, COUNT_OF(ROUTE_ROWS));
    struct view destination = view_map(item, STR("destination"));
    if (view_is_present(&destination))
        destination_read(&destination, namespace, &out->destination);
    else
        view_complain(item, DIAG_DESTINATION_MISSING, STR_EMPTY, STR_EMPTY);
    out->weight = view_i64(item, STR("weight"), INT32_MIN, INT32_MAX, 0);
    if (out->weight < 0) {
        struct view weight = view_field(item, STR("weight"));
        view_complain(&weight, DIAG_WEIGHT_NEGATIVE, STR_EMPTY, STR_EMPTY);
        out->weight = 0;
    }
    struct view headers = view_map(item, STR("headers"));
    header_operations_read(&headers, &out->request, &out->response);
}

static void read_routes(const struct view *rule, struct str namespace, struct http_rule *out)
{
    struct view list = view_list(rule, STR("route"));
    int64_t weight_sum = 0;

    out->route_count = view_count(&list);
    out->routes =
        ARENA_ARRAY(rule->reading->arena, struct http_route_destination, out->route_count);
    for (uint32_t i = 0; i < out->route_count; i++) {
        struct view item = view_item(&list, i);
        read_route_item(&item, namespace, &out->routes[i]);
        weight_sum += out->routes[i].weight;
    }
    if (out->route_count > 1 && weight_sum == 0)
        view_complain(&list, DIAG_WEIGHT_SUM_ZERO, STR_EMPTY, STR_EMPTY);
}

static void read_matches(const struct view *rule, struct str namespace, struct http_rule *out)
{
    struct view list = view_list(rule, STR("match"));

    out->match_count = view_count(&list);
    out->matches = ARENA_ARRAY(rule->reading->arena, struct http_match, out->match_count);
    for (uint32_t i = 0; i < out->match_count; i++) {
        struct view item = view_item(&list, i);
        http_match_read(&item, namespace, &out->matches[i]);
    }
}

static const struct field_row DELEGATE_ROWS[] = {{"name", FIELD_USED}, {"namespace", FIELD_USED}};

static const struct http_delegate *read_delegate(const struct view *rule, struct str namespace)
{
    struct view view = view_map(rule, STR("delegate"));

    if (!view_is_present(&view))
        return NULL;
    struct http_delegate *out = ARENA_NEW(rule->reading->arena, struct http_delegate);
    view_check_fields(&view, DELEGATE_ROWS, COUNT_OF(DELEGATE_ROWS));
    out->origin = view_origin(&view);
    out->name = label_text_field(&view, STR("name"), STR_EMPTY);
    out->namespace = label_text_field(&view, STR("namespace"), namespace);
    if (out->namespace.len == 0)
        out->namespace = namespace;
    return out;
}

static void read_actions(const struct view *rule, struct http_rule *out)
{
    struct view redirect = view_map(rule, STR("redirect"));
    struct view direct = view_map(rule, STR("directResponse"));
    struct view rewrite = view_map(rule, STR("rewrite"));
    struct view headers = view_map(rule, STR("headers"));

    if (view_is_present(&redirect))
        out->redirect = http_redirect_read(&redirect);
    if (view_is_present(&direct))
        out->direct = http_direct_response_read(&direct);
    if (view_is_present(&rewrite))
        out->rewrite = http_rewrite_read(&rewrite);
    out->has_headers = view_is_present(&headers);
    header_operations_read(&headers, &out->request, &out->response);
}

static void read_policies(const struct view *rule, struct str namespace, struct http_rule *out)
{
    struct view timeout = view_field(rule, STR("timeout"));
    struct view retries = view_map(rule, STR("retries"));
    struct view fault = view_map(rule, STR("fault"));
    struct view cors = view_map(rule, STR("corsPolicy"));

    if (view_is_present(&timeout)) {
        out->has_timeout = true;
        out->timeout_ns = view_own_duration_ns(&timeout, 0);
        out->timeout_origin = view_origin(&timeout);
        /* 0s is loaded by a cluster without validation and turns the timeout off. */
        if (out->timeout_ns != 0)
            syntax_check_duration(&timeout, out->timeout_ns);
    }
    if (view_is_present(&retries))
        out->retries = http_retries_read(&retries);
    if (view_is_present(&fault))
        out->fault = http_fault_read(&fault);
    if (view_is_present(&cors))
        out->cors = http_cors_read(&cors);
    http_mirrors_read(rule, namespace, &out->mirrors);
}

static void exclude(const struct view *rule, bool has_both, struct str a, struct str b)
{
    if (has_both)
        view_complain(rule, DIAG_RULE_EXCLUDES, a, b);
}

static void check_actions(const struct view *rule, const struct http_rule *read)
{
    bool has_redirect = read->redirect != NULL;
    bool has_direct = read->direct != NULL;

    if (read->delegate != NULL) {
        if (has_redirect)
            view_complain(rule, DIAG_RULE_DELEGATE_EXCLUDES, STR("redirect"), STR_EMPTY);
        if (read->route_count > 0)
            view_complain(rule, DIAG_RULE_DELEGATE_EXCLUDES, STR("route"), STR_EMPTY);
        return;
    }
    exclude(rule, has_redirect && read->route_count > 0, STR("route"), STR("redirect"));
    exclude(rule, has_redirect && read->fault != NULL, STR("fault"), STR("redirect"));
    exclude(rule, has_redirect && read->rewrite != NULL, STR("rewrite"), STR("redirect"));
    exclude(rule, has_redirect && has_direct, STR("directResponse"), STR("redirect"));
    exclude(rule, has_direct && read->route_count > 0, STR("route"), STR("directResponse"));
    exclude(rule, has_direct && read->fault != NULL, STR("fault"), STR("directResponse"));
    exclude(rule, has_direct && read->rewrite != NULL, STR("rewrite"), STR("directResponse"));
    if (!has_redirect && !has_direct && read->route_count == 0)
        view_complain(rule, DIAG_RULE_NO_ACTION, STR_EMPTY, STR_EMPTY);
}

static uint32_t authority_count(const struct header_operation_list *list)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < list->count; i++) {
        if (str_eq_ci(list->items[i].name, STR("host")) ||
            str_eq_ci(list->items[i].name, STR(":authority")))
            count++;
    }
    return count;
}

static void check_authority(const struct view *rule, const struct http_rule *read)
{
    uint32_t count = authority_count(&read->request.set) + authority_count(&read->request.add);

    if (read->rewrite != NULL && read->rewrite->authority.len > 0)
        count++;
    if (count > 1)
        view_complain(rule, DIAG_AUTHORITY_TWICE, STR_EMPTY, STR_EMPTY);
}

static void check_redirect_prefix(const struct view *rule, const struct http_rule *read)
{
    if (read->redirect == NULL || !read->redirect->has_prefix_rewrite)
        return;
    for (uint32_t i = 0; i < read->match_count; i++) {
        enum text_match_kind kind = read->matches[i].uri.kind;
        if (kind == TEXT_EXACT || kind == TEXT_REGEX) {
            view_complain(rule, DIAG_REDIRECT_PREFIX_MATCH, STR_EMPTY, STR_EMPTY);
            return;
        }
    }
}

void http_rule_read(const struct view *rule, struct str namespace, struct http_rule *out)
{
    *out = (struct http_rule){.origin = view_origin(rule), .path = view_path(rule)};
    if (!view_is_present(rule)) {
        view_complain(rule, DIAG_RULE_NULL, STR_EMPTY, STR_EMPTY);
        return;
    }
    view_check_fields(rule, RULE_ROWS, COUNT_OF(RULE_ROWS));
    out->name = view_str(rule, STR("name"), STR_EMPTY);
    read_matches(rule, namespace, out);
    read_routes(rule, namespace, out);
    read_actions(rule, out);
    out->delegate = read_delegate(rule, namespace);
    read_policies(rule, namespace, out);
    check_actions(rule, out);
    check_authority(rule, out);
    check_redirect_prefix(rule, out);
}
