/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/object.c - see object.h.
 */
#include "config/validate/object.h"

#include "base/check.h"
#include "config/validate/crd.h"
#include "config/validate/field.h"
#include "config/validate/rules.h"
#include "config/validate/word.h"

#define LIST_DEPTH_MAX 4u
#define DRY_RUN STR("istio.io/dry-run")

struct object_kind {
    struct str group, kind;
    enum schema_message message;
    void (*rules)(const struct view *spec, const struct judged *object);
};

static const struct object_kind KINDS[] = {
    {STR_INIT("networking.istio.io"), STR_INIT("VirtualService"), SCHEMA_VIRTUAL_SERVICE,
     virtual_service_rules},
    {STR_INIT("networking.istio.io"), STR_INIT("DestinationRule"), SCHEMA_DESTINATION_RULE,
     destination_rule_rules},
    {STR_INIT("networking.istio.io"), STR_INIT("Gateway"), SCHEMA_GATEWAY, gateway_rules},
    {STR_INIT("networking.istio.io"), STR_INIT("ServiceEntry"), SCHEMA_SERVICE_ENTRY,
     service_entry_rules},
    {STR_INIT("networking.istio.io"), STR_INIT("WorkloadEntry"), SCHEMA_WORKLOAD_ENTRY,
     workload_entry_rules},
    {STR_INIT("networking.istio.io"), STR_INIT("WorkloadGroup"), SCHEMA_WORKLOAD_GROUP,
     workload_group_rules},
    {STR_INIT("networking.istio.io"), STR_INIT("Sidecar"), SCHEMA_SIDECAR, sidecar_rules},
    {STR_INIT("networking.istio.io"), STR_INIT("EnvoyFilter"), SCHEMA_ENVOY_FILTER,
     envoy_filter_rules},
    {STR_INIT("networking.istio.io"), STR_INIT("ProxyConfig"), SCHEMA_PROXY_CONFIG,
     proxy_config_rules},
    {STR_INIT("security.istio.io"), STR_INIT("AuthorizationPolicy"), SCHEMA_AUTHORIZATION_POLICY,
     authorization_policy_rules},
    {STR_INIT("security.istio.io"), STR_INIT("RequestAuthentication"),
     SCHEMA_REQUEST_AUTHENTICATION, request_authentication_rules},
    {STR_INIT("security.istio.io"), STR_INIT("PeerAuthentication"), SCHEMA_PEER_AUTHENTICATION,
     peer_authentication_rules},
    {STR_INIT("telemetry.istio.io"), STR_INIT("Telemetry"), SCHEMA_TELEMETRY, telemetry_rules},
    {STR_INIT("extensions.istio.io"), STR_INIT("WasmPlugin"), SCHEMA_WASM_PLUGIN,
     wasm_plugin_rules},
    {STR_INIT("extensions.istio.io"), STR_INIT("TrafficExtension"), SCHEMA_TRAFFIC_EXTENSION,
     traffic_extension_rules},
};

static const struct str VERSIONS[] = {STR_INIT("v1"), STR_INIT("v1beta1"), STR_INIT("v1alpha3"),
                                      STR_INIT("v1alpha1")};

static const struct str TOP_KEYS[] = {STR_INIT("apiVersion"), STR_INIT("kind"),
                                      STR_INIT("metadata"), STR_INIT("spec"), STR_INIT("status")};

/* Annotations that only istiod itself may write. */
static const struct {
    struct str name;
    enum diag_id id;
} FORBIDDEN[] = {
    {STR_INIT("internal.istio.io/webhook-always-reject"), DIAG_V_ALWAYS_REJECT},
    {STR_INIT("internal.istio.io/parent-namespace"), DIAG_V_INTERNAL_ANNOTATION},
    {STR_INIT("internal.istio.io/parents"), DIAG_V_INTERNAL_ANNOTATION},
};

static const struct object_kind *find_kind(const struct object *object)
{
    bool is_known = false;

    for (size_t i = 0; i < COUNT_OF(VERSIONS); i++)
        is_known |= str_eq(VERSIONS[i], object->version);
    for (size_t i = 0; is_known && i < COUNT_OF(KINDS); i++)
        if (str_eq(KINDS[i].kind, object->kind) && str_eq(KINDS[i].group, object->group))
            return &KINDS[i];
    return NULL;
}

static struct str text_of(const struct node *node)
{
    return node == NULL || node->kind == NODE_NULL || node->kind == NODE_MAP ||
                   node->kind == NODE_LIST
               ? STR_EMPTY
               : node->text;
}

static struct str pair(const struct node *map, struct str name, bool *found)
{
    const struct node *value = node_get(map, name);

    *found = value != NULL;
    return text_of(value);
}

