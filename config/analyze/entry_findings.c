/* SPDX-License-Identifier: Apache-2.0
 *
 * config/analyze/entry_findings.c - ServiceEntries: TCP without addresses, one
 * host and port with two protocols. EnvoyFilters: patches that cannot work.
 */
#include "base/check.h"
#include "config/analyze/context.h"

#define ENTRY STR("ServiceEntry")

static bool is_true(const struct node *map, struct str name)
{
    return str_eq(node_text(node_get(map, name)), STR("true"));
}

/* The proxies' DNS gives addresses to entries without one. */
static bool has_auto_addresses(const struct analysis *analysis)
{
    const struct node *config = node_get(analysis->mesh_config, STR("defaultConfig"));
    const struct node *metadata = node_get(config, STR("proxyMetadata"));

    return is_true(metadata, STR("ISTIO_META_DNS_CAPTURE")) &&
           (is_true(metadata, STR("ISTIO_META_DNS_AUTO_ALLOCATE")) ||
            is_true(metadata, STR("PILOT_ENABLE_IP_AUTOALLOCATE")));
}

void entry_analyze_addresses(struct analysis *analysis)
{
    const struct object *object;

    if (has_auto_addresses(analysis))
        return;
    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, ENTRY, &i));) {
        struct view spec = context_spec(analysis, object);
        struct view ports = view_field(&spec, STR("ports"));
        const struct node *given =
            node_get(node_get(object->root, STR("status")), STR("addresses"));
        if (field_count(&spec, STR("addresses")) > 0 || (given != NULL && given->count > 0))
            continue;
        for (uint32_t k = 0; k < view_count(&ports); k++) {
            struct view port = view_item(&ports, k);
            struct view name = view_field(&port, STR("name"));
            struct str protocol = field_text(&port, STR("protocol"));
            if (protocol.len == 0 || str_eq_ci(protocol, STR("TCP")))
                report(analysis, object, &name, DIAG_A_IST0134, (struct words3){0});
        }
    }
}

struct entry_port {
    const struct object *object;
    struct str scope, host, protocol;
    int64_t port;
};

struct entry_port_list {
    struct entry_port *items;
    uint32_t count, capacity;
};

static struct entry_port_list entry_ports(struct analysis *analysis)
{
    struct entry_port_list list = {0};
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, ENTRY, &i));) {
        struct view spec = context_spec(analysis, object);
        struct view hosts = view_field(&spec, STR("hosts"));
        struct view ports = view_field(&spec, STR("ports"));
        struct text_list scopes = context_scopes(analysis, &spec, object->namespace);
        for (uint32_t n = 0; n < scopes.count * view_count(&hosts) * view_count(&ports); n++) {
            uint32_t host_count = view_count(&hosts), port_count = view_count(&ports);
            struct view port = view_item(&ports, n % port_count);
            struct view host = view_item(&hosts, n / port_count % host_count);
            *ARENA_PUSH(analysis->arena, list.items, list.count, list.capacity) =
                (struct entry_port){object, scopes.items[n / port_count / host_count],
                                    field_own_text(&host), field_text(&port, STR("protocol")),
                                    field_number(&port, STR("number"))};
        }
    }
    return list;
}

static bool is_with(const struct entry_port *a, const struct entry_port *b)
{
    return a->port == b->port && str_eq(a->host, b->host) &&
           (str_eq(a->scope, b->scope) || str_eq(b->scope, STR("*")));
}

static struct str upper(struct analysis *analysis, struct str text)
{
    struct str copy = arena_str(analysis->arena, text);
    char *bytes = arena_alloc(analysis->arena, text.len + 1);

