/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/bootstrap_listener.c - listeners of the bootstrap: where they are
 * bound, their filters, their routes in place.
 */
#include "base/check.h"
#include "proxy/model/bootstrap_inside.h"
#include "proxy/model/print_parts.h"

#define TYPE(name) STR("type.googleapis.com/" name)

/* Filters of Istio's build alone, and code for them that would be fetched. */
static bool is_foreign(const struct json_value *filter)
{
    const struct json_value *config = json_get(filter, STR("typedConfig"));
    struct str type = config == NULL ? STR_EMPTY : bootstrap_text(config, STR("@type"));
    struct str inner = config == NULL ? STR_EMPTY : bootstrap_text(config, STR("typeUrl"));
    return str_has_prefix(bootstrap_text(filter, STR("name")), STR("istio")) ||
           str_find_str(type, STR("istio")) != STR_NONE ||
           str_find_str(inner, STR("istio")) != STR_NONE ||
           str_find_str(type, STR("wasm")) != STR_NONE;
}

/* %...% are Envoy's command operators. */
static void write_access_log(struct bootstrap_job *job)
{
    static const struct {
        struct str key, value;
    } FIELDS[] = {
        {STR_INIT("method"), STR_INIT("%REQ(:METHOD)%")},
        {STR_INIT("authority"), STR_INIT("%REQ(:AUTHORITY)%")},
        {STR_INIT("path"), STR_INIT("%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%")},
        {STR_INIT("protocol"), STR_INIT("%PROTOCOL%")},
        {STR_INIT("response_code"), STR_INIT("%RESPONSE_CODE%")},
        {STR_INIT("response_flags"), STR_INIT("%RESPONSE_FLAGS%")},
        {STR_INIT("response_code_details"), STR_INIT("%RESPONSE_CODE_DETAILS%")},
        {STR_INIT("bytes_received"), STR_INIT("%BYTES_RECEIVED%")},
        {STR_INIT("bytes_sent"), STR_INIT("%BYTES_SENT%")},
        {STR_INIT("duration"), STR_INIT("%DURATION%")},
        {STR_INIT("route_name"), STR_INIT("%ROUTE_NAME%")},
        {STR_INIT("upstream_cluster"), STR_INIT("%UPSTREAM_CLUSTER_RAW%")},
        {STR_INIT("upstream_host"), STR_INIT("%UPSTREAM_HOST%")},
        {STR_INIT("attempt_count"), STR_INIT("%UPSTREAM_REQUEST_ATTEMPT_COUNT%")},
        {STR_INIT("request_id"), STR_INIT("%REQ(X-REQUEST-ID)%")},
        {STR_INIT("downstream_remote_address"), STR_INIT("%DOWNSTREAM_REMOTE_ADDRESS%")},
        {STR_INIT("downstream_direct_address"), STR_INIT("%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%")},
        {STR_INIT("upstream_transport_failure_reason"),
         STR_INIT("%UPSTREAM_TRANSPORT_FAILURE_REASON%")},
        {STR_INIT("route_config"), STR_INIT("%METADATA(ROUTE:istio:config)%")},
    };
    struct json *json = job->json;

    json_key(json, STR("accessLog"));
    json_begin_array(json);
    json_begin_object(json);
    json_key_str(json, STR("name"), STR("envoy.access_loggers.file"));
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"), TYPE("envoy.extensions.access_loggers.file.v3.FileAccessLog"));
    json_key_str(json, STR("path"), job->options->access_log);
    json_key(json, STR("logFormat"));
    json_begin_object(json);
    json_key(json, STR("jsonFormat"));
    json_begin_object(json);
    for (size_t i = 0; i < COUNT_OF(FIELDS); i++)
        json_key_str(json, FIELDS[i].key, FIELDS[i].value);
    if (job->direction.len > 0)
        json_key_str(json, STR("traffic_direction"), job->direction);
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
    json_end_object(json);
    json_end_array(json);
}

/* The wanted log in place of those that the filter has. */
static void write_logs(struct bootstrap_job *job, const struct json_value *config)
{
    const struct json_value *logs = json_get(config, STR("accessLog"));

    if (job->options->access_log.len > 0) {
        write_access_log(job);
    } else if (logs != NULL) {
        json_key(job->json, STR("accessLog"));
        bootstrap_copy(job->json, logs);
    }
}

