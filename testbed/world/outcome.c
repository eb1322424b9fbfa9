/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/outcome.c - see outcome.h.
 */
#include "testbed/world/outcome.h"

#include <stddef.h>

#include "base/bytes.h"
#include "base/map.h"
#include "testbed/world/reading.h"

/* A chain of sightings with one id. */
struct link {
    uint32_t next, last, count; /* last and count: of the first one only */
};

static struct str request_id(const struct sighting *seen)
{
    struct str id = STR_EMPTY;
    (void)reading_header(seen->headers, seen->header_count, STR("x-request-id"), &id);
    return id;
}

static const struct trace *copied_trace(const struct trace *from, struct arena *arena)
{
    if (from == NULL)
        return NULL;
    struct trace *trace = ARENA_NEW(arena, struct trace);
    *trace = *from;
    trace->arena = arena;
    trace->capacity = from->count;
    trace->items = arena_grow(arena, from->items, from->count, from->count, sizeof(*from->items));
    for (uint32_t i = 0; i < trace->count; i++) {
        trace->items[i].text = arena_str(arena, from->items[i].text);
        trace->items[i].other = arena_str(arena, from->items[i].other);
    }
    return trace;
}

static void copy_ends(struct record *record, struct arena *arena)
{
    struct record_downstream *down = &record->downstream;
    struct record_upstream *up = &record->upstream;
    down->remote_address = arena_str(arena, down->remote_address);
    down->local_address = arena_str(arena, down->local_address);
    down->direct_address = arena_str(arena, down->direct_address);
    down->tls = NULL;
    down->server_name = arena_str(arena, down->server_name);
    up->tls = NULL;
    up->local_address = arena_str(arena, up->local_address);
    up->address = arena_str(arena, up->address);
}

static void copy_heads(struct record *record, struct arena *arena)
{
    if (record->request != NULL) {
        struct request_head *request = ARENA_NEW(arena, struct request_head);
        request_head_copy(request, record->request, arena);
        record->request = request;
    }
    if (record->response != NULL) {
        struct response_head *response = ARENA_NEW(arena, struct response_head);
        response_head_copy(response, record->response, arena);
        record->response = response;
    }
}

void outcome_take_record(struct outcome *outcome, const struct record *record,
                         const struct trace *trace, struct arena *arena)
{
    struct record *copy = &outcome->record;
    *copy = *record;
    copy->method = arena_str(arena, record->method);
    copy->path = arena_str(arena, record->path);
    copy->authority = arena_str(arena, record->authority);
    copy->request_id = arena_str(arena, record->request_id);
    copy->details = arena_str(arena, record->details);
    copy->termination = arena_str(arena, record->termination);
    copy->transport_failure = arena_str(arena, record->transport_failure);
    copy->cluster_name = arena_str(arena, record->cluster_name);
    copy_ends(copy, arena);
    copy_heads(copy, arena);
    for (uint32_t i = 0; i < copy->flag_count; i++)
        copy->flags[i] = arena_str(arena, record->flags[i]);
    outcome->has_record = true;
    outcome->flags = record_flags(copy, arena);
    outcome->trace = copied_trace(trace, arena);
}

static struct str kept(struct str text, struct arena *arena)
{
    return text.len > 0 ? arena_str(arena, text) : STR_EMPTY;
}

static struct str kept_details(struct str details, struct arena *arena)
{
    static const struct str usual = STR_INIT("via_upstream");
    return str_eq(details, usual) ? usual : kept(details, arena);
}

void outcome_take_counts(struct outcome *outcome, const struct record *record, struct arena *arena)
{
    struct record *copy = &outcome->record;
    /* Ends and heads come behind it. */
    bytes_copy(copy, record, offsetof(struct record, method));
    copy->details = kept_details(record->details, arena);
    copy->transport_failure = kept(record->transport_failure, arena);
    copy->cluster_name =
        record->cluster != NULL ? record->cluster->name : kept(record->cluster_name, arena);
    for (uint32_t i = 0; i < copy->flag_count; i++)
        copy->flags[i] = arena_str(arena, record->flags[i]);
    copy->upstream.connection_id = record->upstream.connection_id;
    outcome->has_record = true;
    outcome->flags = record->flag_count == 0 ? STR("-") : record_flags(copy, arena);
}