    for (size_t i = 0; i < text.len; i++) {
        char c = copy.ptr[i];
        bytes[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    return (struct str){bytes, text.len};
}

static void add_once(struct text_list *list, struct str text, struct arena *arena)
{
    if (!text_list_has(list, text))
        text_list_add(list, text, arena);
}

void entry_analyze_protocols(struct analysis *analysis)
{
    struct entry_port_list list = entry_ports(analysis);
    struct text_list reported = {0};

    for (uint32_t i = 0; i < list.count; i++) {
        struct text_list names = {0}, protocols = {0};
        for (uint32_t k = 0; k < list.count; k++) {
            if (!is_with(&list.items[i], &list.items[k]))
                continue;
            add_once(&names, context_name(analysis, list.items[k].object), analysis->arena);
            add_once(&protocols, upper(analysis, list.items[k].protocol), analysis->arena);
        }
        struct str name = context_name(analysis, list.items[i].object);
        if (protocols.count < 2 || text_list_has(&reported, name))
            continue;
        text_list_add(&reported, name, analysis->arena);
        context_sort(&names);
        context_sort(&protocols);
        struct str host = arena_format(analysis->arena, "\"%.*s\" and port %lld",
                                       STR_FMT(list.items[i].host), (long long)list.items[i].port);
        struct view root = context_root(analysis, list.items[i].object);
        struct view metadata = view_field(&root, STR("metadata"));
        struct view at = view_field(&metadata, STR("name"));
        report(analysis, list.items[i].object, &at, DIAG_A_IST0177,
               (struct words3){context_listed(analysis, &names, STR(", ")), host,
                               context_listed(analysis, &protocols, STR(", "))});
    }
}

/* What the patch is about: the filter that it names. */
static struct str filter_name(const struct view *config)
{
    struct view patch = view_field(config, STR("patch"));
    struct view value = view_field(&patch, STR("value"));
    struct view match = view_field(config, STR("match"));
    struct view listener = view_field(&match, STR("listener"));
    struct view chain = view_field(&listener, STR("filterChain"));
    struct view filter = view_field(&chain, STR("filter"));

    if (!view_is_present(&value))
        return STR_EMPTY;
    struct str name = field_text(&value, STR("name"));
    return name.len > 0 ? name : field_text(&filter, STR("name"));
}

static enum diag_id patch_fault(const struct view *config, bool is_name_versioned,
                                bool has_priority)
{
    struct view patch = view_field(config, STR("patch"));
    struct str operation = field_text(&patch, STR("operation"));
    struct str apply_to = field_text(config, STR("applyTo"));
    bool is_route =
        str_eq(apply_to, STR("ROUTE_CONFIGURATION")) || str_eq(apply_to, STR("HTTP_ROUTE"));
    bool is_replaceable = str_eq(apply_to, STR("NETWORK_FILTER")) ||
                          str_eq(apply_to, STR("HTTP_FILTER")) ||
                          str_eq(apply_to, STR("VIRTUAL_HOST"));
    bool is_remove = str_eq(operation, STR("REMOVE"));
    bool is_replace = str_eq(operation, STR("REPLACE"));
    bool is_insert =
        str_eq(operation, STR("INSERT_BEFORE")) || str_eq(operation, STR("INSERT_AFTER"));

    if (str_eq(operation, STR("ADD")) && is_route)
        return DIAG_A_IST0153;
    if (is_remove && is_route)
        return DIAG_A_IST0154;
    if (is_replace && !is_replaceable)
        return DIAG_A_IST0152;
    if (has_priority || !(is_remove || is_replace || is_insert))
        return DIAG_ID_COUNT;
    return is_name_versioned ? DIAG_A_IST0155 : DIAG_A_IST0151;
}

void filter_analyze_patches(struct analysis *analysis)
{
    struct text_list versioned = {0};
    const struct object *object;

    for (uint32_t i = 0; (object = context_next(analysis, ISTIO_GROUP, STR("EnvoyFilter"), &i));) {
        struct view spec = context_spec(analysis, object);
        struct view configs = view_field(&spec, STR("configPatches"));
        bool has_priority = field_number(&spec, STR("priority")) != 0;
        for (uint32_t k = 0; k < view_count(&configs); k++) {
            struct view config = view_item(&configs, k);
            struct view patch = view_field(&config, STR("patch"));
            struct view match = view_field(&config, STR("match"));
            struct view proxy = view_field(&match, STR("proxy"));
            struct str name = filter_name(&config);
            if (!view_is_present(&patch))
                break;
            enum diag_id id = patch_fault(&config, text_list_has(&versioned, name), has_priority);
            if (id != DIAG_ID_COUNT)
                report(analysis, object, &patch, id, (struct words3){0});
            if (field_text(&proxy, STR("proxyVersion")).len > 0)
                text_list_add(&versioned, name, analysis->arena);
        }
    }
}
