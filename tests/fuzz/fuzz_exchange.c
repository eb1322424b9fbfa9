/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/fuzz_exchange.c - everything that may happen to an exchange, in any
 * order that a carrier may tell it, and what it may not from attempts that were
 * given up.
 *
 * What is held are the laws of proxy/core/exchange.h: one XC_FINISH and nothing
 * after it; one answer; an answer is cut only when it was begun; one attempt at
 * a time, and none at the end; what the balancer and the breaker of retries lent is given
 * back.
 *
 * The script: a byte says what happens (low four bits) and with what (high
 * four). When it is used up the client leaves. Eight exchanges share an engine.
 */
#include "base/check.h"
#include "base/ns.h"
#include "proxy/core/engine_state.h"
#include "proxy/core/exchange.h"

#include "tests/proxy/wire/small.h"

#include "tests/fuzz/replay.h"

#define EXCHANGES_MAX 8u

enum attempt_state { ATTEMPT_NONE, ATTEMPT_OPEN, ATTEMPT_READY, ATTEMPT_ANSWERING };

struct watch {
    struct exchange xc;
    struct arena arena;
    struct trace trace;
    int64_t now_ns;
    enum attempt_state attempt_state;
    uint32_t attempt; /* the one that lives; the last one when none does */
    uint32_t finish_count, answer_count, cut_count;
    bool is_request_known, is_request_over;
};

static const struct str PATHS[] = {STR_INIT("/app"),   STR_INIT("/short"), STR_INIT("/direct"),
                                   STR_INIT("/empty"), STR_INIT("/lost"),  STR_INIT("/nowhere")};

static struct request_head *new_request(struct watch *watch, uint32_t choice)
{
    struct request_head *head = ARENA_NEW(&watch->arena, struct request_head);
    header_list_init(&head->headers, &watch->arena);
    head->method = choice % 2 == 0 ? STR("GET") : STR("HEAD");
    head->path = PATHS[choice % COUNT_OF(PATHS)];
    head->authority = choice == 15 ? STR("b") : STR("a");
    head->has_authority = true;
    head->scheme = STR("http");
    head->version = HTTP_1_1;
    if (choice > 11)
        header_add(&head->headers, STR("content-type"), STR("application/grpc"));
    return head;
}

static struct response_head *new_response(struct watch *watch, uint32_t status)
{
    struct response_head *head = ARENA_NEW(&watch->arena, struct response_head);
    header_list_init(&head->headers, &watch->arena);
    head->status = status;
    head->version = HTTP_1_1;
    return head;
}

static void take_action(struct watch *watch, const struct xc_action *action)
{
    const struct snapshot *snapshot = engine_snapshot(watch->xc.setup.engine);
    ASSERT(watch->finish_count == 0);
    switch (action->kind) {
    case XC_ATTEMPT:
        ASSERT(watch->attempt_state == ATTEMPT_NONE && watch->answer_count == 0);
        ASSERT(action->attempt > watch->attempt && action->request != NULL);
        ASSERT(action->cluster_index < snapshot->cluster_count);
        ASSERT(action->endpoint_index < snapshot->clusters[action->cluster_index].endpoint_count);
        watch->attempt = action->attempt;
        watch->attempt_state = ATTEMPT_OPEN;
        return;
    case XC_ABANDON:
        ASSERT(watch->attempt_state != ATTEMPT_NONE && action->attempt == watch->attempt);
        watch->attempt_state = ATTEMPT_NONE;
        return;
    case XC_FORWARD_INTERIM:
        ASSERT(watch->answer_count == 0 && action->response->status < 200);
        return;
    case XC_FORWARD:
    case XC_REPLY:
        ASSERT(action->response != NULL && action->response->status >= 100);
        watch->answer_count++;
        ASSERT(watch->answer_count == 1);
        return;
    case XC_CUT:
        ASSERT(watch->answer_count == 1 && watch->cut_count == 0);
        watch->cut_count++;
        return;
    case XC_MIRROR:
        ASSERT(action->cluster_index < snapshot->cluster_count);
        return;
    case XC_FINISH:
        watch->finish_count++;
        return;
    }
    UNREACHABLE("xc_action_kind");
}

