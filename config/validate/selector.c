/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/selector.c - see selector.h.
 */
#include "config/validate/selector.h"

#include "base/check.h"
#include "config/resource/label.h"
#include "config/resource/syntax.h"
#include "config/validate/field.h"

/* group, kind: what a policy may be attached to. */
static const struct {
    struct str group, kind;
} TARGETS[] = {
    {STR_INIT(""), STR_INIT("Service")},
    {STR_INIT("networking.istio.io"), STR_INIT("ServiceEntry")},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("Gateway")},
    {STR_INIT("gateway.networking.k8s.io"), STR_INIT("GatewayClass")},
};

static void check_pairs(const struct view *map)
{
    for (uint32_t i = 0; i < view_count(map); i++) {
        struct view entry = view_entry(map, i);
        struct str value = field_own_text(&entry);
        struct str pair =
            arena_format(map->reading->arena, "%.*s=%.*s", STR_FMT(entry.key), STR_FMT(value));
        if (entry.key.len == 0)
            say_text(&entry, DIAG_V_SELECTOR_EMPTY_KEY, field_quoted(&entry, pair));
        if (str_find(entry.key, '*') != STR_NONE || str_find(value, '*') != STR_NONE)
            say_text(&entry, DIAG_V_SELECTOR_WILDCARD, field_quoted(&entry, pair));
    }
}

static bool is_target(struct str group, struct str kind)
{
    if (str_eq(group, STR("core")))
        group = STR_EMPTY;
    for (size_t i = 0; i < COUNT_OF(TARGETS); i++)
        if (str_eq(TARGETS[i].group, group) && str_eq(TARGETS[i].kind, kind))
            return true;
    return false;
}

static void check_target(const struct view *target)
{
    struct str group = field_text(target, STR("group"));
    struct str kind = field_text(target, STR("kind"));

    if (!view_is_present(target))
        return;
    if (field_text(target, STR("name")).len == 0)
        say(target, DIAG_V_TARGET_NAME);
    if (field_text(target, STR("namespace")).len > 0)
        say(target, DIAG_V_TARGET_NAMESPACE);
    if (!is_target(group, kind))
        view_complain(target, DIAG_V_TARGET_KIND, group, kind);
}

/* An entry of exportTo by itself; false when it was refused. */
static bool check_export_entry(const struct view *item, struct str key, bool is_service_entry)
{
    if (str_eq(key, STR("~"))) {
        if (!is_service_entry)
            say(item, DIAG_V_EXPORT_NONE);
        return is_service_entry;
    }
    if (!str_eq(key, STR("*")) && !str_eq(key, STR(".")) && !syntax_is_label(key)) {
        say(item, DIAG_V_EXPORT_ENTRY);
        return false;
    }
    return true;
}

static void check_export_of_selected(const struct view *list, const struct text_list *seen,
                                     struct str namespace)
{
    if (seen->count == 0)
        return;
    if (!text_list_has(seen, namespace))
        say(list, DIAG_V_EXPORT_BEYOND);
    else if (seen->count > 1)
        say(list, DIAG_V_EXPORT_MULTIPLE);
}

void selector_check_labels(const struct view *selector)
{
    struct view labels = view_field(selector, STR("matchLabels"));

    if (!view_is_present(selector))
        return;
    check_pairs(&labels);
    if (view_count(&labels) == 0)
        say(selector, DIAG_V_SELECTOR_NO_LABELS);
}

void selector_check_policy(const struct view *spec)
{
    struct view selector = view_field(spec, STR("selector"));
    struct view target = view_field(spec, STR("targetRef"));
    struct view targets = view_field(spec, STR("targetRefs"));
    int kinds = (view_is_present(&selector) ? 1 : 0) + (view_is_present(&target) ? 1 : 0) +
                (view_count(&targets) > 0 ? 1 : 0);

    if (kinds > 1)
        say(spec, DIAG_V_SELECTOR_OR_TARGETS);
    selector_check_labels(&selector);
    check_target(&target);
    for (uint32_t i = 0; i < view_count(&targets); i++) {
        struct view item = view_item(&targets, i);
        check_target(&item);
    }
}

bool selector_check_workload(const struct view *spec, enum diag_id warning)
{
    struct view selector = view_field(spec, STR("workloadSelector"));
    struct view labels = view_field(&selector, STR("labels"));
    uint32_t first = spec->reading->diags->count;

    if (!view_is_present(&selector))
        return true;
    check_pairs(&labels);
    if (spec->reading->diags->count > first)
        return false;
    if (view_count(&labels) == 0)
        say(&selector, warning);
    return true;
}

void selector_check_export_to(const struct view *spec, struct selector_scope scope)
{
    struct view list = view_field(spec, STR("exportTo"));
    struct text_list seen = {0};

    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct str entry = field_own_text(&item);
        bool is_here = str_eq(entry, STR("."));
        struct str key = is_here ? scope.namespace : entry;
        if (text_list_has(&seen, key)) {
            if (is_here)
                say_text(&item, DIAG_V_EXPORT_TWICE_HERE, scope.namespace);
            else
                say_text(&item, DIAG_V_EXPORT_TWICE, entry);
        } else if (check_export_entry(&item, key, scope.is_service_entry)) {
            text_list_add(&seen, key, spec->reading->arena);
        }
    }
    if (scope.has_workload_selector)
        check_export_of_selected(&list, &seen, scope.namespace);
    if (text_list_has(&seen, STR("*")) && view_count(&list) > 1)
        say(&list, DIAG_V_EXPORT_PUBLIC);
    if (text_list_has(&seen, STR("~")) && view_count(&list) > 1)
        say(&list, DIAG_V_EXPORT_NO_ONE);
}
