/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/config_dump.c - see config_dump.h.
 *
 * The printers write istiod's proto JSON (camelCase); here it is read again and
 * told with Envoy's field names. Keys of maps and structs are the user's and
 * stay as they are.
 */
#include "proxy/model/config_dump.h"

#include "base/check.h"
#include "base/json.h"
#include "proxy/model/print_parts.h"

#define BLOCK_BYTES (64u * 1024)
#define TYPE_PREFIX "type.googleapis.com/"

struct dumper {
    const struct config_dump *dump;
    struct json json;
    struct arena arena; /* of one element */
    struct buf scratch; /* the same */
};

/* --- names -------------------------------------------------------------------- */

static struct str snake_case(struct str name, struct arena *arena)
{
    char *out = arena_alloc(arena, name.len * 2);
    size_t size = 0;
    for (size_t i = 0; i < name.len; i++) {
        bool is_capital = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z';
        if (is_capital && i > 0)
            out[size++] = '_';
        out[size++] = is_capital ? str_lower_char(name.ptr[i]) : name.ptr[i];
    }
    return (struct str){out, size};
}

/* Fields whose value is a map or a Struct: its keys are no fields. */
static bool has_own_keys(struct str field)
{
    static const struct str fields[] = {
        STR_INIT("jsonFormat"),
        STR_INIT("filterMetadata"),
        STR_INIT("typedFilterMetadata"),
        STR_INIT("metadataMatch"),
        STR_INIT("policies"),
        STR_INIT("providers"),
        STR_INIT("typedPerFilterConfig"),
        STR_INIT("typedExtensionProtocolOptions"),
        STR_INIT("shadowRules"),
        STR_INIT("requirementMap"),
    };
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        if (str_eq(fields[i], field))
            return true;
    return false;
}

static bool is_secret(struct str field)
{
    return str_eq(field, STR("privateKey")) || str_eq(field, STR("password")) ||
           str_eq(field, STR("sessionTicketKeys")) || str_eq(field, STR("secret"));
}

enum keys { KEYS_ARE_FIELDS, KEYS_ARE_NAMES, KEYS_ARE_DATA };

/* What a map's values are: messages, but a Struct's are data all the way down. */
static enum keys keys_below(struct str field, enum keys keys)
{
    if (keys == KEYS_ARE_DATA || str_eq(field, STR("jsonFormat")) ||
        str_eq(field, STR("filterMetadata")))
        return KEYS_ARE_DATA;
    if (keys == KEYS_ARE_NAMES)
        return KEYS_ARE_FIELDS;
    return has_own_keys(field) ? KEYS_ARE_NAMES : KEYS_ARE_FIELDS;
}

static void tell(struct dumper *d, const struct json_value *value, enum keys keys);

static void tell_field(struct dumper *d, struct str key, const struct json_value *value,
                       enum keys keys)
{
    bool is_field = keys == KEYS_ARE_FIELDS;
    json_key(&d->json, is_field ? snake_case(key, &d->arena) : key);
    if (is_field && is_secret(key))
        json_str(&d->json, STR("[redacted]"));
    else
        tell(d, value, keys_below(key, keys));
}

static void tell(struct dumper *d, const struct json_value *value, enum keys keys)
{
    struct json *json = &d->json;
    switch (value->kind) {
    case JSON_NULL:
        json_null(json);
        return;
    case JSON_BOOL:
        json_bool(json, str_eq(value->text, STR("true")));
        return;
    case JSON_NUMBER:
        json_double(json, value->number);
        return;
    case JSON_STRING:
        json_str(json, value->text);
        return;
    case JSON_ARRAY:
        json_begin_array(json);
        for (uint32_t i = 0; i < value->count; i++)
            tell(d, &value->items[i], keys);
        json_end_array(json);
        return;
    case JSON_OBJECT:
        json_begin_object(json);
        for (uint32_t i = 0; i < value->count; i++)
            tell_field(d, value->keys[i], &value->items[i], keys);
        json_end_object(json);
        return;
    }
    UNREACHABLE("json_kind");
}

/* --- one noun ------------------------------------------------------------------- */

enum noun { NOUN_CLUSTER, NOUN_ENDPOINTS, NOUN_LISTENER, NOUN_ROUTES };

