/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/connections.c - see connections.h.
 */
#include "testbed/inspect/connections.h"

#include "base/check.h"
#include "testbed/inspect/story.h"
#include "testbed/world/reading.h"

#define INDENT STR("    ")

/* --- which there were ------------------------------------------------------------- */

static struct connection *find(const struct connections *list, const struct mtls_question *asked)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct mtls_question *other = &list->items[i].asked;
        if (other->cluster == asked->cluster && other->pod == asked->pod &&
            other->port == asked->port && other->caller == asked->caller &&
            other->front == asked->front)
            return &list->items[i];
    }
    return NULL;
}

static struct connection *add(struct connections *list, struct world *world,
                              const struct mtls_question *asked, struct arena *arena)
{
    struct connection *found = find(list, asked);
    if (found != NULL || (asked->pod == UINT32_MAX && asked->front == NULL))
        return found;
    struct mtls_meeting meeting = mtls_meet(world, asked, arena);
    bool is_quiet =
        asked->front != NULL ? meeting.verdict != MTLS_REFUSED : meeting.listener == NULL;
    if (!meeting.greeting.is_tls && is_quiet)
        return NULL;
    found = ARENA_PUSH(arena, list->items, list->count, list->capacity);
    *found = (struct connection){.asked = *asked, .meeting = meeting};
    found->story = handshake_tell(world, asked, &found->meeting, arena);
    return found;
}

static void add_attempt(struct connection *connection, uint32_t attempt, struct arena *arena)
{
    connection->attempts = arena_format(arena, "%.*s%s%u", STR_FMT(connection->attempts),
                                        connection->attempts.len > 0 ? ", " : "", attempt);
}

static struct mtls_question question_of(const struct world *world, const struct call *call,
                                        const struct trace_event *opened,
                                        const struct outcome *outcome)
{
    struct mtls_question asked = {
        .client = call->client,
        .cluster = opened->cluster,
        .endpoint = opened->endpoint,
        .host = outcome->has_record ? outcome->record.authority : call->authority,
        .pod = UINT32_MAX,
        .is_http = opened->cluster->protocol != UPSTREAM_TCP,
    };
    if (opened->endpoint != NULL) {
        asked.port = opened->endpoint->port;
        asked.pod = world_pod_at(world, opened->endpoint->address, asked.port);
    } else if (outcome->has_record && outcome->record.upstream.address.len == 0) {
        asked.pod = world_pod_meant(world, call, opened->cluster, &asked.port);
    } else if (outcome->has_record && opened->cluster->type == CLUSTER_ORIGINAL_DST) {
        asked.port = outcome->record.upstream.port;
        asked.pod = world_pod_at(world, outcome->record.upstream.address, asked.port);
    }
    return asked;
}

/* A gateway's, or a sidecar's, that hands bytes on: in TLS of its own, or as they came. */
static void add_passed_on(struct connections *list, struct world *world,
                          const struct mtls_question *front, const struct outcome *outcome,
                          struct arena *arena)
{
    const struct record *record = &outcome->record;
    if (!outcome->has_record || outcome->pod == UINT32_MAX || record->endpoint == NULL)
        return;
    struct mtls_question own = {
        .client = front->client,
        .cluster = snapshot_cluster(world_snapshot(world, front->client), record->cluster_name),
        .endpoint = record->endpoint,
        .pod = outcome->pod,
        .port = record->endpoint->port,
    };
    if (own.cluster == NULL)
        return;
    bool is_wrapped = tls_of_endpoint(own.cluster, own.endpoint) != NULL;
    if (is_wrapped)
        add(list, world, &own, arena);
    if (front->caller == NULL)
        return;
    struct mtls_question callers = {.client = front->client,
                                    .pod = own.pod,
                                    .port = own.port,
                                    .is_http = true,
                                    .caller = front->caller,
                                    .is_behind = is_wrapped};
    add(list, world, &callers, arena);
}

