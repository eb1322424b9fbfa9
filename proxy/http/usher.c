/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/usher.c - see usher.h.
 */
#include "proxy/http/usher.h"

#include <string.h>

#include "base/check.h"
#include "proxy/model/limits.h"

#define READ_BYTES_MAX (LIMIT_READ_BYTES * 4)
/* The proxy itself refuses longer heads, in its own words; what the usher takes
 * off or adds must not decide. */
#define HEAD_BYTES_MAX (LIMIT_REQUEST_HEAD_BYTES + 8192u)
#define ANSWER_BYTES_MAX (64u * 1024)
#define ARENA_BLOCK_BYTES (4u * 1024)
#define HTTP_PORT 80u

static const char *reason_of(uint32_t status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 431:
        return "Request Header Fields Too Large";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    default:
        return "Bad Gateway";
    }
}

static void say_refusal(struct usher *usher, uint32_t status, struct str text)
{
    text = str_slice(text, 0, ANSWER_BYTES_MAX / 2);
    buf_clear(&usher->out);
    enum rc rc = buf_format(&usher->out,
                            "HTTP/1.1 %u %s\r\ncontent-type: text/plain; charset=utf-8\r\n"
                            "content-length: %zu\r\nconnection: close\r\n\r\n",
                            status, reason_of(status), text.len + 1);
    bool is_bodiless = str_eq(usher->method, STR("HEAD"));
    if (rc == RC_OK && !is_bodiless)
        rc = buf_append(&usher->out, text);
    if (rc == RC_OK && !is_bodiless)
        rc = buf_append(&usher->out, STR("\n"));
    ASSERT(rc == RC_OK);
    usher->is_out_due = true;
    usher->state = USHER_IN_FAREWELL;
}

/* The head as the place shall see it. What it cannot be is too long: `out` has
 * room for the longest that is taken. */
static void write_head(struct usher *usher, const struct usher_asked *asked, struct str lines)
{
    struct buf *out = &usher->out;
    struct str host;
    bool is_root = asked->target.len == 0 || asked->target.ptr[0] == '?';
    bool is_whole = asked->target.len == 0 && str_eq(asked->method, STR("OPTIONS"));
    buf_clear(out);
    enum rc rc = buf_format(out, "%.*s %s%.*s %.*s\r\n", STR_FMT(asked->method),
                            is_whole  ? "*"
                            : is_root ? "/"
                                      : "",
                            STR_FMT(asked->target), STR_FMT(asked->version));
    if (rc == RC_OK && !usher_head_find_host(lines, &host))
        rc = buf_format(out, "Host: %.*s\r\n", STR_FMT(asked->authority));
    while (rc == RC_OK && lines.len > 0) {
        const char *start = lines.ptr;
        struct str line;
        lines = usher_head_cut_line(lines, &line);
        size_t size = lines.ptr != NULL ? (size_t)(lines.ptr - start) : line.len;
        if (!usher_head_is_for_proxies(line))
            rc = buf_append(out, (struct str){start, size});
    }
    ASSERT(rc == RC_OK);
    usher->is_out_due = true;
}

/* Where the head in `held` ends; STR_NONE: more must come. */
static size_t head_end(struct usher *usher)
{
    struct str held = buf_str(&usher->held);
    size_t from = usher->scanned_bytes > 3 ? usher->scanned_bytes - 3 : 0;
    for (size_t i = from; i + 1 < held.len; i++) {
        if (held.ptr[i] != '\n')
            continue;
        size_t next = i + 1 + (held.ptr[i + 1] == '\r');
        if (next < held.len && held.ptr[next] == '\n')
            return next + 1;
    }
    usher->scanned_bytes = held.len;
    return STR_NONE;
}

static void drop_blank_lines(struct usher *usher)
{
    struct str held = buf_str(&usher->held);
    size_t count = 0;
    while (count < held.len && (held.ptr[count] == '\r' || held.ptr[count] == '\n'))
        count++;
    buf_consume(&usher->held, count);
}

