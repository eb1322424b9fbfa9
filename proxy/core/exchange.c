/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/exchange.c - every change of an exchange's state.
 *
 * Each event has one function; each says what is to be done by adding actions
 * to the plan. The ways to end are reply, cut and finish, at the top.
 */
#include "proxy/core/exchange.h"

#include <stddef.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/ns.h"
#include "proxy/core/cors.h"
#include "proxy/core/engine_state.h"
#include "proxy/core/fault.h"
#include "proxy/core/forward.h"
#include "proxy/core/hash_key.h"
#include "proxy/core/jwt.h"
#include "proxy/core/lb.h"
#include "proxy/core/local_reply.h"
#include "proxy/core/memo.h"
#include "proxy/core/mirror.h"
#include "proxy/core/rbac.h"
#include "proxy/core/redirect.h"
#include "proxy/core/retry.h"
#include "proxy/core/retry_headers.h"
#include "proxy/core/router.h"
#include "proxy/core/split.h"
#include "proxy/model/limits.h"

#define SPARE_LINES 4u /* what another attempt adds to a head */

/* One step: the exchange, the time and the plan being made. */
struct step {
    struct exchange *xc;
    int64_t now_ns;
    struct xc_plan *plan;
};

static struct xc_action *act(const struct step *step, enum xc_action_kind kind)
{
    ASSERT(step->plan->count < XC_PLAN_MAX);
    struct xc_action *action = &step->plan->items[step->plan->count++];
    *action = (struct xc_action){.kind = kind};
    return action;
}

static struct trace_event *tell(const struct step *step, enum trace_kind kind)
{
    struct trace *trace = step->xc->setup.trace;
    return trace == NULL ? NULL : trace_add(trace, kind, step->now_ns);
}

static void count_http(const struct step *step, enum http_stat stat)
{
    step->xc->setup.http_stats->counters[stat]++;
}

static struct cluster_state *cluster_state(const struct exchange *xc)
{
    return &xc->setup.engine->clusters[xc->cluster_index];
}

static void count_cluster(const struct step *step, enum cluster_stat stat)
{
    cluster_state(step->xc)->stats.counters[stat]++;
}

static inline void count_endpoint(const struct step *step, enum endpoint_stat stat)
{
    const struct exchange *xc = step->xc;
    engine_endpoint_stats(xc->setup.engine, xc->cluster_index, xc->endpoint_index)
        ->counters[stat]++;
}

static inline void tell_event(const struct step *step, const struct outlier_event *what)
{
    struct trace_event *event = what != NULL ? tell(step, TRACE_EJECTED) : NULL;
    if (event == NULL)
        return;
    event->endpoint = step->xc->record.endpoint;
    event->text = ejection_type_word(what->type);
    event->number = what->ejection_ns;
    event->origin = step->xc->record.cluster->outlier->origin;
}

static inline void note_result(const struct step *step, enum outlier_result result, uint32_t code)
{
    const struct exchange *xc = step->xc;
    tell_event(step, engine_note_result(xc->setup.engine, xc->cluster_index, xc->endpoint_index,
                                        result, code, step->now_ns));
}

static struct formatter_facts facts_of(const struct exchange *xc)
{
    return (struct formatter_facts){
        .request = xc->request, .response = xc->response, .record = &xc->record};
}

/* --- the ways to end ------------------------------------------------------ */

/* Words from it count no more. */
static inline void end_attempt(struct exchange *xc)
{
    xc->is_connected = false;
    xc->attempt = 0;
    xc->try_deadline_ns = xc->try_idle_ns = xc->duration_deadline_ns = NS_NEVER;
}

/* The cluster's budget of retries gets back what was held of it, if it was. */
static inline bool release_retry(struct exchange *xc)
{
    bool was_held = xc->holds_retry;
    if (was_held)
        breaker_give(cluster_state(xc)->breaker, BREAKER_RETRIES);
    xc->holds_retry = false;
    return was_held;
}

static void abandon(const struct step *step)
{
    if (step->xc->attempt == 0)
        return;
    act(step, XC_ABANDON)->attempt = step->xc->attempt;
    end_attempt(step->xc);
}

/* upstream_rq_time: from the request's end to the response's, when there were
 * both. */
static inline void note_time(const struct step *step)
{
    struct exchange *xc = step->xc;
    const struct record *record = &xc->record;
    if (record->response_started_ns == 0 || xc->completed_ns == NS_NEVER || record->flag_count > 0)
        return;
    histogram_note(&cluster_state(xc)->stats.rq_time,
                   (uint64_t)((step->now_ns - xc->completed_ns) / NS_MS), step->now_ns,
                   &xc->setup.engine->arena);
}

static inline void end(const struct step *step)
{
    struct exchange *xc = step->xc;
    ASSERT(xc->state != XC_STATE_FINISHED);
    ASSERT(xc->attempt == 0);
    /* What is left of a back-off was not waited for. */
    if (xc->state == XC_STATE_WAITING && xc->resume_ns != NS_NEVER)
        xc->record.backoff_ns -= ns_max(xc->resume_ns - step->now_ns, 0);
    xc->state = XC_STATE_FINISHED;
    xc->deadline_ns = xc->resume_ns = NS_NEVER;
    (void)release_retry(xc);
    xc->record.finished_ns = step->now_ns;
    note_time(step);
    struct trace_event *event = tell(step, TRACE_FINISHED);
    if (event != NULL) {
        event->number = xc->record.status;
        event->text = arena_str(xc->setup.trace->arena, xc->record.details);
    }
}

static void finish(const struct step *step)
{
    end(step);
    act(step, XC_FINISH);
}

struct reply {
    enum reason reason;
    uint32_t status; /* 0: the reason's */
    struct str details, flag, body;
    bool has_words;       /* details, flag and body are given here, not by the reason */
    bool has_grpc_status; /* else made from the status */
    uint32_t grpc_status;
};

/* Encoder filters between the router and the connection manager. */
static void mark_response(struct exchange *xc)
{
    if (xc->cors_origin.len > 0)
        cors_mark(xc->record.route->cors, xc->cors_origin, xc->response);
}

/* The response is xc->response. */
static void send_reply(const struct step *step, const struct reply *reply, struct str body)
{
    struct exchange *xc = step->xc;
    mark_response(xc);
    xc->record.reason = reply->reason;
    xc->record.status = xc->response->status;
    xc->record.details = reply->details;
    record_add_flag(&xc->record, reply->flag);
    struct trace_event *event = tell(step, TRACE_LOCAL_REPLY);
    if (event != NULL) {
        event->reason = reply->reason;
        event->number = xc->record.status;
        event->text = arena_str(xc->setup.trace->arena, reply->details);
    }
    abandon(step);
    struct xc_action *action = act(step, XC_REPLY);
    action->response = xc->response;
    action->body = xc->is_head_method ? STR_EMPTY : body;
    xc->record.response_forwarded_ns = record_moment(step->now_ns);
    xc->record.bytes_sent += action->body.len;
    finish(step);
}

/* Answers by itself; headers that were put into xc->response stay in front. */
static void reply_with(const struct step *step, struct reply reply)
{
    struct exchange *xc = step->xc;
    const struct reason_row *row = reason_row(reply.reason);
    if (!reply.has_words) {
        reply.details = row->details;
        reply.flag = row->flag;
        reply.body = row->body;
    }
    if (reply.status == 0)
        reply.status = row->status;
    struct local_reply local = {.status = reply.status,
                                .body = reply.body,
                                .is_grpc = xc->is_grpc,
                                .is_head = xc->is_head_method,
                                .has_grpc_status = reply.has_grpc_status,
                                .grpc_status = reply.grpc_status};
    struct str body = local_reply_finish(&local, xc->response);
    send_reply(step, &reply, body);
}

static void new_response(struct exchange *xc)
{
    struct response_head *head = ARENA_NEW(xc->setup.arena, struct response_head);
    header_list_init(&head->headers, xc->setup.arena);
    head->headers.is_response = true;
    xc->response = head;
}

/* A response with the route's own headers, which come before a reply's
 * (ENVOY.md 1.11). */
static void new_response_of_route(const struct step *step, uint32_t status)
{
    struct exchange *xc = step->xc;
    new_response(xc);
    xc->response->status = status;
    struct formatter_facts facts = facts_of(xc);
    forward_response(xc->record.route, xc->record.weighted, &facts, xc->response, xc->setup.trace,
                     step->now_ns);
}

/* A local reply of a route that forwards; the cluster counts its status. */
static void reply_for_cluster(const struct step *step, struct reply reply, bool is_overflow)
{
    struct exchange *xc = step->xc;
    new_response_of_route(step,
                          reply.status != 0 ? reply.status : reason_row(reply.reason)->status);
    if (is_overflow)
        header_set(&xc->response->headers, STR("x-envoy-overloaded"), STR("true"));
    /* After an interim answer the router has nothing more to say of it. */
    if (xc->record.cluster != NULL && !xc->is_interim_told)
        cluster_stats_note_status(&cluster_state(xc)->stats, xc->response->status,
                                  &xc->setup.engine->arena);
    reply_with(step, reply);
}

/* The response was begun and cannot be ended. */
static void cut(const struct step *step, struct str flag, struct str details)
{
    struct exchange *xc = step->xc;
    record_add_flag(&xc->record, flag);
    xc->record.details = details;
    tell(step, TRACE_CUT);
    abandon(step);
    act(step, XC_CUT);
    finish(step);
}

/* --- the request's head --------------------------------------------------- */

static void note_request(struct exchange *xc, struct request_head *head)
{
    struct record *record = &xc->record;
    xc->request = head;
    record->request = head;
    xc->is_grpc = request_head_is_grpc(head);
    xc->is_head_method = str_eq(head->method, STR("HEAD"));
    record->version = head->version;
    record->method = head->method;
    record->path = head->path;
    record->authority = head->authority;
    (void)header_get(&head->headers, STR("x-request-id"), &record->request_id);
}