/* Of the caller itself, whatever its proxy does then. */
static void add_callers(struct connections *list, struct world *world, const struct call *call,
                        const struct outcome *outcome, struct arena *arena)
{
    const struct client_spec *spec = &world->clients[call->client].spec;
    struct call_target target = world_target(world, call);
    struct mtls_question asked = {.client = call->client,
                                  .pod = target.pod,
                                  .port = target.port,
                                  .is_http = true,
                                  .caller = world_caller_tls(world, call->client, false),
                                  .front = target.listener,
                                  .front_address = target.address};
    bool is_told = spec->via != VIA_SIDECAR || asked.caller != NULL;
    if (!is_told || (spec->via == VIA_GATEWAY && asked.front == NULL))
        return;
    const struct connection *own = add(list, world, &asked, arena);
    if (own != NULL && own->meeting.verdict == MTLS_PASSED_ON)
        add_passed_on(list, world, &asked, outcome, arena);
}

/* What happened, beside what was computed. */
static void add_truth(struct connection *connection, const struct outcome *outcome,
                      struct arena *arena)
{
    const struct mtls_meeting *meeting = &connection->meeting;
    struct handshake_story *story = &connection->story;
    bool is_callers = connection->asked.caller != NULL && outcome->tls.is_spoken &&
                      meeting->verdict != MTLS_PASSED_ON;
    if (is_callers)
        connection->seen = outcome->tls;
    if (is_callers)
        handshake_say(story, outcome->tls.failure == TLS_FINE ? SENTENCE_YES : SENTENCE_BAD,
                      "caller has seen", mtls_seen_words(&outcome->tls, arena), arena);
    connection->contradiction = mtls_contradiction(&connection->asked, meeting, outcome, arena);
    if (connection->contradiction.len > 0)
        handshake_say(story, SENTENCE_BAD, "NOT AS COMPUTED", connection->contradiction, arena);
}

struct connections connections_of(struct world *world, const struct call *call,
                                  const struct outcome *outcome, struct arena *arena)
{
    struct connections out = {0};
    const struct trace *trace = outcome->trace;
    struct connection *current = NULL;
    add_callers(&out, world, call, outcome, arena);
    for (uint32_t i = 0; trace != NULL && i < trace->count; i++) {
        const struct trace_event *event = &trace->items[i];
        if (event->kind == TRACE_ATTEMPT_OPENED && event->cluster != NULL) {
            struct mtls_question asked = question_of(world, call, event, outcome);
            current = add(&out, world, &asked, arena);
            if (current != NULL)
                add_attempt(current, event->index, arena);
        } else if (event->kind == TRACE_ATTEMPT_CONNECTED && current != NULL) {
            current->is_reused = event->number == 1;
        }
    }
    for (uint32_t i = 0; i < out.count; i++)
        add_truth(&out.items[i], outcome, arena);
    return out;
}

const struct connection *connections_callers(const struct connections *all)
{
    const struct connection *out = NULL;
    for (uint32_t i = 0; i < all->count; i++) {
        const struct mtls_question *asked = &all->items[i].asked;
        if (asked->front != NULL || asked->caller != NULL)
            out = &all->items[i];
    }
    return out;
}

/* --- text -------------------------------------------------------------------------- */

static const char *paint(const struct connections_page *page, const char *code)
{
    return page->has_colour ? code : "";
}

/* The pod, the gateway, or the sidecar that its own caller meets: "istio-system/public". */
static struct str met_name(const struct connections_page *page, const struct mtls_question *asked)
{
    const struct client_spec *spec = &page->world->clients[asked->client].spec;
    if (asked->front == NULL)
        return page->world->pods[asked->pod].name;
    if (spec->via != VIA_GATEWAY)
        return STR("its sidecar");
    return arena_format(page->arena, "%.*s/%.*s", STR_FMT(spec->gateway_namespace),
                        STR_FMT(spec->gateway_name));
}

