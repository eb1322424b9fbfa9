/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/known.c - see known.h.
 */
#include "proxy/wire/known.h"

#include <stddef.h>
#include <string.h>

#include "proxy/wire/response.h"
#include "proxy/wire/stream.h"

#define KNOWN_MAX 64u

static bool is_same(const struct known *known, const struct conn *conn, const void *message)
{
    const struct peer_facts *peer = &conn->down.peer;
    return known->message == message && known->http == conn->down.http &&
           str_eq(known->remote_address, peer->remote_address) &&
           str_eq(known->local_address, peer->local_address) &&
           str_eq(known->node_address, peer->node_address);
}

static struct known *add(struct conn *conn, const void *message)
{
    struct reign *reign = conn->reign;
    const struct peer_facts *peer = &conn->down.peer;
    struct known *known = ARENA_NEW(&reign->memory, struct known);
    *known = (struct known){
        .next = reign->knowns,
        .memo.arena = &reign->memory,
        .message = message,
        .http = conn->down.http,
        .remote_address = arena_str(&reign->memory, peer->remote_address),
        .local_address = arena_str(&reign->memory, peer->local_address),
        .node_address = arena_str(&reign->memory, peer->node_address),
    };
    reign->knowns = known;
    reign->known_count++;
    return known;
}

struct known *known_of(struct conn *conn, const void *message)
{
    /* What a certificate says goes into heads, what a token says into routes. */
    const struct filter_chain *chain = conn->down.chain;
    if (conn->down.peer.is_tls || (chain != NULL && chain->security != NULL))
        return NULL;
    struct known *known = conn->down.known;
    if (known != NULL && known->message == message)
        return known;
    known = conn->reign->knowns;
    while (known != NULL && !is_same(known, conn, message))
        known = known->next;
    if (known == NULL && conn->reign->known_count < KNOWN_MAX)
        known = add(conn, message);
    return conn->down.known = known;
}

struct known_frame known_frame_of(struct stream *stream, const struct request_head *head)
{
    struct known *known = stream->known;
    const struct weighted_cluster *weighted = stream->xc.record.weighted;
    ptrdiff_t index = weighted != NULL ? weighted - known->memo.route->forward.weighted + 1 : 0;
    ASSERT(index < (ptrdiff_t)MEMO_FORWARDED_MAX);
    struct known_frame *frame = &known->frames[index];
    if (frame->size == 0)
        frame->size = h1_frame_request(head, false, &frame->framing);
    return *frame;
}

static const struct known_answer *find_answer(const struct known *known,
                                              const struct weighted_cluster *weighted,
                                              const struct h1_read *message)
{
    for (uint32_t i = 0; i < known->answer_count; i++) {
        const struct known_answer *answer = known->answers[i];
        if (answer->message == message && answer->weighted == weighted)
            return answer;
    }
    return NULL;
}

/* What becomes of an answer is the route's word: where the request does not decide the route
 * by itself (a match of x-request-id), nothing is known. */
static bool is_on_its_route(const struct known *known, const struct record *record)
{
    return record->route != NULL && record->route == known->memo.route;
}

const struct known_answer *known_answer_of(const struct stream *stream,
                                           const struct h1_read *message)
{
    if (stream->known == NULL || !is_on_its_route(stream->known, &stream->xc.record) ||
        !exchange_is_passing(&stream->xc))
        return NULL;
    return find_answer(stream->known, stream->xc.record.weighted, message);
}

/* The response's own date is passed on. */
static uint32_t date_line(const struct h1_read *message, const struct h1_sent *sent)
{
    return header_is_present(&message->response->headers, STR("date"))
               ? UINT32_MAX
               : header_find(&sent->response->headers, STR("date"), 0);
}

void known_keep_answer(struct stream *stream, const struct h1_read *message,
                       const struct h1_sent *sent)
{
    struct known *known = stream->known;
    struct arena *memory = &stream->reign->memory;
    const struct record *record = &stream->xc.record;
    if (known == NULL || known->answer_count == KNOWN_ANSWERS_MAX ||
        !is_on_its_route(known, record) || known->memo.received.head == NULL ||
        !exchange_passes(&stream->xc, message->response) ||
        find_answer(known, record->weighted, message) != NULL)
        return;
    struct known_answer *answer = ARENA_NEW(memory, struct known_answer);
    struct response_head *head = ARENA_NEW(memory, struct response_head);
    response_head_copy(head, sent->response, memory);
    *answer = (struct known_answer){
        .message = message,
        .weighted = record->weighted,
        .sent = *sent,
        .date_at = date_line(message, sent),
        .time_at = header_find(&head->headers, STR("x-envoy-upstream-service-time"), 0),
    };
    answer->sent.response = head;
    answer->sent.body = message->body;
    answer->sent.framing.request_method = known->memo.received.head->method;
    if (answer->time_at != UINT32_MAX)
        known->answers[known->answer_count++] = answer;
}

struct wire_whole *known_answer_copy(struct stream *stream, const struct known_answer *answer)
{
    struct arena *arena = &stream->arena;
    const struct response_head *from = answer->sent.response;
    size_t list_bytes = from->headers.count * sizeof(*from->headers.items);
    struct wire_whole *whole = arena_raw(arena, sizeof(*whole));
    struct response_head *head = arena_raw(arena, sizeof(*head));
    *head = *from;
    head->headers.arena = arena;
    head->headers.items = memcpy(arena_raw(arena, list_bytes), from->headers.items, list_bytes);
    struct str *time = &head->headers.items[answer->time_at].value;
    size_t time_bytes = time->len;
    *time = arena_decimal(arena, exchange_service_ms(&stream->xc, stream->wire->now_ns));
    if (answer->date_at != UINT32_MAX)
        head->headers.items[answer->date_at].value = response_date(stream);
    *whole = (struct wire_whole){.sent = answer->sent, .stream = stream};
    whole->sent.response = head;
    whole->sent.size = answer->sent.size - time_bytes + time->len;
    return whole;
}
