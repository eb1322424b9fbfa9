/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/explain.c - see explain.h.
 */
#include "testbed/inspect/explain.h"

#include "base/check.h"
#include "base/ns.h"
#include "config/yaml/duration.h"
#include "testbed/inspect/connections.h"
#include "testbed/inspect/defaults.h"
#include "testbed/inspect/flag.h"
#include "testbed/inspect/story.h"
#include "testbed/inspect/waterfall.h"

#define BODY_SHOWN_MAX 60u

/* A page being written: the first failure sticks. */
struct writer {
    const struct explain_page *page;
    struct arena *arena;
    struct buf *out;
    enum rc rc;
};

static const char *paint(const struct writer *writer, const char *code)
{
    return writer->page->has_colour ? code : "";
}

static void put_str(struct writer *writer, struct str text)
{
    if (writer->rc == RC_OK)
        writer->rc = buf_append(writer->out, text);
}

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define RED "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

static struct str via_words(enum client_via via)
{
    switch (via) {
    case VIA_SIDECAR:
        return STR("sidecar");
    case VIA_GATEWAY:
        return STR("gateway");
    case VIA_NONE:
        return STR("no proxy");
    }
    UNREACHABLE("client_via");
}

static void write_heading(struct writer *writer)
{
    const struct explain_page *page = writer->page;
    const struct call *call = page->call;
    const struct world_client *client = &page->world->clients[call->client];
    bool is_gateway = client->spec.via == VIA_GATEWAY;
    put_str(writer,
            arena_format(writer->arena, "%s%.*s %s://%.*s%.*s%s\n", paint(writer, BOLD),
                         STR_FMT(call->method), client->spec.tls.is_set ? "https" : "http",
                         STR_FMT(call->authority), STR_FMT(call->uri), paint(writer, PLAIN)));
    for (uint32_t i = 0; i < call->header_count; i++)
        put_str(writer, arena_format(writer->arena, "%s%.*s: %.*s%s\n", paint(writer, BOLD),
                                     STR_FMT(call->headers[i].name),
                                     STR_FMT(call->headers[i].value), paint(writer, PLAIN)));
    put_str(
        writer,
        arena_format(writer->arena,
                     "%sfrom %.*s (%.*s, namespace %.*s), engine %.*s, profile %.*s, "
                     "seed %llu%s\n\n",
                     paint(writer, DIM), STR_FMT(client->spec.name),
                     STR_FMT(via_words(client->spec.via)),
                     STR_FMT(is_gateway ? client->spec.gateway_namespace : client->spec.namespace),
                     STR_FMT(page->engine_name), STR_FMT(page->world->spec.profile->name),
                     (unsigned long long)page->seed, paint(writer, PLAIN)));
}

/* What could have been meant where nobody listens. */
static struct str listener_hint(const struct explain_page *page, struct arena *arena)
{
    const struct service *service = world_service_of(page->world, page->call->authority);
    struct str ports = STR_EMPTY;
    if (page->world->clients[page->call->client].spec.via == VIA_GATEWAY)
        return STR("; no server of the gateway has this port");
    if (service == NULL)
        return STR("; no Service of the manifests has this name");
    for (uint32_t i = 0; i < service->port_count; i++)
        ports = arena_format(arena, "%.*s%s%u", STR_FMT(ports), i > 0 ? ", " : "",
                             service->ports[i].port);
    return arena_format(arena, "; the Service %.*s has %.*s", STR_FMT(service->meta.name),
                        STR_FMT(ports));
}

static struct story_lead lead_of(const struct explain_page *page, struct arena *arena)
{
    const struct call_target target = world_target(page->world, page->call);
    const struct listener *listener = target.listener;
    struct story_lead lead = {.subject = STR("listener")};
    struct str address = target.address.len > 0 ? target.address : page->call->authority;
    if (listener == NULL) {
        lead.is_bad = target.pod == UINT32_MAX;
        lead.words = lead.is_bad
                         ? arena_format(arena, "nobody listens on %.*s:%u%.*s", STR_FMT(address),
                                        target.port, STR_FMT(listener_hint(page, arena)))
                         : STR("none: the pod is met directly");
        return lead;
    }
    bool is_tcp = listener->chain_count > 0 && listener->chains[0].kind == CHAIN_TCP;
    lead.words = arena_format(arena, "%.*s takes connections to %.*s:%u%s", STR_FMT(listener->name),
                              STR_FMT(address), target.port,
                              is_tcp ? ", as plain TCP: no rule sees the request" : "");
    lead.origin = listener->origin;
    return lead;
}

