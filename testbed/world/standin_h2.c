/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/standin_h2.c - see standin_h2.h.
 */
#include "testbed/world/standin_h2.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/list.h"
#include "proxy/http/h2.h"
#include "proxy/model/limits.h"
#include "testbed/world/standin_parts.h"

#define FLUSH_BYTES (256u * 1024)

/* One stream. */
struct child {
    struct standin standin;
    struct list link; /* in children, or spare */
    struct h2_stream *stream;
    struct message_reading reading; /* of its answer */
    struct arena arena;             /* the same */
    bool is_head_method, is_grpc;
    bool is_status_said; /* grpc-status stands in the head */
};

struct standin_h2 {
    struct h2_memory memory;
    struct h2 *h2; /* NULL: no connection */
    struct list children, spare;
    struct child *calling; /* whose call is under way, or NULL */
    bool is_ending;        /* what is written leaves, then.. */
    enum standin_action_kind ending;
};

/* --- children ------------------------------------------------------------------------- */

static struct child *take_child(struct standin *standin, struct h2_stream *stream)
{
    struct standin_h2 *two = standin->h2;
    struct list *spare = list_first(&two->spare);
    struct child *child;
    if (spare != NULL) {
        child = LIST_ITEM(spare, struct child, link);
        list_remove(&child->link);
    } else {
        child = ARENA_NEW(&two->memory.arena, struct child);
        standin_init(&child->standin, standin->world, standin->log);
        reading_init(&child->reading);
        arena_init(&child->arena, 1024, 0);
        list_init(&child->link);
    }
    child->standin.world = standin->world;
    standin_begin(&child->standin, standin->pod, standin->number);
    standin_secured(&child->standin, standin->server_name);
    child->standin.is_stream = true;
    child->stream = stream;
    arena_reset(&child->arena);
    reading_begin(&child->reading, &child->arena);
    child->is_head_method = child->is_grpc = child->is_status_said = false;
    list_push_back(&two->children, &child->link);
    h2_stream_set_owner(stream, child);
    return child;
}

static void give_child(struct standin_h2 *two, struct child *child)
{
    if (child->stream != NULL)
        h2_stream_set_owner(child->stream, NULL);
    child->stream = NULL;
    if (two->calling == child)
        two->calling = NULL;
    standin_broken(&child->standin);
    list_remove(&child->link);
    list_push_back(&two->spare, &child->link);
}

static void end_with(struct standin_h2 *two, enum standin_action_kind ending)
{
    if (!two->is_ending)
        two->ending = ending;
    two->is_ending = true;
}

/* --- answers ---------------------------------------------------------------------------- */

static bool is_of_connection(struct str name)
{
    return str_eq(name, STR("connection")) || str_eq(name, STR("transfer-encoding")) ||
           str_eq(name, STR("keep-alive"));
}

static void copy_headers(struct child *child, const struct header *headers, uint32_t count,
                         struct header_list *out)
{
    header_list_init(out, &child->arena);
    out->is_response = true;
    for (uint32_t i = 0; i < count; i++) {
        struct str name = arena_str_lower(&child->arena, headers[i].name);
        bool is_dropped =
            is_of_connection(name) || (child->is_grpc && str_eq(name, STR("content-length")));
        if (!is_dropped)
            header_append_line(out, name, headers[i].value);
    }
}

/* Sends the end; the child is not needed any more. */
static void finish(struct standin_h2 *two, struct child *child, const struct reading_event *event)
{
    struct header_list trailers;
    copy_headers(child, event->trailers, event->trailer_count, &trailers);
    if (child->is_grpc && !child->is_status_said &&
        !header_is_present(&trailers, STR("grpc-status")))
        header_append_line(&trailers, STR("grpc-status"), STR("0"));
    h2_send_end(two->h2, child->stream, &trailers);
    h2_send_no_more_wanted(two->h2, child->stream);
    give_child(two, child);
}