static void add(struct object_list *list, const struct node *node, struct arena *arena)
{
    const struct node *metadata = node_get(node, STR("metadata"));
    struct str rest = text_of(node_get(node, STR("apiVersion")));
    struct str group = str_cut(&rest, '/');
    struct object *added = ARENA_PUSH(arena, list->items, list->count, list->capacity);

    *added = (struct object){
        .group = rest.ptr != NULL ? group : STR_EMPTY,
        .version = rest.ptr != NULL ? rest : group,
        .kind = text_of(node_get(node, STR("kind"))),
        .namespace = text_of(node_get(metadata, STR("namespace"))),
        .name = text_of(node_get(metadata, STR("name"))),
        .root = node,
        .spec = node_get(node, STR("spec")),
        .labels = node_get(metadata, STR("labels")),
        .annotations = node_get(metadata, STR("annotations")),
        .origin = node->origin,
        .document_line = node->origin.line,
    };
    added->istio = find_kind(added);
}

static void add_or_unfold(struct object_list *list, const struct node *node, struct arena *arena,
                          struct diag_list *diags, uint32_t depth)
{
    const struct node *kind = node_get(node, STR("kind"));
    const struct node *version = node_get(node, STR("apiVersion"));
    const struct node *items = node_get(node, STR("items"));

    if (kind == NULL || version == NULL || kind->kind != NODE_STRING ||
        version->kind != NODE_STRING) {
        diag_add(diags, DIAG_OBJECT_NO_KIND, node->origin, STR_EMPTY, STR_EMPTY, STR_EMPTY,
                 STR_EMPTY);
        return;
    }
    if (str_has_suffix(kind->text, STR("List")) && items != NULL && items->kind == NODE_LIST &&
        depth < LIST_DEPTH_MAX) {
        for (uint32_t i = 0; i < items->count; i++)
            add_or_unfold(list, items->items[i], arena, diags, depth + 1);
        return;
    }
    if (!str_has_prefix(version->text, STR("pocketmesh/")))
        add(list, node, arena);
}

/* False when the webhook looks no further. */
static bool check_dry_run(const struct view *root, const struct object *object,
                          const struct judged *judged)
{
    struct view spec = view_field(root, STR("spec"));
    struct view value = view_field(&judged->annotations, DRY_RUN);
    struct str action = field_choice(&spec, STR("action"), SCHEMA_ENUM_AUTHORIZATION_POLICY_ACTION);
    struct str text = field_own_text(&value);
    static const struct str TRUTHS[] = {STR_INIT("1"),     STR_INIT("t"),     STR_INIT("T"),
                                        STR_INIT("TRUE"),  STR_INIT("true"),  STR_INIT("True"),
                                        STR_INIT("0"),     STR_INIT("f"),     STR_INIT("F"),
                                        STR_INIT("FALSE"), STR_INIT("false"), STR_INIT("False")};

    if (!view_is_present(&value))
        return true;
    struct str name = arena_format(root->reading->arena, "%.*s/%.*s", STR_FMT(judged->namespace),
                                   STR_FMT(judged->name));
    if (!str_eq(object->kind, STR("AuthorizationPolicy"))) {
        say_text(&value, DIAG_V_DRY_RUN, name);
        return false;
    }
    if (!str_eq(action, STR("ALLOW")) && !str_eq(action, STR("DENY"))) {
        view_complain(&value, DIAG_V_DRY_RUN_ACTION, action, name);
        return false;
    }
    for (size_t i = 0; i < COUNT_OF(TRUTHS); i++)
        if (str_eq(TRUTHS[i], text))
            return true;
    view_complain(&value, DIAG_V_DRY_RUN_VALUE, name, text);
    return false;
}

static bool check_metadata(const struct view *root, const struct object *object,
                           const struct judged *judged)
{
    if (!check_dry_run(root, object, judged))
        return false;
    for (size_t i = 0; i < COUNT_OF(FORBIDDEN); i++) {
        struct view value = view_field(&judged->annotations, FORBIDDEN[i].name);
        if (!view_is_present(&value))
            continue;
        say_text(&value, FORBIDDEN[i].id, FORBIDDEN[i].name);
        return false;
    }
    return true;
}

static bool check_top_keys(const struct view *root)
{
    bool is_fine = true;

    for (uint32_t i = 0; i < view_count(root); i++) {
        struct view entry = view_entry(root, i);
        bool is_known = false;
        for (size_t k = 0; k < COUNT_OF(TOP_KEYS); k++)
            is_known |= str_eq(TOP_KEYS[k], entry.key);
        if (is_known)
            continue;
        struct node at_key = {.origin = root->node->entries[i].key_origin};
        entry.node = &at_key;
        say_text(&entry, DIAG_V_UNKNOWN_KEY, entry.key);
        is_fine = false;
    }
    return is_fine;
}

static struct reading reading_of(struct object_question asked)
{
    return (struct reading){.arena = asked.arena, .diags = asked.diags};
}