/* Bytes that begin no request line: a TLS handshake, a binary protocol. */
static bool is_strange(struct str held)
{
    return held.len > 0 && !(held.ptr[0] >= 'A' && held.ptr[0] <= 'Z') &&
           !(held.ptr[0] >= 'a' && held.ptr[0] <= 'z');
}

static void take_input(struct usher *usher)
{
    enum rc rc = buf_append(&usher->held, usher->input);
    ASSERT(rc == RC_OK);
    usher->input = STR_EMPTY;
}

static void begin_exchange(struct usher *usher)
{
    usher->state = USHER_IN_EXCHANGE;
    usher->is_request_over = usher->is_response_over = false;
    usher->is_interim = false;
    arena_reset(&usher->response_arena);
    h1_begin(usher->responses, &usher->response_arena, usher->method);
}

static void settle_request(struct usher *usher, const struct h1_event *event)
{
    switch (event->kind) {
    case H1_HEAD:
        usher->is_last |= !event->is_keep_alive;
        return;
    case H1_END:
        usher->is_request_over = true;
        return;
    case H1_ERROR: /* the proxy will refuse it, in its own words */
        usher->state = USHER_IN_TUNNEL;
        return;
    case H1_MORE:
    case H1_STARTED:
    case H1_DATA:
    case H1_TRAILERS:
        return;
    }
    UNREACHABLE("h1_event_kind");
}

/* Reads on in the request; the bytes that belong to it. */
static struct str cut_request(struct usher *usher, struct str bytes)
{
    struct str rest = bytes;
    while (!usher->is_request_over && usher->state == USHER_IN_EXCHANGE && rest.len > 0) {
        struct h1_event event;
        h1_next(usher->requests, &rest, &event);
        settle_request(usher, &event);
    }
    /* llhttp stops before the byte that ends a head without a body. */
    while (!usher->is_request_over && usher->state == USHER_IN_EXCHANGE) {
        struct h1_event event;
        struct str none = STR_EMPTY;
        if (h1_next(usher->requests, &none, &event) == H1_MORE)
            break;
        settle_request(usher, &event);
    }
    return usher->state == USHER_IN_EXCHANGE ? str_slice(bytes, 0, bytes.len - rest.len) : bytes;
}

/* Its place is known; sets host and port. False: the same as before. */
static bool take_place(struct usher *usher, const struct usher_asked *asked, struct str host,
                       uint32_t port)
{
    bool is_same = usher->has_place && !asked->is_tunnel && port == usher->port &&
                   str_eq_ci(host, usher->host);
    memcpy(usher->host_text, host.ptr, host.len);
    usher->host = (struct str){usher->host_text, host.len};
    usher->port = port;
    return !is_same;
}

/* A whole head stands in `held`: what does it ask for? */
static void take_head(struct usher *usher, size_t size)
{
    struct str head = str_slice(buf_str(&usher->held), 0, size), line, host;
    struct usher_asked asked;
    uint32_t port;
    struct str lines = usher_head_cut_line(head, &line);
    const char *why = usher_head_read_line(line, &asked);
    arena_reset(&usher->request_arena);
    usher->method = arena_str(&usher->request_arena, asked.method);
    if (why == NULL && asked.authority.len == 0 && !usher_head_find_host(lines, &asked.authority))
        why = "neither the target nor a Host header says where to go";
    if (why == NULL && !usher_head_split_authority(asked.authority, &host, &port))
        why = "this is no HOST or HOST:PORT to go to";
    if (why == NULL && asked.is_tunnel && port == 0)
        why = "CONNECT needs HOST:PORT";
    if (why != NULL) {
        say_refusal(usher, 400, str_of(why));
        return;
    }
    usher->is_tunnel_asked = asked.is_tunnel;
    bool is_new = take_place(usher, &asked, host, port != 0 ? port : HTTP_PORT);
    if (!asked.is_tunnel) {
        write_head(usher, &asked, lines);
        h1_begin(usher->requests, &usher->request_arena, STR_EMPTY);
    }
    buf_consume(&usher->held, size);
    usher->scanned_bytes = 0;
    if (is_new)
        usher->state = USHER_ASKING;
    else
        begin_exchange(usher);
}