static void write_story(struct writer *writer)
{
    const struct explain_page *page = writer->page;
    struct story_lead lead = lead_of(page, writer->arena);
    struct story_options options = {.has_colour = page->has_colour,
                                    .indent = STR("  "),
                                    .world = page->world,
                                    .profile = page->world->spec.profile->name,
                                    .is_framed = true,
                                    .lead = &lead};
    if (writer->rc == RC_OK)
        writer->rc = story_write(page->outcome->trace, &options, writer->arena, writer->out);
}

static struct connections_page connections_met(const struct explain_page *page, struct arena *arena)
{
    return (struct connections_page){
        .world = page->world,
        .connections = connections_of(page->world, page->call, page->outcome, arena),
        .arena = arena,
        .hops = page->hops,
        .hop_count = page->hop_count,
        .has_colour = page->has_colour,
    };
}

static void write_connections(struct writer *writer)
{
    struct connections_page page = connections_met(writer->page, writer->arena);
    if (writer->rc == RC_OK)
        writer->rc = connections_write(&page, writer->arena, writer->out);
}

static struct str took_words(const struct outcome *outcome, struct arena *arena)
{
    int64_t grain = outcome->duration_ns < NS_MS ? NS_US : NS_MS;
    return duration_text(outcome->duration_ns / grain * grain, arena);
}

static void write_flags(struct writer *writer, const struct outcome *outcome)
{
    for (uint32_t i = 0; i < outcome->record.flag_count; i++) {
        struct str flag = outcome->record.flags[i];
        struct str meaning = flag_meaning(flag);
        put_str(writer, arena_format(writer->arena, "  flag %s%.*s%s  %.*s\n", paint(writer, RED),
                                     STR_FMT(flag), paint(writer, PLAIN), STR_FMT(meaning)));
    }
}

static void write_answer(struct writer *writer)
{
    const struct explain_page *page = writer->page;
    const struct outcome *outcome = page->outcome;
    struct arena *arena = writer->arena;
    bool is_good = outcome->has_response && outcome->status < 400;
    const char *colour = paint(writer, is_good ? GREEN : RED);
    struct str words = outcome->has_response ? arena_format(arena, "%u %.*s", outcome->status,
                                                            STR_FMT(outcome->reason))
                                             : call_error_name(outcome->error);
    put_str(writer, arena_format(arena, "\n%s%s%.*s%s after %.*s", paint(writer, BOLD), colour,
                                 STR_FMT(words), paint(writer, PLAIN),
                                 STR_FMT(took_words(outcome, arena))));
    if (outcome->has_response && outcome->error != CALL_OK)
        put_str(writer,
                arena_format(arena, ", then %.*s", STR_FMT(call_error_name(outcome->error))));
    if (outcome->has_record) {
        const struct record *record = &outcome->record;
        put_str(writer, arena_format(arena, ", flags %.*s, details %.*s, %u attempt%s",
                                     STR_FMT(outcome->flags),
                                     STR_FMT(record->details.len > 0 ? record->details : STR("-")),
                                     record->attempt_count, record->attempt_count == 1 ? "" : "s"));
    }
    put_str(writer, STR("\n"));
    if (!outcome->has_record)
        return;
    write_flags(writer, outcome);
    if (outcome->record.transport_failure.len > 0)
        put_str(writer, arena_format(arena, "  transport failure  %.*s\n",
                                     STR_FMT(outcome->record.transport_failure)));
}

static void write_time_line(struct writer *writer)
{
    const struct explain_page *page = writer->page;
    struct waterfall waterfall = waterfall_of(page->outcome->trace, page->world, writer->arena);
    if (writer->rc == RC_OK && waterfall_is_worth(&waterfall))
        writer->rc = waterfall_write(&waterfall, page->has_colour, writer->arena, writer->out);
}

