/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/admin.c - the admin interface's port: a small HTTP/1 server upon
 * our own codec.
 *
 * Nobody outside of this machine gets here, but anybody on it: connections,
 * heads, bodies and patience have limits, a page is written in pieces as its
 * reader takes them, and what is wrong is answered and closed.
 */
#include "proxy/live/admin.h"

#include <string.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/list.h"
#include "base/ns.h"
#include "proxy/http/h1.h"
#include "proxy/live/address_map.h"
#include "proxy/live/admin_page.h"
#include "proxy/live/socket.h"
#include "proxy/model/limits.h"
#include "proxy/wire/date.h"

#define MEMORY_BLOCK_BYTES (64u * 1024)
#define ARENA_BLOCK_BYTES (16u * 1024)
#define BACKLOG 64
/* A person and a few scrapers; more wait to be accepted. */
#define CONNECTIONS_MAX 32u
#define HEAD_BYTES_MAX (16u * 1024)
#define BODY_BYTES_MAX (64u * 1024)
#define PIECE_BYTES (256u * 1024)
/* For a request, a page to be read, and the next request. */
#define PATIENCE_NS (30 * NS_SECOND)
#define WATCH_NS NS_SECOND

struct admin_conn {
    struct socket socket;
    struct list link; /* in admin->idle or admin->busy */
    struct h1_parser *parser;
    struct arena arena; /* of one request and its page's making */
    struct buf in;      /* what came while a page was being written */
    struct buf out;     /* the answer */
    size_t sent_bytes;  /* of out: given to the socket */
    size_t left_bytes;  /* of those: not gone yet */
    size_t body_bytes;  /* of the request */
    struct admin_question question;
    int64_t deadline_ns;
    bool is_keep_alive, is_http10, is_answering;
};

struct admin {
    struct arena memory;
    struct loop *loop;
    uv_tcp_t tcp;
    uv_timer_t watch;
    struct list idle, busy;
    uint32_t conn_count; /* busy */
    bool is_full;        /* somebody waits to be accepted */
    uint32_t handle_count;
    uint32_t port;
    struct str version;
    struct admin_proxy *proxies;
    uint32_t proxy_count, proxy_capacity;
    int64_t started_ns;
    struct date date;
};

static struct admin *admin_of(const struct admin_conn *conn)
{
    return conn->socket.owner;
}

static struct admin_conn *conn_of(struct socket *socket)
{
    return (struct admin_conn *)(void *)((char *)socket - offsetof(struct admin_conn, socket));
}

static void set_deadline(struct admin_conn *conn)
{
    conn->deadline_ns = ns_add(loop_now_ns(admin_of(conn)->loop), PATIENCE_NS);
}

/* --- answering ---------------------------------------------------------------- */

static void begin_request(struct admin_conn *conn)
{
    arena_reset(&conn->arena);
    buf_clear(&conn->out);
    conn->sent_bytes = conn->left_bytes = conn->body_bytes = 0;
    conn->question = (struct admin_question){0};
    conn->is_answering = false;
    h1_begin(conn->parser, &conn->arena, STR_EMPTY);
    set_deadline(conn);
}

static void feed(struct admin_conn *conn);

/* The next piece of the answer; at its end the next request, or the close. */
static void send_more(struct admin_conn *conn)
{
    while (conn->left_bytes == 0) {
        struct str rest = str_from(buf_str(&conn->out), conn->sent_bytes);
        struct str piece = str_slice(rest, 0, PIECE_BYTES);
        if (piece.len == 0)
            break;
        size_t gone_bytes;
        if (!socket_write(&conn->socket, piece, &gone_bytes))
            return;
        conn->sent_bytes += piece.len;
        conn->left_bytes += piece.len - gone_bytes;
        set_deadline(conn);
    }
    if (conn->left_bytes > 0)
        return;
    if (!conn->is_keep_alive) {
        socket_close(&conn->socket);
        return;
    }
    begin_request(conn);
}

