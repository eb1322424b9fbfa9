/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/bootstrap.c - see bootstrap.h.
 *
 * Works on the JSON that the printers make (print.h), so whatever they learn to
 * say is exported, too: everything is copied, but for the parts named here.
 */
#include "proxy/model/bootstrap.h"

#include <stdlib.h>

#include "base/check.h"
#include "proxy/model/bootstrap_inside.h"
#include "proxy/model/print.h"
#include "proxy/model/print_parts.h"

#define ALL_BYTES_MAX ((size_t)1 << 30) /* a large mesh prints some MB */

void bootstrap_note(struct bootstrap_job *job, struct str text)
{
    struct bootstrap_notes *notes = job->notes;
    for (uint32_t i = 0; i < notes->count; i++)
        if (str_eq(notes->items[i], text))
            return;
    *ARENA_PUSH(job->arena, notes->items, notes->count, notes->capacity) = text;
}

struct str bootstrap_text(const struct json_value *object, struct str key)
{
    const struct json_value *value = json_get(object, key);
    return value != NULL && value->kind == JSON_STRING ? value->text : STR_EMPTY;
}

static void copy_number(struct json *json, const struct json_value *value)
{
    uint64_t whole;
    if (str_to_u64(value->text, UINT64_MAX, &whole))
        json_u64(json, whole);
    else
        json_double(json, value->number);
}

/* As deep as the reader lets a document be. */
void bootstrap_copy(struct json *json, const struct json_value *value)
{
    switch (value->kind) {
    case JSON_NULL:
        json_null(json);
        return;
    case JSON_BOOL:
        json_bool(json, str_eq(value->text, STR("true")));
        return;
    case JSON_NUMBER:
        copy_number(json, value);
        return;
    case JSON_STRING:
        json_str(json, value->text);
        return;
    case JSON_ARRAY:
        json_begin_array(json);
        for (uint32_t i = 0; i < value->count; i++)
            bootstrap_copy(json, &value->items[i]);
        json_end_array(json);
        return;
    case JSON_OBJECT:
        json_begin_object(json);
        for (uint32_t i = 0; i < value->count; i++) {
            json_key(json, value->keys[i]);
            bootstrap_copy(json, &value->items[i]);
        }
        json_end_object(json);
        return;
    }
    UNREACHABLE("json_kind");
}

void bootstrap_copy_others(struct json *json, const struct json_value *object,
                           const struct str *but, size_t but_count)
{
    for (uint32_t i = 0; i < object->count; i++) {
        bool is_skipped = false;
        for (size_t k = 0; k < but_count && !is_skipped; k++)
            is_skipped = str_eq(object->keys[i], but[k]);
        if (is_skipped)
            continue;
        json_key(json, object->keys[i]);
        bootstrap_copy(json, &object->items[i]);
    }
}

void bootstrap_copy_rewriting(struct bootstrap_job *job, const struct json_value *value,
                              bootstrap_rewrite *rewrite)
{
    struct json *json = job->json;
    if (value->kind == JSON_ARRAY) {
        json_begin_array(json);
        for (uint32_t i = 0; i < value->count; i++)
            bootstrap_copy_rewriting(job, &value->items[i], rewrite);
        json_end_array(json);
        return;
    }
    if (value->kind != JSON_OBJECT) {
        bootstrap_copy(json, value);
        return;
    }
    json_begin_object(json);
    for (uint32_t i = 0; i < value->count; i++) {
        if (rewrite(job, value->keys[i], &value->items[i]))
            continue;
        json_key(json, value->keys[i]);
        bootstrap_copy_rewriting(job, &value->items[i], rewrite);
    }
    json_end_object(json);
}

const struct json_value *bootstrap_find(const struct json_value *list, struct str key,
                                        struct str name)
{
    for (uint32_t i = 0; list != NULL && i < list->count; i++)
        if (str_eq(bootstrap_text(&list->items[i], key), name))
            return &list->items[i];
    return NULL;
}

/* --- clusters ------------------------------------------------------------- */

/* To the application behind the proxy itself. */
static bool is_inside(struct str name)
{
    return str_has_prefix(name, STR("inbound|")) || str_eq(name, STR("InboundPassthroughCluster"));
}

/* "inbound|PORT|..."; 0: it says none. */
static uint32_t inside_port(struct str name)
{
    uint64_t port = 0;
    (void)str_cut(&name, '|');
    return str_to_u64(str_cut(&name, '|'), UINT16_MAX, &port) ? (uint32_t)port : 0;
}