/* The proxy's own words; an application's body is its own affair. */
static void write_body(struct writer *writer)
{
    const struct outcome *outcome = writer->page->outcome;
    bool is_proxys = outcome->has_record && outcome->record.reason != REASON_NONE;
    if (!is_proxys || outcome->body.len == 0)
        return;
    struct str shown = str_slice(outcome->body, 0, BODY_SHOWN_MAX);
    for (size_t i = 0; i < shown.len; i++)
        if ((unsigned char)shown.ptr[i] < ' ')
            shown = str_slice(shown, 0, i);
    put_str(writer, arena_format(writer->arena, "  body  %.*s%s\n", STR_FMT(shown),
                                 shown.len < outcome->body.len ? " ..." : ""));
}

/* What nobody wrote of the route and the cluster that the request met. */
static struct default_list defaults_met(const struct explain_page *page, struct arena *arena)
{
    const struct snapshot *snapshot = page->world->clients[page->call->client].snapshot;
    const struct trace *trace = page->outcome->trace;
    const struct cluster *cluster = NULL;
    const struct route *route = NULL; /* a token may choose again */
    struct default_list out = {0};

    for (uint32_t i = 0; trace != NULL && i < trace->count; i++) {
        const struct trace_event *event = &trace->items[i];
        if (event->kind == TRACE_ROUTE_CHOSEN)
            route = event->route;
        else if (event->kind == TRACE_NO_VIRTUAL_HOST && snapshot != NULL)
            defaults_of_snapshot(snapshot, arena, &out);
        else if (event->kind == TRACE_ENDPOINT_PICKED || event->kind == TRACE_NO_ENDPOINT)
            cluster = cluster == NULL ? event->cluster : cluster;
    }
    if (route != NULL)
        defaults_of_route(route, arena, &out);
    if (cluster != NULL)
        defaults_of_cluster(cluster, arena, &out);
    return out;
}

static void write_defaults(struct writer *writer)
{
    const struct explain_page *page = writer->page;
    struct default_list list = defaults_met(page, writer->arena);
    int width = 0;

    for (uint32_t i = 0; i < list.count; i++)
        width = (int)list.items[i].name.len > width ? (int)list.items[i].name.len : width;
    if (list.count > 0)
        put_str(writer,
                arena_format(writer->arena, "\n%snobody wrote: defaults of profile %.*s%s\n",
                             paint(writer, DIM), STR_FMT(page->world->spec.profile->name),
                             paint(writer, PLAIN)));
    for (uint32_t i = 0; i < list.count; i++)
        put_str(writer, arena_format(writer->arena, "  %s%-*.*s  %.*s%s\n", paint(writer, DIM),
                                     width, STR_FMT(list.items[i].name),
                                     STR_FMT(list.items[i].words), paint(writer, PLAIN)));
}

enum rc explain_write(const struct explain_page *page, struct arena *scratch, struct buf *out)
{
    struct writer writer = {.page = page, .arena = scratch, .out = out, .rc = RC_OK};
    write_heading(&writer);
    write_story(&writer);
    write_connections(&writer);
    write_time_line(&writer);
    write_answer(&writer);
    write_body(&writer);
    write_defaults(&writer);
    if (page->spread != NULL && writer.rc == RC_OK) {
        struct spread_style style = {.has_colour = page->has_colour, .indent = STR("  ")};
        put_str(&writer, arena_format(scratch, "\n%sof %llu requests%s\n", paint(&writer, BOLD),
                                      (unsigned long long)page->spread->outcome_count,
                                      paint(&writer, PLAIN)));
        if (writer.rc == RC_OK)
            writer.rc = spread_write(page->spread, &style, out);
    }
    return writer.rc;
}

/* --- json ------------------------------------------------------------------ */

static void json_headers(const struct header *headers, uint32_t count, struct json *json)
{
    json_key(json, STR("headers"));
    json_begin_array(json);
    for (uint32_t i = 0; i < count; i++) {
        json_begin_array(json);
        json_str(json, headers[i].name);
        json_str(json, headers[i].value);
        json_end_array(json);
    }
    json_end_array(json);
}