/* True: the state has changed. */
static bool look_for_head(struct usher *usher)
{
    take_input(usher);
    if (usher->scanned_bytes == 0)
        drop_blank_lines(usher);
    struct str held = buf_str(&usher->held);
    size_t size = is_strange(held) ? STR_NONE : head_end(usher);
    usher->method = STR_EMPTY;
    if (is_strange(held))
        say_refusal(usher, 400, STR("this is the address of an HTTP proxy; HTTP/1 is spoken here"));
    else if (size != STR_NONE && size <= HEAD_BYTES_MAX)
        take_head(usher, size);
    else if (held.len > HEAD_BYTES_MAX)
        say_refusal(usher, 431, STR("the request's head is too long"));
    return usher->state != USHER_AT_HEAD;
}

static bool pass_out(struct usher *usher, enum usher_action_kind kind, struct usher_action *action)
{
    usher->is_out_due = false;
    *action = (struct usher_action){.kind = kind, .bytes = buf_str(&usher->out)};
    return true;
}

/* The head first, as it was written anew; then the body as it comes. */
static bool pass_request(struct usher *usher, struct usher_action *action)
{
    if (usher->is_out_due) {
        (void)cut_request(usher, buf_str(&usher->out));
        return pass_out(usher, USHER_PASS, action);
    }
    bool is_held = buf_size(&usher->held) > 0;
    if (is_held)
        take_input(usher);
    struct str bytes = is_held ? buf_str(&usher->held) : usher->input;
    if (bytes.len == 0 || (usher->state == USHER_IN_EXCHANGE && usher->is_request_over))
        return false;
    struct str ours = usher->state == USHER_IN_EXCHANGE ? cut_request(usher, bytes) : bytes;
    if (is_held)
        buf_consume(&usher->held, ours.len);
    else
        usher->input = str_from(usher->input, ours.len);
    *action = (struct usher_action){.kind = USHER_PASS, .bytes = ours};
    return ours.len > 0;
}

static void end_exchange(struct usher *usher)
{
    if (usher->state == USHER_IN_EXCHANGE && usher->is_request_over && usher->is_response_over &&
        !usher->is_out_due && !usher->is_last)
        usher->state = USHER_AT_HEAD;
}

static bool ask(struct usher *usher, struct usher_action *action)
{
    usher->has_place = false;
    *action = (struct usher_action){.kind = USHER_ASK, .host = usher->host, .port = usher->port};
    return true;
}

void usher_init(struct usher *usher)
{
    struct h1_settings settings = {.is_accepting_http10 = true,
                                   .head_bytes_max = 2 * HEAD_BYTES_MAX,
                                   .header_count_max = UINT16_MAX};
    *usher = (struct usher){.state = USHER_OVER};
    usher->requests = h1_parser_new(H1_REQUESTS, settings);
    settings.head_bytes_max = 2 * LIMIT_RESPONSE_HEAD_BYTES;
    usher->responses = h1_parser_new(H1_RESPONSES, settings);
    arena_init(&usher->request_arena, ARENA_BLOCK_BYTES, 0);
    arena_init(&usher->response_arena, ARENA_BLOCK_BYTES, 0);
    buf_init(&usher->held, HEAD_BYTES_MAX + 2 * READ_BYTES_MAX);
    /* A head, and the Host that it may lack. */
    buf_init(&usher->out, 2 * HEAD_BYTES_MAX + ANSWER_BYTES_MAX);
}

void usher_fini(struct usher *usher)
{
    h1_parser_free(usher->requests);
    h1_parser_free(usher->responses);
    arena_fini(&usher->request_arena);
    arena_fini(&usher->response_arena);
    buf_fini(&usher->held);
    buf_fini(&usher->out);
}

void usher_begin(struct usher *usher)
{
    buf_clear(&usher->held);
    buf_clear(&usher->out);
    usher->state = USHER_AT_HEAD;
    usher->input = usher->method = usher->host = STR_EMPTY;
    usher->scanned_bytes = 0;
    usher->is_out_due = usher->has_place = usher->is_last = false;
}