/* Where a file has the endpoints. */
static void write_files(const struct bootstrap_job *job, struct str name,
                        const struct cluster *cluster)
{
    struct json *json = job->json;
    uint32_t index = (uint32_t)(cluster - job->snapshot->clusters);
    json_key(json, STR("edsClusterConfig"));
    json_begin_object(json);
    json_key_str(json, STR("serviceName"), name);
    json_key(json, STR("edsConfig"));
    json_begin_object(json);
    json_key(json, STR("pathConfigSource"));
    json_begin_object(json);
    json_key_str(json, STR("path"),
                 bootstrap_endpoints_file(job->arena, job->options->endpoints_folder, index));
    json_end_object(json);
    json_key_str(json, STR("resourceApiVersion"), STR("V3"));
    json_end_object(json);
    json_end_object(json);
}

/* Endpoints in place of those that istiod would serve. */
static void write_load(struct bootstrap_job *job, const struct json_value *value, struct str name,
                       bool is_eds)
{
    const struct cluster *cluster = snapshot_cluster(job->snapshot, name);
    const struct json_value *own = json_get(value, STR("loadAssignment"));
    const struct json_value *served =
        is_eds ? bootstrap_find(json_get(job->all, STR("endpoints")), STR("clusterName"), name)
               : NULL;

    if (is_eds && job->options->endpoints_folder.len > 0)
        write_files(job, name, cluster);
    else if (job->is_led_inside)
        bootstrap_inside_load(job, name, inside_port(name));
    else if (served != NULL)
        bootstrap_load(job, served);
    else if (own != NULL)
        bootstrap_load(job, own);
    else if (cluster != NULL && cluster->endpoint_count > 0)
        bootstrap_cluster_load(job, cluster);
}

/* Whoever says where endpoints are met has no names to look up. */
static struct str cluster_type(const struct bootstrap_job *job, struct str type)
{
    bool is_looking_up = str_eq(type, STR("STRICT_DNS")) || str_eq(type, STR("LOGICAL_DNS"));
    bool is_served = str_eq(type, STR("EDS")) && job->options->endpoints_folder.len == 0;
    bool is_static =
        is_served || job->is_led_inside || (is_looking_up && job->options->reach != NULL);
    return is_static ? STR("STATIC") : type;
}

static void begin_cluster(struct bootstrap_job *job, struct str name, struct str type)
{
    job->is_inside_cluster = is_inside(name);
    job->is_led_inside = job->is_inside_cluster && job->options->reach_inside != NULL &&
                         str_eq(type, STR("ORIGINAL_DST"));
    job->is_http_cluster = map_get(&job->http_clusters, name) != MAP_NONE;
}

static void write_cluster(struct bootstrap_job *job, const struct json_value *value)
{
    static const struct str OWN[] = {STR_INIT("type"),
                                     STR_INIT("edsClusterConfig"),
                                     STR_INIT("loadAssignment"),
                                     STR_INIT("transportSocket"),
                                     STR_INIT("transportSocketMatches"),
                                     STR_INIT("filters"),
                                     STR_INIT("lbPolicy"),
                                     STR_INIT("cleanupInterval"),
                                     STR_INIT("originalDstLbConfig")};
    enum { PARTS_FROM = 3, PARTS_TO = 6, OWN_COUNT = COUNT_OF(OWN) };
    struct json *json = job->json;
    struct str name = bootstrap_text(value, STR("name")), type = bootstrap_text(value, STR("type"));

    json_begin_object(json);
    begin_cluster(job, name, type);
    bootstrap_copy_others(json, value, OWN, job->is_led_inside ? OWN_COUNT : PARTS_TO);
    if (type.len > 0)
        json_key_str(json, STR("type"), cluster_type(job, type));
    write_load(job, value, name, str_eq(type, STR("EDS")));
    for (size_t i = PARTS_FROM; i < PARTS_TO; i++) {
        const struct json_value *part = json_get(value, OWN[i]);
        if (part == NULL)
            continue;
        if (str_eq(OWN[i], STR("filters"))) {
            bootstrap_filters(job, OWN[i], part);
        } else if (!bootstrap_transport(job, OWN[i], part)) {
            job->plain_cluster_count++;
        }
    }
    json_end_object(json);
}

