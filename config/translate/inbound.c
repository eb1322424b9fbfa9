/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/inbound.c - see inbound.h.
 */
#include "config/translate/inbound.h"

#include "base/ip.h"
#include "config/resource/service.h"
#include "config/resource/sidecar.h"
#include "config/translate/authn.h"
#include "config/translate/authz.h"
#include "config/translate/downstream_tls.h"
#include "config/translate/service_targets.h"
#include "proxy/model/retry_on.h"

#define PASSTHROUGH_CLUSTER STR("InboundPassthroughCluster")
#define INBOUND_RETRIES 2u
#define INBOUND_RETRY_ON "reset-before-request"

enum port_kind { KIND_HTTP, KIND_TCP, KIND_SNIFFED, KIND_COUNT };

/* One port of the workload, or all that no Service names. */
struct inbound_port {
    uint32_t port;         /* the workload's; 0: any */
    uint32_t service_port; /* 0: none */
    enum port_protocol protocol;
    struct str host;
    struct str cluster;
    struct str bind; /* empty: all addresses */
    bool is_bound;   /* a listener of its own, not behind the redirect */
    bool is_passthrough;
    const struct server_tls *tls; /* the Sidecar's own, where nothing else secures it; or NULL */
    struct origin origin;
};

struct inbound_maker {
    struct translation *t;
    struct peer_policy policy;
    const struct downstream_tls *http_tls, *tcp_tls;
    struct authz_filters authz;
    struct str config; /* the Sidecar that names the ports; empty: Services do */
    struct inbound_port *ports;
    uint32_t port_count, port_capacity;
    struct filter_chain *chains;
    uint32_t chain_count, chain_capacity;
};

/* --- what a chain must see to be chosen ------------------------------------ */

static const struct str ALL_MTLS[] = {STR_INIT("istio"), STR_INIT("istio-peer-exchange"),
                                      STR_INIT("istio-http/1.0"), STR_INIT("istio-http/1.1"),
                                      STR_INIT("istio-h2")};
static const struct str HTTP_MTLS[] = {STR_INIT("istio-http/1.0"), STR_INIT("istio-http/1.1"),
                                       STR_INIT("istio-h2")};
static const struct str TCP_MTLS[] = {STR_INIT("istio-peer-exchange"), STR_INIT("istio")};
static const struct str HTTP_PLAIN[] = {STR_INIT("http/1.1"), STR_INIT("h2c")};

enum alpn { ALPN_ANY, ALPN_ALL_MTLS, ALPN_HTTP_MTLS, ALPN_TCP_MTLS, ALPN_HTTP_PLAIN };

static const struct {
    const struct str *names;
    uint32_t count;
} ALPNS[] = {
    [ALPN_ANY] = {NULL, 0},
    [ALPN_ALL_MTLS] = {ALL_MTLS, COUNT_OF(ALL_MTLS)},
    [ALPN_HTTP_MTLS] = {HTTP_MTLS, COUNT_OF(HTTP_MTLS)},
    [ALPN_TCP_MTLS] = {TCP_MTLS, COUNT_OF(TCP_MTLS)},
    [ALPN_HTTP_PLAIN] = {HTTP_PLAIN, COUNT_OF(HTTP_PLAIN)},
};

/* One chain: what arrives, and what is made of it. */
struct chain_row {
    enum alpn alpn;
    bool is_tls;  /* what arrives */
    bool is_mtls; /* and is ended here */
    bool is_http;
};

#define ROWS_MAX 5