struct noun_row {
    struct str section;  /* ClustersConfigDump */
    struct str resource; /* dynamic_active_clusters */
    struct str element;  /* the message around it, for ?resource= */
    struct str field;    /* cluster */
    struct str type;     /* envoy.config.cluster.v3.Cluster */
};

static const struct noun_row NOUNS[] = {
    [NOUN_CLUSTER] = {STR_INIT("envoy.admin.v3.ClustersConfigDump"),
                      STR_INIT("dynamic_active_clusters"),
                      STR_INIT("envoy.admin.v3.ClustersConfigDump.DynamicCluster"),
                      STR_INIT("cluster"), STR_INIT("envoy.config.cluster.v3.Cluster")},
    [NOUN_ENDPOINTS] = {STR_INIT("envoy.admin.v3.EndpointsConfigDump"),
                        STR_INIT("dynamic_endpoint_configs"),
                        STR_INIT("envoy.admin.v3.EndpointsConfigDump.DynamicEndpointConfig"),
                        STR_INIT("endpoint_config"),
                        STR_INIT("envoy.config.endpoint.v3.ClusterLoadAssignment")},
    [NOUN_LISTENER] = {STR_INIT("envoy.admin.v3.ListenersConfigDump"),
                       STR_INIT("dynamic_listeners"),
                       STR_INIT("envoy.admin.v3.ListenersConfigDump.DynamicListener"),
                       STR_INIT("listener"), STR_INIT("envoy.config.listener.v3.Listener")},
    [NOUN_ROUTES] = {STR_INIT("envoy.admin.v3.RoutesConfigDump"), STR_INIT("dynamic_route_configs"),
                     STR_INIT("envoy.admin.v3.RoutesConfigDump.DynamicRouteConfig"),
                     STR_INIT("route_config"),
                     STR_INIT("envoy.config.route.v3.RouteConfiguration")},
};

static uint32_t noun_count(const struct snapshot *snapshot, enum noun noun)
{
    switch (noun) {
    case NOUN_CLUSTER:
    case NOUN_ENDPOINTS:
        return snapshot->cluster_count;
    case NOUN_LISTENER:
        return snapshot->listener_count;
    case NOUN_ROUTES:
        return snapshot->route_config_count;
    }
    UNREACHABLE("noun");
}

/* Its proto JSON, into `json`; the name. False: it is not shown. */
static bool print_noun(const struct snapshot *snapshot, enum noun noun, uint32_t index,
                       struct json *json, struct str *name)
{
    switch (noun) {
    case NOUN_CLUSTER:
        *name = snapshot->clusters[index].name;
        print_cluster(json, &snapshot->clusters[index]);
        return true;
    case NOUN_ENDPOINTS:
        *name = snapshot->clusters[index].name;
        if (snapshot->clusters[index].type != CLUSTER_EDS)
            return false;
        print_load_assignment(json, &snapshot->clusters[index]);
        return true;
    case NOUN_LISTENER:
        *name = snapshot->listeners[index].name;
        print_listener(json, &snapshot->listeners[index]);
        return true;
    case NOUN_ROUTES:
        *name = snapshot->route_configs[index].name;
        print_route_config(json, &snapshot->route_configs[index]);
        return true;
    }
    UNREACHABLE("noun");
}

static void tell_type(struct json *json, struct str type)
{
    json_key(json, STR("@type"));
    struct buf text;
    buf_init(&text, 256);
    enum rc rc = buf_format(&text, TYPE_PREFIX "%.*s", STR_FMT(type));
    ASSERT(rc == RC_OK);
    json_str(json, buf_str(&text));
    buf_fini(&text);
}

/* "version_info": "1", NOUN: {"@type": ..., ...}, "last_updated": ... */
static void tell_state(struct dumper *d, const struct noun_row *row, const struct json_value *value)
{
    json_key_str(&d->json, STR("version_info"), d->dump->version);
    json_key(&d->json, row->field);
    json_begin_object(&d->json);
    tell_type(&d->json, row->type);
    for (uint32_t i = 0; i < value->count; i++)
        tell_field(d, value->keys[i], &value->items[i], KEYS_ARE_FIELDS);
    json_end_object(&d->json);
    json_key_str(&d->json, STR("last_updated"), d->dump->last_updated);
}