/* The route table in place of the name under which istiod would serve it. */
static void write_routes(struct bootstrap_job *job, const struct json_value *rds)
{
    struct str name = bootstrap_text(rds, STR("routeConfigName"));
    const struct json_value *routes =
        bootstrap_find(json_get(job->all, STR("routes")), STR("name"), name);

    json_key(job->json, STR("routeConfig"));
    if (routes != NULL) {
        bootstrap_copy(job->json, routes);
        return;
    }
    json_begin_object(job->json);
    json_key_str(job->json, STR("name"), name);
    json_end_object(job->json);
}

static void write_sampling(struct json *json, struct str key, int64_t percent)
{
    json_key(json, key);
    json_begin_object(json);
    json_key_i64(json, STR("value"), percent);
    json_end_object(json);
}

/* What istiod says in every connection manager (ISTIO.md 5.4) and the printers
 * leave to it. Nobody collects spans, but routes' names travel upstream in
 * x-envoy-decorator-operation because of it. */
static void write_tracing(struct json *json)
{
    json_key(json, STR("tracing"));
    json_begin_object(json);
    write_sampling(json, STR("clientSampling"), 100);
    write_sampling(json, STR("randomSampling"), 1);
    write_sampling(json, STR("overallSampling"), 100);
    json_end_object(json);
    json_key(json, STR("requestIdExtension"));
    json_begin_object(json);
    json_key(json, STR("typedConfig"));
    json_begin_object(json);
    json_key_str(json, STR("@type"),
                 TYPE("envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig"));
    json_key_bool(json, STR("useRequestIdForTraceSampling"), true);
    json_end_object(json);
    json_end_object(json);
}

static void write_manager(struct bootstrap_job *job, const struct json_value *config)
{
    static const struct str OWN[] = {STR_INIT("rds"), STR_INIT("httpFilters"),
                                     STR_INIT("accessLog"), STR_INIT("statPrefix")};
    struct json *json = job->json;
    const struct json_value *rds = json_get(config, STR("rds"));
    const struct json_value *filters = json_get(config, STR("httpFilters"));
    struct str prefix = bootstrap_text(config, STR("statPrefix"));

    json_begin_object(json);
    bootstrap_copy_others(json, config, OWN, COUNT_OF(OWN));
    /* Envoy wants one; istiod may leave it out and lets the proxy fill it in. */
    json_key_str(json, STR("statPrefix"), prefix.len > 0 ? prefix : STR("http"));
    if (rds != NULL)
        write_routes(job, rds);
    if (filters != NULL)
        bootstrap_filters(job, OWN[1], filters);
    if (json_get(config, STR("tracing")) == NULL)
        write_tracing(json);
    write_logs(job, config);
    json_end_object(json);
}

static void write_tcp_proxy(struct bootstrap_job *job, const struct json_value *config)
{
    static const struct str OWN[] = {STR_INIT("accessLog")};

    json_begin_object(job->json);
    bootstrap_copy_others(job->json, config, OWN, COUNT_OF(OWN));
    write_logs(job, config);
    json_end_object(job->json);
}

void bootstrap_filters(struct bootstrap_job *job, struct str key, const struct json_value *list)
{
    static const struct str OWN[] = {STR_INIT("typedConfig"), STR_INIT("filterDisabled")};
    struct json *json = job->json;

    json_key(json, key);
    json_begin_array(json);
    if (str_eq(key, STR("filters")))
        bootstrap_gate_destination(job);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct json_value *filter = &list->items[i];
        const struct json_value *config = json_get(filter, OWN[0]);
        if (bootstrap_gate_skips(job, filter))
            continue;
        if (is_foreign(filter)) {
            bootstrap_note(job,
                           arena_format(job->arena, "filter %.*s: only Istio's own Envoy knows it",
                                        STR_FMT(bootstrap_text(filter, STR("name")))));
            continue;
        }
        json_begin_object(json);
        /* What a gate thinks of its port is decided by now. */
        bootstrap_copy_others(json, filter, OWN, job->gate != NULL ? COUNT_OF(OWN) : 1);
        if (config != NULL) {
            struct str type = bootstrap_text(config, STR("@type"));
            bool is_manager = str_has_suffix(type, STR(".HttpConnectionManager"));
            bool is_tcp = str_has_suffix(type, STR(".TcpProxy"));
            json_key(json, OWN[0]);
            if (is_manager)
                write_manager(job, config);
            else if (is_tcp)
                write_tcp_proxy(job, config);
            else
                bootstrap_gate_filter(job, type, config);
        }
        json_end_object(json);
    }
    json_end_array(json);
}