static void expect_body(struct child *child, const struct reading_event *event)
{
    struct str value;
    uint64_t length_bytes = 0;
    if (reading_header(event->headers, event->header_count, STR("transfer-encoding"), &value))
        reading_expect(&child->reading, READING_BODY_CHUNKED, 0);
    else if (reading_header(event->headers, event->header_count, STR("content-length"), &value) &&
             str_to_u64(value, UINT64_MAX, &length_bytes))
        reading_expect(&child->reading, READING_BODY_LENGTH, length_bytes);
    else
        reading_expect(&child->reading, READING_BODY_UNTIL_CLOSE, 0);
}

/* A gRPC application's answer; one that it refuses in HTTP's words is none. */
static void speak_grpc(struct child *child, struct response_head *head)
{
    child->is_grpc = child->is_grpc && head->status == 200;
    if (!child->is_grpc)
        return;
    header_remove(&head->headers, STR("content-length"));
    if (!header_is_present(&head->headers, STR("content-type")))
        header_append_line(&head->headers, STR("content-type"), STR("application/grpc"));
    child->is_status_said = header_is_present(&head->headers, STR("grpc-status"));
}

static void take_head(struct standin_h2 *two, struct child *child,
                      const struct reading_event *event)
{
    uint64_t status = 0;
    (void)str_to_u64(reading_word(event->line, 1), LIMIT_STATUS, &status);
    struct response_head head = {.status = (uint32_t)status, .version = HTTP_2};
    copy_headers(child, event->headers, event->header_count, &head.headers);
    if (status / 100 == 1) {
        h2_send_response(two->h2, child->stream, &head, false);
        reading_begin(&child->reading, &child->arena);
        return;
    }
    speak_grpc(child, &head);
    bool is_bodiless = child->is_head_method || status == 204 || status == 304;
    bool is_end = is_bodiless && !child->is_grpc;
    h2_send_response(two->h2, child->stream, &head, is_end);
    if (is_end) {
        h2_send_no_more_wanted(two->h2, child->stream);
        give_child(two, child);
    } else {
        expect_body(child, event);
    }
}

/* What is no HTTP is said as it is, and it is the last word. */
static void say_raw(struct standin *standin, struct str bytes)
{
    standin_put(standin, bytes);
    end_with(standin->h2, STANDIN_CLOSE);
}

/* What the application has written for this stream. */
static void take_answer(struct standin *standin, struct child *child, struct str bytes)
{
    struct standin_h2 *two = standin->h2;
    while (child->stream != NULL && !two->is_ending) {
        struct reading_event event;
        switch (reading_next(&child->reading, &bytes, &event)) {
        case READING_MORE:
            return;
        case READING_HEAD:
            if (!str_has_prefix(event.line, STR("HTTP/1."))) {
                say_raw(standin, event.text);
                return;
            }
            take_head(two, child, &event);
            break;
        case READING_DATA:
            h2_send_data(two->h2, child->stream, event.data);
            break;
        case READING_END:
            finish(two, child, &event);
            break;
        case READING_TLS:
        case READING_BAD:
            end_with(two, STANDIN_CLOSE);
            return;
        }
    }
}

/* --- requests ----------------------------------------------------------------------------- */

static void put_line(struct standin *standin, struct str name, struct str value)
{
    standin_put(standin, name);
    standin_put(standin, STR(": "));
    standin_put(standin, value);
    standin_put(standin, STR("\r\n"));
}

/* As HTTP/1 would have said it; it stands in the parent's `out` for a moment. */
static struct str request_text(struct standin *standin, const struct request_head *head)
{
    standin_put(standin, head->method);
    standin_put(standin, STR(" "));
    standin_put(standin, head->path.len > 0 ? head->path : head->authority);
    standin_put(standin, STR(" HTTP/2\r\n"));
    put_line(standin, STR("host"), head->authority);
    for (uint32_t i = 0; i < head->headers.count; i++)
        put_line(standin, head->headers.items[i].name, head->headers.items[i].value);
    standin_put(standin, STR("\r\n"));
    return buf_str(&standin->out);
}