static void note_request_end(const struct step *step, bool is_end)
{
    struct exchange *xc = step->xc;
    xc->is_request_complete = is_end;
    if (is_end && xc->record.request_ended_ns == 0)
        xc->record.request_ended_ns = record_moment(step->now_ns);
}

static inline void open_attempt(const struct step *step, uint32_t endpoint_index)
{
    struct exchange *xc = step->xc;
    xc->attempt = xc->record.attempt_count;
    xc->endpoint_index = endpoint_index;
    xc->record.endpoint =
        endpoint_index == LB_NONE ? NULL : &xc->record.cluster->endpoints[endpoint_index];
    xc->state = XC_STATE_UPSTREAM;
    breaker_note_attempt(cluster_state(xc)->breaker, step->now_ns + xc->setup.engine->epoch_ns);
    struct trace_event *event = tell(step, TRACE_ATTEMPT_OPENED);
    if (event != NULL) {
        event->index = xc->attempt;
        event->endpoint = xc->record.endpoint;
        event->cluster = xc->record.cluster;
    }
    struct xc_action *action = act(step, XC_ATTEMPT);
    action->attempt = xc->attempt;
    action->cluster_index = xc->cluster_index;
    action->endpoint_index = endpoint_index;
    action->request = xc->request;
    action->is_end = xc->is_request_complete;
}

static bool was_tried(const struct exchange *xc, uint32_t endpoint_index)
{
    for (uint32_t i = 0; i < xc->tried_count; i++)
        if (xc->tried[i] == endpoint_index)
            return true;
    return false;
}

/* By the route's hash policies; any value when the request has no key. */
static uint64_t hash_of(struct exchange *xc)
{
    const struct forward_action *forward = &xc->record.route->forward;
    struct hash_key_facts facts = {.request = xc->request, .downstream = &xc->record.downstream};
    uint64_t hash;
    if (hash_key_find(forward->hashes, forward->hash_count, &facts, &xc->cookies, xc->setup.arena,
                      &hash))
        return hash;
    return rng_next(&xc->setup.engine->rng_lb);
}

/* NULL: the balancer's own. */
static const struct priority_share *shares_of_retry(const struct step *step, struct lb *lb)
{
    struct exchange *xc = step->xc;
    if (xc->retry == NULL || !xc->retry->has_previous_priorities || xc->tried_count == 0)
        return NULL;
    struct retry_priority_question asked = {.cluster = xc->record.cluster,
                                            .tried = xc->tried,
                                            .tried_count = xc->tried_count,
                                            .counts = lb_counts(lb, step->now_ns),
                                            .count = lb->priority_count};
    return retry_priority_shares(&xc->priorities, &asked, xc->setup.arena);
}

/* The balancer's choice; in a retry it is asked again while it names an endpoint
 * that was tried before, but not for ever. */
static inline struct lb_answer choose_endpoint(const struct step *step)
{
    struct exchange *xc = step->xc;
    struct engine *engine = xc->setup.engine;
    struct lb *lb = engine_lb(engine, xc->cluster_index);
    bool is_hashing = lb_is_hashing(xc->record.cluster);
    uint32_t again_max = xc->retry != NULL ? retry_host_selection_max(xc->retry) : 0;
    struct lb_question asked = {.now_ns = step->now_ns};
    if (is_hashing)
        asked.hash = hash_of(xc);
    struct lb_answer answer;
    do {
        asked.shares = shares_of_retry(step, lb);
        answer = lb_choose(lb, &asked, &engine->rng_lb);
        if (answer.is_panicking && (!is_hashing || asked.again == 0))
            count_cluster(step, STAT_CLUSTER_lb_healthy_panic);
    } while (asked.again++ < again_max && was_tried(xc, answer.endpoint_index));
    return answer;
}

/* Of the mirror's cluster; what fails is counted there and harms nobody. */
static enum trace_condition find_mirror(const struct step *step, const struct mirror_policy *policy,
                                        struct xc_mirror *out)
{
    struct engine *engine = step->xc->setup.engine;
    if (!mirror_is_drawn(policy, step->xc->stream_random))
        return CONDITION_MIRROR_SHARE;
    out->cluster_index = engine_cluster_index(engine, policy->cluster);
    if (out->cluster_index == UINT32_MAX)
        return CONDITION_MIRROR_CLUSTER;
    struct lb *lb = engine_lb(engine, out->cluster_index);
    struct lb_question asked = {.now_ns = step->now_ns};
    if (lb_is_hashing(lb->cluster)) /* a mirror's route has no hash policy */
        asked.hash = rng_next(&engine->rng_lb);
    struct lb_answer answer = lb_choose(lb, &asked, &engine->rng_lb);
    out->endpoint_index = answer.endpoint_index;
    struct cluster_stats *stats = engine_cluster_stats(engine, out->cluster_index);
    stats->counters[STAT_CLUSTER_lb_healthy_panic] += answer.is_panicking;
    if (out->endpoint_index != LB_NONE)
        return CONDITION_NONE;
    stats->counters[STAT_CLUSTER_upstream_cx_none_healthy]++;
    cluster_stats_note_status(stats, reason_row(REASON_NO_ENDPOINT)->status, &engine->arena);
    return CONDITION_MIRROR_ENDPOINT;
}

static void tell_mirror(const struct step *step, const struct mirror_policy *policy,
                        enum trace_condition why_not, struct xc_mirror target)
{
    bool is_sent = why_not == CONDITION_NONE;
    struct trace_event *event = tell(step, is_sent ? TRACE_MIRRORED : TRACE_MIRROR_MISSED);
    if (event == NULL)
        return;
    event->text = arena_str(step->xc->setup.trace->arena, policy->cluster);
    event->origin = policy->origin;
    event->condition = why_not;
    if (is_sent)
        event->endpoint = &engine_snapshot(step->xc->setup.engine)
                               ->clusters[target.cluster_index]
                               .endpoints[target.endpoint_index];
}

/* The first attempt is copied, no other. */
static void mirror(const struct step *step)
{
    struct exchange *xc = step->xc;
    const struct forward_action *forward = &xc->record.route->forward;
    if (forward->mirror_count == 0)
        return;
    struct xc_mirror *mirrors =
        ARENA_ARRAY(xc->setup.arena, struct xc_mirror, forward->mirror_count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < forward->mirror_count; i++) {
        enum trace_condition why_not = find_mirror(step, &forward->mirrors[i], &mirrors[count]);
        tell_mirror(step, &forward->mirrors[i], why_not, mirrors[count]);
        count += why_not == CONDITION_NONE;
    }
    if (count == 0)
        return;
    struct xc_action *action = act(step, XC_MIRROR);
    action->request = mirror_request(xc->request, xc->setup.node_address,
                                     forward->mirrors[0].has_host_suffix, xc->setup.arena);
    action->mirrors = mirrors;
    action->mirror_count = count;
}

static void pick_endpoint(const struct step *step)
{
    struct exchange *xc = step->xc;
    /* Its endpoint is made on demand: where the connection was going (ENVOY.md 5.8). */
    if (xc->record.cluster->type == CLUSTER_ORIGINAL_DST && xc->setup.has_original) {
        open_attempt(step, LB_NONE);
        return;
    }
    struct lb_answer answer = choose_endpoint(step);
    uint32_t endpoint_index = answer.endpoint_index;
    struct trace_event *event =
        tell(step, endpoint_index == LB_NONE ? TRACE_NO_ENDPOINT : TRACE_ENDPOINT_PICKED);
    if (event != NULL) {
        event->cluster = xc->record.cluster;
        event->origin = xc->record.cluster->subset.len > 0 ? xc->record.cluster->subset_origin
                                                           : xc->record.cluster->origin;
        event->number = answer.usable_count;
        event->total = xc->record.cluster->endpoint_count;
    }
    if (endpoint_index == LB_NONE) {
        if (event != NULL)
            event->index = engine_ejected_count(xc->setup.engine, xc->cluster_index);
        count_cluster(step, STAT_CLUSTER_upstream_cx_none_healthy);
        reply_for_cluster(step, (struct reply){.reason = REASON_NO_ENDPOINT}, false);
        return;
    }
    if (event != NULL) {
        event->index = endpoint_index;
        event->endpoint = &xc->record.cluster->endpoints[endpoint_index];
    }
    if (xc->record.attempt_count == 1)
        mirror(step);
    open_attempt(step, endpoint_index);
}

/* The router has the whole request: the route's clock starts (ENVOY.md 3.2). */
static inline void note_complete(const struct step *step)
{
    struct exchange *xc = step->xc;
    xc->completed_ns = step->now_ns;
    if (xc->timeout_ns > 0)
        xc->deadline_ns = ns_add(step->now_ns, xc->timeout_ns);
}

/* Where it is kept what is the same of all requests to the cluster that was chosen, or may
 * be; NULL: nowhere. */
static inline struct memo_forwarded *forwarded_memo(const struct exchange *xc)
{
    struct request_memo *memo = xc->setup.memo;
    const struct weighted_cluster *weighted = xc->record.weighted;
    if (memo == NULL || memo->route != xc->record.route)
        return NULL;
    ptrdiff_t index = weighted != NULL ? weighted - memo->route->forward.weighted + 1 : 0;
    return index < (ptrdiff_t)MEMO_FORWARDED_MAX ? &memo->forwarded[index] : NULL;
}