static void write_chain(struct bootstrap_job *job, struct str listener,
                        const struct json_value *chain)
{
    static const struct str OWN[] = {STR_INIT("filters"), STR_INIT("transportSocket"),
                                     STR_INIT("filterChainMatch")};
    struct json *json = job->json;
    const struct json_value *filters = json_get(chain, OWN[0]);
    const struct json_value *transport = json_get(chain, OWN[1]);
    const struct json_value *match = json_get(chain, OWN[2]);

    json_begin_object(json);
    bootstrap_copy_others(json, chain, OWN, COUNT_OF(OWN));
    if (match != NULL)
        bootstrap_gate_match(job, match);
    if (transport != NULL && !bootstrap_transport(job, OWN[1], transport))
        bootstrap_note(job, arena_format(job->arena,
                                         "TLS of listener %.*s: its certificates come from istiod",
                                         STR_FMT(listener)));
    if (filters != NULL)
        bootstrap_filters(job, OWN[0], filters);
    json_end_object(json);
}

static void write_chains(struct bootstrap_job *job, const struct json_value *listener)
{
    struct str name = bootstrap_text(listener, STR("name"));
    const struct json_value *chains = json_get(listener, STR("filterChains"));
    const struct json_value *other = json_get(listener, STR("defaultFilterChain"));
    const struct json_value *filters = json_get(listener, STR("listenerFilters"));

    if (filters != NULL)
        bootstrap_filters(job, STR("listenerFilters"), filters);
    if (chains != NULL) {
        json_key(job->json, STR("filterChains"));
        json_begin_array(job->json);
        for (uint32_t i = 0; i < chains->count; i++) {
            if (bootstrap_gate_takes(job, chains, &chains->items[i]))
                write_chain(job, name, &chains->items[i]);
        }
        json_end_array(job->json);
    }
    if (other != NULL) {
        json_key(job->json, STR("defaultFilterChain"));
        write_chain(job, name, other);
    }
}

/* --- where ---------------------------------------------------------------- */

enum fate { FATE_AS_IS, FATE_BOUND, FATE_LEFT_OUT };

static bool is_loopback(struct str address)
{
    return str_has_prefix(address, STR("127.")) || str_eq(address, STR("::1"));
}

/* Its own address and port, as istiod says them. */
static struct bootstrap_place own_place(const struct json_value *listener)
{
    struct bootstrap_place place = {.listener = bootstrap_text(listener, STR("name"))};
    const struct json_value *address = json_get(listener, STR("address"));
    const struct json_value *socket =
        address == NULL ? NULL : json_get(address, STR("socketAddress"));
    const struct json_value *port = socket == NULL ? NULL : json_get(socket, STR("portValue"));
    uint64_t number = 0;

    if (socket != NULL)
        place.address = bootstrap_text(socket, STR("address"));
    if (port != NULL && str_to_u64(port->text, UINT16_MAX, &number))
        place.port = (uint32_t)number;
    return place;
}

static enum fate decide(const struct bootstrap_job *job, const struct json_value *listener,
                        struct bootstrap_place *place)
{
    const struct bootstrap_options *options = job->options;
    const struct json_value *bound = json_get(listener, STR("bindToPort"));
    bool is_bound = bound == NULL || !str_eq(bound->text, STR("false"));

    *place = own_place(listener);
    for (uint32_t i = 0; i < options->place_count; i++) {
        if (str_eq(options->places[i].listener, place->listener)) {
            *place = options->places[i];
            return FATE_BOUND;
        }
    }
    if (options->bind_address.len == 0)
        return options->place_count > 0 && is_bound ? FATE_LEFT_OUT : FATE_AS_IS;
    if (!is_loopback(place->address))
        place->address = options->bind_address;
    if (options->has_bind_port)
        place->port = options->bind_port;
    return FATE_BOUND;
}