static void write_page(struct admin_conn *conn, const struct admin_page *page)
{
    struct admin *admin = admin_of(conn);
    struct response_head head = {.status = page->status, .version = HTTP_1_1};
    struct h1_out framing = {.is_head_answer = str_eq(conn->question.method, STR("HEAD")),
                             .request_method = conn->question.method};
    int64_t seconds = loop_epoch_seconds(admin->loop) + loop_now_ns(admin->loop) / NS_SECOND;
    header_list_init(&head.headers, &conn->arena);
    header_append_line(&head.headers, STR("content-type"), page->content_type);
    header_append_line(&head.headers, STR("cache-control"), STR("no-cache, max-age=0"));
    header_append_line(&head.headers, STR("x-content-type-options"), STR("nosniff"));
    header_append_line(&head.headers, STR("date"), date_text(&admin->date, seconds));
    header_append_line(&head.headers, STR("server"), STR("envoy"));
    struct str body = buf_str(&page->body);
    bool has_body = body.len > 0;
    enum rc rc = h1_write_response(&conn->out, &head, has_body, !conn->is_keep_alive,
                                   conn->is_http10, &framing);
    ASSERT(rc == RC_OK);
    if (has_body && !framing.is_head_answer) {
        rc = h1_write_data(&conn->out, &framing, body);
        ASSERT(rc == RC_OK);
        rc = h1_write_end(&conn->out, &framing, NULL);
        ASSERT(rc == RC_OK);
    }
    if (framing.framing == BODY_UNTIL_CLOSE)
        conn->is_keep_alive = false;
}

static void answer(struct admin_conn *conn)
{
    struct admin *admin = admin_of(conn);
    struct admin_state state = {.proxies = admin->proxies,
                                .proxy_count = admin->proxy_count,
                                .version = admin->version,
                                .started_ns = admin->started_ns,
                                .now_ns = loop_now_ns(admin->loop),
                                .epoch_seconds = loop_epoch_seconds(admin->loop)};
    struct admin_page page = {0};
    buf_init(&page.body, SIZE_MAX / 4);
    admin_answer(&state, &conn->question, &conn->arena, &page);
    conn->is_answering = true;
    write_page(conn, &page);
    buf_fini(&page.body);
    send_more(conn);
}

/* What the codec refuses, and what is too much. */
static void refuse(struct admin_conn *conn, uint32_t status, struct str body)
{
    struct admin_page page = {.status = status, .content_type = STR("text/plain")};
    buf_init(&page.body, SIZE_MAX / 4);
    enum rc rc = buf_append(&page.body, body);
    ASSERT(rc == RC_OK);
    conn->is_answering = true;
    conn->is_keep_alive = false;
    write_page(conn, &page);
    buf_fini(&page.body);
    send_more(conn);
}

/* --- reading ------------------------------------------------------------------- */

static void take_head(struct admin_conn *conn, const struct h1_event *event)
{
    const struct request_head *head = event->request;
    conn->question = (struct admin_question){
        .method = head->method, .path = head->path, .authority = head->authority};
    (void)header_get(&head->headers, STR("origin"), &conn->question.origin);
    conn->is_keep_alive = event->is_keep_alive && !event->is_close_nominated && !event->is_upgrade;
    conn->is_http10 = head->version == HTTP_1_0;
}

static void take_event(struct admin_conn *conn, const struct h1_event *event)
{
    switch (event->kind) {
    case H1_MORE:
    case H1_STARTED:
    case H1_TRAILERS:
        return;
    case H1_HEAD:
        take_head(conn, event);
        return;
    case H1_DATA: /* nothing here reads bodies */
        conn->body_bytes += event->data.len;
        if (conn->body_bytes > BODY_BYTES_MAX)
            refuse(conn, 413, STR("Payload Too Large"));
        return;
    case H1_END:
        answer(conn);
        return;
    case H1_ERROR:
        refuse(conn, event->status, event->body);
        return;
    }
    UNREACHABLE("h1_event_kind");
}

/* Reads what is there, one request after the other, while nothing is being
 * answered. */
static void feed(struct admin_conn *conn)
{
    struct str input = buf_str(&conn->in);
    size_t size = input.len;
    while (!conn->is_answering && !socket_is_ending(&conn->socket)) {
        struct h1_event event;
        if (h1_next(conn->parser, &input, &event) == H1_MORE)
            break;
        take_event(conn, &event);
    }
    buf_consume(&conn->in, size - input.len);
}

static void on_read(struct socket *socket, struct str bytes)
{
    struct admin_conn *conn = conn_of(socket);
    /* Who sends more than one page's worth of requests ahead does not listen. */
    if (buf_append(&conn->in, bytes) != RC_OK) {
        socket_abort(socket);
        return;
    }
    feed(conn);
}