/* `is_alone`: asked for by ?resource=, so it says what it is. */
static void tell_noun(struct dumper *d, enum noun noun, uint32_t index, bool is_alone)
{
    const struct noun_row *row = &NOUNS[noun];
    struct json scratch;
    struct json_value value;
    struct str name;
    size_t where;
    arena_reset(&d->arena);
    buf_clear(&d->scratch);
    json_init(&scratch, &d->scratch, 0);
    if (!print_noun(d->dump->snapshot, noun, index, &scratch, &name) ||
        (d->dump->name_regex != NULL && !regex_matches_whole(d->dump->name_regex, name)))
        return;
    enum rc rc = json_read(buf_str(&d->scratch), &d->arena, &value, &where);
    ASSERT(rc == RC_OK);
    json_begin_object(&d->json);
    if (is_alone)
        tell_type(&d->json, row->element);
    if (noun == NOUN_LISTENER) {
        json_key_str(&d->json, STR("name"), name);
        json_key(&d->json, STR("active_state"));
        json_begin_object(&d->json);
    }
    tell_state(d, row, &value);
    if (noun == NOUN_LISTENER)
        json_end_object(&d->json);
    json_end_object(&d->json);
}

static void tell_nouns(struct dumper *d, enum noun noun, bool is_alone)
{
    uint32_t count = noun_count(d->dump->snapshot, noun);
    for (uint32_t i = 0; i < count; i++)
        tell_noun(d, noun, i, is_alone);
}

static void tell_section(struct dumper *d, enum noun noun)
{
    json_begin_object(&d->json);
    tell_type(&d->json, NOUNS[noun].section);
    if (noun == NOUN_CLUSTER || noun == NOUN_LISTENER)
        json_key_str(&d->json, STR("version_info"), d->dump->version);
    json_key(&d->json, NOUNS[noun].resource);
    json_begin_array(&d->json);
    tell_nouns(d, noun, false);
    json_end_array(&d->json);
    json_end_object(&d->json);
}

static void tell_bootstrap(struct dumper *d)
{
    const struct snapshot *snapshot = d->dump->snapshot;
    bool is_sidecar = snapshot->proxy_type == PROXY_SIDECAR;
    struct str id = arena_format(&d->arena, "%s~%.*s.%.*s", is_sidecar ? "sidecar" : "router",
                                 STR_FMT(snapshot->proxy_name), STR_FMT(snapshot->proxy_namespace));
    json_begin_object(&d->json);
    tell_type(&d->json, STR("envoy.admin.v3.BootstrapConfigDump"));
    json_key(&d->json, STR("bootstrap"));
    json_begin_object(&d->json);
    json_key(&d->json, STR("node"));
    json_begin_object(&d->json);
    json_key_str(&d->json, STR("id"), id);
    json_key_str(&d->json, STR("cluster"), snapshot->proxy_name);
    json_key_str(&d->json, STR("user_agent_name"), STR("pocketmesh"));
    json_end_object(&d->json);
    json_end_object(&d->json);
    json_key_str(&d->json, STR("last_updated"), d->dump->last_updated);
    json_end_object(&d->json);
}

static bool tell_resource(struct dumper *d)
{
    for (size_t i = 0; i < COUNT_OF(NOUNS); i++) {
        if (!str_eq(NOUNS[i].resource, d->dump->resource))
            continue;
        tell_nouns(d, (enum noun)i, true);
        return true;
    }
    return false;
}

bool config_dump_print(const struct config_dump *dump, struct buf *out)
{
    struct dumper d = {.dump = dump};
    bool is_found = true;
    arena_init(&d.arena, BLOCK_BYTES, 0);
    buf_init(&d.scratch, SIZE_MAX / 2);
    json_init(&d.json, out, 1);
    json_begin_object(&d.json);
    json_key(&d.json, STR("configs"));
    json_begin_array(&d.json);
    if (dump->resource.len > 0) {
        is_found = tell_resource(&d);
    } else {
        tell_bootstrap(&d);
        tell_section(&d, NOUN_CLUSTER);
        if (dump->has_endpoints)
            tell_section(&d, NOUN_ENDPOINTS);
        tell_section(&d, NOUN_LISTENER);
        tell_section(&d, NOUN_ROUTES);
    }
    json_end_array(&d.json);
    json_end_object(&d.json);
    buf_fini(&d.scratch);
    arena_fini(&d.arena);
    return is_found;
}
