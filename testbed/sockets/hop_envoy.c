/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/sockets/hop_envoy.c - a client's proxy is an Envoy: where it meets the
 * pods, and what its access log says of an exchange.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/check.h"
#include "base/json.h"
#include "testbed/sockets/hop_inside.h"
#include "testbed/world/outcome.h"

/* Addresses of nobody are told apart by their last two bytes. */
#define BYTE_MAX 254u

static uint32_t pod_by_address(const struct world *world, struct str address)
{
    return map_get(&world->pod_by_address, address);
}

/* Nobody listens there: a port that is ours, on an address of this machine's. */
static struct str nobody(struct hops_shared *shared, struct str address, struct arena *arena)
{
    uint32_t index = map_get(&shared->nobodies, address);
    if (index == MAP_NONE) {
        index = shared->nobody_count++;
        (void)map_set(&shared->nobodies, arena_str(arena, address), index);
    }
    return arena_format(arena, "127.250.%u.%u", index / BYTE_MAX % BYTE_MAX, index % BYTE_MAX + 1);
}

/* A pod's sidecar, or its door; a sidecar that takes no such port is nobody. */
static bool reach_pod(struct sockets *sockets, uint32_t index, uint32_t port, struct str *at,
                      uint32_t *at_port)
{
    const struct world_pod *pod = &sockets->world->pods[index];
    const struct gate *gate = gates_find(&sockets->hops[0].shared->gates, index, port);
    if (pod->behaviour.is_absent || (pod->is_played && gate == NULL))
        return false;
    if (gate != NULL)
        sockets->hops[pod->client].is_met = true;
    *at = gate != NULL ? gate->address : sockets->doors[index].address;
    *at_port = gate != NULL ? gate->bound_port : sockets->doors[index].port;
    return true;
}

/* Pods where their doors are; who else is named by an address is met by nobody, and
 * names are not looked up. */
static bool reach(void *user, struct str address, uint32_t port, struct str *at, uint32_t *at_port)
{
    struct hop *hop = user;
    struct sockets *sockets = hop->sockets;
    uint32_t pod = pod_by_address(sockets->world, address);
    struct sockaddr_in numeric;
    if (pod != MAP_NONE)
        return reach_pod(sockets, pod, port, at, at_port);
    if (!door_sockaddr(address, 0, &numeric))
        return false;
    *at = nobody(hop->shared, address, &sockets->arena);
    *at_port = hop->shared->nobody_port;
    return true;
}

/* The application of the proxy's own pod, which listens on these ports only. */
static bool reach_inside(void *user, uint32_t port, struct str *at, uint32_t *at_port)
{
    struct hop *hop = user;
    struct sockets *sockets = hop->sockets;
    struct world *world = sockets->world;
    struct str own = world->clients[hop->client].address;
    uint32_t pod = pod_by_address(world, own);
    bool is_there = pod != MAP_NONE && (port == 0 || world_pod_at(world, own, port) == pod);
    *at = is_there ? sockets->doors[pod].address : nobody(hop->shared, own, &sockets->arena);
    *at_port = is_there ? sockets->doors[pod].port : hop->shared->nobody_port;
    return true;
}

/* --- its access log ------------------------------------------------------------- */

static struct str text_of(const struct json_value *line, const char *key)
{
    const struct json_value *value = json_get(line, str_of(key));
    bool is_text = value != NULL && (value->kind == JSON_STRING || value->kind == JSON_NUMBER);
    return is_text && !str_eq(value->text, STR("-")) ? value->text : STR_EMPTY;
}

static uint64_t number_of(const struct json_value *line, const char *key)
{
    uint64_t number = 0;
    return str_to_u64(text_of(line, key), UINT64_MAX, &number) ? number : 0;
}

static uint32_t cut_port(struct str *address)
{
    size_t colon = str_find_last(*address, ':');
    uint64_t port = 0;
    if (colon == STR_NONE || !str_to_u64(str_from(*address, colon + 1), UINT16_MAX, &port))
        return 0;
    *address = str_slice(*address, 0, colon);
    return (uint32_t)port;
}