static void on_read_ended(struct socket *socket)
{
    struct admin_conn *conn = conn_of(socket);
    conn->is_keep_alive = false;
    if (!conn->is_answering)
        socket_close(socket);
}

static void on_wrote(struct socket *socket, size_t size)
{
    struct admin_conn *conn = conn_of(socket);
    conn->left_bytes -= size;
    if (!conn->is_answering || socket_is_ending(socket))
        return;
    send_more(conn);
    feed(conn);
}

static void on_broke(struct socket *socket)
{
    (void)socket;
}

static void accept_waiting(struct admin *admin);

static void on_gone(struct socket *socket)
{
    struct admin_conn *conn = conn_of(socket);
    struct admin *admin = admin_of(conn);
    h1_parser_free(conn->parser);
    conn->parser = NULL;
    arena_reset(&conn->arena);
    buf_clear(&conn->in);
    buf_clear(&conn->out);
    buf_shrink(&conn->in);
    buf_shrink(&conn->out);
    list_remove(&conn->link);
    list_push_back(&admin->idle, &conn->link);
    admin->conn_count--;
    accept_waiting(admin);
}

static const struct socket_events EVENTS = {
    .read = on_read,
    .read_ended = on_read_ended,
    .wrote = on_wrote,
    .broke = on_broke,
    .gone = on_gone,
};

/* --- coming in ------------------------------------------------------------------ */

static struct admin_conn *take_conn(struct admin *admin)
{
    struct list *first = list_first(&admin->idle);
    struct admin_conn *conn;
    if (first != NULL) {
        conn = LIST_ITEM(first, struct admin_conn, link);
        list_remove(&conn->link);
    } else {
        conn = ARENA_NEW(&admin->memory, struct admin_conn);
        socket_init(&conn->socket, admin->loop, &EVENTS);
        conn->socket.owner = admin;
        list_init(&conn->link);
        arena_init(&conn->arena, ARENA_BLOCK_BYTES, 0);
        buf_init(&conn->in, HEAD_BYTES_MAX + BODY_BYTES_MAX + LOOP_READ_BYTES);
        buf_init(&conn->out, SIZE_MAX / 4);
    }
    list_push_back(&admin->busy, &conn->link);
    admin->conn_count++;
    return conn;
}

static void accept_one(struct admin *admin)
{
    struct admin_conn *conn = take_conn(admin);
    conn->parser = h1_parser_new(H1_REQUESTS, (struct h1_settings){
                                                  .is_accepting_http10 = true,
                                                  .head_bytes_max = HEAD_BYTES_MAX,
                                                  .header_count_max = LIMIT_HEADER_COUNT,
                                              });
    if (!socket_accept(&conn->socket, (uv_stream_t *)&admin->tcp))
        return;
    begin_request(conn);
    socket_start_reading(&conn->socket);
}

static void accept_waiting(struct admin *admin)
{
    if (!admin->is_full || uv_is_closing((uv_handle_t *)&admin->tcp))
        return;
    admin->is_full = false;
    accept_one(admin);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct admin *admin = stream->data;
    if (status != 0)
        return;
    if (admin->conn_count >= CONNECTIONS_MAX)
        admin->is_full = true; /* libuv asks no more until it was accepted */
    else
        accept_one(admin);
}

static void on_watch(uv_timer_t *timer)
{
    struct admin *admin = timer->data;
    int64_t now_ns = loop_now_ns(admin->loop);
    struct list *next;
    for (struct list *link = admin->busy.next; link != &admin->busy; link = next) {
        struct admin_conn *conn = LIST_ITEM(link, struct admin_conn, link);
        next = link->next;
        if (now_ns >= conn->deadline_ns)
            socket_abort(&conn->socket);
    }
    loop_timer_set(admin->loop, &admin->watch, ns_add(now_ns, WATCH_NS), on_watch);
}

/* --- the doors -------------------------------------------------------------------- */

static bool is_loopback(const struct sockaddr_storage *place)
{
    if (place->ss_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)(const void *)place)->sin_addr.s_addr) >> 24) ==
               127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)place)->sin6_addr);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct admin *admin = handle->data;
    admin->handle_count--;
}

