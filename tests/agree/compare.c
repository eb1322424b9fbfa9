/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/compare.c - see compare.h.
 */
#include "tests/agree/compare.h"

#include "base/check.h"

static bool is_same_text(const char *what, struct str a, struct str b, struct buf *out)
{
    if (str_eq(a, b))
        return true;
    ASSERT(buf_format(out, "  %s: sim \"%.*s\", the other \"%.*s\"\n", what,
                      STR_FMT(str_slice(a, 0, 400)), STR_FMT(str_slice(b, 0, 400))) == RC_OK);
    return false;
}

/* An access log has no blanks within a word. */
static bool is_same_words(const char *what, struct str a, struct str b, struct buf *out)
{
    bool is_same = a.len == b.len;
    for (size_t i = 0; is_same && i < a.len; i++)
        is_same = (a.ptr[i] == ' ' ? '_' : a.ptr[i]) == (b.ptr[i] == ' ' ? '_' : b.ptr[i]);
    return is_same || is_same_text(what, a, b, out);
}

static bool is_same_number(const char *what, uint64_t a, uint64_t b, struct buf *out)
{
    if (a == b)
        return true;
    ASSERT(buf_format(out, "  %s: sim %llu, the other %llu\n", what, (unsigned long long)a,
                      (unsigned long long)b) == RC_OK);
    return false;
}

/* Closed, reset and cut short are the kernel's choice when a peer hurries. */
static uint32_t error_class(enum call_error error)
{
    switch (error) {
    case CALL_CONNECTION_CLOSED:
    case CALL_CONNECTION_RESET:
    case CALL_INCOMPLETE_RESPONSE:
        return CALL_CONNECTION_CLOSED;
    case CALL_OK:
    case CALL_CONNECTION_REFUSED:
    case CALL_NO_RESPONSE:
    case CALL_CANCELLED:
    case CALL_TLS_HANDSHAKE:
    case CALL_INVALID_RESPONSE:
        return (uint32_t)error;
    }
    UNREACHABLE("call_error");
}

static bool is_of_time(struct str name)
{
    return str_eq_ci(name, STR("date")) || str_eq_ci(name, STR("x-envoy-upstream-service-time")) ||
           str_eq_ci(name, STR("x-envoy-expected-rq-timeout-ms")); /* what is left of it */
}

/* What a proxy draws for a request, or makes of the kernel's ports. */
static bool is_of_luck(struct str name)
{
    return str_eq_ci(name, STR("x-request-id")) || str_eq_ci(name, STR("set-cookie"));
}

#define HASH STR("Hash=")
#define HASH_SIZE 64u

/* A certificate's digest: keys are made anew for each world. */
static struct str hash_of(struct str value)
{
    size_t at = str_find_str(value, HASH);
    return at == STR_NONE ? STR_EMPTY : str_slice(value, at + HASH.len, at + HASH.len + HASH_SIZE);
}

static bool is_digest(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (str_find(STR("0123456789abcdef"), text.ptr[i]) == STR_NONE)
            return false;
    }
    return text.len == HASH_SIZE;
}

static void add_value(struct str value, struct buf *out)
{
    struct str hash;
    while (is_digest(hash = hash_of(value))) {
        size_t size = (size_t)(hash.ptr - value.ptr);
        ASSERT(buf_format(out, "%.*s(digest)", STR_FMT(str_slice(value, 0, size))) == RC_OK);
        value = str_from(value, size + HASH_SIZE);
    }
    ASSERT(buf_append(out, value) == RC_OK);
}

/* All headers but those of time, as text. */
static struct str header_words(const struct header *headers, uint32_t count, bool is_one_luck,
                               struct buf *out)
{
    buf_clear(out);
    for (uint32_t i = 0; i < count; i++) {
        if (is_of_time(headers[i].name))
            continue;
        ASSERT(buf_format(out, "; %.*s: ", STR_FMT(headers[i].name)) == RC_OK);
        if (is_one_luck || !is_of_luck(headers[i].name))
            add_value(headers[i].value, out);
    }
    return buf_str(out);
}