/* The order is Istio's, and Envoy needs none. */
static const struct {
    struct chain_row rows[ROWS_MAX];
    uint32_t count;
} ROWS[KIND_COUNT][MTLS_MODE_STRICT + 1] =
    {
        [KIND_HTTP] =
            {
                [MTLS_MODE_DISABLE] = {{{ALPN_ANY, false, false, true}}, 1},
                [MTLS_MODE_PERMISSIVE] = {{{ALPN_ALL_MTLS, true, true, true},
                                           {ALPN_ANY, false, false, true}},
                                          2},
                [MTLS_MODE_STRICT] = {{{ALPN_ANY, true, true, true}}, 1},
            },
        [KIND_TCP] =
            {
                [MTLS_MODE_DISABLE] = {{{ALPN_ANY, false, false, false}}, 1},
                [MTLS_MODE_PERMISSIVE] = {{{ALPN_ALL_MTLS, true, true, false},
                                           {ALPN_ANY, true, false, false},
                                           {ALPN_ANY, false, false, false}},
                                          3},
                [MTLS_MODE_STRICT] = {{{ALPN_ANY, true, true, false}}, 1},
            },
        [KIND_SNIFFED] =
            {
                [MTLS_MODE_DISABLE] = {{{ALPN_HTTP_PLAIN, false, false, true},
                                        {ALPN_ANY, false, false, false}},
                                       2},
                [MTLS_MODE_PERMISSIVE] = {{{ALPN_HTTP_MTLS, true, true, true},
                                           {ALPN_HTTP_PLAIN, false, false, true},
                                           {ALPN_TCP_MTLS, true, true, false},
                                           {ALPN_ANY, false, false, false},
                                           {ALPN_ANY, true, false, false}},
                                          5},
                [MTLS_MODE_STRICT] = {{{ALPN_HTTP_MTLS, true, true, true},
                                       {ALPN_ANY, true, true, false}},
                                      2},
            },
};

static enum port_kind kind_of(enum port_protocol protocol)
{
    if (port_protocol_is_http(protocol))
        return KIND_HTTP;
    return protocol == PORT_SNIFFED ? KIND_SNIFFED : KIND_TCP;
}

/* --- what a chain does ----------------------------------------------------- */

static const struct retry_policy *inbound_retry(struct translation *t)
{
    if (!t->profile->has_inbound_retry)
        return NULL;
    struct retry_policy *out = ARENA_NEW(t->arena, struct retry_policy);

    out->retry_on = STR(INBOUND_RETRY_ON);
    out->conditions = retry_on_read(out->retry_on);
    out->num_retries = INBOUND_RETRIES;
    return out;
}

static bool is_grpc(enum port_protocol protocol)
{
    return protocol == PORT_GRPC || protocol == PORT_GRPC_WEB;
}

/* Everything to the application, without timeout. */
static const struct route_config *routes_of(struct translation *t, const struct inbound_port *port)
{
    static const struct str ANY[] = {STR_INIT("*")};
    struct route *route = ARENA_NEW(t->arena, struct route);
    struct virtual_host *host = ARENA_NEW(t->arena, struct virtual_host);
    struct route_config *out = ARENA_NEW(t->arena, struct route_config);

    *route = (struct route){
        .name = STR("default"),
        .match = {.path = {.kind = PATH_PREFIX, .value = STR("/")}},
        .action = ROUTE_FORWARD,
        .forward =
            {
                .cluster = port->cluster,
                .has_timeout = true,
                .has_max_stream_duration = true,
                .has_grpc_timeout_header_max = true,
                .retry = is_grpc(port->protocol) ? NULL : inbound_retry(t),
                .defaults = is_grpc(port->protocol) ? 0 : DEFAULT_RETRY,
            },
        .decorator = context_keep(
            t, arena_format(&t->scratch, "%.*s:%u/*", STR_FMT(port->host), port->service_port)),
        .origin = {.file = port->origin.file},
    };
    *host = (struct virtual_host){
        .name = context_keep(t, arena_format(&t->scratch, "inbound|http|%u", port->service_port)),
        .domains = ANY,
        .domain_count = COUNT_OF(ANY),
        .routes = route,
        .route_count = 1,
        .origin = port->origin,
    };
    *out = (struct route_config){
        .name = port->cluster, .virtual_hosts = host, .virtual_host_count = 1};
    return out;
}

static struct str place_name(struct translation *t, const struct inbound_port *port)
{
    struct str bind = port->bind.len > 0 ? port->bind : context_any_address(t);

    return arena_format(&t->scratch, "%.*s_%u", STR_FMT(bind), port->port);
}

static struct str chain_name(struct translation *t, const struct inbound_port *port, bool is_http)
{
    if (port->is_passthrough)
        return is_http ? STR("virtualInbound-catchall-http") : STR("virtualInbound");
    return context_keep(t, place_name(t, port));
}

