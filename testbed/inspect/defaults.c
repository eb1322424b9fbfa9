/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/defaults.c - see defaults.h.
 */
#include "testbed/inspect/defaults.h"

#include "base/check.h"
#include "config/yaml/duration.h"

static void add(struct default_list *out, struct arena *arena, struct str name, struct str words)
{
    *ARENA_PUSH(arena, out->items, out->count, out->capacity) =
        (struct default_note){.name = name, .words = words};
}

static struct str time_words(int64_t ns, struct arena *arena)
{
    return ns == 0 ? STR("none") : duration_text(ns, arena);
}

static struct str retry_words(const struct retry_policy *retry, struct arena *arena)
{
    if (retry == NULL)
        return STR("none");
    return arena_format(arena, "%u (%.*s)", retry->num_retries, STR_FMT(retry->retry_on));
}

void defaults_of_route(const struct route *route, struct arena *arena, struct default_list *out)
{
    const struct forward_action *forward = &route->forward;

    if (route->action != ROUTE_FORWARD)
        return;
    if ((forward->defaults & DEFAULT_TIMEOUT) != 0)
        add(out, arena, STR("timeout of a route"), time_words(forward->timeout_ns, arena));
    if ((forward->defaults & DEFAULT_RETRY) != 0)
        add(out, arena, STR("retries"), retry_words(forward->retry, arena));
    if ((forward->defaults & DEFAULT_UNKNOWN_HOST) != 0)
        add(out, arena, STR("unknown outbound hosts"), STR("passed on"));
    if ((forward->defaults & DEFAULT_MIRROR_HOST) != 0 && forward->mirror_count > 0)
        add(out, arena, STR("host of a mirrored request"),
            forward->mirrors[0].has_host_suffix ? STR("the caller's, with -shadow")
                                                : STR("the caller's"));
}

static struct str lb_words(enum lb_policy lb)
{
    switch (lb) {
    case LB_ROUND_ROBIN:
        return STR("ROUND_ROBIN");
    case LB_LEAST_REQUEST:
        return STR("LEAST_REQUEST");
    case LB_RANDOM:
        return STR("RANDOM");
    case LB_RING_HASH:
        return STR("RING_HASH");
    case LB_MAGLEV:
        return STR("MAGLEV");
    case LB_CLUSTER_PROVIDED:
        return STR("to the address dialled");
    }
    UNREACHABLE("lb_policy");
}

static struct str breaker_words(const struct cluster *cluster, struct arena *arena)
{
    const struct {
        enum default_value value;
        const char *name;
        uint32_t limit;
    } rows[] = {
        {DEFAULT_MAX_CONNECTIONS, "connections", cluster->breakers.max_connections},
        {DEFAULT_MAX_PENDING, "pending", cluster->breakers.max_pending_requests},
        {DEFAULT_MAX_REQUESTS, "requests", cluster->breakers.max_requests},
        {DEFAULT_MAX_RETRIES, "retries", cluster->breakers.max_retries},
    };
    struct str out = STR_EMPTY;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if ((cluster->defaults & rows[i].value) == 0)
            continue;
        const char *comma = out.len > 0 ? ", " : "";
        if (rows[i].limit == BREAKER_UNLIMITED)
            out = arena_format(arena, "%.*s%sany number of %s", STR_FMT(out), comma, rows[i].name);
        else
            out = arena_format(arena, "%.*s%s%u %s", STR_FMT(out), comma, rows[i].limit,
                               rows[i].name);
    }
    return out;
}

static struct str protocol_words(enum upstream_protocol protocol)
{
    return protocol == UPSTREAM_TCP ? STR("TCP") : STR("the first bytes decide");
}

void defaults_of_cluster(const struct cluster *cluster, struct arena *arena,
                         struct default_list *out)
{
    if ((cluster->defaults & DEFAULT_LB) != 0)
        add(out, arena, STR("load balancing"), lb_words(cluster->lb));
    if ((cluster->defaults & DEFAULT_CONNECT_TIMEOUT) != 0)
        add(out, arena, STR("connect timeout"), time_words(cluster->connect_timeout_ns, arena));
    struct str breakers = breaker_words(cluster, arena);
    if (breakers.len > 0)
        add(out, arena, STR("circuit breakers"), breakers);
    if ((cluster->defaults & DEFAULT_PANIC) != 0)
        add(out, arena, STR("panic threshold"),
            cluster->has_panic_threshold_zero ? STR("0 %, never") : STR("50 % (Envoy's)"));
    if ((cluster->defaults & DEFAULT_MTLS) != 0)
        add(out, arena, STR("mutual TLS of clients"),
            cluster->security == UPSTREAM_PLAINTEXT ? STR("plaintext") : STR("auto mTLS"));
    if ((cluster->defaults & DEFAULT_PROTOCOL) != 0)
        add(out, arena, STR("ports without a protocol"), protocol_words(cluster->protocol));
}

static bool is_passing(const struct filter_chain *chain)
{
    return chain->kind == CHAIN_TCP && str_eq(chain->tcp.cluster, STR("PassthroughCluster"));
}

void defaults_of_snapshot(const struct snapshot *snapshot, struct arena *arena,
                          struct default_list *out)
{
    bool is_passed = false;

    if ((snapshot->defaults & DEFAULT_UNKNOWN_HOST) == 0)
        return;
    for (uint32_t i = 0; i < snapshot->listener_count; i++) {
        const struct listener *listener = &snapshot->listeners[i];
        for (uint32_t k = 0; k < listener->chain_count; k++)
            is_passed |= is_passing(&listener->chains[k]);
        is_passed |= listener->default_chain != NULL && is_passing(listener->default_chain);
    }
    add(out, arena, STR("unknown outbound hosts"),
        is_passed ? STR("passed on") : STR("404; other connections are closed"));
}