struct lines {
    const struct header *items;
    uint32_t count;
};

static bool is_same_headers(const char *what, struct lines a, struct lines b, bool is_one_luck,
                            struct buf *out)
{
    struct buf one, other;
    buf_init(&one, 1 << 24);
    buf_init(&other, 1 << 24);
    bool is_same = is_same_text(what, header_words(a.items, a.count, is_one_luck, &one),
                                header_words(b.items, b.count, is_one_luck, &other), out);
    buf_fini(&one);
    buf_fini(&other);
    return is_same;
}

/* The n-th request that is no mirror (those may come later than the answer: their clusters
 * count them); NULL: there are not so many. */
static const struct sighting *seen(const struct outcome *outcome, uint32_t nth)
{
    for (uint32_t i = 0; i < outcome->sighting_count; i++) {
        if (!outcome->sightings[i].is_mirror && nth-- == 0)
            return &outcome->sightings[i];
    }
    return NULL;
}

static bool is_same_sightings(const struct outcome *a, const struct outcome *b, bool is_one_luck,
                              struct buf *out)
{
    bool is_same = true;
    for (uint32_t i = 0;; i++) {
        const struct sighting *one = seen(a, i), *other = seen(b, i);
        if (one == NULL || other == NULL)
            return is_same &
                   is_same_number("requests at applications", one != NULL, other != NULL, out);
        is_same &= is_same_number("pod", one->pod, other->pod, out);
        is_same &= is_same_text("uri there", one->uri, other->uri, out);
        is_same &= is_same_text("method there", one->method, other->method, out);
        is_same &=
            is_same_headers("headers there", (struct lines){one->headers, one->header_count},
                            (struct lines){other->headers, other->header_count}, is_one_luck, out);
        is_same &= is_same_number("body there", one->body_size, other->body_size, out);
    }
}

static struct str route_name(const struct outcome *outcome)
{
    return outcome->record.route != NULL ? outcome->record.route->name : STR("none");
}

/* As a log has it: one that does not exist is not there. Of an Envoy there is the log only. */
static struct str cluster_logged(const struct record *record, bool is_of_ours)
{
    return is_of_ours && record->cluster == NULL ? STR_EMPTY : record->cluster_name;
}

static bool is_same_record(const struct outcome *a, const struct outcome *b, bool is_one_luck,
                           struct buf *out)
{
    bool is_same = is_same_number("record", a->has_record, b->has_record, out);
    if (!a->has_record || !b->has_record)
        return is_same;
    const struct record *one = &a->record, *other = &b->record;
    is_same &= is_same_text("flags", a->flags, b->flags, out);
    is_same &= is_same_text("details", one->details, other->details, out);
    is_same &= is_same_words("failure", one->transport_failure, other->transport_failure, out);
    is_same &= is_same_number("attempts", one->attempt_count, other->attempt_count, out);
    is_same &=
        is_same_text("cluster", cluster_logged(one, true), cluster_logged(other, is_one_luck), out);
    is_same &= is_same_text("route", route_name(a), route_name(b), out);
    is_same &= is_same_number("logged status", one->status, other->status, out);
    is_same &= is_same_number("bytes in", one->bytes_received, other->bytes_received, out);
    return is_same & is_same_number("bytes out", one->bytes_sent, other->bytes_sent, out);
}

bool compare_outcomes(const struct outcome *a, const struct outcome *b, bool is_one_luck,
                      struct buf *out)
{
    bool is_same = is_same_number("error", error_class(a->error), error_class(b->error), out);
    is_same &= is_same_number("status", a->status, b->status, out);
    is_same &= is_same_text("reason", a->reason, b->reason, out);
    is_same &= is_same_headers("headers", (struct lines){a->headers, a->header_count},
                               (struct lines){b->headers, b->header_count}, is_one_luck, out);
    is_same &= is_same_text("body", a->body, b->body, out);
    is_same &= is_same_number("body's size", a->body_size, b->body_size, out);
    is_same &= is_same_headers("trailers", (struct lines){a->trailers, a->trailer_count},
                               (struct lines){b->trailers, b->trailer_count}, is_one_luck, out);
    is_same &= is_same_number("interim answers", a->interim_count, b->interim_count, out);
    is_same &= is_same_number("last pod", a->pod, b->pod, out);
    is_same &= is_same_record(a, b, is_one_luck, out);
    return is_same & is_same_sightings(a, b, is_one_luck, out);
}