static void tell(struct watch *watch, const struct xc_event *event)
{
    bool was_over = watch->finish_count > 0;
    struct xc_plan plan;
    exchange_step(&watch->xc, event, watch->now_ns, &plan);
    ASSERT(!was_over || plan.count == 0);
    for (uint32_t i = 0; i < plan.count; i++)
        take_action(watch, &plan.items[i]);
    if (watch->finish_count == 0)
        return;
    ASSERT(watch->attempt_state == ATTEMPT_NONE);
    ASSERT(exchange_wake_ns(&watch->xc) == NS_NEVER);
    ASSERT(watch->xc.record.finished_ns >= watch->xc.record.started_ns);
}

/* Words of the attempt that lives, in an order that is possible. */
static void tell_from_attempt(struct watch *watch, uint32_t what, uint32_t choice)
{
    static const uint32_t statuses[] = {200, 204, 304, 404, 429, 500, 503, 101};
    struct xc_event event = {.attempt = watch->attempt, .is_end = choice % 2 == 1};
    enum attempt_state state = watch->attempt_state;
    if (what == 6 && state == ATTEMPT_OPEN) {
        event.kind = XC_EVENT_ATTEMPT_READY;
        watch->attempt_state = ATTEMPT_READY;
    } else if (what == 7 && state == ATTEMPT_READY) {
        event.kind = choice % 2 == 0 ? XC_EVENT_ATTEMPT_SENT : XC_EVENT_INTERIM;
        event.response = new_response(watch, 100 + choice);
    } else if (what == 8 && state == ATTEMPT_READY) {
        event.kind = XC_EVENT_RESPONSE_HEAD;
        event.response = new_response(watch, statuses[choice / 2]);
        watch->attempt_state = event.is_end ? ATTEMPT_NONE : ATTEMPT_ANSWERING;
    } else if (what == 9 && state == ATTEMPT_ANSWERING) {
        event.kind = XC_EVENT_RESPONSE_DATA;
        event.size = choice;
    } else if (what == 10 && state == ATTEMPT_ANSWERING) {
        event.kind = XC_EVENT_RESPONSE_END;
        watch->attempt_state = ATTEMPT_NONE;
    } else if (what == 11 && state != ATTEMPT_NONE) {
        event.kind = XC_EVENT_ATTEMPT_FAILED;
        event.failure = (enum failure)(FAILURE_NONE + 1 + choice % FAILURE_PROTOCOL_ERROR);
        event.text = choice % 3 == 0 ? STR("delayed connect error: Connection refused") : STR_EMPTY;
        watch->attempt_state = ATTEMPT_NONE;
    } else {
        return;
    }
    tell(watch, &event);
}

/* Words of one that was given up, or never was: nothing comes of them. */
static void tell_from_nobody(struct watch *watch, uint32_t choice)
{
    static const enum xc_event_kind kinds[] = {XC_EVENT_ATTEMPT_READY, XC_EVENT_ATTEMPT_SENT,
                                               XC_EVENT_INTERIM,       XC_EVENT_RESPONSE_HEAD,
                                               XC_EVENT_RESPONSE_DATA, XC_EVENT_RESPONSE_END,
                                               XC_EVENT_ATTEMPT_FAILED};
    bool is_over = watch->attempt_state == ATTEMPT_NONE;
    struct xc_event event = {.kind = kinds[choice % COUNT_OF(kinds)],
                             .attempt = is_over ? watch->attempt : watch->attempt + 1,
                             .failure = FAILURE_CONNECTION_TERMINATION,
                             .response = new_response(watch, 200)};
    uint32_t answer_count = watch->answer_count, finish_count = watch->finish_count;
    tell(watch, &event);
    ASSERT(watch->answer_count == answer_count && watch->finish_count == finish_count);
}