static void take_request(struct standin *standin, const struct h2_event *event, int64_t now_ns)
{
    struct child *child = take_child(standin, event->stream);
    child->is_head_method = str_eq(event->request->method, STR("HEAD"));
    child->is_grpc = request_head_is_grpc(event->request);
    standin_forget_given(standin);
    size_t before_bytes = buf_size(&standin->out);
    struct str text = str_from(request_text(standin, event->request), before_bytes);
    standin_read(&child->standin, text, now_ns);
    standin->out.end -= text.len;
    if (event->is_end)
        standin_eof(&child->standin, now_ns);
}

static void take_event(struct standin *standin, const struct h2_event *event, int64_t now_ns)
{
    struct standin_h2 *two = standin->h2;
    struct child *child = event->owner;
    switch (event->kind) {
    case H2_MORE:
    case H2_GOAWAY:
    case H2_PONG:
        return;
    case H2_HEAD:
        take_request(standin, event, now_ns);
        return;
    case H2_DATA:
        standin_read(&child->standin, event->data, now_ns);
        h2_consume(two->h2, event->stream, event->data.len);
        return;
    case H2_TRAILERS:
    case H2_END:
        standin_eof(&child->standin, now_ns);
        return;
    case H2_CLOSED:
        child = child != NULL ? child : take_child(standin, event->stream);
        child->stream = NULL;
        give_child(two, child);
        return;
    case H2_ERROR:
        end_with(two, STANDIN_CLOSE);
        return;
    }
    UNREACHABLE("h2_event_kind");
}

static void take_events(struct standin *standin, struct str bytes, int64_t now_ns)
{
    struct standin_h2 *two = standin->h2;
    struct h2_event event;
    while (!two->is_ending && h2_next(two->h2, &bytes, &event) != H2_MORE)
        take_event(standin, &event, now_ns);
}

/* --- a connection --------------------------------------------------------------------------- */

static void begin(struct standin *standin, struct str bytes, int64_t now_ns)
{
    struct standin_h2 *two = standin->h2;
    if (two == NULL) {
        /* It outlives a world: places are used again in the next one. */
        two = calloc(1, sizeof(*two));
        ASSERT(two != NULL);
        h2_memory_init(&two->memory);
        list_init(&two->children);
        list_init(&two->spare);
        standin->h2 = two;
    }
    two->is_ending = false;
    two->h2 = h2_new(&(struct h2_settings){.side = H2_SERVER,
                                           .head_bytes_max = READING_HEAD_BYTES_MAX,
                                           .header_count_max = UINT32_MAX},
                     &two->memory);
    ASSERT(two->h2 != NULL);
    standin->state = STANDIN_IN_STREAMS;
    take_events(standin, bytes, now_ns);
}

void standin_h2_end(struct standin *standin)
{
    struct standin_h2 *two = standin->h2;
    if (two == NULL || two->h2 == NULL)
        return;
    while (!list_is_empty(&two->children))
        give_child(two, LIST_ITEM(list_first(&two->children), struct child, link));
    h2_free(two->h2);
    two->h2 = NULL;
}

void standin_h2_fini(struct standin *standin)
{
    struct standin_h2 *two = standin->h2;
    if (two == NULL)
        return;
    standin_h2_end(standin);
    for (struct list *at = two->spare.next; at != &two->spare; at = at->next) {
        struct child *child = LIST_ITEM(at, struct child, link);
        standin_fini(&child->standin);
        reading_fini(&child->reading);
        arena_fini(&child->arena);
    }
    h2_memory_fini(&two->memory);
    free(two);
    standin->h2 = NULL;
}

/* Who may speak HTTP/2 is known by his first bytes, which may come in pieces. */
static bool may_begin(const struct standin *standin)
{
    return standin->state == STANDIN_IN_HEAD && !standin->is_stream && !standin->is_spoken_to &&
           world_pod_is_http2(&standin->world->pods[standin->pod]);
}