static void check_service_ports(const struct view *root, struct str full_name)
{
    struct view spec = view_field(root, STR("spec"));
    struct view ports = view_field(&spec, STR("ports"));

    for (uint32_t i = 0; i < view_count(&ports); i++) {
        struct view port = view_item(&ports, i);
        struct str name = field_text(&port, STR("name"));
        if (str_eq_ci(field_text(&port, STR("protocol")), STR("UDP")))
            continue;
        if (field_has(&port, STR("appProtocol"))) {
            if (word_protocol_kind(field_text(&port, STR("appProtocol"))) ==
                WORD_PROTOCOL_UNSUPPORTED)
                say_text(&port, DIAG_V_SERVICE_PROTOCOL, full_name);
        } else if (!field_has(&port, STR("name"))) {
            say_text(&port, DIAG_V_SERVICE_UNNAMED, full_name);
        } else if (word_protocol_kind(str_slice(name, 0, str_find(name, '-'))) ==
                   WORD_PROTOCOL_UNSUPPORTED) {
            view_complain(&port, DIAG_V_SERVICE_PORT, full_name, name);
        }
    }
}

/* map[a:b c:d], by key, as Go prints it. */
static struct str map_text(const struct view *map)
{
    struct arena *arena = map->reading->arena;
    struct str text = STR("map["), last = STR_EMPTY;

    for (uint32_t n = 0; n < view_count(map); n++) {
        const struct node_entry *best = NULL;
        for (uint32_t i = 0; i < map->node->count; i++) {
            const struct node_entry *entry = &map->node->entries[i];
            bool is_later = n == 0 || str_order(entry->key, last) > 0;
            if (is_later && (best == NULL || str_order(entry->key, best->key) < 0))
                best = entry;
        }
        if (best == NULL)
            break;
        last = best->key;
        text = arena_format(arena, "%.*s%s\"%.*s\":\"%.*s\"", STR_FMT(text), n == 0 ? "" : " ",
                            STR_FMT(best->key), STR_FMT(text_of(best->value)));
    }
    return arena_concat(arena, text, STR("]"));
}

static void check_template_labels(const struct view *root, struct str full_name)
{
    static const struct str NAMES[] = {STR_INIT("service.istio.io/canonical-name"),
                                       STR_INIT("app.kubernetes.io/name"), STR_INIT("app")};
    static const struct str REVISIONS[] = {STR_INIT("service.istio.io/canonical-revision"),
                                           STR_INIT("app.kubernetes.io/version"),
                                           STR_INIT("version")};
    struct view spec = view_field(root, STR("spec"));
    struct view template = view_field(&spec, STR("template"));
    struct view metadata = view_field(&template, STR("metadata"));
    struct view labels = view_field(&metadata, STR("labels"));
    bool has_name = false, has_revision = false;

    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        has_name |= node_get(labels.node, NAMES[i]) != NULL;
        has_revision |= node_get(labels.node, REVISIONS[i]) != NULL;
    }
    if (!has_name || !has_revision)
        view_complain(&metadata, DIAG_V_DEPLOYMENT_LABELS, full_name, map_text(&labels));
}

void object_list_add(struct object_list *list, const struct node *document, struct arena *arena,
                     struct diag_list *diags)
{
    add_or_unfold(list, document, arena, diags, 0);
}

struct str object_annotation(const struct object *object, struct str name, bool *found)
{
    return pair(object->annotations, name, found);
}

bool object_is(const struct object *object, struct str group, struct str kind)
{
    return str_eq(object->kind, kind) && str_eq(object->group, group);
}

bool object_is_readable(const struct object *object, struct arena *arena)
{
    struct diag_list aside;
    struct reading reading = {.arena = arena, .diags = &aside};
    struct view root = view_of(&reading, object->root);
    struct view spec = view_field(&root, STR("spec"));

    diag_list_init(&aside, arena);
    return object->istio == NULL || schema_check(&spec, object->istio->message, false);
}

void object_judge(const struct object *object, struct object_question asked)
{
    struct reading reading = reading_of(asked);
    struct view root = view_of(&reading, object->root);
    struct view spec = view_field(&root, STR("spec"));
    struct view metadata = view_field(&root, STR("metadata"));
    /* An object without a spec is judged like one with an empty one. */
    struct node nothing = {.kind = NODE_MAP, .origin = object->root->origin};

    if (object->istio == NULL)
        return;
    struct judged judged = {
        .namespace = asked.namespace,
        .name = object->name,
        .labels = view_field(&metadata, STR("labels")),
        .annotations = view_field(&metadata, STR("annotations")),
    };
    if (!schema_check(&spec, object->istio->message, asked.is_strict))
        return;
    if (asked.is_strict && !check_top_keys(&root))
        return;
    if (spec.node == NULL)
        spec.node = &nothing;
    if (asked.has_crd)
        crd_check(&spec, object->istio->message);
    if (check_metadata(&root, object, &judged))
        object->istio->rules(&spec, &judged);
}

void object_judge_kubernetes(const struct object *object, struct object_question asked)
{
    struct reading reading = reading_of(asked);
    struct view root = view_of(&reading, object->root);

    if (str_eq(object->namespace, STR("istio-system")))
        return;
    struct str full_name =
        arena_format(asked.arena, "%.*s/%.*s", STR_FMT(object->name), STR_FMT(object->namespace));
    if (object_is(object, STR(""), STR("Service")))
        check_service_ports(&root, full_name);
    if (object_is(object, STR("apps"), STR("Deployment")))
        check_template_labels(&root, full_name);
}