static void json_request(const struct explain_page *page, struct json *json)
{
    const struct call *call = page->call;
    json_key(json, STR("request"));
    json_begin_object(json);
    json_key_str(json, STR("method"), call->method);
    json_key_str(json, STR("authority"), call->authority);
    json_key_str(json, STR("uri"), call->uri);
    json_headers(call->headers, call->header_count, json);
    json_end_object(json);
}

static void json_asker(const struct explain_page *page, struct json *json)
{
    const struct client_spec *client = &page->world->clients[page->call->client].spec;
    const struct call_target target = world_target(page->world, page->call);
    json_key(json, STR("from"));
    json_begin_object(json);
    json_key_str(json, STR("name"), client->name);
    json_key_str(json, STR("via"), via_words(client->via));
    json_key_str(json, STR("namespace"),
                 client->via == VIA_GATEWAY ? client->gateway_namespace : client->namespace);
    json_end_object(json);
    json_key_str(json, STR("engine"), page->engine_name);
    json_key_str(json, STR("profile"), page->world->spec.profile->name);
    json_key(json, STR("seed"));
    json_u64(json, page->seed);
    if (target.listener != NULL)
        json_key_str(json, STR("listener"), target.listener->name);
}

static void json_record(const struct record *record, struct str flags, struct json *json)
{
    json_key_str(json, STR("flags"), flags);
    json_key_str(json, STR("details"), record->details);
    json_key_i64(json, STR("attempts"), record->attempt_count);
    json_key_str(json, STR("cluster"), record->cluster_name);
    if (record->transport_failure.len > 0)
        json_key_str(json, STR("transportFailure"), record->transport_failure);
    if (record->route == NULL)
        return;
    json_key(json, STR("rule"));
    json_begin_object(json);
    json_key_str(json, STR("name"), record->route->name);
    json_key_str(json, STR("file"), record->route->origin.file);
    json_key_i64(json, STR("line"), record->route->origin.line);
    json_key_i64(json, STR("column"), record->route->origin.column);
    json_end_object(json);
}

static void json_outcome(const struct outcome *outcome, const struct world *world,
                         struct json *json)
{
    json_key(json, STR("outcome"));
    json_begin_object(json);
    if (outcome->has_response) {
        json_key_i64(json, STR("status"), outcome->status);
        json_headers(outcome->headers, outcome->header_count, json);
        json_key_str(json, STR("body"), outcome->body);
    }
    if (outcome->error != CALL_OK)
        json_key_str(json, STR("error"), call_error_name(outcome->error));
    json_key_i64(json, STR("durationNs"), outcome->duration_ns);
    if (outcome->has_record)
        json_record(&outcome->record, outcome->flags, json);
    if (outcome->pod != UINT32_MAX)
        json_key_str(json, STR("pod"), world->pods[outcome->pod].name);
    json_end_object(json);
}

static void json_defaults(const struct explain_page *page, struct arena *scratch, struct json *json)
{
    struct default_list list = defaults_met(page, scratch);

    json_key(json, STR("defaults"));
    json_begin_array(json);
    for (uint32_t i = 0; i < list.count; i++) {
        json_begin_object(json);
        json_key_str(json, STR("name"), list.items[i].name);
        json_key_str(json, STR("value"), list.items[i].words);
        json_end_object(json);
    }
    json_end_array(json);
}

void explain_write_json(const struct explain_page *page, struct arena *scratch, struct json *json)
{
    struct story_options options = {.world = page->world,
                                    .profile = page->world->spec.profile->name};
    json_begin_object(json);
    json_request(page, json);
    json_asker(page, json);
    if (page->outcome->trace != NULL) {
        json_key(json, STR("story"));
        story_write_json(page->outcome->trace, &options, scratch, json);
        struct waterfall waterfall = waterfall_of(page->outcome->trace, page->world, scratch);
        json_key(json, STR("timeLine"));
        waterfall_write_json(&waterfall, page->world, scratch, json);
    }
    struct connections_page connections = connections_met(page, scratch);
    connections_write_json(&connections, scratch, json);
    json_outcome(page->outcome, page->world, json);
    json_defaults(page, scratch, json);
    if (page->spread != NULL) {
        json_key(json, STR("spread"));
        spread_write_json(page->spread, json);
    }
    json_end_object(json);
}