bool standin_h2_read(struct standin *standin, struct str bytes, int64_t now_ns, bool *is_held)
{
    struct str preface = STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    if (standin->state == STANDIN_IN_STREAMS) {
        take_events(standin, bytes, now_ns);
        return true;
    }
    if (!may_begin(standin) || buf_append(&standin->held, bytes) != RC_OK)
        return false;
    struct str first = buf_str(&standin->held);
    if (str_has_prefix(first, preface)) {
        begin(standin, first, now_ns);
        buf_clear(&standin->held);
        return true;
    }
    *is_held = standin->is_spoken_to = first.len >= preface.len || !str_has_prefix(preface, first);
    return !*is_held;
}

void standin_h2_called(struct standin *standin, const struct outcome *outcome)
{
    struct child *child = standin->h2->calling;
    standin->h2->calling = NULL;
    if (child != NULL)
        standin_called(&child->standin, child->standin.number, outcome);
}

/* Does it wait for its turn to ask others? */
static bool is_queued(const struct standin_h2 *two, const struct child *child)
{
    const struct standin *standin = &child->standin;
    bool is_before = standin->state == STANDIN_IN_LATENCY || standin->state == STANDIN_IN_CALLS;
    return two->calling != NULL && two->calling != child && is_before &&
           standin->called_count < standin->answer.call_count;
}

/* Or until the peer has read what was written? */
static bool is_held(const struct standin_h2 *two, const struct child *child)
{
    return is_queued(two, child) ||
           h2_stream_waiting_bytes(child->stream) >= LIMIT_CONNECTION_BUFFER_BYTES;
}

int64_t standin_h2_wake_ns(const struct standin *standin)
{
    const struct standin_h2 *two = standin->h2;
    int64_t wake_ns = NS_NEVER;
    for (struct list *at = two->children.next; at != &two->children; at = at->next) {
        const struct child *child = LIST_ITEM(at, struct child, link);
        if (!is_held(two, child))
            wake_ns = ns_min(wake_ns, standin_wake_ns(&child->standin));
    }
    return wake_ns;
}

/* False: the child has nothing more to say for now. A call is the caller's to carry out. */
static bool pull(struct standin *standin, struct child *child, int64_t now_ns,
                 struct standin_action *action)
{
    struct standin_h2 *two = standin->h2;
    if (child->stream == NULL || two->is_ending || is_held(two, child) ||
        !standin_next(&child->standin, now_ns, action))
        return false;
    switch (action->kind) {
    case STANDIN_WRITE:
        take_answer(standin, child, action->bytes);
        return true;
    case STANDIN_CALL:
        two->calling = child;
        return true;
    case STANDIN_CLOSE:
        if (child->reading.state == READING_IN_REST)
            finish(two, child, &(struct reading_event){0});
        else
            end_with(two, STANDIN_CLOSE);
        return false;
    case STANDIN_RESET:
        end_with(two, STANDIN_RESET);
        return false;
    case STANDIN_WHOLE:
        UNREACHABLE("a stream's stand-in has no shelf");
    }
    UNREACHABLE("standin_action_kind");
}

static bool give_written(struct standin *standin, struct standin_action *action)
{
    standin_forget_given(standin);
    h2_flush(standin->h2->h2, &standin->out, FLUSH_BYTES);
    if (buf_size(&standin->out) == 0)
        return false;
    standin->is_out_given = true;
    *action = (struct standin_action){.kind = STANDIN_WRITE, .bytes = buf_str(&standin->out)};
    return true;
}

bool standin_h2_next(struct standin *standin, int64_t now_ns, struct standin_action *action)
{
    struct standin_h2 *two = standin->h2;
    struct list *next;
    take_events(standin, STR_EMPTY, now_ns);
    for (struct list *at = two->children.next; at != &two->children; at = next) {
        next = at->next;
        struct child *child = LIST_ITEM(at, struct child, link);
        while (pull(standin, child, now_ns, action)) {
            if (action->kind == STANDIN_CALL)
                return true;
        }
    }
    if (give_written(standin, action))
        return true;
    take_events(standin, STR_EMPTY, now_ns);
    if (!two->is_ending)
        return false;
    *action = (struct standin_action){.kind = two->ending};
    standin_h2_end(standin);
    standin->state = STANDIN_OVER;
    return true;
}