static enum rc write_connection(const struct connections_page *page,
                                const struct connection *connection, struct buf *out)
{
    const struct mtls_question *asked = &connection->asked;
    struct str address =
        asked->front != NULL ? asked->front_address : page->world->pods[asked->pod].address;
    struct str whom = met_name(page, asked);
    bool is_gateway =
        asked->front != NULL && page->world->clients[asked->client].spec.via == VIA_GATEWAY;
    struct str who = asked->caller != NULL
                         ? mtls_caller_name(&page->world->clients[asked->client].spec)
                         : STR_EMPTY;
    enum rc rc = buf_format(
        out, "\n%sconnection%s%.*s to %s%.*s (%.*s:%u)%s%s%.*s%s\n", paint(page, "\033[1m"),
        who.len > 0 ? " of " : "", STR_FMT(who), is_gateway ? "gateway " : "", STR_FMT(whom),
        STR_FMT(address), asked->port, paint(page, "\033[0m"),
        connection->attempts.len > 0 ? ", attempt " : "", STR_FMT(connection->attempts),
        connection->is_reused ? ", which found it open" : "");
    for (uint32_t i = 0; i < connection->story.count && rc == RC_OK; i++)
        rc = story_write_step(&connection->story.steps[i], INDENT, page->has_colour, out);
    return rc;
}

/* Which attempt of its caller: "1"; empty: it did not say. */
static struct str attempt_of(const struct play_hop *hop)
{
    const struct request_head *head = hop->outcome.record.request;
    struct str value = STR_EMPTY;
    if (head != NULL)
        (void)header_get(&head->headers, STR("x-envoy-attempt-count"), &value);
    return value;
}

static struct str proxy_name(const struct connections_page *page, const struct play_hop *hop)
{
    return page->world->clients[hop->client].spec.name;
}

static enum rc write_hop(const struct connections_page *page, const struct play_hop *hop,
                         struct arena *scratch, struct buf *out)
{
    const struct record *record = &hop->outcome.record;
    const struct filter_chain *chain = record->downstream.chain;
    struct str attempt = attempt_of(hop);
    struct story_options options = {.has_colour = page->has_colour,
                                    .indent = INDENT,
                                    .world = page->world,
                                    .profile = page->world->spec.profile->name,
                                    .is_framed = true};
    enum rc rc =
        buf_format(out, "\n%sthe sidecar of %.*s%s%s%.*s: %.*s %.*s, called by %.*s, chain %.*s\n",
                   paint(page, "\033[1m"), STR_FMT(proxy_name(page, hop)), paint(page, "\033[0m"),
                   attempt.len > 0 ? ", attempt " : "", STR_FMT(attempt), STR_FMT(record->method),
                   STR_FMT(record->path),
                   STR_FMT(hop->peer.len > 0 ? hop->peer : STR("somebody without a certificate")),
                   STR_FMT(chain != NULL ? chain->name : STR("none")));
    if (rc == RC_OK)
        rc = story_write(hop->outcome.trace, &options, scratch, out);
    if (rc == RC_OK)
        rc = buf_format(out, "    %u, flags %.*s, details %.*s, %u attempt%s\n", record->status,
                        STR_FMT(hop->outcome.flags),
                        STR_FMT(record->details.len > 0 ? record->details : STR("-")),
                        record->attempt_count, record->attempt_count == 1 ? "" : "s");
    return rc;
}

enum rc connections_write(const struct connections_page *page, struct arena *scratch,
                          struct buf *out)
{
    enum rc rc = RC_OK;
    for (uint32_t i = 0; i < page->connections.count && rc == RC_OK; i++)
        rc = write_connection(page, &page->connections.items[i], out);
    for (uint32_t i = 0; i < page->hop_count && rc == RC_OK; i++)
        rc = write_hop(page, &page->hops[i], scratch, out);
    return rc;
}

/* --- json -------------------------------------------------------------------------- */