static struct str stat_prefix(struct translation *t, const struct inbound_port *port)
{
    if (port->is_passthrough)
        return STR("InboundPassthroughCluster;");
    return context_keep(t,
                        arena_format(&t->scratch, "inbound_%.*s;", STR_FMT(place_name(t, port))));
}

static void add_chain(struct inbound_maker *maker, const struct inbound_port *port,
                      const struct chain_row *row, const struct route_config *routes)
{
    struct translation *t = maker->t;
    struct filter_chain *chain =
        ARENA_PUSH(t->arena, maker->chains, maker->chain_count, maker->chain_capacity);

    *chain = (struct filter_chain){
        .name = chain_name(t, port, row->is_http),
        .kind = row->is_http ? CHAIN_HTTP : CHAIN_TCP,
        .application_protocols = ALPNS[row->alpn].names,
        .application_protocol_count = ALPNS[row->alpn].count,
        .transport_protocol = row->is_tls ? STR("tls") : STR("raw_buffer"),
        .destination_port = port->port,
        .is_tls = row->is_mtls,
        .config = port->is_passthrough ? STR_EMPTY : maker->config,
        .security = row->is_http ? maker->authz.http : maker->authz.tcp,
        .origin = port->origin,
    };
    if (row->is_mtls)
        chain->tls = row->is_http ? maker->http_tls : maker->tcp_tls;
    if (!row->is_http) {
        chain->has_mongo = port->protocol == PORT_MONGO;
        chain->tcp = (struct tcp_proxy){.stat_prefix = port->cluster, .cluster = port->cluster};
        return;
    }
    chain->http = listeners_manager(t, routes);
    chain->http.stat_prefix = stat_prefix(t, port);
    chain->http.has_inline_routes = true;
    chain->http.is_inbound = true;
    chain->http.dns_cache_count = 0;
    chain->http.is_tracing_egress = false;
    chain->http.is_http2_declared = port_protocol_is_http2(port->protocol);
    chain->http.has_grpc_web = port->protocol == PORT_GRPC_WEB;
    chain->http.cert_details = CERT_APPEND_FORWARD;
    if (t->settings.server_name.len == 0)
        chain->http.server_name = STR("istio-envoy");
}

static void add_chains(struct inbound_maker *maker, const struct inbound_port *port)
{
    enum port_kind kind = kind_of(port->protocol);
    enum mtls_mode mode = authn_mode_of_port(&maker->policy, port->port);
    const struct route_config *routes = kind == KIND_TCP ? NULL : routes_of(maker->t, port);
    const struct chain_row own = {ALPN_ANY, true, true, kind == KIND_HTTP};

    if (port->tls != NULL && mode == MTLS_MODE_DISABLE) {
        add_chain(maker, port, &own, routes);
        maker->chains[maker->chain_count - 1].tls =
            downstream_tls_translate(maker->t, port->tls, false);
        return;
    }
    for (uint32_t i = 0; i < ROWS[kind][mode].count; i++)
        add_chain(maker, port, &ROWS[kind][mode].rows[i], routes);
}

/* --- which ports ----------------------------------------------------------- */

static const struct inbound_port *find_port(const struct inbound_maker *maker, uint32_t port)
{
    for (uint32_t i = 0; i < maker->port_count; i++) {
        if (maker->ports[i].port == port)
            return &maker->ports[i];
    }
    return NULL;
}

/* Kept sorted by port. The oldest Service has a port that several lead to; then
 * NULL. */
static struct inbound_port *add_port(struct inbound_maker *maker, struct str host,
                                     const struct service_port *from, uint32_t target)
{
    struct translation *t = maker->t;

    if (target == 0 || find_port(maker, target) != NULL)
        return NULL;
    struct inbound_port port = {
        .port = target,
        .service_port = from->port,
        .protocol = context_protocol(t, from),
        .host = host,
        .cluster = context_keep(t, arena_format(&t->scratch, "inbound|%u||", target)),
        .origin = context_keep_origin(t, from->origin),
    };
    uint32_t place = maker->port_count;
    (void)ARENA_PUSH(&t->scratch, maker->ports, maker->port_count, maker->port_capacity);
    for (; place > 0 && maker->ports[place - 1].port > target; place--)
        maker->ports[place] = maker->ports[place - 1];
    maker->ports[place] = port;
    return &maker->ports[place];
}