/* Whose gate or door it is; UINT32_MAX: nobody's. *target_port: of it; 0: whichever. */
static uint32_t pod_met_at(const struct sockets *sockets, struct str host, uint32_t *target_port)
{
    uint32_t port = cut_port(&host);
    const struct gate *gate = gates_at(&sockets->hops[0].shared->gates, host, port);
    *target_port = gate != NULL ? gate->port : 0;
    if (gate != NULL)
        return gate->pod;
    for (uint32_t i = 0; i < sockets->world->pod_count; i++) {
        if (sockets->doors[i].port == port && str_eq(sockets->doors[i].address, host))
            return i;
    }
    return UINT32_MAX;
}

/* The pod's own address. */
static const struct endpoint *endpoint_at(const struct sockets *sockets, struct str host,
                                          struct arena *arena)
{
    uint32_t port;
    uint32_t index = pod_met_at(sockets, host, &port);
    const struct world_pod *pod = index != UINT32_MAX ? &sockets->world->pods[index] : NULL;
    if (pod == NULL || (port == 0 && pod->port_count == 0))
        return NULL;
    struct endpoint *endpoint = ARENA_NEW(arena, struct endpoint);
    *endpoint =
        (struct endpoint){.address = pod->address, .port = port != 0 ? port : pod->ports[0]};
    return endpoint;
}

/* All that the log tells of the rule: its name, and whose it is. */
static const struct route *route_of(const struct json_value *line, struct arena *arena)
{
    struct str name = text_of(line, "route_name"), config = text_of(line, "route_config");
    if (name.len == 0 && config.len == 0)
        return NULL;
    struct route *route = ARENA_NEW(arena, struct route);
    route->name = arena_str(arena, name);
    route->config = arena_str(arena, config);
    return route;
}

static void take_flags(struct record *record, struct str flags)
{
    while (flags.len > 0)
        record_add_flag(record, str_cut(&flags, ','));
}

static void note_line(struct hop *hop, const struct json_value *line)
{
    struct sockets *sockets = hop->sockets;
    /* What came in from others is no call of this client's. */
    if (str_eq(text_of(line, "traffic_direction"), STR("INBOUND")))
        return;
    struct record record = {
        .method = text_of(line, "method"),
        .path = text_of(line, "path"),
        .authority = text_of(line, "authority"),
        .request_id = text_of(line, "request_id"),
        .status = (uint32_t)number_of(line, "response_code"),
        .details = text_of(line, "response_code_details"),
        .transport_failure = text_of(line, "upstream_transport_failure_reason"),
        .cluster_name = text_of(line, "upstream_cluster"),
        .attempt_count = (uint32_t)number_of(line, "attempt_count"),
        .bytes_received = number_of(line, "bytes_received"),
        .bytes_sent = number_of(line, "bytes_sent"),
        /* These are kept with the outcome. */
        .endpoint = endpoint_at(sockets, text_of(line, "upstream_host"), &sockets->arena),
        .route = route_of(line, &sockets->arena),
    };
    struct str client = text_of(line, "downstream_direct_address");
    struct server_done done = {
        .record = &record, .remote_port = cut_port(&client), .nth = ERRAND_ANY_NTH};
    take_flags(&record, text_of(line, "response_flags"));
    sockets->happened_count++;
    errands_note_record(sockets, hop->client, &done);
}

/* An OutlierDetectionEvent; what is a default of its kind is not written. */
static void note_event(struct hop *hop, const struct json_value *line)
{
    struct sockets *sockets = hop->sockets;
    struct str type = text_of(line, "type");
    const struct json_value *enforced = json_get(line, STR("enforced"));
    uint32_t port;
    struct play_event event = {
        .kind = str_eq(text_of(line, "action"), STR("UNEJECT")) ? PLAY_UNEJECT : PLAY_EJECT,
        .at_ns = sockets_now_ns(sockets) - sockets->began_ns,
        .pod = pod_met_at(sockets, text_of(line, "upstream_url"), &port),
        .cluster = arena_str(&sockets->arena, text_of(line, "cluster_name")),
        .reason = arena_str_lower(&sockets->arena, type.len > 0 ? type : STR("consecutive_5xx")),
        .is_enforced = enforced != NULL && str_eq(enforced->text, STR("true")),
    };
    sockets_note_event(sockets, &event);
}