static void json_seen(const struct caller_tls *seen, struct arena *scratch, struct json *json)
{
    json_key(json, STR("seen"));
    json_begin_object(json);
    if (seen->is_agreed) {
        json_key_str(json, STR("version"), tls_version_name(seen->version));
        json_key_str(json, STR("cipher"), seen->cipher);
        json_key_str(json, STR("alpn"), seen->protocol);
    }
    if (seen->failure != TLS_FINE)
        json_key_str(json, STR("failure"),
                     seen->failure == TLS_ENDED
                         ? STR("the connection was closed")
                         : tls_failure_text(seen->failure, STR_EMPTY, scratch));
    json_end_object(json);
}

static void json_connection(const struct connections_page *page,
                            const struct connection *connection, struct arena *scratch,
                            struct json *json)
{
    const struct mtls_meeting *meeting = &connection->meeting;
    const struct handshake_story *story = &connection->story;
    json_begin_object(json);
    json_key_str(json, connection->asked.front != NULL ? STR("gateway") : STR("pod"),
                 met_name(page, &connection->asked));
    if (connection->asked.caller != NULL)
        json_key_str(json, STR("caller"),
                     mtls_caller_name(&page->world->clients[connection->asked.client].spec));
    json_key_i64(json, STR("port"), connection->asked.port);
    if (connection->attempts.len > 0)
        json_key_str(json, STR("attempts"), connection->attempts);
    mtls_side_json(STR("clientSide"), &meeting->client, json);
    mtls_side_json(STR("serverSide"), &meeting->server, json);
    json_key_str(json, STR("verdict"), mtls_verdict_name(meeting->verdict));
    if (meeting->verdict == MTLS_REFUSED) {
        json_key_str(json, STR("because"), mtls_reason_word(meeting->reason));
        json_key_str(json, STR("words"), mtls_because(meeting, scratch));
    }
    if (meeting->transport_failure.len > 0)
        json_key_str(json, STR("transportFailure"), meeting->transport_failure);
    if (connection->seen.is_spoken)
        json_seen(&connection->seen, scratch, json);
    if (connection->contradiction.len > 0)
        json_key_str(json, STR("notAsComputed"), connection->contradiction);
    json_key(json, STR("steps"));
    json_begin_array(json);
    for (uint32_t i = 0; i < story->count; i++)
        story_step_json(&story->steps[i], json);
    json_end_array(json);
    json_end_object(json);
}

static void json_hop(const struct connections_page *page, const struct play_hop *hop,
                     struct arena *scratch, struct json *json)
{
    const struct record *record = &hop->outcome.record;
    const struct filter_chain *chain = record->downstream.chain;
    struct story_options options = {.world = page->world,
                                    .profile = page->world->spec.profile->name};
    json_begin_object(json);
    json_key_str(json, STR("proxy"), proxy_name(page, hop));
    json_key_str(json, STR("attempt"), attempt_of(hop));
    json_key_str(json, STR("method"), record->method);
    json_key_str(json, STR("path"), record->path);
    json_key_str(json, STR("peer"), hop->peer);
    json_key_str(json, STR("serverName"), record->downstream.server_name);
    json_key_str(json, STR("filterChain"), chain != NULL ? chain->name : STR_EMPTY);
    json_key_i64(json, STR("status"), record->status);
    json_key_str(json, STR("flags"), hop->outcome.flags);
    json_key_str(json, STR("details"), record->details);
    json_key(json, STR("story"));
    story_write_json(hop->outcome.trace, &options, scratch, json);
    json_end_object(json);
}

void connections_write_json(const struct connections_page *page, struct arena *scratch,
                            struct json *json)
{
    json_key(json, STR("connections"));
    json_begin_array(json);
    for (uint32_t i = 0; i < page->connections.count; i++)
        json_connection(page, &page->connections.items[i], scratch, json);
    json_end_array(json);
    json_key(json, STR("servers"));
    json_begin_array(json);
    for (uint32_t i = 0; i < page->hop_count; i++)
        json_hop(page, &page->hops[i], scratch, json);
    json_end_array(json);
}