static bool is_same_counter(struct play *a, struct play *b, struct str cluster, const char *name,
                            struct buf *out)
{
    uint64_t one = 0, other = 0;
    /* A counter that nobody has never moved. */
    if (!a->ops->stat(a, cluster, str_of(name), &one))
        one = 0;
    if (!b->ops->stat(b, cluster, str_of(name), &other))
        other = 0;
    if (one == other)
        return true;
    ASSERT(buf_format(out, "  %.*s %s: sim %llu, the other %llu\n", STR_FMT(cluster), name,
                      (unsigned long long)one, (unsigned long long)other) == RC_OK);
    return false;
}

struct names {
    const char *const *items;
    size_t count;
};

static bool are_same_counters(struct play *a, struct play *b, struct str owner, struct names names,
                              struct buf *out)
{
    bool is_same = true;
    for (size_t i = 0; i < names.count; i++)
        is_same &= is_same_counter(a, b, owner, names.items[i], out);
    return is_same;
}

/* Some proxy before this one has a cluster of that name. */
static bool is_done(const struct world *world, uint32_t client, struct str name)
{
    for (uint32_t i = 0; i < client; i++) {
        const struct snapshot *snapshot = world->clients[i].snapshot;
        if (snapshot != NULL && snapshot_cluster(snapshot, name) != NULL)
            return true;
    }
    return false;
}

/* Of all proxies; counters are summed over them. */
static bool is_same_named(struct play *a, struct play *b, const struct world *world,
                          struct names of_clusters, struct names of_managers, struct buf *out)
{
    bool is_same = true;
    for (uint32_t client = 0; client < world->client_count; client++) {
        const struct snapshot *snapshot = world->clients[client].snapshot;
        for (uint32_t i = 0; snapshot != NULL && i < snapshot->cluster_count; i++) {
            struct str name = snapshot->clusters[i].name;
            if (!is_done(world, client, name))
                is_same &= are_same_counters(a, b, name, of_clusters, out);
        }
    }
    return is_same & are_same_counters(a, b, STR("http"), of_managers, out);
}

/* Of clusters and of listeners. Curves are the libraries' affair. */
#define TLS_COUNTERS                                                                         \
    "ssl.handshake", "ssl.connection_error", "ssl.fail_verify_error", "ssl.fail_verify_san", \
        "ssl.fail_verify_no_cert", "ssl.no_certificate", "ssl.session_reused",               \
        "ssl.versions.TLSv1.2", "ssl.versions.TLSv1.3", "ssl.sigalgs.ecdsa_secp256r1_sha256"

static const char *const CLUSTER_COUNTERS[] = {
    "upstream_rq_total",
    "upstream_rq_completed",
    "upstream_rq_2xx",
    "upstream_rq_4xx",
    "upstream_rq_5xx",
    "upstream_rq_retry",
    "upstream_rq_retry_success",
    "upstream_rq_retry_limit_exceeded",
    "upstream_rq_retry_overflow",
    "upstream_rq_timeout",
    "upstream_rq_per_try_timeout",
    "upstream_rq_pending_overflow",
    "upstream_rq_pending_total",
    "upstream_rq_rx_reset",
    "upstream_rq_tx_reset",
    "upstream_cx_total",
    "upstream_cx_connect_fail",
    "upstream_cx_overflow",
    "upstream_cx_max_requests",
    "upstream_rq_1xx",
    "upstream_rq_3xx",
    "upstream_rq_cancelled",
    "upstream_rq_pending_failure_eject",
    "upstream_rq_per_try_idle_timeout",
    "upstream_rq_max_duration_reached",
    "upstream_rq_retry_backoff_exponential",
    "upstream_rq_active_overflow",
    "retry.upstream_rq_completed",
    "retry.upstream_rq_5xx",
    "retry.upstream_rq_4xx",
    "retry_or_shadow_abandoned",
    "upstream_cx_http1_total",
    "upstream_cx_connect_timeout",
    "upstream_cx_none_healthy",
    "upstream_cx_protocol_error",
    "upstream_cx_close_notify",
    "upstream_cx_destroy",
    "upstream_cx_destroy_local",
    "upstream_cx_destroy_remote",
    "upstream_cx_destroy_with_active_rq",
    "upstream_cx_destroy_local_with_active_rq",
    "upstream_cx_destroy_remote_with_active_rq",
    "lb_healthy_panic",
    "outlier_detection.ejections_active",
    "outlier_detection.ejections_overflow",
    "outlier_detection.ejections_detected_consecutive_5xx",
    "outlier_detection.ejections_detected_consecutive_gateway_failure",
    "outlier_detection.ejections_enforced_total",
    TLS_COUNTERS};