void usher_read(struct usher *usher, struct str bytes)
{
    ASSERT(bytes.len <= READ_BYTES_MAX);
    ASSERT(usher->input.len == 0);
    if (usher->state != USHER_OVER && usher->state != USHER_IN_FAREWELL)
        usher->input = bytes;
}

void usher_keep(struct usher *usher)
{
    take_input(usher);
}

/* What comes too early is kept, so that a client who leaves is noticed. */
static bool may_wait(const struct usher *usher)
{
    return buf_size(&usher->held) < HEAD_BYTES_MAX;
}

bool usher_wants_input(const struct usher *usher)
{
    switch (usher->state) {
    case USHER_AT_HEAD:
    case USHER_IN_TUNNEL:
    case USHER_IN_FAREWELL: /* is dropped; the client shall see the answer, and no reset */
    case USHER_OVER:
        return true;
    case USHER_ASKING:
        return may_wait(usher);
    case USHER_IN_EXCHANGE:
        return !usher->is_request_over || may_wait(usher);
    }
    UNREACHABLE("usher_state");
}

bool usher_next(struct usher *usher, struct usher_action *action)
{
    end_exchange(usher);
    switch (usher->state) {
    case USHER_AT_HEAD:
        if (!look_for_head(usher))
            return false;
        if (usher->state == USHER_ASKING)
            return ask(usher, action);
        return usher_next(usher, action);
    case USHER_ASKING:
        return false;
    case USHER_IN_TUNNEL:
        if (usher->is_out_due && usher->is_tunnel_asked)
            return pass_out(usher, USHER_SAY, action);
        return pass_request(usher, action);
    case USHER_IN_EXCHANGE:
        return pass_request(usher, action);
    case USHER_IN_FAREWELL:
        if (usher->is_out_due)
            return pass_out(usher, USHER_SAY, action);
        usher->state = USHER_OVER;
        *action = (struct usher_action){.kind = USHER_FINISH};
        return true;
    case USHER_OVER:
        usher->input = STR_EMPTY;
        return false;
    }
    UNREACHABLE("usher_state");
}

void usher_admit(struct usher *usher)
{
    ASSERT(usher->state == USHER_ASKING);
    usher->has_place = true;
    if (!usher->is_tunnel_asked) {
        begin_exchange(usher);
        return;
    }
    buf_clear(&usher->out);
    enum rc rc = buf_append(&usher->out, STR("HTTP/1.1 200 Connection established\r\n\r\n"));
    ASSERT(rc == RC_OK);
    usher->is_out_due = true;
    usher->state = USHER_IN_TUNNEL;
}

void usher_refuse(struct usher *usher, uint32_t status, struct str text)
{
    ASSERT(usher->state == USHER_ASKING);
    buf_clear(&usher->held);
    usher->input = STR_EMPTY;
    say_refusal(usher, status, text);
}

static void note_response(struct usher *usher, const struct h1_event *event)
{
    switch (event->kind) {
    case H1_HEAD: {
        uint32_t status = event->response->status;
        usher->is_interim = status >= 100 && status < 200 && status != 101;
        if (status == 101)
            usher->state = USHER_IN_TUNNEL;
        else if (!usher->is_interim)
            usher->is_last |= !event->is_keep_alive;
        return;
    }
    case H1_END:
        usher->is_response_over = !usher->is_interim;
        if (usher->is_interim)
            h1_begin(usher->responses, &usher->response_arena, usher->method);
        return;
    case H1_ERROR: /* no HTTP: its end is the connection's */
        usher->state = USHER_IN_TUNNEL;
        return;
    case H1_MORE:
    case H1_STARTED:
    case H1_DATA:
    case H1_TRAILERS:
        return;
    }
    UNREACHABLE("h1_event_kind");
}

void usher_note_said(struct usher *usher, struct str bytes)
{
    while (usher->state == USHER_IN_EXCHANGE && !usher->is_response_over) {
        struct h1_event event;
        if (h1_next(usher->responses, &bytes, &event) == H1_MORE)
            return;
        note_response(usher, &event);
    }
}

bool usher_note_left(struct usher *usher)
{
    end_exchange(usher);
    usher->has_place = false;
    return usher->state == USHER_AT_HEAD || usher->state == USHER_ASKING;
}