static void on_line(struct str text, void *user)
{
    struct hop *hop = user;
    struct json_value line;
    struct arena arena;
    size_t where = 0;
    arena_init(&arena, LINE_ARENA_BYTES, 0);
    bool is_read = json_read(text, &arena, &line, &where) == RC_OK;
    if (is_read && json_get(&line, STR("upstream_url")) != NULL)
        note_event(hop, &line);
    else if (is_read)
        note_line(hop, &line);
    arena_fini(&arena);
}

/* --- its life ------------------------------------------------------------------- */

static struct str redirect_name(struct sockets *sockets, const struct call_target *target)
{
    return arena_format(&sockets->arena, "to_%.*s_%u", STR_FMT(target->address), target->port);
}

static bool has_gate(const struct bootstrap_gate *gates, uint32_t count, struct str name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (str_eq(gates[i].name, name))
            return true;
    }
    return false;
}

/* Sockets for what the client's redirect would catch. */
static void add_redirects(struct hop *hop, struct bootstrap_gate *gates, uint32_t *count)
{
    struct sockets *sockets = hop->sockets;
    const struct play_options *options = &sockets->options;
    for (uint32_t i = 0; i < options->redirect_count; i++) {
        const struct call_target *target = &options->redirects[i].target;
        struct str name = redirect_name(sockets, target);
        if (options->redirects[i].client != hop->client || target->listener == NULL ||
            has_gate(gates, *count, name))
            continue;
        struct bootstrap_gate *gate = &gates[(*count)++];
        *gate = (struct bootstrap_gate){
            .listener = target->listener->name,
            .name = name,
            .target = target->address,
            .port = target->port,
            .address = door_loopback(sockets->world->clients[hop->client].proxy_address),
        };
        if (!reach(hop, target->address, target->port, &gate->at, &gate->at_port)) {
            gate->at = nobody(hop->shared, target->address, &sockets->arena);
            gate->at_port = hop->shared->nobody_port;
        }
    }
}

/* Sockets for what comes in to the client's pod, if it is one. */
static const struct bootstrap_gate *gates_of(struct hop *hop, uint32_t *count)
{
    struct sockets *sockets = hop->sockets;
    const struct gates *all = &hop->shared->gates;
    struct bootstrap_gate *out = ARENA_ARRAY(&sockets->arena, struct bootstrap_gate,
                                             all->count + sockets->options.redirect_count);
    *count = 0;
    for (uint32_t i = 0; i < all->count; i++) {
        const struct gate *gate = &all->items[i];
        if (sockets->world->pods[gate->pod].client != hop->client)
            continue;
        const struct listener *listener =
            world_inbound(sockets->world, gate->pod, gate->port, NULL);
        if (listener == NULL)
            continue;
        out[(*count)++] = (struct bootstrap_gate){
            .listener = listener->name,
            .name = arena_format(&sockets->arena, "inbound_%u", gate->port),
            .port = gate->port,
            .address = gate->address,
            .bound_port = gate->bound_port,
        };
    }
    add_redirects(hop, out, count);
    return out;
}

static bool begin_envoy(struct hop *hop, struct str *why)
{
    struct sockets *sockets = hop->sockets;
    const struct world_client *client = &sockets->world->clients[hop->client];
    struct envoy_options options = {
        .program = sockets->options.envoy,
        .snapshot = world_snapshot(sockets->world, hop->client),
        .keyring = world_keyring(sockets->world, hop->client, true),
        .bind_address = door_loopback(client->proxy_address),
        .reach = reach,
        .reach_inside = reach_inside,
        .has_moving_endpoints = sockets->options.has_moving_pods,
        .on_line = on_line,
        .user = hop,
        .loop = sockets_uv(sockets),
    };
    options.gates = gates_of(hop, &options.gate_count);
    hop->envoy = envoy_new(&options, &sockets->arena, why);
    return hop->envoy != NULL;
}