/* UINT32_MAX: there is none of that name. */
static uint32_t find_cluster(const struct exchange *xc, struct str name)
{
    struct memo_forwarded *kept = forwarded_memo(xc);
    if (kept != NULL && kept->cluster_at > 0)
        return kept->cluster_at - 1;
    uint32_t index = engine_cluster_index(xc->setup.engine, name);
    if (kept != NULL && index != UINT32_MAX)
        kept->cluster_at = index + 1;
    return index;
}

static void choose_cluster(const struct step *step)
{
    struct exchange *xc = step->xc;
    const struct forward_action *forward = &xc->record.route->forward;
    struct str name = forward->cluster;
    struct origin origin = forward->origin;
    struct split_answer split = {0};
    if (forward->weighted_count > 0) {
        split = split_choose(forward, xc->stream_random);
        xc->record.weighted = &forward->weighted[split.index];
        name = xc->record.weighted->cluster;
        origin = xc->record.weighted->origin;
    }
    xc->record.cluster_name = name;
    uint32_t index = find_cluster(xc, name);
    struct trace_event *event = tell(step, TRACE_CLUSTER_CHOSEN);
    if (event != NULL) {
        event->text = arena_str(xc->setup.trace->arena, name);
        event->origin = origin;
        event->index = split.index;
        event->number = (int64_t)split.number;
        event->total = (int64_t)forward->weight_total;
        event->route = xc->record.route;
    }
    if (index == UINT32_MAX) {
        event = tell(step, TRACE_CLUSTER_MISSING);
        if (event != NULL) {
            event->text = arena_str(xc->setup.trace->arena, name);
            event->origin = origin;
        }
        return;
    }
    xc->cluster_index = index;
    xc->record.cluster = &engine_snapshot(xc->setup.engine)->clusters[index];
}

static struct forward_question forward_question(const struct step *step)
{
    const struct exchange *xc = step->xc;
    int64_t completed_ns = ns_min(xc->completed_ns, step->now_ns);
    return (struct forward_question){.http = xc->setup.http,
                                     .virtual_host = xc->record.virtual_host,
                                     .route = xc->record.route,
                                     .weighted = xc->record.weighted,
                                     .timeout_ns = xc->timeout_ns,
                                     .per_try_timeout_ns = xc->per_try_timeout_ns,
                                     .elapsed_ns = step->now_ns - completed_ns,
                                     .attempt_count = xc->record.attempt_count,
                                     .now_ns = step->now_ns};
}

/* What the route's mutations say to the router itself; a caller's words are gone. */
static void read_own_headers(struct exchange *xc)
{
    const struct route *route = xc->record.route;
    const struct weighted_cluster *weighted = xc->record.weighted;
    struct header_list *headers = &xc->request->headers;
    if (route->request_headers.add_count == 0 &&
        (weighted == NULL || weighted->request_headers.add_count == 0))
        return;
    xc->retry = retry_headers_read(xc->retry, headers, &route->origin, xc->setup.arena);
    xc->has_alt_response = retry_headers_take_alt_response(headers);
    xc->stream_duration_ns = retry_headers_take_stream_duration_ns(headers);
}

/* What a route adds may be made of anything. */
static bool is_adding(const struct exchange *xc)
{
    return xc->record.route->request_headers.add_count > 0 ||
           (xc->record.weighted != NULL && xc->record.weighted->request_headers.add_count > 0);
}

/* What exchange_begin_again goes on from. All that an image points to is the memo's, the
 * snapshot's or set anew; a request that a filter had to do with has none. */
static void keep_image(const struct exchange *xc, struct memo_forwarded *kept)
{
    const struct record *record = &xc->record;
    bool is_plain = xc->is_request_complete && record->flag_count == 0 &&
                    xc->cors_origin.len == 0 && xc->claims == NULL && xc->response == NULL &&
                    record->downstream.tls == NULL && record->downstream.server_name.len == 0;
    if (kept->image != NULL || xc->setup.trace != NULL || !is_plain)
        return;
    struct exchange *image = ARENA_NEW(xc->setup.memo->arena, struct exchange);
    *image = *xc;
    image->setup.arena = NULL;
    image->setup.downstream = NULL;
    image->request = NULL;
    image->record.request = NULL;
    image->record.downstream.server_name = STR_EMPTY;
    kept->image = image;
}

/* The first attempt's head. */
static void make_forwarded(const struct step *step)
{
    struct exchange *xc = step->xc;
    struct memo_forwarded *kept = is_adding(xc) ? NULL : forwarded_memo(xc);
    if (kept != NULL && kept->head.head != NULL) {
        memo_take(&kept->head, xc->record.request_id, SPARE_LINES, xc->setup.arena, xc->request);
        keep_image(xc, kept);
        return;
    }
    struct forward_question asked = forward_question(step);
    struct formatter_facts facts = facts_of(xc);
    forward_request(&asked, &facts, xc->request, xc->setup.trace);
    if (kept != NULL)
        memo_keep(xc->setup.memo, &kept->head, xc->request,
                  xc->setup.memo->received.id_at != UINT32_MAX);
}

/* It is the router's: the route's clock starts, an endpoint is chosen. */
static inline void begin_attempts(const struct step *step)
{
    if (step->xc->is_request_complete)
        note_complete(step);
    pick_endpoint(step);
}

static void forward(const struct step *step)
{
    struct exchange *xc = step->xc;
    const struct route *route = xc->record.route;
    if (xc->record.cluster == NULL) {
        count_http(step, STAT_HTTP_no_cluster);
        reply_for_cluster(step,
                          (struct reply){.reason = REASON_NO_CLUSTER,
                                         .status = route->forward.cluster_not_found_status},
                          false);
        return;
    }
    xc->record.attempt_count = 1;
    xc->retry = route->forward.retry;
    xc->timeout_ns = forward_timeout_ns(&route->forward, xc->request, xc->is_grpc);
    xc->per_try_timeout_ns = forward_per_try_timeout_ns(&route->forward, xc->timeout_ns);
    struct trace_event *event = xc->timeout_ns > 0 ? tell(step, TRACE_TIMEOUT_ARMED) : NULL;
    if (event != NULL) {
        event->number = xc->timeout_ns;
        event->origin = route->forward.timeout_origin;
        event->route = route;
    }
    make_forwarded(step);
    read_own_headers(xc);
    xc->record.authority = xc->request->authority;
    begin_attempts(step);
}

static void redirect(const struct step *step, struct str location, uint32_t status)
{
    struct exchange *xc = step->xc;
    new_response(xc);
    xc->response->status = status;
    header_set(&xc->response->headers, STR("location"), location);
    if (xc->record.route != NULL) {
        struct formatter_facts facts = facts_of(xc);
        forward_response(xc->record.route, NULL, &facts, xc->response, xc->setup.trace,
                         step->now_ns);
    }
    struct trace_event *event = tell(step, TRACE_REDIRECTED);
    if (event != NULL) {
        event->text = arena_str(xc->setup.trace->arena, location);
        event->number = status;
        event->origin = xc->record.route != NULL ? xc->record.route->redirect.origin
                                                 : xc->record.virtual_host->origin;
    }
    count_http(step, STAT_HTTP_rq_direct_response);
    reply_with(step, (struct reply){.reason = REASON_DIRECT_RESPONSE, .status = status});
}

static void respond_directly(const struct step *step)
{
    struct exchange *xc = step->xc;
    const struct direct_response_action *direct = &xc->record.route->direct;
    new_response(xc);
    xc->response->status = direct->status;
    /* Envoy tells where what was created is, and has no other place to name. */
    if (direct->status == 201 || direct->status / 100 == 3)
        header_set(&xc->response->headers, STR("location"),
                   redirect_location(xc->record.route, xc->request, xc->setup.arena));
    struct formatter_facts facts = facts_of(xc);
    forward_response(xc->record.route, NULL, &facts, xc->response, xc->setup.trace, step->now_ns);
    struct trace_event *event = tell(step, TRACE_ANSWERED_DIRECTLY);
    if (event != NULL) {
        event->number = direct->status;
        event->origin = direct->origin;
    }
    count_http(step, STAT_HTTP_rq_direct_response);
    reply_with(step, (struct reply){.reason = REASON_DIRECT_RESPONSE,
                                    .status = direct->status,
                                    .has_words = true,
                                    .details = reason_row(REASON_DIRECT_RESPONSE)->details,
                                    .body = direct->body});
}

static void no_route(const struct step *step)
{
    struct exchange *xc = step->xc;
    struct trace_event *event = tell(step, TRACE_NO_ROUTE);
    if (event != NULL) {
        event->text = arena_str(xc->setup.trace->arena, xc->request->path);
        event->virtual_host = xc->record.virtual_host;
        if (xc->record.virtual_host != NULL)
            event->origin = xc->record.virtual_host->origin;
    }
    new_response(xc);
    count_http(step, STAT_HTTP_rq_total);
    count_http(step, STAT_HTTP_no_route);
    reply_with(step, (struct reply){.reason = REASON_NO_ROUTE});
}

/* The virtual host, noted in record and trace. */
static void find_virtual_host(const struct step *step, const struct router *router)
{
    struct exchange *xc = step->xc;
    struct str domain = STR_EMPTY;
    xc->record.virtual_host = router_virtual_host(router, xc->request->authority, xc->setup.arena,
                                                  xc->setup.trace != NULL ? &domain : NULL);
    bool is_found = xc->record.virtual_host != NULL;
    struct trace_event *event = tell(step, is_found ? TRACE_VIRTUAL_HOST : TRACE_NO_VIRTUAL_HOST);
    if (event == NULL)
        return;
    event->virtual_host = xc->record.virtual_host;
    event->text = arena_str(xc->setup.trace->arena, is_found ? domain : xc->request->authority);
    event->other = arena_str(xc->setup.trace->arena, xc->request->authority);
    if (is_found)
        event->origin = xc->record.virtual_host->origin;
}