/* Two sockets cannot have one address; with port 0 there is no such trouble. */
static bool is_free(struct bootstrap_job *job, const struct bootstrap_place *place)
{
    for (uint32_t i = 0; place->port != 0 && i < job->bound_count; i++) {
        const struct bootstrap_place *other = &job->bound[i];
        if (other->port != place->port || !str_eq(other->address, place->address))
            continue;
        bootstrap_note(job, arena_format(job->arena,
                                         "listener %.*s: %.*s:%u is listener %.*s's already; "
                                         "--listen can place it elsewhere",
                                         STR_FMT(place->listener), STR_FMT(place->address),
                                         place->port, STR_FMT(other->listener)));
        return false;
    }
    *ARENA_PUSH(job->arena, job->bound, job->bound_count, job->bound_capacity) = *place;
    return true;
}

static void write_at_gate(struct bootstrap_job *job, const struct json_value *listener)
{
    static const struct str OWN[] = {STR_INIT("name"),           STR_INIT("listenerFilters"),
                                     STR_INIT("filterChains"),   STR_INIT("defaultFilterChain"),
                                     STR_INIT("address"),        STR_INIT("bindToPort"),
                                     STR_INIT("useOriginalDst"), STR_INIT("additionalAddresses")};
    struct json *json = job->json;
    json_begin_object(json);
    json_key_str(json, OWN[0], job->gate->name);
    bootstrap_copy_others(json, listener, OWN, COUNT_OF(OWN));
    json_key(json, STR("address"));
    print_address(json, job->gate->address, job->gate->bound_port);
    write_chains(job, listener);
    json_end_object(json);
}

static void write_gates(struct bootstrap_job *job, const struct json_value *listener)
{
    const struct bootstrap_options *options = job->options;
    for (uint32_t i = 0; i < options->gate_count; i++) {
        job->gate = &options->gates[i];
        if (str_eq(job->gate->listener, bootstrap_text(listener, STR("name"))) &&
            bootstrap_gate_leads(job, listener))
            write_at_gate(job, listener);
    }
    job->gate = NULL;
}

/* Inbound traffic has sockets of its own. */
static bool is_at_gates_only(const struct bootstrap_job *job)
{
    const struct bootstrap_options *options = job->options;
    bool has_inbound = false;
    for (uint32_t i = 0; i < options->gate_count; i++)
        has_inbound |= options->gates[i].target.len == 0;
    return has_inbound && str_eq(job->direction, STR("INBOUND"));
}

static void write_listener(struct bootstrap_job *job, const struct json_value *listener)
{
    static const struct str OWN[] = {STR_INIT("listenerFilters"),    STR_INIT("filterChains"),
                                     STR_INIT("defaultFilterChain"), STR_INIT("address"),
                                     STR_INIT("bindToPort"),         STR_INIT("useOriginalDst"),
                                     STR_INIT("additionalAddresses")};
    enum { REBOUND_FROM = 3 };
    struct json *json = job->json;
    struct bootstrap_place place;

    job->direction = bootstrap_text(listener, STR("trafficDirection"));
    write_gates(job, listener);
    if (is_at_gates_only(job))
        return;
    enum fate fate = decide(job, listener, &place);
    if (fate == FATE_LEFT_OUT || (fate == FATE_BOUND && !is_free(job, &place)))
        return;
    json_begin_object(json);
    bootstrap_copy_others(json, listener, OWN, fate == FATE_BOUND ? COUNT_OF(OWN) : REBOUND_FROM);
    if (fate == FATE_BOUND) {
        json_key(json, STR("address"));
        print_address(json, place.address, place.port);
        const struct json_value *hands_on = json_get(listener, STR("useOriginalDst"));
        if (hands_on != NULL) {
            json_key(json, STR("useOriginalDst"));
            bootstrap_copy(json, hands_on);
        }
    }
    write_chains(job, listener);
    json_end_object(json);
}

void bootstrap_listeners(struct bootstrap_job *job)
{
    const struct json_value *listeners = json_get(job->all, STR("listeners"));

    json_key(job->json, STR("listeners"));
    json_begin_array(job->json);
    for (uint32_t i = 0; i < listeners->count; i++)
        write_listener(job, &listeners->items[i]);
    json_end_array(job->json);
}