/* The workload's address, if it is one that others reach; empty: all of them. */
static struct str own_bind(struct translation *t)
{
    struct ip ip;

    if (!ip_parse(t->proxy->address, &ip) || !ip_is_global_unicast(&ip))
        return STR_EMPTY;
    return context_keep(t, ip_text(&ip, &t->scratch));
}

/* What comes out of TLS that ends here. */
static struct str protocol_behind(const struct inbound_maker *maker,
                                  const struct sidecar_ingress *ingress)
{
    if (ingress->tls == NULL || !maker->t->mesh->istiod.is_ending_sidecar_tls)
        return ingress->protocol;
    if (str_eq_ci(ingress->protocol, STR("HTTPS")))
        return STR("HTTP");
    return str_eq_ci(ingress->protocol, STR("TLS")) ? STR("TCP") : ingress->protocol;
}

/* A Sidecar's ingress listeners, where it has some, stand for the Services'. */
static void find_ingress_ports(struct inbound_maker *maker, const struct sidecar *sidecar)
{
    struct translation *t = maker->t;
    struct str host = arena_format(&t->scratch, "%.*s.%.*s", STR_FMT(sidecar->meta.name),
                                   STR_FMT(sidecar->meta.namespace));

    maker->config = context_keep(
        t, arena_format(&t->scratch, "/apis/networking.istio.io/v1/namespaces/%.*s/sidecar/%.*s",
                        STR_FMT(sidecar->meta.namespace), STR_FMT(sidecar->meta.name)));
    for (uint32_t i = 0; i < sidecar->ingress_count; i++) {
        const struct sidecar_ingress *ingress = &sidecar->ingress[i];
        struct service_port port = {.port = ingress->port,
                                    .protocol = STR("TCP"),
                                    .app_protocol = protocol_behind(maker, ingress),
                                    .is_protocol_said = true,
                                    .origin = ingress->origin};
        struct inbound_port *added = add_port(maker, host, &port, ingress->port);
        if (added == NULL)
            continue;
        added->is_bound = ingress->capture == CAPTURE_NONE;
        if (maker->t->mesh->istiod.is_ending_sidecar_tls)
            added->tls = ingress->tls;
        added->bind = ingress->bind.len > 0 ? context_keep(t, ingress->bind) : own_bind(t);
    }
}

static void find_ports(struct inbound_maker *maker)
{
    const struct sidecar *sidecar = maker->t->sidecar;

    if (sidecar != NULL && sidecar->ingress_count > 0) {
        find_ingress_ports(maker, sidecar);
        return;
    }
    struct service_targets targets = service_targets_find(maker->t);
    for (uint32_t i = 0; i < targets.count; i++) {
        const struct service_target *target = &targets.items[i];
        (void)add_port(maker, target->service->host, &target->service->ports[target->port_index],
                       target->target_port);
    }
}

static void add_passthrough(struct inbound_maker *maker, uint32_t number)
{
    struct inbound_port port = {.port = number,
                                .protocol = PORT_SNIFFED,
                                .cluster = PASSTHROUGH_CLUSTER,
                                .is_passthrough = true};

    add_chains(maker, &port);
}

/* Connections to the listener's own port would come back for ever. */
static void add_black_hole(struct inbound_maker *maker)
{
    struct filter_chain *chain =
        ARENA_PUSH(maker->t->arena, maker->chains, maker->chain_count, maker->chain_capacity);

    *chain = (struct filter_chain){
        .name = STR("virtualInbound-blackhole"),
        .kind = CHAIN_TCP,
        .tcp = {.stat_prefix = STR("BlackHoleCluster"), .cluster = STR("BlackHoleCluster")},
        .destination_port = maker->t->mesh->config.inbound_listen_port,
    };
}

/* --- what must be looked at ------------------------------------------------ */