/* --- the filters before the router ---------------------------------------- */

/* The router's own work. */
static void act_on_route(const struct step *step)
{
    struct exchange *xc = step->xc;
    const struct route *chosen = xc->record.route;
    if (chosen->action == ROUTE_NO_ACTION) {
        no_route(step);
        return;
    }
    count_http(step, STAT_HTTP_rq_total);
    if (chosen->action == ROUTE_FORWARD)
        forward(step);
    else if (chosen->action == ROUTE_REDIRECT)
        redirect(step, redirect_location(chosen, xc->request, xc->setup.arena),
                 chosen->redirect.status);
    else
        respond_directly(step);
}

/* False: the CORS policy has answered. */
static bool pass_cors(const struct step *step)
{
    struct exchange *xc = step->xc;
    /* Envoy's filter looks at routes that forward only. */
    const struct cors_policy *policy =
        xc->record.route->action == ROUTE_FORWARD ? xc->record.route->cors : NULL;
    struct cors_answer answer = cors_judge(policy, xc->request);
    if (answer.verdict == CORS_NOT_ASKED)
        return true;
    count_http(step,
               answer.is_allowed ? STAT_HTTP_cors_origin_valid : STAT_HTTP_cors_origin_invalid);
    struct trace_event *event = tell(step, TRACE_CORS);
    if (event != NULL) {
        event->text = arena_str(xc->setup.trace->arena, answer.origin);
        event->number = answer.is_allowed;
        event->origin = policy->origin;
    }
    if (answer.is_allowed)
        xc->cors_origin = answer.origin;
    if (answer.verdict == CORS_PASS)
        return true;
    new_response(xc);
    cors_preflight(policy, xc->request, &answer, xc->response);
    const struct reason_row *row = reason_row(REASON_CORS_PREFLIGHT);
    struct reply reply = {.reason = REASON_CORS_PREFLIGHT, .details = row->details};
    send_reply(step, &reply, STR_EMPTY);
    return false;
}

static void abort_by_fault(const struct step *step)
{
    struct exchange *xc = step->xc;
    const struct fault_policy *fault = xc->record.route->fault;
    uint32_t status = fault_abort_status(fault);
    count_http(step, STAT_HTTP_fault_aborts_injected);
    struct trace_event *event = tell(step, TRACE_FAULT_ABORTED);
    if (event != NULL) {
        event->number = status;
        event->origin = fault->origin;
    }
    new_response_of_route(step, status);
    reply_with(step, (struct reply){.reason = REASON_FAULT_ABORT,
                                    .status = status,
                                    .has_words = true,
                                    .details = reason_row(REASON_FAULT_ABORT)->details,
                                    .flag = reason_row(REASON_FAULT_ABORT)->flag,
                                    .body = reason_row(REASON_FAULT_ABORT)->body,
                                    .has_grpc_status = fault->has_grpc_status,
                                    .grpc_status = fault->grpc_status});
}

/* What comes after a fault's delay, or where there is none. */
static void pass_filters(const struct step *step, bool was_delayed)
{
    struct exchange *xc = step->xc;
    const struct fault_policy *fault = xc->record.route->fault;
    if (fault_is_aborted(fault, &xc->setup.engine->rng_fault)) {
        abort_by_fault(step);
        return;
    }
    struct trace_event *event =
        fault != NULL && !was_delayed ? tell(step, TRACE_FAULT_MISSED) : NULL;
    if (event != NULL)
        event->origin = fault->origin;
    if (pass_cors(step))
        act_on_route(step);
}

/* True: the request waits until resume_ns. */
static bool is_delayed_by_fault(const struct step *step)
{
    struct exchange *xc = step->xc;
    const struct fault_policy *fault = xc->record.route->fault;
    int64_t delay_ns = fault_delay_ns(fault, &xc->setup.engine->rng_fault);
    if (delay_ns == 0)
        return false;
    count_http(step, STAT_HTTP_fault_delays_injected);
    record_add_flag(&xc->record, STR("DI"));
    struct trace_event *event = tell(step, TRACE_FAULT_DELAYED);
    if (event != NULL) {
        event->number = delay_ns;
        event->origin = fault->origin;
    }
    xc->resume_ns = ns_add(step->now_ns, delay_ns);
    return true;
}

/* What the route says of responses holds for refusals after it was chosen. */
static void add_route_headers(const struct step *step, uint32_t status)
{
    struct exchange *xc = step->xc;
    if (xc->record.route == NULL)
        return;
    struct formatter_facts facts = facts_of(xc);
    xc->response->status = status;
    forward_response(xc->record.route, xc->record.weighted, &facts, xc->response, xc->setup.trace,
                     step->now_ns);
}

static void tell_rules(const struct step *step, enum trace_kind kind,
                       const struct rbac_rules *rules, const struct rbac_verdict *verdict)
{
    const struct certificate *peer = record_peer(&step->xc->record);
    const struct rbac_policy *policy = verdict->policy;
    struct trace_event *event = tell(step, kind);
    if (event == NULL)
        return;
    event->number = verdict->is_allowed;
    event->index = rules->action;
    if (peer != NULL && peer->uri_count > 0)
        event->other = arena_str(step->xc->setup.trace->arena, peer->uris[0]);
    if (policy != NULL) {
        event->text = arena_str(step->xc->setup.trace->arena, policy->name);
        event->origin = policy->origin;
    } else if (kind == TRACE_ACCESS_SHADOW && rules->policy_count > 0) {
        event->origin = rules->policies[0].origin;
    }
}

/* Nobody minds what an AUDIT policy has no rule for, or a CUSTOM one. */
static void tell_access(const struct step *step, const struct rbac *rbac,
                        const struct rbac_finding *found)
{
    bool is_custom = rbac->kind == RBAC_SHADOW_CUSTOM;
    if (rbac->shadow.is_there && (!is_custom || found->shadow.policy != NULL))
        tell_rules(step, is_custom ? TRACE_ACCESS_UNASKED : TRACE_ACCESS_SHADOW, &rbac->shadow,
                   &found->shadow);
    if (rbac->rules.is_there && (rbac->rules.action != RBAC_LOG || found->rules.policy != NULL))
        tell_rules(step, TRACE_ACCESS, &rbac->rules, &found->rules);
}

static void deny_access(const struct step *step, const struct rbac_verdict *verdict)
{
    struct exchange *xc = step->xc;
    const struct reason_row *row = reason_row(REASON_ACCESS_DENIED);
    new_response(xc);
    add_route_headers(step, row->status);
    reply_with(step, (struct reply){.reason = REASON_ACCESS_DENIED,
                                    .has_words = true,
                                    .details = rbac_details(verdict, xc->setup.arena),
                                    .body = row->body});
}

/* False: a policy denies it, and that was answered. */
static bool pass_policies(const struct step *step, const struct security *security,
                          enum access_stage stage)
{
    struct exchange *xc = step->xc;
    struct rbac_facts facts = rbac_facts_of(&xc->record.downstream);
    const struct rbac *rbac;
    facts.head = xc->request;
    facts.claims = xc->claims;
    for (uint32_t i = 0; (rbac = access_filter(security, stage, i)) != NULL; i++) {
        struct rbac_finding found = rbac_find(rbac, &facts);
        tell_access(step, rbac, &found);
        rbac_count(rbac, &found, &xc->setup.http_stats->counters[STAT_HTTP_rbac_allowed]);
        if (!found.rules.is_allowed) {
            deny_access(step, &found.rules);
            return false;
        }
    }
    return true;
}

static void tell_token(const struct step *step, const struct jwt_answer *answer)
{
    struct trace_event *event = answer->provider != NULL ? tell(step, TRACE_TOKEN) : NULL;
    if (event == NULL)
        return;
    struct arena *arena = step->xc->setup.trace->arena;
    event->number = answer->status == JWT_OK;
    event->text = jwt_status_words(answer->status);
    event->origin = answer->provider->origin;
    if (answer->claims == NULL)
        return;
    const struct json_value *issuer = json_get(answer->claims, STR("iss"));
    const struct json_value *subject = json_get(answer->claims, STR("sub"));
    event->other =
        arena_format(arena, "%.*s/%.*s", STR_FMT(issuer != NULL ? issuer->text : STR_EMPTY),
                     STR_FMT(subject != NULL ? subject->text : STR_EMPTY));
}

static void refuse_token(const struct step *step, enum jwt_status status)
{
    struct exchange *xc = step->xc;
    uint32_t code = status == JWT_AUDIENCE_NOT_ALLOWED ? 403 : 401;
    struct str challenge = jwt_challenge(status, xc->request, xc->setup.arena);
    new_response(xc);
    add_route_headers(step, code);
    header_set(&xc->response->headers, STR("www-authenticate"), challenge);
    reply_with(step, (struct reply){.reason = REASON_TOKEN_REFUSED,
                                    .status = code,
                                    .has_words = true,
                                    .details = jwt_details(status, xc->setup.arena),
                                    .body = jwt_status_words(status)});
}

