/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/bootstrap_endpoint.c - endpoints of the bootstrap: as they are, or
 * where somebody plays them.
 */
#include "base/check.h"
#include "proxy/model/bootstrap_inside.h"
#include "proxy/model/print_parts.h"

#define LOAD_BYTES_MAX ((size_t)256 << 20) /* a large cluster's print */

/* Rings and Maglev tables hash an address; it must not show that it was moved. */
static void write_metadata(struct json *json, const struct json_value *metadata, struct str key)
{
    static const struct str FILTERS = STR_INIT("filterMetadata");
    const struct json_value *filters = metadata == NULL ? NULL : json_get(metadata, FILTERS);
    bool has_own = filters != NULL && json_get(filters, STR("envoy.lb")) != NULL;

    json_key(json, STR("metadata"));
    json_begin_object(json);
    if (metadata != NULL)
        bootstrap_copy_others(json, metadata, &FILTERS, 1);
    json_key(json, FILTERS);
    json_begin_object(json);
    if (filters != NULL)
        bootstrap_copy_others(json, filters, NULL, 0);
    if (!has_own) {
        json_key(json, STR("envoy.lb"));
        json_begin_object(json);
        json_key_str(json, STR("hash_key"), key);
        json_end_object(json);
    }
    json_end_object(json);
    json_end_object(json);
}

/* False: it is met nowhere. */
static bool reach(const struct bootstrap_job *job, const struct json_value *endpoint,
                  struct bootstrap_place *at, struct str *key)
{
    const struct json_value *address = json_get(endpoint, STR("address"));
    const struct json_value *socket =
        address == NULL ? NULL : json_get(address, STR("socketAddress"));
    const struct json_value *port = socket == NULL ? NULL : json_get(socket, STR("portValue"));
    uint64_t number = 0;

    if (socket == NULL || (port != NULL && !str_to_u64(port->text, UINT16_MAX, &number)))
        return false;
    struct str text = bootstrap_text(socket, STR("address"));
    *key = arena_format(job->arena, "%.*s:%u", STR_FMT(text), (uint32_t)number);
    if (job->is_inside_cluster && job->options->reach_inside != NULL)
        return job->options->reach_inside(job->options->reach_user, (uint32_t)number, &at->address,
                                          &at->port);
    return job->options->reach(job->options->reach_user, text, (uint32_t)number, &at->address,
                               &at->port);
}

static void write_endpoint(struct bootstrap_job *job, const struct json_value *item)
{
    static const struct str OWN[] = {STR_INIT("endpoint"), STR_INIT("metadata")};
    static const struct str ADDRESS = STR_INIT("address");
    struct json *json = job->json;
    const struct json_value *endpoint = json_get(item, OWN[0]);
    struct bootstrap_place at = {0};
    struct str key;

    if (endpoint == NULL || !reach(job, endpoint, &at, &key))
        return;
    json_begin_object(json);
    bootstrap_copy_others(json, item, OWN, COUNT_OF(OWN));
    json_key(json, OWN[0]);
    json_begin_object(json);
    bootstrap_copy_others(json, endpoint, &ADDRESS, 1);
    json_key(json, ADDRESS);
    print_address(json, at.address, at.port);
    json_end_object(json);
    write_metadata(json, json_get(item, OWN[1]), key);
    json_end_object(json);
}

static void write_locality(struct bootstrap_job *job, const struct json_value *locality)
{
    static const struct str ENDPOINTS = STR_INIT("lbEndpoints");
    const struct json_value *items = json_get(locality, ENDPOINTS);

    json_begin_object(job->json);
    bootstrap_copy_others(job->json, locality, &ENDPOINTS, 1);
    json_key(job->json, ENDPOINTS);
    json_begin_array(job->json);
    for (uint32_t i = 0; items != NULL && i < items->count; i++)
        write_endpoint(job, &items->items[i]);
    json_end_array(job->json);
    json_end_object(job->json);
}

/* The pairs of a ClusterLoadAssignment. */
static void write_load(struct bootstrap_job *job, const struct json_value *load)
{
    static const struct str LOCALITIES = STR_INIT("endpoints");
    const struct json_value *localities = json_get(load, LOCALITIES);

    if (job->options->reach == NULL || localities == NULL) {
        bootstrap_copy_others(job->json, load, NULL, 0);
        return;
    }
    bootstrap_copy_others(job->json, load, &LOCALITIES, 1);
    json_key(job->json, LOCALITIES);
    json_begin_array(job->json);
    for (uint32_t i = 0; i < localities->count; i++)
        write_locality(job, &localities->items[i]);
    json_end_array(job->json);
}

void bootstrap_load(struct bootstrap_job *job, const struct json_value *load)
{
    json_key(job->json, STR("loadAssignment"));
    json_begin_object(job->json);
    write_load(job, load);
    json_end_object(job->json);
}

void bootstrap_inside_load(struct bootstrap_job *job, struct str cluster, uint32_t port)
{
    const struct bootstrap_options *options = job->options;
    struct json *json = job->json;
    struct bootstrap_place at = {0};
    bool is_there = options->reach_inside(options->reach_user, port, &at.address, &at.port);
    json_key(json, STR("loadAssignment"));
    json_begin_object(json);
    json_key_str(json, STR("clusterName"), cluster);
    json_key(json, STR("endpoints"));
    json_begin_array(json);
    if (is_there)
        print_lone_endpoint(json, at.address, at.port);
    json_end_array(json);
    json_end_object(json);
}

static struct json_value load_of(const struct cluster *cluster, struct arena *arena)
{
    struct json_value load;
    struct json printer;
    struct buf text;
    size_t where = 0;

    buf_init(&text, LOAD_BYTES_MAX);
    json_init(&printer, &text, 0);
    print_load_assignment(&printer, cluster);
    bool is_read =
        !json_is_full(&printer) && json_read(buf_str(&text), arena, &load, &where) == RC_OK;
    ASSERT(is_read);
    buf_fini(&text);
    return load;
}

void bootstrap_cluster_load(struct bootstrap_job *job, const struct cluster *cluster)
{
    struct json_value load = load_of(cluster, job->arena);
    bootstrap_load(job, &load);
}

struct str bootstrap_endpoints_file(struct arena *arena, struct str folder, uint32_t index)
{
    return arena_format(arena, "%.*s/endpoints%u.json", STR_FMT(folder), index);
}

enum rc bootstrap_print_endpoints(const struct snapshot *snapshot,
                                  const struct bootstrap_options *options, uint32_t index,
                                  struct json *json, struct arena *arena)
{
    ASSERT(index < snapshot->cluster_count);
    struct bootstrap_job job = {
        .snapshot = snapshot, .options = options, .json = json, .arena = arena};
    struct json_value load = load_of(&snapshot->clusters[index], arena);
    json_begin_object(json);
    json_key(json, STR("resources"));
    json_begin_array(json);
    json_begin_object(json);
    json_key_str(json, STR("@type"),
                 STR("type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"));
    write_load(&job, &load);
    json_end_object(json);
    json_end_array(json);
    json_end_object(json);
    return json_is_full(json) ? RC_FULL : RC_OK;
}