static void tell_from_client(struct watch *watch, uint32_t what, uint32_t choice)
{
    struct xc_event event = {.is_end = choice % 3 == 0, .size = choice};
    if (what == 0 && !watch->is_request_known) {
        event.kind = XC_EVENT_REQUEST_HEAD;
        event.request = new_request(watch, choice);
        watch->is_request_known = true;
        watch->is_request_over = event.is_end;
    } else if (what == 1) {
        event.kind = XC_EVENT_REQUEST_REFUSED;
        event.request = watch->is_request_known ? NULL : new_request(watch, choice);
        event.is_end = watch->is_request_over;
        event.status = 400 + choice;
        event.details = STR("refused");
        event.body = choice % 2 == 0 ? STR("no") : STR_EMPTY;
        watch->is_request_known = true;
    } else if (what == 2 && watch->is_request_known && !watch->is_request_over) {
        event.kind = XC_EVENT_REQUEST_DATA;
        watch->is_request_over = event.is_end;
    } else if (what == 3 && watch->is_request_known && !watch->is_request_over) {
        event.kind = XC_EVENT_REQUEST_END;
        watch->is_request_over = true;
    } else if (what == 4 && choice == 0) {
        event.kind = XC_EVENT_CLIENT_GONE;
    } else {
        return;
    }
    tell(watch, &event);
}

static void let_time_pass(struct watch *watch, uint32_t what, uint32_t choice)
{
    int64_t wake_ns = exchange_wake_ns(&watch->xc);
    if (what == 13 && wake_ns != NS_NEVER)
        watch->now_ns = ns_max(watch->now_ns, wake_ns);
    else if (what == 14)
        watch->now_ns = ns_add(watch->now_ns, (int64_t)choice * 100 * NS_MS);
    tell(watch, &(struct xc_event){.kind = XC_EVENT_WAKE}); /* early ones do no harm */
}

static void step(struct watch *watch, uint8_t byte)
{
    uint32_t what = byte & 15, choice = byte >> 4;
    if (what <= 4)
        tell_from_client(watch, what, choice);
    else if (what == 5)
        tell_from_nobody(watch, choice);
    else if (what <= 11)
        tell_from_attempt(watch, what, choice);
    else
        let_time_pass(watch, what, choice);
}

static void assert_given_back(struct engine *engine)
{
    const struct snapshot *snapshot = engine_snapshot(engine);
    for (uint32_t i = 0; i < snapshot->cluster_count; i++) {
        const struct lb *lb = engine_lb(engine, i);
        for (uint32_t at = 0; at < snapshot->clusters[i].endpoint_count; at++)
            ASSERT(lb->active[at] == 0);
        ASSERT(breaker_count(engine->clusters[i].breaker, BREAKER_RETRIES) == 0);
    }
}

/* Until it is over and a byte 15 says so, or the script is. */
static size_t live(struct watch *watch, struct engine *engine, struct str script)
{
    arena_init(&watch->arena, 4096, 0);
    trace_init(&watch->trace, &watch->arena, 64);
    struct xc_setup setup = {
        .engine = engine, .http = &small_http, .arena = &watch->arena, .trace = &watch->trace};
    exchange_init(&watch->xc, &setup, watch->now_ns);
    size_t used = 0;
    while (used < script.len) {
        uint8_t byte = (uint8_t)script.ptr[used++];
        if ((byte & 15) == 15 && watch->finish_count > 0)
            break;
        step(watch, byte);
    }
    tell(watch, &(struct xc_event){.kind = XC_EVENT_CLIENT_GONE});
    ASSERT(watch->finish_count == 1);
    arena_fini(&watch->arena);
    return used;
}

static const struct retry_policy RETRY = {.retry_on = STR_INIT("5xx,reset,connect-failure"),
                                          .num_retries = 2};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct snapshot *snapshot = small_snapshot();
    small_routes[3].forward.retry = &RETRY;
    struct engine *engine = engine_new(snapshot, 1);
    struct str script = {(const char *)bytes, size};
    int64_t now_ns = 0;
    for (uint32_t i = 0; i < EXCHANGES_MAX && script.len > 0; i++) {
        struct watch watch = {.now_ns = now_ns};
        script = str_from(script, live(&watch, engine, script));
        now_ns = watch.now_ns;
        assert_given_back(engine);
    }
    engine_free(engine);
    snapshot_drop(snapshot);
    return 0;
}