/* False: a token is not right, and that was answered. */
static bool pass_tokens(const struct step *step, const struct jwt_authn *authn,
                        bool *is_route_cleared)
{
    struct exchange *xc = step->xc;
    struct engine *engine = xc->setup.engine;
    if (cors_is_preflight(xc->request)) {
        count_http(step, STAT_HTTP_jwt_authn_cors_preflight_bypassed);
        count_http(step, STAT_HTTP_jwt_authn_allowed);
        return true;
    }
    struct jwt_question asked = {
        .authn = authn,
        .head = xc->request,
        .verify = xc->setup.jwt_verify,
        .keys = &engine->jwt_keys,
        .keys_arena = &engine->arena,
        .now_s = ns_add(engine->epoch_ns, step->now_ns) / NS_SECOND,
        .arena = xc->setup.arena,
    };
    struct jwt_answer answer = jwt_judge(&asked);
    tell_token(step, &answer);
    count_http(step,
               answer.status == JWT_OK ? STAT_HTTP_jwt_authn_allowed : STAT_HTTP_jwt_authn_denied);
    xc->setup.http_stats->counters[STAT_HTTP_jwt_authn_jwt_cache_miss] += answer.looked_at_count;
    xc->claims = answer.claims;
    xc->spoilt = answer.spoilt;
    *is_route_cleared = answer.is_route_cleared;
    if (answer.status == JWT_OK)
        return true;
    refuse_token(step, answer.status);
    return false;
}

/* False: the filters that decide who may come in have answered. */
static bool pass_access(const struct step *step, bool *is_route_cleared)
{
    const struct record_downstream *down = &step->xc->record.downstream;
    const struct security *security = down->chain != NULL ? down->chain->security : NULL;
    if (security == NULL)
        return true;
    return pass_policies(step, security, ACCESS_CUSTOM) &&
           (security->jwt == NULL || pass_tokens(step, security->jwt, is_route_cleared)) &&
           pass_policies(step, security, ACCESS_RULES);
}

/* What the connection manager would not serve although it has a route. */
static void refuse_routed(const struct step *step, const struct xc_event *event)
{
    new_response(step->xc);
    add_route_headers(step, event->status);
    reply_with(step, (struct reply){.reason = REASON_REFUSED,
                                    .status = event->status,
                                    .has_words = true,
                                    .details = event->details,
                                    .flag = event->flag,
                                    .body = event->body});
}

/* An inbound side's operation goes back with the response, unless the caller's
 * proxy has told its own, which the application does not see (ENVOY.md 1.6, 1.7). */
static void take_decorator(struct exchange *xc)
{
    struct str own;
    if (!xc->setup.http->is_inbound)
        return;
    if (header_get(&xc->request->headers, STR("x-envoy-decorator-operation"), &own))
        header_remove(&xc->request->headers, STR("x-envoy-decorator-operation"));
    else
        xc->decorator = xc->record.route->decorator;
}

/* A request that was here before goes where it went; NULL: it was not. */
static const struct route *recall_route(struct exchange *xc)
{
    const struct request_memo *memo = xc->setup.memo;
    if (memo == NULL || memo->route == NULL)
        return NULL;
    xc->record.virtual_host = memo->virtual_host;
    xc->record.route = memo->route;
    take_decorator(xc);
    return memo->route;
}

static void keep_route(struct exchange *xc, const struct router *router)
{
    if (xc->setup.memo == NULL || !router_is_steady(router))
        return;
    xc->setup.memo->virtual_host = xc->record.virtual_host;
    xc->setup.memo->route = xc->record.route;
}

/* The host takes nothing but https. */
static bool is_tls_missing(const struct exchange *xc)
{
    return xc->record.virtual_host->require_tls == REQUIRE_TLS_ALL &&
           !str_eq(xc->request->scheme, STR("https"));
}

static const struct route *find_route(const struct step *step, const struct router *router)
{
    struct exchange *xc = step->xc;
    const struct virtual_host *host = xc->record.virtual_host;
    /* Envoy's route tables match nothing without a forwarded scheme. */
    struct str proto;
    bool has_proto =
        !header_get(&xc->request->headers, STR("x-forwarded-proto"), &proto) || proto.len > 0;
    const struct route *chosen = has_proto ? router_match(router, host, xc->request, xc->claims,
                                                          xc->setup.trace, step->now_ns)
                                           : NULL;
    if (chosen == NULL)
        return NULL;
    xc->record.route = chosen;
    keep_route(xc, router);
    take_decorator(xc);
    struct trace_event *event = tell(step, TRACE_ROUTE_CHOSEN);
    if (event != NULL) {
        event->route = chosen;
        event->virtual_host = host;
        event->origin = chosen->origin;
    }
    return chosen;
}

/* Where the request would go; NULL: the router will have something else to say. */
static const struct route *choose_route(const struct step *step)
{
    struct exchange *xc = step->xc;
    const struct router *router = engine_router(xc->setup.engine, xc->setup.http->routes);
    xc->record.route = NULL;
    xc->record.cluster = NULL;
    xc->record.weighted = NULL;
    xc->record.cluster_name = STR_EMPTY;
    const struct route *chosen = recall_route(xc);
    if (chosen == NULL) {
        find_virtual_host(step, router);
        if (xc->record.virtual_host == NULL || is_tls_missing(xc))
            return NULL;
        chosen = find_route(step, router);
    }
    if (chosen != NULL && chosen->action == ROUTE_FORWARD)
        choose_cluster(step);
    return chosen;
}

static void route(const struct step *step, const struct xc_event *asked)
{
    struct exchange *xc = step->xc;
    bool is_route_cleared = false;
    const struct route *chosen = choose_route(step);
    if (chosen != NULL && asked->status != 0) {
        refuse_routed(step, asked);
        return;
    }
    /* Filters are asked before the router, and it is the router that has no route. */
    if (!pass_access(step, &is_route_cleared))
        return;
    if (is_route_cleared)
        chosen = choose_route(step);
    if (xc->record.virtual_host != NULL && is_tls_missing(xc)) {
        count_http(step, STAT_HTTP_rq_total);
        redirect(step, redirect_to_tls(xc->request, xc->setup.arena), 301);
    } else if (chosen == NULL) {
        no_route(step);
    } else if (!is_delayed_by_fault(step)) {
        pass_filters(step, false);
    }
}

static void on_request_head(const struct step *step, const struct xc_event *event)
{
    struct exchange *xc = step->xc;
    ASSERT(xc->state == XC_STATE_HEAD);
    note_request(xc, event->request);
    xc->state = XC_STATE_DECIDED;
    note_request_end(step, event->is_end);
    struct trace_event *told = tell(step, TRACE_REQUEST);
    if (told != NULL) {
        struct arena *arena = xc->setup.trace->arena;
        told->text = arena_str(arena, xc->request->method);
        told->other = arena_format(arena, "%.*s%.*s", STR_FMT(xc->request->authority),
                                   STR_FMT(xc->request->path));
    }
    route(step, event);
}

static void on_request_refused(const struct step *step, const struct xc_event *event)
{
    struct exchange *xc = step->xc;
    if (event->request != NULL)
        note_request(xc, event->request);
    note_request_end(step, event->is_end);
    if (xc->state == XC_STATE_RESPONDING) {
        cut(step, event->flag, event->details);
        return;
    }
    new_response(xc);
    if (event->response != NULL)
        header_list_copy(&xc->response->headers, &event->response->headers, xc->setup.arena);
    add_route_headers(step, event->status);
    reply_with(step, (struct reply){.reason = REASON_REFUSED,
                                    .status = event->status,
                                    .has_grpc_status = event->grpc_status != 0,
                                    .grpc_status = event->grpc_status,
                                    .has_words = true,
                                    .details = event->details,
                                    .flag = event->flag,
                                    .body = event->body});
}

/* --- another attempt ------------------------------------------------------ */

static void tell_retry(const struct step *step, const struct retry_question *asked,
                       const struct retry_answer *answer)
{
    static const enum trace_condition WHY_NOT[] = {
        [RETRY_NO] = CONDITION_RETRY_WORDS,
        [RETRY_LIMIT] = CONDITION_RETRY_LIMIT,
        [RETRY_OVERFLOW] = CONDITION_RETRY_BUDGET,
        [RETRY_LATER] = CONDITION_RETRY_WORDS,
    };
    bool is_good = asked->response != NULL && asked->response->status < 500;
    bool is_later = answer->verdict == RETRY_LATER;
    if (answer->verdict == RETRY_NO && is_good)
        return;
    struct trace_event *event = tell(step, is_later ? TRACE_RETRY_LATER : TRACE_RETRY_REFUSED);
    if (event == NULL)
        return;
    struct str word =
        answer->verdict == RETRY_NO ? asked->policy->retry_on : retry_on_word(answer->word);
    event->index = asked->attempt_count;
    event->text = arena_str(step->xc->setup.trace->arena, word);
    event->origin = asked->policy->origin;
    event->condition = WHY_NOT[answer->verdict];
    event->number = is_later ? answer->wait_ns : (int64_t)asked->policy->num_retries + 1;
}

static void wait_for_retry(const struct step *step, int64_t wait_ns)
{
    struct exchange *xc = step->xc;
    count_cluster(step, STAT_CLUSTER_upstream_rq_retry);
    count_cluster(step, STAT_CLUSTER_upstream_rq_retry_backoff_exponential);
    xc->holds_retry = true;
    *ARENA_PUSH(xc->setup.arena, xc->tried, xc->tried_count, xc->tried_capacity) =
        xc->endpoint_index;
    xc->state = XC_STATE_WAITING;
    xc->record.backoff_ns = ns_add(xc->record.backoff_ns, wait_ns);
    xc->resume_ns = ns_add(step->now_ns, wait_ns);
}

/* The attempt ended with `response`, or failed: is there another one? When not,
 * flags and counters say why. */