static bool needs(const struct filter_chain *chain, bool is_tls)
{
    if (is_tls)
        return str_eq(chain->transport_protocol, STR("tls"));
    return chain->application_protocols == HTTP_PLAIN;
}

static void add_sorted(uint32_t *list, uint32_t *count, uint32_t port)
{
    uint32_t place = (*count)++;

    for (; place > 0 && list[place - 1] > port; place--)
        list[place] = list[place - 1];
    list[place] = port;
}

/* Chains of one port stand together; port 0 is all others. An inspector is on
 * by default and off where no chain needs it, but that of TLS, where the
 * default does not need it, is on where one does. */
static struct inspector inspector_of(struct inbound_maker *maker, bool is_tls)
{
    struct arena *arena = maker->t->arena;
    uint32_t *on = ARENA_ARRAY(arena, uint32_t, maker->chain_count);
    uint32_t *off = ARENA_ARRAY(arena, uint32_t, maker->chain_count);
    uint32_t on_count = 0, off_count = 0;

    for (uint32_t i = 0; i < maker->chain_count;) {
        uint32_t port = maker->chains[i].destination_port;
        bool is_on = false;
        for (; i < maker->chain_count && maker->chains[i].destination_port == port; i++)
            is_on |= needs(&maker->chains[i], is_tls);
        if (is_on)
            add_sorted(on, &on_count, port);
        else
            add_sorted(off, &off_count, port);
    }
    if (on_count == 0)
        return (struct inspector){0};
    if (is_tls && on[0] != 0)
        return (struct inspector){
            .is_there = true, .is_on_ports_only = true, .ports = on, .port_count = on_count};
    return (struct inspector){.is_there = true, .ports = off, .port_count = off_count};
}

static struct listener listener_of(struct inbound_maker *maker, struct str name, struct str address,
                                   uint32_t port)
{
    return (struct listener){
        .name = name,
        .address = address,
        .port = port,
        .is_bound = true,
        .direction = TRAFFIC_INBOUND,
        .chains = maker->chains,
        .chain_count = maker->chain_count,
        .tls_inspector = inspector_of(maker, true),
        .http_inspector = inspector_of(maker, false),
        .has_detection_timeout = true,
        .detection_timeout_ns = maker->t->mesh->config.detection_timeout_ns,
    };
}

/* Ports that the redirect does not catch. */
static void add_bound_ports(struct inbound_maker *maker, struct listener_list *out)
{
    struct translation *t = maker->t;

    for (uint32_t i = 0; i < maker->port_count; i++) {
        const struct inbound_port *port = &maker->ports[i];
        struct inbound_maker own = *maker;
        if (!port->is_bound)
            continue;
        own.chains = NULL;
        own.chain_count = own.chain_capacity = 0;
        add_chains(&own, port);
        *ARENA_PUSH(t->arena, out->items, out->count, out->capacity) =
            listener_of(&own, context_keep(t, place_name(t, port)),
                        port->bind.len > 0 ? port->bind : context_any_address(t), port->port);
    }
}

void inbound_listeners(struct translation *t, struct listener_list *out)
{
    struct inbound_maker maker = {
        .t = t,
        .policy = authn_own_policy(t),
        .http_tls = authn_inbound_tls(t, true),
        .tcp_tls = authn_inbound_tls(t, false),
        .authz = authz_translate(t),
    };

    authn_tell_modes(t, &maker.policy);
    find_ports(&maker);
    add_black_hole(&maker);
    add_passthrough(&maker, 0);
    for (uint32_t i = 0; i < maker.policy.port_count; i++) {
        if (find_port(&maker, maker.policy.ports[i].port) == NULL)
            add_passthrough(&maker, maker.policy.ports[i].port);
    }
    for (uint32_t i = 0; i < maker.port_count; i++) {
        if (!maker.ports[i].is_bound)
            add_chains(&maker, &maker.ports[i]);
    }
    struct listener listener = listener_of(&maker, STR("virtualInbound"), context_any_address(t),
                                           t->mesh->config.inbound_listen_port);
    listener.has_original_dst = true;
    *ARENA_PUSH(t->arena, out->items, out->count, out->capacity) = listener;
    add_bound_ports(&maker, out);
}