static void give(struct outcome *outcome, const struct sighting_log *log, const struct link *links,
                 uint32_t first, struct arena *arena)
{
    outcome->sightings = ARENA_ARRAY(arena, struct sighting, links[first].count);
    for (uint32_t at = first; at != UINT32_MAX; at = links[at].next)
        outcome->sightings[outcome->sighting_count++] = log->items[at];
}

static void give_all(struct outcome *outcome, const struct sighting_log *log, struct arena *arena)
{
    struct link *links = ARENA_ARRAY(arena, struct link, log->count);
    for (uint32_t i = 0; i < log->count; i++)
        links[i].next = i + 1 < log->count ? i + 1 : UINT32_MAX;
    links[0].count = log->count;
    give(outcome, log, links, 0, arena);
}

static bool has_same_id(const struct outcome *outcome, const struct sighting_log *log)
{
    for (uint32_t i = 0; i < log->count; i++) {
        if (!str_eq(request_id(&log->items[i]), outcome->record.request_id))
            return false;
    }
    return true;
}

/* One map over all ids, then each outcome takes its chain. */
static void give_by_id(struct outcome *outcomes, uint32_t outcome_count,
                       const struct sighting_log *log, struct arena *arena)
{
    struct link *links = ARENA_ARRAY(arena, struct link, log->count);
    struct map first_by_id;
    map_init(&first_by_id, arena);
    for (uint32_t i = 0; i < log->count; i++) {
        links[i] = (struct link){.next = UINT32_MAX, .last = i, .count = 1};
        struct str id = request_id(&log->items[i]);
        uint32_t first = map_get(&first_by_id, id);
        if (first == MAP_NONE) {
            (void)map_set(&first_by_id, id, i);
            continue;
        }
        links[links[first].last].next = i;
        links[first].last = i;
        links[first].count++;
    }
    for (uint32_t i = 0; i < outcome_count; i++) {
        struct str id = outcomes[i].record.request_id;
        uint32_t first =
            outcomes[i].has_record && id.len > 0 ? map_get(&first_by_id, id) : MAP_NONE;
        /* Calls that name themselves alike: the first one gets all. */
        if (first != MAP_NONE && links[first].count > 0) {
            give(&outcomes[i], log, links, first, arena);
            links[first].count = 0;
        }
    }
}

static uint32_t pod_of(const struct outcome *outcome, const struct world *world)
{
    const struct endpoint *endpoint = outcome->has_record ? outcome->record.endpoint : NULL;
    if (endpoint != NULL) {
        uint32_t pod = world_pod_at(world, endpoint->address, endpoint->port);
        if (pod != UINT32_MAX)
            return pod;
    }
    if (endpoint == NULL && outcome->has_record && outcome->record.upstream.address.len > 0) {
        /* It went on to where its client meant to go. */
        const struct record_upstream *upstream = &outcome->record.upstream;
        uint32_t pod = world_pod_at(world, upstream->address, upstream->port);
        if (pod != UINT32_MAX)
            return pod;
    }
    for (uint32_t i = outcome->sighting_count; i > 0; i--) {
        if (!outcome->sightings[i - 1].is_mirror)
            return outcome->sightings[i - 1].pod;
    }
    return UINT32_MAX;
}

void outcome_take_pod(struct outcome *outcome, const struct world *world)
{
    outcome->pod = pod_of(outcome, world);
}

void outcomes_take_sightings(struct outcome *outcomes, uint32_t outcome_count,
                             const struct sighting_log *log, const struct world *world,
                             struct arena *arena)
{
    bool is_only = outcome_count == 1 && log->count > 0;
    bool is_known = is_only && outcomes[0].has_record && outcomes[0].record.request_id.len > 0;
    /* Whom an application asks need not have the id: all that happened is this call's. */
    if (is_only && (!is_known || world->has_asking_pods || has_same_id(&outcomes[0], log)))
        give_all(&outcomes[0], log, arena);
    else if (log->count > 0)
        give_by_id(outcomes, outcome_count, log, arena);
    if (is_only && outcomes[0].sighting_count == 0)
        give_all(&outcomes[0], log, arena);
    for (uint32_t i = 0; i < outcome_count; i++)
        outcome_take_pod(&outcomes[i], world);
}