static bool retry(const struct step *step, const struct response_head *response,
                  enum failure failure)
{
    struct exchange *xc = step->xc;
    if (xc->retry == NULL || xc->state != XC_STATE_UPSTREAM)
        return false;
    bool was_retried = release_retry(xc);
    struct retry_question asked = {.policy = xc->retry,
                                   .attempt_count = xc->record.attempt_count,
                                   .response = response,
                                   .failure = failure,
                                   .was_sent = xc->is_sent,
                                   .breaker = cluster_state(xc)->breaker,
                                   .now_ns = step->now_ns + xc->setup.engine->epoch_ns};
    struct retry_answer answer = retry_decide(&asked, &xc->setup.engine->rng_jitter);
    tell_retry(step, &asked, &answer);
    switch (answer.verdict) {
    case RETRY_NO:
        if (was_retried)
            count_cluster(step, STAT_CLUSTER_upstream_rq_retry_success);
        return false;
    case RETRY_LIMIT:
        count_cluster(step, STAT_CLUSTER_upstream_rq_retry_limit_exceeded);
        record_add_flag(&xc->record, STR("URX"));
        return false;
    case RETRY_OVERFLOW:
        count_cluster(step, STAT_CLUSTER_upstream_rq_retry_overflow);
        record_add_flag(&xc->record, STR("UO"));
        return false;
    case RETRY_LATER:
        wait_for_retry(step, answer.wait_ns);
        return true;
    }
    UNREACHABLE("retry_verdict");
}

/* The back-off is over. */
static void try_again(const struct step *step)
{
    struct exchange *xc = step->xc;
    xc->record.attempt_count++;
    /* The head of the attempt before may still be on its way. */
    xc->request = request_head_shared(xc->request, xc->setup.arena);
    xc->record.request = xc->request;
    struct forward_question asked = forward_question(step);
    forward_request_again(&asked, xc->request);
    pick_endpoint(step);
}

/* From here on the request cannot be sent again. */
static void give_up_retries(struct exchange *xc)
{
    (void)release_retry(xc);
    xc->retry = NULL;
}

/* The body has outgrown the buffer that a retry needs. */
static void give_up_body(const struct step *step)
{
    struct exchange *xc = step->xc;
    count_cluster(step, STAT_CLUSTER_retry_or_shadow_abandoned);
    struct trace_event *event = tell(step, TRACE_RETRY_REFUSED);
    if (event != NULL) {
        event->index = xc->record.attempt_count;
        event->condition = CONDITION_RETRY_BODY;
        event->origin = xc->retry->origin;
        event->number = LIMIT_CONNECTION_BUFFER_BYTES;
    }
    give_up_retries(xc);
    if (xc->state == XC_STATE_WAITING)
        reply_for_cluster(step, (struct reply){.reason = REASON_RETRY_BUFFER}, false);
}

/* --- the attempt ---------------------------------------------------------- */

static const struct retry_policy *retry_policy(const struct exchange *xc)
{
    return xc->record.route->forward.retry;
}

/* Between two signs of life of an attempt; 0: any. */
static inline void arm_try_idle(const struct step *step)
{
    struct exchange *xc = step->xc;
    int64_t idle_ns = retry_policy(xc) != NULL ? retry_policy(xc)->per_try_idle_timeout_ns : 0;
    if (idle_ns > 0)
        xc->try_idle_ns = ns_add(step->now_ns, idle_ns);
}

/* The time of one attempt runs while it has a connection and the whole request. */
static inline void arm_try_timeout(const struct step *step)
{
    struct exchange *xc = step->xc;
    if (!xc->is_connected || !xc->is_request_complete || xc->state != XC_STATE_UPSTREAM)
        return;
    arm_try_idle(step);
    if (xc->per_try_timeout_ns == 0 || xc->is_interim_told)
        return;
    xc->try_deadline_ns = ns_add(step->now_ns, xc->per_try_timeout_ns);
    struct trace_event *told = tell(step, TRACE_TRY_TIMEOUT_ARMED);
    if (told == NULL)
        return;
    told->index = xc->attempt;
    told->number = xc->per_try_timeout_ns;
    if (xc->retry != NULL)
        told->origin = xc->retry->origin;
}

static void note_sign_of_life(const struct step *step)
{
    if (step->xc->try_idle_ns != NS_NEVER)
        arm_try_idle(step);
}

/* A response that is not wanted, as another attempt will be made. */
static void drop_response(const struct step *step, const struct xc_event *event)
{
    struct exchange *xc = step->xc;
    cluster_stats_note_retried(&cluster_state(xc)->stats, event->response->status,
                               &xc->setup.engine->arena);
    if (event->is_end)
        end_attempt(xc);
    else
        abandon(step);
}

/* Since the request was complete, with all attempts and waits. */
static void set_service_time(const struct step *step, struct response_head *head)
{
    struct exchange *xc = step->xc;
    if (xc->completed_ns == NS_NEVER)
        return;
    header_set(&head->headers, STR("x-envoy-upstream-service-time"),
               arena_decimal(xc->setup.arena, exchange_service_ms(xc, step->now_ns)));
}

/* As Envoy counts it for the endpoint: by grpc-status, which a response with
 * messages has at its end. */
static inline void count_answer(const struct step *step, const struct response_head *head,
                                bool is_end)
{
    struct exchange *xc = step->xc;
    bool is_failed = engine_code_of(head, xc->is_grpc) >= 500;
    struct str said;
    if (xc->is_grpc && !is_failed) {
        xc->is_grpc_status_due = !is_end;
        if (!is_end)
            return;
        is_failed = !header_get(&head->headers, STR("grpc-status"), &said);
    }
    count_endpoint(step, is_failed ? STAT_ENDPOINT_rq_error : STAT_ENDPOINT_rq_success);
}

/* HTTP/1 has no trailers for it. */
static void count_grpc_end(const struct step *step, const struct header_list *trailers,
                           bool is_reset)
{
    struct str said;
    if (!step->xc->is_grpc_status_due)
        return;
    step->xc->is_grpc_status_due = false;
    bool is_fine = trailers != NULL && header_get(trailers, STR("grpc-status"), &said) &&
                   engine_code_of_grpc(said) < 500;
    count_endpoint(step, is_fine ? STAT_ENDPOINT_rq_success : STAT_ENDPOINT_rq_error);
    if (is_reset)
        count_http(step, STAT_HTTP_rq_reset_after_downstream_response_started);
}

static inline void note_response(const struct step *step, const struct response_head *head)
{
    const struct exchange *xc = step->xc;
    tell_event(step, engine_note_response(xc->setup.engine, xc->cluster_index, xc->endpoint_index,
                                          head, xc->is_grpc, step->now_ns));
}

/* It is the response that the client gets.. */
static inline void note_final(const struct step *step, const struct response_head *head)
{
    struct exchange *xc = step->xc;
    cluster_stats_note_status(&cluster_state(xc)->stats, head->status, &xc->setup.engine->arena);
    xc->record.status = head->status;
    xc->record.details = STR("via_upstream");
}

/* ..and it is on its way. */
static inline void note_forwarded(const struct step *step)
{
    struct exchange *xc = step->xc;
    xc->state = XC_STATE_RESPONDING;
    xc->record.response_started_ns = record_moment(step->now_ns);
    xc->record.response_forwarded_ns = xc->record.response_started_ns;
}

static void on_response_head(const struct step *step, const struct xc_event *event)
{
    struct exchange *xc = step->xc;
    struct response_head *head = event->response;
    ASSERT(xc->state == XC_STATE_UPSTREAM);
    struct trace_event *told = tell(step, TRACE_RESPONSE);
    if (told != NULL) {
        told->index = event->attempt;
        told->number = head->status;
        told->endpoint = xc->record.endpoint;
    }
    note_response(step, head);
    if (retry(step, head, FAILURE_NONE)) {
        count_endpoint(step, STAT_ENDPOINT_rq_error);
        drop_response(step, event);
        return;
    }
    count_answer(step, head, event->is_end);
    note_sign_of_life(step);
    xc->try_deadline_ns = NS_NEVER;
    xc->response = head;
    note_final(step, head);
    set_service_time(step, head);
    for (uint32_t i = 0; i < xc->cookies.count; i++)
        header_append_line(&head->headers, STR("set-cookie"), xc->cookies.items[i]);
    struct formatter_facts facts = facts_of(xc);
    forward_response(xc->record.route, xc->record.weighted, &facts, head, xc->setup.trace,
                     step->now_ns);
    mark_response(xc);
    note_forwarded(step);
    struct xc_action *action = act(step, XC_FORWARD);
    action->attempt = xc->attempt;
    action->response = head;
    action->is_end = event->is_end;
    if (event->is_end) {
        end_attempt(xc);
        finish(step);
    }
}

static void on_interim(const struct step *step, const struct xc_event *event)
{
    /* What the client hears of one attempt binds it (ENVOY.md 3.5). */
    give_up_retries(step->xc);
    struct exchange *xc = step->xc;
    uint32_t status = event->response->status;
    bool is_known = status == 100 || (status >= 102 && status <= 104);
    /* Envoy's router hears of the first one only, and counts it as an answer. */
    if (is_known && !xc->is_interim_told)
        cluster_stats_note_status(&cluster_state(xc)->stats, status, &xc->setup.engine->arena);
    if (is_known)
        xc->try_deadline_ns = NS_NEVER;
    xc->is_interim_told |= is_known;
    struct xc_action *action = act(step, XC_FORWARD_INTERIM);
    action->attempt = event->attempt;
    action->response = event->response;
}

/* "reset reason: ..." with blanks as underscores, for the details. */
static struct str reset_details(struct arena *arena, struct str prefix, enum failure failure,
                                struct str text)
{
    struct str words = failure_row(failure)->words;
    struct str whole =
        text.len > 0
            ? arena_format(arena, "%.*s{%.*s|%.*s}", STR_FMT(prefix), STR_FMT(words), STR_FMT(text))
            : arena_format(arena, "%.*s{%.*s}", STR_FMT(prefix), STR_FMT(words));
    char *out = arena_alloc(arena, whole.len);
    for (size_t i = 0; i < whole.len; i++)
        out[i] = whole.ptr[i] == ' ' ? '_' : whole.ptr[i];
    return (struct str){out, whole.len};
}