static int listen_at(struct admin *admin, const struct sockaddr_storage *place)
{
    struct sockaddr_storage bound;
    int size = sizeof(bound);
    char text[ADDRESS_TEXT_BYTES_MAX];
    int rc = uv_tcp_bind(&admin->tcp, (const struct sockaddr *)place, 0);
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&admin->tcp, BACKLOG, on_connection);
    if (rc == 0)
        rc = uv_tcp_getsockname(&admin->tcp, (struct sockaddr *)&bound, &size);
    if (rc == 0)
        (void)address_text(&bound, text, &admin->port);
    return rc;
}

struct admin *admin_new(struct loop *loop, const struct admin_options *options, struct str *why)
{
    struct sockaddr_storage place;
    struct str address = options->bind_address.len > 0 ? options->bind_address : STR("127.0.0.1");
    if (!address_parse(address, options->bind_port, &place) || !is_loopback(&place)) {
        *why = STR("the admin interface listens on an address of this machine only, as 127.0.0.1");
        return NULL;
    }
    struct arena memory;
    arena_init(&memory, MEMORY_BLOCK_BYTES, 0);
    struct admin *admin = ARENA_NEW(&memory, struct admin);
    admin->memory = memory;
    admin->loop = loop;
    admin->version = arena_str(&admin->memory, options->version);
    admin->started_ns = loop_now_ns(loop);
    list_init(&admin->idle);
    list_init(&admin->busy);
    date_init(&admin->date);
    int rc = uv_tcp_init(&loop->uv, &admin->tcp);
    ASSERT(rc == 0);
    rc = uv_timer_init(&loop->uv, &admin->watch);
    ASSERT(rc == 0);
    admin->tcp.data = admin->watch.data = admin;
    admin->handle_count = 2;
    rc = listen_at(admin, &place);
    if (rc != 0) {
        *why = str_of(uv_strerror(rc));
        admin_free(admin);
        return NULL;
    }
    loop_timer_set(loop, &admin->watch, ns_add(admin->started_ns, WATCH_NS), on_watch);
    /* Neither the port nor the watch keeps the loop alive. */
    uv_unref((uv_handle_t *)&admin->tcp);
    uv_unref((uv_handle_t *)&admin->watch);
    return admin;
}

void admin_free(struct admin *admin)
{
    if (admin == NULL)
        return;
    uv_ref((uv_handle_t *)&admin->tcp);
    uv_ref((uv_handle_t *)&admin->watch);
    uv_close((uv_handle_t *)&admin->tcp, on_handle_closed);
    uv_close((uv_handle_t *)&admin->watch, on_handle_closed);
    for (struct list *link = admin->busy.next; link != &admin->busy; link = link->next)
        socket_abort(&LIST_ITEM(link, struct admin_conn, link)->socket);
    while (admin->handle_count > 0 || admin->conn_count > 0)
        loop_turn(admin->loop);
    while (!list_is_empty(&admin->idle)) {
        struct admin_conn *conn = LIST_ITEM(list_first(&admin->idle), struct admin_conn, link);
        list_remove(&conn->link);
        socket_fini(&conn->socket);
        arena_fini(&conn->arena);
        buf_fini(&conn->in);
        buf_fini(&conn->out);
    }
    struct arena memory = admin->memory;
    arena_fini(&memory);
}

uint32_t admin_port(const struct admin *admin)
{
    return admin->port;
}

static struct admin_proxy *find(struct admin *admin, struct str name)
{
    for (uint32_t i = 0; i < admin->proxy_count; i++)
        if (str_eq(admin->proxies[i].name, name))
            return &admin->proxies[i];
    return NULL;
}

void admin_add_proxy(struct admin *admin, const struct admin_proxy *proxy)
{
    struct admin_proxy *place = find(admin, proxy->name);
    struct str name = place != NULL ? place->name : arena_str(&admin->memory, proxy->name);
    if (place == NULL)
        place =
            ARENA_PUSH(&admin->memory, admin->proxies, admin->proxy_count, admin->proxy_capacity);
    *place = *proxy;
    place->name = name;
}

void admin_remove_proxy(struct admin *admin, struct str name)
{
    struct admin_proxy *place = find(admin, name);
    if (place == NULL)
        return;
    admin->proxy_count--;
    memmove(place, place + 1,
            (size_t)(admin->proxies + admin->proxy_count - place) * sizeof(*place));
}
