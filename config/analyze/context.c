/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/context.c - see context.h.
 */
#include "config/analyze/context.h"

static enum diag_severity severity_of(enum diag_id id)
{
    static const enum diag_severity SEVERITIES[DIAG_ID_COUNT] = {
#define X(id, severity, text) [DIAG_##id] = severity,
#include "config/yaml/diag_analyze.def"
#undef X
    };

    return SEVERITIES[id];
}

void report(struct analysis *analysis, const struct object *object, const struct view *at,
            enum diag_id id, struct words3 words)
{
    struct finding *finding = ARENA_PUSH(analysis->arena, analysis->findings,
                                         analysis->finding_count, analysis->finding_capacity);
    bool has_field = at != NULL && view_is_present(at);
    bool is_scalar = has_field && at->node->kind != NODE_MAP && at->node->kind != NODE_LIST;

    *finding = (struct finding){
        .diag = {.id = id,
                 .severity = severity_of(id),
                 .origin = has_field ? view_origin(at) : object->origin,
                 .path = has_field ? view_path(at) : STR_EMPTY,
                 .args = {words.a, words.b, words.c}},
        .object = object,
        .line = is_scalar ? at->node->origin.line : object->document_line,
    };
}

const struct object *context_next(const struct analysis *analysis, struct str group,
                                  struct str kind, uint32_t *index)
{
    while (*index < analysis->objects.count) {
        const struct object *object = &analysis->objects.items[(*index)++];
        if (object_is(object, group, kind))
            return object;
    }
    return NULL;
}

const struct object *context_find(const struct analysis *analysis, struct str group,
                                  struct str kind, struct words3 namespace_and_name)
{
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, group, kind, &i)) != NULL;)
        if (str_eq(object->namespace, namespace_and_name.a) &&
            str_eq(object->name, namespace_and_name.b))
            return object;
    return NULL;
}

struct view context_root(struct analysis *analysis, const struct object *object)
{
    return view_of(&analysis->reading, object->root);
}

/* Views point to their parents: this one's lives as long as the arena. */
struct view context_spec(struct analysis *analysis, const struct object *object)
{
    struct view *root = ARENA_NEW(analysis->arena, struct view);

    *root = context_root(analysis, object);
    return view_field(root, STR("spec"));
}

struct str context_name(const struct analysis *analysis, const struct object *object)
{
    if (object->namespace.len == 0)
        return object->name;
    return arena_format(analysis->arena, "%.*s/%.*s", STR_FMT(object->namespace),
                        STR_FMT(object->name));
}

struct str node_text(const struct node *node)
{
    bool is_scalar = node != NULL && node->kind != NODE_MAP && node->kind != NODE_LIST &&
                     node->kind != NODE_NULL;

    return is_scalar ? node->text : STR_EMPTY;
}

struct str context_label(const struct node *labels, struct str name)
{
    return node_text(node_get(labels, name));
}

bool context_selects(const struct node *selector, const struct node *labels)
{
    if (selector == NULL || selector->kind != NODE_MAP)
        return true;
    for (uint32_t i = 0; i < selector->count; i++) {
        const struct node *value = node_get(labels, selector->entries[i].key);
        if (value == NULL || !str_eq(node_text(value), node_text(selector->entries[i].value)))
            return false;
    }
    return true;
}

void context_sort(struct text_list *list)
{
    for (uint32_t i = 1; i < list->count; i++) {
        struct str moved = list->items[i];
        uint32_t at = i;
        for (; at > 0 && str_order(moved, list->items[at - 1]) < 0; at--)
            list->items[at] = list->items[at - 1];
        list->items[at] = moved;
    }
}

struct str context_listed(const struct analysis *analysis, const struct text_list *list,
                          struct str separator)
{
    struct str text = STR_EMPTY;

    for (uint32_t i = 0; i < list->count; i++)
        text =
            arena_format(analysis->arena, "%.*s%.*s%.*s", STR_FMT(text),
                         i == 0 ? 0 : (int)separator.len, separator.ptr, STR_FMT(list->items[i]));
    return text;
}