/* A response that has begun has been counted. */
static void count_failure(const struct step *step)
{
    if (step->xc->state == XC_STATE_UPSTREAM)
        count_endpoint(step, STAT_ENDPOINT_rq_error);
    else
        count_grpc_end(step, NULL, true);
}

static void on_attempt_failed(const struct step *step, const struct xc_event *event)
{
    struct exchange *xc = step->xc;
    struct arena *arena = xc->setup.arena;
    const struct failure_row *row = failure_row(event->failure);
    bool is_overflow = event->failure == FAILURE_OVERFLOW;
    struct str text = is_overflow ? STR_EMPTY : arena_str(arena, event->text);
    struct trace_event *told = tell(step, TRACE_ATTEMPT_FAILED);
    if (told != NULL) {
        told->index = event->attempt;
        told->failure = event->failure;
        told->endpoint = xc->record.endpoint;
        told->text = arena_str(xc->setup.trace->arena, event->text);
    }
    count_failure(step);
    if (!is_overflow)
        note_result(step, RESULT_LOCAL_ORIGIN_CONNECT_FAILED, 0);
    end_attempt(xc);
    /* A pool names no host where nobody may wait. */
    if (is_overflow && str_eq(event->text, breaker_kind_name(BREAKER_PENDING)))
        xc->record.endpoint = NULL;
    xc->record.transport_failure = text;
    if (retry(step, NULL, event->failure))
        return;
    if (xc->state == XC_STATE_RESPONDING) {
        cut(step, row->flag,
            reset_details(arena, STR("upstream_reset_after_response_started"), event->failure,
                          text));
        return;
    }
    struct str body = arena_format(
        arena, "upstream connect error or disconnect/reset before headers. %sreset reason: %.*s",
        xc->record.attempt_count > 1 ? "retried and the latest " : "", STR_FMT(row->words));
    reply_for_cluster(
        step,
        (struct reply){.reason = REASON_UPSTREAM_RESET,
                       .status = row->status,
                       .has_words = true,
                       .flag = row->flag,
                       .details = reset_details(arena,
                                                xc->is_interim_told
                                                    ? STR("upstream_reset_after_response_started")
                                                    : STR("upstream_reset_before_response_started"),
                                                event->failure, text),
                       .body = body},
        is_overflow);
}

/* The attempt has a connection. */
static inline void note_ready(const struct step *step, bool is_reused)
{
    struct exchange *xc = step->xc;
    xc->is_connected = true;
    count_endpoint(step, STAT_ENDPOINT_rq_total);
    note_result(step, RESULT_LOCAL_ORIGIN_CONNECT_SUCCESS, 0);
    if (xc->stream_duration_ns > 0)
        xc->duration_deadline_ns = ns_add(step->now_ns, xc->stream_duration_ns);
    struct trace_event *told = tell(step, TRACE_ATTEMPT_CONNECTED);
    if (told != NULL) {
        told->index = xc->attempt;
        told->number = is_reused;
        told->endpoint = xc->record.endpoint;
    }
    arm_try_timeout(step);
}

/* The upstream's codec does not take the head, and the connection goes. */
static void refuse_spoilt(const struct step *step)
{
    struct exchange *xc = step->xc;
    const struct reason_row *row = reason_row(REASON_SPOILT_HEAD);
    abandon(step);
    new_response_of_route(step, row->status);
    reply_with(step,
               (struct reply){
                   .reason = REASON_SPOILT_HEAD,
                   .has_words = true,
                   .details = arena_format(xc->setup.arena, "%.*s{invalid_header_value_for:_%.*s}",
                                           STR_FMT(row->details), STR_FMT(xc->spoilt)),
                   .flag = row->flag,
                   .body = arena_format(xc->setup.arena, "%.*s%.*s", STR_FMT(row->body),
                                        STR_FMT(xc->spoilt)),
               });
}

static bool is_heard(const struct exchange *xc, uint32_t attempt)
{
    return attempt != 0 && attempt == xc->attempt;
}

static void on_attempt_event(const struct step *step, const struct xc_event *event)
{
    struct exchange *xc = step->xc;
    if (!is_heard(xc, event->attempt))
        return; /* given up before: nobody listens any more */
    if (event->kind == XC_EVENT_ATTEMPT_READY) {
        note_ready(step, event->is_reused);
        if (xc->spoilt.len > 0)
            refuse_spoilt(step);
    } else if (event->kind == XC_EVENT_ATTEMPT_SENT) {
        xc->is_sent = true;
    } else if (event->kind == XC_EVENT_INTERIM) {
        on_interim(step, event);
    } else if (event->kind == XC_EVENT_RESPONSE_HEAD) {
        on_response_head(step, event);
    } else if (event->kind == XC_EVENT_RESPONSE_DATA) {
        xc->record.bytes_sent += event->size;
        note_sign_of_life(step);
    } else if (event->kind == XC_EVENT_RESPONSE_END) {
        ASSERT(xc->state == XC_STATE_RESPONDING);
        xc->record.trailers = event->trailers;
        count_grpc_end(step, event->trailers, false);
        end_attempt(xc);
        finish(step);
    } else if (event->kind == XC_EVENT_ATTEMPT_FAILED) {
        on_attempt_failed(step, event);
    }
}

/* --- the rest of the world ------------------------------------------------ */

static void on_client_gone(const struct step *step, const struct xc_event *event)
{
    struct exchange *xc = step->xc;
    record_add_flag(&xc->record, event->flag.len > 0 ? event->flag : STR("DC"));
    xc->record.details =
        event->details.len > 0 ? event->details : STR("downstream_remote_disconnect");
    tell(step, TRACE_CLIENT_GONE);
    abandon(step);
    finish(step);
}

/* x-envoy-upstream-rq-timeout-alt-response: instead of 504 nothing, successfully. */
static uint32_t timeout_status(const struct exchange *xc)
{
    return xc->has_alt_response ? 204 : reason_row(REASON_ROUTE_TIMEOUT)->status;
}

static struct reply timeout_reply(const struct exchange *xc, enum reason reason)
{
    const struct reason_row *row = reason_row(reason);
    return (struct reply){.reason = reason,
                          .status = timeout_status(xc),
                          .has_words = true,
                          .details = row->details,
                          .flag = row->flag,
                          .body = xc->has_alt_response ? STR_EMPTY : row->body};
}

static void tell_try_timeout(const struct step *step, int64_t ns, const struct origin *origin)
{
    struct trace_event *told = tell(step, TRACE_TRY_TIMEOUT_FIRED);
    if (told == NULL)
        return;
    told->index = step->xc->attempt;
    told->number = ns;
    told->origin = *origin;
    told->endpoint = step->xc->record.endpoint;
}

/* An attempt took too long, or was too long silent. */
static void on_try_timeout(const struct step *step, enum reason reason)
{
    struct exchange *xc = step->xc;
    const struct retry_policy *policy = retry_policy(xc);
    bool is_idle = reason == REASON_PER_TRY_IDLE_TIMEOUT;
    tell_try_timeout(step, is_idle ? policy->per_try_idle_timeout_ns : xc->per_try_timeout_ns,
                     &policy->origin);
    count_cluster(step, is_idle ? STAT_CLUSTER_upstream_rq_per_try_idle_timeout
                                : STAT_CLUSTER_upstream_rq_per_try_timeout);
    count_endpoint(step, STAT_ENDPOINT_rq_timeout);
    count_failure(step);
    note_result(step, RESULT_LOCAL_ORIGIN_TIMEOUT, timeout_status(xc));
    abandon(step);
    if (xc->state == XC_STATE_RESPONDING)
        cut(step, reason_row(reason)->flag, reason_row(reason)->details);
    else if (!retry(step, NULL, FAILURE_LOCAL_RESET))
        reply_for_cluster(step, timeout_reply(xc, reason), false);
}

/* x-envoy-upstream-stream-duration-ms: the attempt has lived long enough. Its answer is
 * nobody's fault: neither the cluster nor outlier detection hears of it. */
static void on_stream_duration(const struct step *step)
{
    struct exchange *xc = step->xc;
    const struct reason_row *row = reason_row(REASON_STREAM_DURATION);
    tell_try_timeout(step, xc->stream_duration_ns, &xc->record.route->origin);
    count_cluster(step, STAT_CLUSTER_upstream_rq_max_duration_reached);
    abandon(step);
    if (xc->state == XC_STATE_RESPONDING) {
        cut(step, row->flag, row->details);
        return;
    }
    if (retry(step, NULL, FAILURE_LOCAL_RESET)) {
        count_endpoint(step, STAT_ENDPOINT_rq_error);
        return;
    }
    uint32_t status = xc->is_request_complete ? row->status : 408;
    new_response_of_route(step, status);
    reply_with(step, (struct reply){.reason = REASON_STREAM_DURATION,
                                    .status = status,
                                    .has_words = true,
                                    .details = row->details,
                                    .flag = row->flag,
                                    .body = row->body});
}

/* Before it has a connection the attempt is nobody's. */
static void count_timeout(const struct step *step)
{
    struct exchange *xc = step->xc;
    if (xc->attempt == 0)
        return;
    count_cluster(step, STAT_CLUSTER_upstream_rq_timeout);
    if (!xc->is_connected)
        return;
    count_endpoint(step, STAT_ENDPOINT_rq_timeout);
    if (xc->state != XC_STATE_UPSTREAM)
        return;
    count_endpoint(step, STAT_ENDPOINT_rq_error);
    note_result(step, RESULT_LOCAL_ORIGIN_TIMEOUT, timeout_status(xc));
}

