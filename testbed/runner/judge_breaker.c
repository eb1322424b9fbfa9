/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/judge_breaker.c - limits of a cluster that were met, by its
 * counters, and how much there was at once, where the engine watches.
 */
#include "base/check.h"
#include "testbed/runner/judge_parts.h"
#include "testbed/runner/run_inside.h"

/* Envoy counts each limit's refusals; a DestinationRule's word for the limit. */
static const struct {
    struct str counter, word, most;
} LIMITS[LIMIT_OF_COUNT] = {
    [LIMIT_OF_CONNECTIONS] = {STR_INIT("upstream_cx_overflow"), STR_INIT("maxConnections"),
                              STR_INIT("connectionsMax")},
    [LIMIT_OF_PENDING] = {STR_INIT("upstream_rq_pending_overflow"),
                          STR_INIT("http1MaxPendingRequests"), STR_INIT("pendingMax")},
    [LIMIT_OF_REQUESTS] = {STR_INIT("upstream_rq_active_overflow"), STR_INIT("http2MaxRequests"),
                           STR_INIT("requestsMax")},
    [LIMIT_OF_RETRIES] = {STR_INIT("upstream_rq_retry_overflow"), STR_INIT("maxRetries"),
                          STR_INIT("")}, /* nobody watches */
};

/* "reviews/v1" is a subset of a service, seen from the default namespace. */
static struct str cluster_of(struct run *run, struct str text)
{
    struct str rest = text, host = str_cut(&rest, '/');
    const struct service *service = world_service_of(run->world, host);
    if (service == NULL || service->port_count == 0 || str_find(text, '|') != STR_NONE)
        return text;
    return arena_format(run->arena, "outbound|%u|%.*s|%.*s", service->ports[0].port, STR_FMT(rest),
                        STR_FMT(service->host));
}

static struct str overflowed_words(const bool *overflowed, struct arena *arena)
{
    struct str out = STR_EMPTY;
    for (uint32_t i = 0; i < LIMIT_OF_COUNT; i++) {
        if (overflowed[i])
            out = arena_format(arena, "%.*s%s%.*s", STR_FMT(out), out.len > 0 ? ", " : "",
                               STR_FMT(LIMITS[i].word));
    }
    return out.len > 0 ? out : STR("none");
}

static void judge_overflowed(struct run *run, const struct want_breaker *want, struct str cluster)
{
    struct complaints *out = &run->result->complaints;
    bool got[LIMIT_OF_COUNT] = {0}, is_same = true;
    for (uint32_t i = 0; i < LIMIT_OF_COUNT; i++) {
        uint64_t count = 0;
        got[i] = run->play->ops->stat(run->play, cluster, LIMITS[i].counter, &count) && count > 0;
        is_same &= got[i] == want->overflowed[i];
    }
    if (!is_same)
        complain(out, want->origin, STR("breaker.overflowed"),
                 overflowed_words(want->overflowed, out->scratch),
                 overflowed_words(got, out->scratch));
}

void judge_breaker(struct run *run, const struct want_breaker *want)
{
    struct str cluster = cluster_of(run, want->cluster);
    struct complaints *out = &run->result->complaints;
    if (want->has_overflowed)
        judge_overflowed(run, want, cluster);
    if (run->options->engine == RUN_ENVOY)
        return; /* its counters are seen, not its turns */
    struct play_peaks peaks = {0};
    run->play->ops->peaks(run->play, cluster, &peaks);
    const uint64_t most[LIMIT_OF_COUNT] = {peaks.connections, peaks.pending, peaks.requests};
    for (uint32_t i = 0; i < LIMIT_OF_COUNT; i++) {
        struct str where = arena_format(run->arena, "breaker.%.*s", STR_FMT(LIMITS[i].most));
        judge_numbers(&want->most[i], where, true, most[i], out);
    }
}

void run_watch_breakers(struct run *run)
{
    for (uint32_t i = 0; i < run->test->case_count; i++) {
        const struct expect *expect = &run->test->cases[i].expect;
        for (uint32_t k = 0; k < expect->breaker_count; k++)
            run->play->ops->watch(run->play, cluster_of(run, expect->breakers[k].cluster));
    }
}