struct str context_selector_text(const struct analysis *analysis, const struct node *selector)
{
    struct text_list pairs = {0};

    for (uint32_t i = 0; selector != NULL && selector->kind == NODE_MAP && i < selector->count; i++)
        text_list_add(&pairs,
                      arena_format(analysis->arena, "%.*s=%.*s", STR_FMT(selector->entries[i].key),
                                   STR_FMT(node_text(selector->entries[i].value))),
                      analysis->arena);
    context_sort(&pairs);
    return context_listed(analysis, &pairs, STR(","));
}

struct view context_first_pair(const struct view *selector)
{
    struct view best = *selector;
    bool has_one = false;

    for (uint32_t i = 0; i < view_count(selector); i++) {
        struct view entry = view_entry(selector, i);
        if (!has_one || str_order(entry.key, best.key) < 0)
            best = entry;
        has_one = true;
    }
    return best;
}

static bool has_proxy(const struct node *containers)
{
    for (uint32_t i = 0;
         containers != NULL && containers->kind == NODE_LIST && i < containers->count; i++)
        if (str_eq(node_text(node_get(containers->items[i], STR("name"))), STR("istio-proxy")))
            return node_text(node_get(containers->items[i], STR("image"))).len > 0;
    return false;
}

bool context_is_in_mesh(const struct analysis *analysis, const struct analysis_pod *pod)
{
    static const struct str INJECT = STR_INIT("sidecar.istio.io/inject");

    if (has_proxy(node_get(pod->spec, STR("containers"))) ||
        has_proxy(node_get(pod->spec, STR("initContainers"))))
        return true;
    if (node_get(pod->labels, INJECT) != NULL)
        return str_eq(context_label(pod->labels, INJECT), STR("true"));
    if (node_get(pod->annotations, INJECT) != NULL)
        return str_eq(context_label(pod->annotations, INJECT), STR("true"));
    const struct object *namespace = context_find(
        analysis, STR(""), STR("Namespace"), (struct words3){STR_EMPTY, pod->namespace, STR_EMPTY});
    return namespace != NULL &&
           str_eq(context_label(namespace->labels, STR("istio-injection")), STR("enabled"));
}

bool context_is_ambient(const struct analysis_pod *pod)
{
    return str_eq(context_label(pod->annotations, STR("ambient.istio.io/redirection")),
                  STR("enabled"));
}

bool context_is_control_plane(const struct object *object)
{
    return node_get(object->labels, STR("istio")) != NULL ||
           str_eq(context_label(object->labels, STR("release")), STR("istio"));
}

struct str context_fqdn(const struct analysis *analysis, struct str namespace, struct str host)
{
    if (str_has_prefix(host, STR("*")) || str_find(host, '.') != STR_NONE)
        return host;
    return arena_format(analysis->arena, "%.*s.%.*s.svc.cluster.local", STR_FMT(host),
                        STR_FMT(namespace));
}

struct text_list context_scopes(const struct analysis *analysis, const struct view *spec,
                                struct str namespace)
{
    struct view list = view_field(spec, STR("exportTo"));
    struct text_list scopes = {0}, all = {0};

    text_list_add(&all, STR("*"), analysis->arena);
    for (uint32_t i = 0; i < view_count(&list); i++) {
        struct view item = view_item(&list, i);
        struct str scope = field_own_text(&item);
        if (str_eq(scope, STR("*")))
            return all;
        scope = str_eq(scope, STR(".")) ? namespace : scope;
        if (!text_list_has(&scopes, scope))
            text_list_add(&scopes, scope, analysis->arena);
    }
    return scopes.count == 0 ? all : scopes;
}

struct words3 context_gateway_key(struct str name, struct str namespace)
{
    size_t slash = str_find(name, '/');

    if (slash == STR_NONE)
        return (struct words3){namespace, name, STR_EMPTY};
    return (struct words3){str_slice(name, 0, slash), str_from(name, slash + 1), STR_EMPTY};
}