static void write_clusters(struct bootstrap_job *job)
{
    const struct json_value *clusters = json_get(job->all, STR("clusters"));
    json_key(job->json, STR("clusters"));
    json_begin_array(job->json);
    for (uint32_t i = 0; i < clusters->count; i++)
        write_cluster(job, &clusters->items[i]);
    json_end_array(job->json);
    if (job->plain_cluster_count > 0)
        bootstrap_note(job, arena_format(job->arena,
                                         "mutual TLS to %u cluster%s: its certificates come from "
                                         "istiod; they are spoken to in plaintext",
                                         job->plain_cluster_count,
                                         job->plain_cluster_count == 1 ? "" : "s"));
}

/* --- the whole ------------------------------------------------------------ */

static void write_node(const struct bootstrap_job *job)
{
    struct str name = arena_format(job->arena, "%.*s.%.*s", STR_FMT(job->snapshot->proxy_name),
                                   STR_FMT(job->snapshot->proxy_namespace));
    json_key(job->json, STR("node"));
    json_begin_object(job->json);
    json_key_str(job->json, STR("id"), name);
    json_key_str(job->json, STR("cluster"), name);
    json_end_object(job->json);
    json_key(job->json, STR("admin"));
    json_begin_object(job->json);
    json_key(job->json, STR("address"));
    print_address(job->json, job->options->admin_address, job->options->admin_port);
    json_end_object(job->json);
}

static void write_event_log(const struct bootstrap_job *job)
{
    struct json *json = job->json;
    json_key(json, STR("outlierDetection"));
    json_begin_object(json);
    json_key_str(json, STR("eventLogPath"), job->options->event_log);
    json_end_object(json);
}

static void write_source(const struct bootstrap_job *job)
{
    struct json *json = job->json;
    json_key(json, STR("upstreamBindConfig"));
    json_begin_object(json);
    json_key(json, STR("sourceAddress"));
    json_begin_object(json);
    json_key_str(json, STR("address"), job->options->source_address);
    json_key_i64(json, STR("portValue"), 0);
    json_end_object(json);
    json_end_object(json);
}

static void write_manager(const struct bootstrap_job *job)
{
    const struct bootstrap_options *options = job->options;
    if (options->event_log.len == 0 && options->source_address.len == 0)
        return;
    json_key(job->json, STR("clusterManager"));
    json_begin_object(job->json);
    if (options->event_log.len > 0)
        write_event_log(job);
    if (options->source_address.len > 0)
        write_source(job);
    json_end_object(job->json);
}

/* Every place must name a listener. */
static bool check_places(struct bootstrap_job *job)
{
    const struct json_value *listeners = json_get(job->all, STR("listeners"));
    for (uint32_t i = 0; i < job->options->place_count; i++) {
        struct str name = job->options->places[i].listener;
        if (bootstrap_find(listeners, STR("name"), name) != NULL)
            continue;
        struct str known = STR_EMPTY;
        for (uint32_t k = 0; k < listeners->count; k++)
            known = arena_format(job->arena, "%.*s%s%.*s", STR_FMT(known), k == 0 ? "" : ", ",
                                 STR_FMT(bootstrap_text(&listeners->items[k], STR("name"))));
        bootstrap_note(job,
                       arena_format(job->arena, "there is no listener \"%.*s\"; there are: %.*s",
                                    STR_FMT(name), STR_FMT(known)));
        return false;
    }
    return true;
}

static enum rc write_all(struct bootstrap_job *job)
{
    if (!check_places(job))
        return RC_BAD;
    json_begin_object(job->json);
    write_node(job);
    write_manager(job);
    bootstrap_note_http(job);
    json_key(job->json, STR("staticResources"));
    json_begin_object(job->json);
    bootstrap_listeners(job);
    write_clusters(job);
    json_end_object(job->json);
    json_end_object(job->json);
    return json_is_full(job->json) ? RC_FULL : RC_OK;
}

enum rc bootstrap_print(const struct snapshot *snapshot, const struct bootstrap_options *options,
                        struct json *json, struct arena *arena, struct bootstrap_notes *notes)
{
    struct bootstrap_job job = {
        .snapshot = snapshot, .options = options, .json = json, .arena = arena, .notes = notes};
    struct json_value all;
    struct json printer;
    struct buf text;
    size_t where = 0;

    buf_init(&text, ALL_BYTES_MAX);
    json_init(&printer, &text, 0);
    print_all(snapshot, &printer);
    enum rc rc = json_is_full(&printer) ? RC_FULL : json_read(buf_str(&text), arena, &all, &where);
    ASSERT(rc != RC_BAD);
    if (rc == RC_OK) {
        job.all = &all;
        rc = write_all(&job);
    }
    buf_fini(&text);
    return rc;
}