static void on_timeout(const struct step *step)
{
    struct exchange *xc = step->xc;
    struct trace_event *told = tell(step, TRACE_TIMEOUT_FIRED);
    if (told != NULL) {
        told->number = xc->timeout_ns;
        told->origin = xc->record.route->forward.timeout_origin;
    }
    count_timeout(step);
    const struct reason_row *row = reason_row(REASON_ROUTE_TIMEOUT);
    if (xc->state == XC_STATE_RESPONDING)
        cut(step, row->flag, row->details);
    else
        reply_for_cluster(step, timeout_reply(xc, REASON_ROUTE_TIMEOUT), false);
}

/* The wait of a fault or of a retry is over. */
static void resume(const struct step *step)
{
    struct exchange *xc = step->xc;
    xc->resume_ns = NS_NEVER;
    if (xc->state == XC_STATE_WAITING)
        try_again(step);
    else
        pass_filters(step, true);
}

static void on_wake(const struct step *step)
{
    struct exchange *xc = step->xc;
    if (step->now_ns >= xc->deadline_ns)
        on_timeout(step);
    else if (step->now_ns >= xc->duration_deadline_ns)
        on_stream_duration(step);
    else if (step->now_ns >= xc->try_deadline_ns)
        on_try_timeout(step, REASON_PER_TRY_TIMEOUT);
    else if (step->now_ns >= xc->try_idle_ns)
        on_try_timeout(step, REASON_PER_TRY_IDLE_TIMEOUT);
    else if (step->now_ns >= xc->resume_ns)
        resume(step);
}

static void on_request_complete(const struct step *step)
{
    struct exchange *xc = step->xc;
    if (xc->is_request_complete)
        return;
    note_request_end(step, true);
    /* The router may not have the request yet. */
    if (xc->record.attempt_count > 0) {
        note_complete(step);
        arm_try_timeout(step);
    }
}

static void on_request_data(const struct step *step, const struct xc_event *event)
{
    struct exchange *xc = step->xc;
    xc->record.bytes_received += event->size;
    bool is_kept = xc->retry != NULL && xc->state != XC_STATE_RESPONDING;
    if (is_kept && xc->record.bytes_received > LIMIT_CONNECTION_BUFFER_BYTES)
        give_up_body(step);
    if (event->is_end && xc->state != XC_STATE_FINISHED)
        on_request_complete(step);
}

void exchange_init(struct exchange *xc, const struct xc_setup *setup, int64_t now_ns)
{
    *xc = (struct exchange){.setup = *setup,
                            .completed_ns = NS_NEVER,
                            .deadline_ns = NS_NEVER,
                            .try_deadline_ns = NS_NEVER,
                            .try_idle_ns = NS_NEVER,
                            .duration_deadline_ns = NS_NEVER,
                            .resume_ns = NS_NEVER};
    xc->stream_random = rng_next(engine_rng_stream(setup->engine));
    xc->record.started_ns = now_ns;
    xc->record.version = HTTP_1_1;
    if (setup->http_stats == NULL)
        xc->setup.http_stats = engine_http_stats(setup->engine);
    if (setup->downstream != NULL)
        xc->record.downstream = *setup->downstream;
}

/* Does a fault hit? Then nothing was drawn. */
static bool is_faulted(struct engine *engine, const struct fault_policy *fault)
{
    struct rng before = engine->rng_fault;
    bool is_hit = fault_delay_ns(fault, &engine->rng_fault) != 0 ||
                  fault_is_aborted(fault, &engine->rng_fault);
    if (is_hit)
        engine->rng_fault = before;
    return is_hit;
}

bool exchange_recall(struct engine *engine, struct request_memo *memo, struct xc_again *again)
{
    const struct route *route = memo->route;
    if (route == NULL || route->action != ROUTE_FORWARD || memo->received.head == NULL)
        return false;
    struct rng drawn = engine->rng_stream;
    again->stream_random = rng_next(&drawn);
    uint32_t index = 0;
    if (route->forward.weighted_count > 0)
        index = split_choose(&route->forward, again->stream_random).index + 1;
    again->memo = memo;
    again->image = index < MEMO_FORWARDED_MAX ? memo->forwarded[index].image : NULL;
    if (again->image == NULL || (route->fault != NULL && is_faulted(engine, route->fault)))
        return false;
    engine->rng_stream = drawn;
    return true;
}

/* The head goes on as it did, with its own x-request-id. */
static void take_head_again(struct exchange *xc, const struct xc_again *again)
{
    const struct memo_forwarded *kept = forwarded_memo(xc);
    xc->request = arena_raw(again->arena, sizeof(*xc->request));
    xc->record.request = xc->request;
    if (kept->head.id_at != UINT32_MAX)
        xc->record.request_id = again->request_id;
    memo_take(&kept->head, again->request_id, SPARE_LINES, again->arena, xc->request);
}

void exchange_begin_again(struct exchange *xc, const struct xc_again *again, int64_t now_ns,
                          struct xc_plan *plan)
{
    struct step step = {.xc = xc, .now_ns = now_ns, .plan = plan};
    struct record *record = &xc->record;
    plan->count = 0;
    /* Its flags come last, and there are none. */
    bytes_copy(xc, again->image, offsetof(struct exchange, record.flags));
    xc->setup.arena = again->arena;
    xc->setup.has_original = again->has_original;
    xc->stream_random = again->stream_random;
    record->started_ns = now_ns;
    record->request_ended_ns = record_moment(now_ns);
    record->downstream.connection_id = again->connection_id;
    record->downstream.remote_port = record->downstream.direct_port = again->remote_port;
    take_head_again(xc, again);
    count_http(&step, STAT_HTTP_rq_total);
    begin_attempts(&step);
}

void exchange_step(struct exchange *xc, const struct xc_event *event, int64_t now_ns,
                   struct xc_plan *plan)
{
    ASSERT(now_ns >= xc->record.started_ns);
    plan->count = 0;
    if (xc->state == XC_STATE_FINISHED)
        return;
    struct step step = {.xc = xc, .now_ns = now_ns, .plan = plan};
    switch (event->kind) {
    case XC_EVENT_REQUEST_HEAD:
        on_request_head(&step, event);
        return;
    case XC_EVENT_REQUEST_REFUSED:
        on_request_refused(&step, event);
        return;
    case XC_EVENT_REQUEST_DATA:
        on_request_data(&step, event);
        return;
    case XC_EVENT_REQUEST_END:
        on_request_complete(&step);
        return;
    case XC_EVENT_CLIENT_GONE:
        on_client_gone(&step, event);
        return;
    case XC_EVENT_ATTEMPT_READY:
    case XC_EVENT_ATTEMPT_SENT:
    case XC_EVENT_INTERIM:
    case XC_EVENT_RESPONSE_HEAD:
    case XC_EVENT_RESPONSE_DATA:
    case XC_EVENT_RESPONSE_END:
    case XC_EVENT_ATTEMPT_FAILED:
        on_attempt_event(&step, event);
        return;
    case XC_EVENT_WAKE:
        on_wake(&step);
        return;
    }
    UNREACHABLE("xc_event_kind");
}

void exchange_note_ready(struct exchange *xc, uint32_t attempt, bool is_reused, int64_t now_ns)
{
    struct step step = {.xc = xc, .now_ns = now_ns};
    if (is_heard(xc, attempt))
        note_ready(&step, is_reused);
}

void exchange_note_sent(struct exchange *xc, uint32_t attempt)
{
    xc->is_sent |= is_heard(xc, attempt);
}

static bool is_mutating(const struct header_mutations *mutations)
{
    return mutations->add_count > 0 || mutations->remove_count > 0;
}

bool exchange_passes(const struct exchange *xc, const struct response_head *head)
{
    const struct route *route = xc->record.route;
    const struct weighted_cluster *weighted = xc->record.weighted;
    const struct retry_policy *policy = route->forward.retry;
    return !xc->is_grpc && xc->cookies.count == 0 && xc->cors_origin.len == 0 &&
           !is_mutating(&route->response_headers) &&
           (weighted == NULL || !is_mutating(&weighted->response_headers)) &&
           (policy == NULL || !retry_covers(policy, head));
}

bool exchange_is_passing(const struct exchange *xc)
{
    return xc->state == XC_STATE_UPSTREAM && xc->setup.trace == NULL && !xc->is_grpc &&
           xc->is_request_complete && xc->cookies.count == 0 && xc->cors_origin.len == 0 &&
           (xc->retry == NULL || xc->retry == xc->record.route->forward.retry);
}

void exchange_pass(struct exchange *xc, const struct response_head *sent, uint64_t body_bytes,
                   int64_t now_ns)
{
    struct step step = {.xc = xc, .now_ns = now_ns};
    ASSERT(xc->state == XC_STATE_UPSTREAM);
    note_response(&step, sent);
    if (release_retry(xc))
        count_cluster(&step, STAT_CLUSTER_upstream_rq_retry_success);
    count_answer(&step, sent, true);
    note_final(&step, sent);
    note_forwarded(&step);
    xc->record.bytes_sent += body_bytes;
    end_attempt(xc);
    end(&step);
}

uint64_t exchange_service_ms(const struct exchange *xc, int64_t now_ns)
{
    ASSERT(xc->completed_ns <= now_ns);
    return (uint64_t)((now_ns - xc->completed_ns) / NS_MS);
}

bool exchange_may_retry(const struct exchange *xc)
{
    return xc->retry != NULL && xc->state != XC_STATE_RESPONDING &&
           xc->record.attempt_count <= xc->retry->num_retries;
}

int64_t exchange_wake_ns(const struct exchange *xc)
{
    int64_t of_attempt_ns =
        ns_min(xc->try_deadline_ns, ns_min(xc->try_idle_ns, xc->duration_deadline_ns));
    return ns_min(xc->deadline_ns, ns_min(of_attempt_ns, xc->resume_ns));
}