#define ENDS_COUNT 3u /* the last of them: how connections ended */
static const char *const MANAGER_COUNTERS[] = {"downstream_rq_total",
                                               "downstream_rq_2xx",
                                               "downstream_rq_3xx",
                                               "downstream_rq_4xx",
                                               "downstream_rq_5xx",
                                               "downstream_rq_completed",
                                               "downstream_cx_total",
                                               "downstream_rq_1xx",
                                               "downstream_rq_http1_total",
                                               "downstream_cx_http1_total",
                                               "downstream_rq_rx_reset",
                                               "downstream_rq_tx_reset",
                                               "downstream_rq_too_large",
                                               "downstream_rq_response_before_rq_complete",
                                               "downstream_cx_protocol_error",
                                               "downstream_rq_idle_timeout",
                                               "downstream_rq_timeout",
                                               "no_route",
                                               "no_cluster",
                                               "rq_total",
                                               "rq_redirect",
                                               "rq_direct_response",
                                               "fault.delays_injected",
                                               "fault.aborts_injected",
                                               "rq_reset_after_downstream_response_started",
                                               "downstream_cx_destroy",
                                               "downstream_cx_destroy_remote",
                                               "downstream_cx_destroy_local"};

bool compare_counters(struct play *a, struct play *b, const struct world *world, bool is_envoy,
                      struct buf *out)
{
    static const char *const LISTENER_COUNTERS[] = {TLS_COUNTERS};
    struct names of_managers = {MANAGER_COUNTERS, COUNT_OF(MANAGER_COUNTERS)};
    uint64_t odd_count = 0;
    if (is_envoy && a->ops->stat(a, STR("http"), STR("downstream_cx_protocol_error"), &odd_count) &&
        odd_count > 0)
        of_managers.count -= ENDS_COUNT;
    bool is_same =
        is_same_named(a, b, world, (struct names){CLUSTER_COUNTERS, COUNT_OF(CLUSTER_COUNTERS)},
                      of_managers, out);
    return is_same &
           are_same_counters(a, b, STR("listener"),
                             (struct names){LISTENER_COUNTERS, COUNT_OF(LISTENER_COUNTERS)}, out);
}

bool compare_byte_counters(struct play *a, struct play *b, const struct world *world,
                           struct buf *out)
{
    static const char *const OF_CLUSTERS[] = {
        "upstream_cx_rx_bytes_total", "upstream_cx_tx_bytes_total", "upstream_cx_destroy_local",
        "upstream_cx_destroy_remote", "upstream_cx_protocol_error"};
    static const char *const OF_MANAGERS[] = {
        "downstream_cx_rx_bytes_total", "downstream_cx_tx_bytes_total", "downstream_cx_destroy",
        "downstream_cx_destroy_remote", "downstream_rq_rx_reset",       "downstream_rq_tx_reset"};
    return is_same_named(a, b, world, (struct names){OF_CLUSTERS, COUNT_OF(OF_CLUSTERS)},
                         (struct names){OF_MANAGERS, COUNT_OF(OF_MANAGERS)}, out);
}