/* A port of all addresses, bound and not listened on: it refuses. */
static bool begin_nobody(struct sockets *sockets, struct str *why)
{
    struct hops_shared *shared = sockets->hops[0].shared;
    struct sockaddr_in bound = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t size = sizeof(bound);
    shared->nobody_fd = socket(AF_INET, SOCK_STREAM, 0);
    bool is_bound = shared->nobody_fd >= 0 && fcntl(shared->nobody_fd, F_SETFD, FD_CLOEXEC) == 0 &&
                    bind(shared->nobody_fd, (const struct sockaddr *)&bound, size) == 0 &&
                    getsockname(shared->nobody_fd, (struct sockaddr *)&bound, &size) == 0;
    shared->nobody_port = ntohs(bound.sin_port);
    if (!is_bound)
        *why = arena_format(&sockets->arena, "bind: %s", strerror(errno));
    return is_bound;
}

/* Those that others were told of, which makes them told of more; then waits for all. */
static bool begin_met(struct sockets *sockets, struct str *why)
{
    struct hop *hops = sockets->hops;
    uint32_t count = sockets->world->client_count;
    for (bool is_new = true; is_new;) {
        is_new = false;
        for (uint32_t i = 0; i < count; i++) {
            if (!hops[i].is_met || hops[i].envoy != NULL)
                continue;
            is_new = true;
            if (!begin_envoy(&hops[i], why))
                return false;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (hops[i].envoy != NULL && !envoy_await(hops[i].envoy, why))
            return false;
    }
    return true;
}

bool hops_begin_envoys(struct sockets *sockets, struct str *why)
{
    const struct play_options *options = &sockets->options;
    hops_find_nodes(sockets);
    if (!begin_nobody(sockets, why) || !gates_open(&sockets->hops[0].shared->gates, sockets, why))
        return false;
    for (uint32_t i = 0; i < options->caller_count; i++) {
        struct hop *hop = &sockets->hops[options->callers[i]];
        bool has_proxy = sockets->world->clients[hop->client].snapshot != NULL;
        if (has_proxy && hop->envoy == NULL && !begin_envoy(hop, why))
            return false;
    }
    return begin_met(sockets, why);
}

void hops_let_envoys_act(struct sockets *sockets)
{
    for (uint32_t i = 0; i < sockets->world->client_count; i++) {
        if (sockets->hops[i].envoy != NULL)
            envoy_let_act(sockets->hops[i].envoy);
    }
}

bool hop_reach_envoy(struct hop *hop, const struct call_target *target, struct str *address,
                     uint32_t *port)
{
    struct str why;
    if (hop->envoy == NULL && (!begin_envoy(hop, &why) || !begin_met(hop->sockets, &why)))
        return false;
    struct str name =
        target->has_original ? redirect_name(hop->sockets, target) : target->listener->name;
    return envoy_place(hop->envoy, name, address, port);
}

bool hop_reach_gate(struct sockets *sockets, uint32_t pod, uint32_t target_port,
                    struct str *address, uint32_t *port)
{
    const struct gate *gate = gates_find(&sockets->hops[0].shared->gates, pod, target_port);
    struct str why;
    if (gate == NULL)
        return false;
    sockets->hops[sockets->world->pods[pod].client].is_met = true;
    *address = gate->address;
    *port = gate->bound_port;
    return begin_met(sockets, &why);
}

void hops_move_pod(struct sockets *sockets, struct str address)
{
    for (uint32_t i = 0; i < sockets->world->client_count; i++) {
        struct hop *hop = &sockets->hops[i];
        /* One that does not take it says so itself: its pods stay who they were. */
        if (hop->envoy != NULL && sockets->options.has_moving_pods)
            (void)envoy_move(hop->envoy, address);
    }
}
