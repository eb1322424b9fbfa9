/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/socket.c - see socket.h.
 */
#include "proxy/live/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "proxy/model/limits.h"

/* What TLS adds to that: to each record of 16 KiB some twenty bytes, and its own words. */
#define TLS_BYTES_MAX (64u * 1024)
/* What a wire gives out at most before it is told that something left: a full
 * connection's buffer and, on top, a turn's largest writes. */
#define OUT_BYTES_MAX                                                      \
    (LIMIT_CONNECTION_BUFFER_BYTES + LIMIT_CONNECTION_BUFFER_SLACK_BYTES + \
     LIMIT_DIRECT_RESPONSE_BYTES + LIMIT_EXCHANGE_ARENA_BYTES + TLS_BYTES_MAX)
/* An idle place keeps no more than this in each buffer. */
#define KEPT_BYTES_MAX (64u * 1024)

static struct socket *socket_of(const uv_handle_t *handle)
{
    return handle->data;
}

static void empty(struct buf *buf)
{
    buf_clear(buf);
    if (buf->capacity > KEPT_BYTES_MAX)
        buf_shrink(buf);
}

static void make_idle(struct socket *socket)
{
    empty(&socket->flying);
    empty(&socket->waiting);
    socket->is_open = false;
    socket->is_reading = false;
    socket->is_paused = false;
    socket->is_held = false;
    socket->is_read_ended = false;
    socket->is_writing = false;
    socket->is_shutdown_wished = false;
    socket->is_close_wished = false;
    socket->is_closing = false;
}

static void on_socket_closed(uv_handle_t *handle)
{
    struct socket *socket = socket_of(handle);
    make_idle(socket);
    socket->events->gone(socket);
}

static void close_handle(struct socket *socket)
{
    ASSERT(!socket->is_closing);
    socket->is_closing = true;
    socket->is_reading = false;
    uv_close((uv_handle_t *)&socket->tcp, on_socket_closed);
}

/* The kernel sends RST instead of FIN. One that has no descriptor yet has
 * nobody to send it to. */
static void wish_reset(struct socket *socket)
{
    uv_os_fd_t fd;
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (uv_fileno((const uv_handle_t *)&socket->tcp, &fd) == 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void on_socket_alloc(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *buf)
{
    (void)suggested_bytes;
    loop_lend_read_bytes(socket_of(handle)->loop, buf);
}

static void on_socket_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    struct socket *socket = socket_of((uv_handle_t *)stream);
    if (size == 0)
        return;
    if (size > 0) {
        socket->events->read(socket, (struct str){buf->base, (size_t)size});
    } else if (size == UV_EOF) {
        uv_read_stop(stream);
        socket->is_reading = false;
        socket->is_read_ended = true;
        socket->events->read_ended(socket);
    } else {
        close_handle(socket);
        socket->events->broke(socket);
    }
}

/* Reads if nothing speaks against it. */
static void settle_reading(struct socket *socket)
{
    bool is_wanted = socket->is_open && !socket->is_paused && !socket->is_held &&
                     !socket->is_read_ended && !socket->is_close_wished && !socket->is_closing;
    if (is_wanted == socket->is_reading)
        return;
    uv_stream_t *stream = (uv_stream_t *)&socket->tcp;
    int rc =
        is_wanted ? uv_read_start(stream, on_socket_alloc, on_socket_read) : uv_read_stop(stream);
    ASSERT(rc == 0);
    socket->is_reading = is_wanted;
}

static void on_socket_shutdown(uv_shutdown_t *request, int status)
{
    /* Who cannot be told FIN any more is seen when it is read or written. */
    (void)request;
    (void)status;
}

/* Everything is written: what waited for that is done. */
static void settle_end(struct socket *socket)
{
    if (socket->is_writing)
        return;
    if (socket->is_close_wished) {
        close_handle(socket);
    } else if (socket->is_shutdown_wished) {
        socket->is_shutdown_wished = false;
        (void)uv_shutdown(&socket->shutdown_request, (uv_stream_t *)&socket->tcp,
                          on_socket_shutdown);
    }
}

static void on_socket_write(uv_write_t *request, int status);

/* Gives `flying` to libuv; false: it broke. */
static bool fly(struct socket *socket)
{
    struct str bytes = buf_str(&socket->flying);
    ASSERT(bytes.len > 0 && bytes.len <= OUT_BYTES_MAX);
    uv_buf_t piece = uv_buf_init(socket->flying.ptr + socket->flying.start, (unsigned)bytes.len);
    socket->is_writing = uv_write(&socket->write_request, (uv_stream_t *)&socket->tcp, &piece, 1,
                                  on_socket_write) == 0;
    return socket->is_writing;
}

static bool fly_next(struct socket *socket)
{
    empty(&socket->flying);
    if (buf_size(&socket->waiting) == 0)
        return true;
    struct buf landed = socket->flying;
    socket->flying = socket->waiting;
    socket->waiting = landed;
    return fly(socket);
}

static void on_socket_write(uv_write_t *request, int status)
{
    struct socket *socket = socket_of((uv_handle_t *)request->handle);
    if (socket->is_closing)
        return;
    size_t size = buf_size(&socket->flying);
    bool is_heard = !socket->is_close_wished;
    socket->is_writing = false;
    if (status < 0 || !fly_next(socket)) {
        close_handle(socket);
        if (is_heard)
            socket->events->broke(socket);
        return;
    }
    settle_end(socket);
    if (is_heard)
        socket->events->wrote(socket, size);
}

static void on_socket_connect(uv_connect_t *request, int status)
{
    struct socket *socket = socket_of((uv_handle_t *)request->handle);
    if (socket->is_closing)
        return;
    if (status < 0) {
        close_handle(socket);
        socket->events->connect_failed(socket, -status);
        return;
    }
    socket_start_reading(socket);
    socket->events->connected(socket);
}

/* A handle of its own for an idle place. */
static void take_handle(struct socket *socket)
{
    ASSERT(!socket->is_open && !socket->is_closing);
    int rc = uv_tcp_init(&socket->loop->uv, &socket->tcp);
    ASSERT(rc == 0); /* the descriptor comes later */
    socket->tcp.data = socket;
}

void socket_init(struct socket *socket, struct loop *loop, const struct socket_events *events)
{
    *socket = (struct socket){.loop = loop, .events = events};
    buf_init(&socket->flying, OUT_BYTES_MAX);
    buf_init(&socket->waiting, OUT_BYTES_MAX);
    buf_init(&socket->greeting, LIMIT_CONNECTION_BUFFER_BYTES);
    list_init(&socket->greeted);
    list_init(&socket->node);
}

void socket_fini(struct socket *socket)
{
    ASSERT(!socket->is_open && !socket->is_closing);
    buf_fini(&socket->flying);
    buf_fini(&socket->waiting);
    buf_fini(&socket->greeting);
}

bool socket_accept(struct socket *socket, uv_stream_t *server)
{
    take_handle(socket);
    if (uv_accept(server, (uv_stream_t *)&socket->tcp) == 0)
        return true;
    close_handle(socket);
    return false;
}

bool socket_open(struct socket *socket, int fd)
{
    take_handle(socket);
    if (uv_tcp_open(&socket->tcp, fd) == 0)
        return true;
    (void)close(fd);
    close_handle(socket);
    return false;
}

int socket_connect(struct socket *socket, const struct sockaddr_storage *place,
                   const struct sockaddr_storage *source)
{
    take_handle(socket);
    if (source != NULL)
        (void)uv_tcp_bind(&socket->tcp, (const struct sockaddr *)source, 0);
    int rc = uv_tcp_connect(&socket->connect_request, &socket->tcp, (const struct sockaddr *)place,
                            on_socket_connect);
    if (rc != 0)
        close_handle(socket);
    return -rc;
}

static void set_option(int fd, int option, uint32_t value)
{
    int number = (int)value;
    if (value > 0)
        (void)setsockopt(fd, IPPROTO_TCP, option, &number, sizeof(number));
}

void socket_keep_alive(struct socket *socket, const struct tcp_keepalive *keepalive)
{
    uv_os_fd_t fd;
    int on = 1;
    if (!keepalive->is_set || uv_fileno((const uv_handle_t *)&socket->tcp, &fd) != 0)
        return;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    set_option(fd, TCP_KEEPCNT, keepalive->probes);
    set_option(fd, TCP_KEEPIDLE, keepalive->has_time ? keepalive->time_s : 0);
    set_option(fd, TCP_KEEPINTVL, keepalive->has_interval ? keepalive->interval_s : 0);
}

void socket_start_reading(struct socket *socket)
{
    ASSERT(!socket->is_open && !socket->is_closing);
    (void)uv_tcp_nodelay(&socket->tcp, 1);
    socket->is_open = true;
    settle_reading(socket);
}

struct str socket_read_now(struct socket *socket)
{
    uv_os_fd_t fd;
    if (!socket->is_reading || uv_fileno((const uv_handle_t *)&socket->tcp, &fd) != 0)
        return STR_EMPTY;
    uv_buf_t buf;
    loop_lend_read_bytes(socket->loop, &buf);
    /* FIN and errors are told when libuv sees them. */
    ssize_t size = recv(fd, buf.base, buf.len, MSG_DONTWAIT);
    return size > 0 ? (struct str){buf.base, (size_t)size} : STR_EMPTY;
}

bool socket_peer_place(const struct socket *socket, struct sockaddr_storage *place)
{
    int size = sizeof(*place);
    return uv_tcp_getpeername(&socket->tcp, (struct sockaddr *)place, &size) == 0;
}

bool socket_local_place(const struct socket *socket, struct sockaddr_storage *place)
{
    int size = sizeof(*place);
    return uv_tcp_getsockname(&socket->tcp, (struct sockaddr *)place, &size) == 0;
}

/* As uv_try_write, by a system call that knows it has a socket before it. */
static ssize_t send_now(const struct socket *socket, struct str bytes)
{
    uv_os_fd_t descriptor;
    int rc = uv_fileno((const uv_handle_t *)&socket->tcp, &descriptor);
    ASSERT(rc == 0); /* it is open */
    ssize_t sent;
    do
        sent = send(descriptor, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

static bool is_worth_waiting(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

bool socket_write(struct socket *socket, struct str bytes, size_t *sent_bytes)
{
    ASSERT(socket->is_open && !socket->is_close_wished && !socket->is_closing);
    *sent_bytes = 0;
    if (socket->is_writing) {
        enum rc rc = buf_append(&socket->waiting, bytes);
        ASSERT(rc == RC_OK);
        return true;
    }
    ssize_t sent = send_now(socket, bytes);
    if (sent >= 0)
        *sent_bytes = (size_t)sent;
    if (*sent_bytes == bytes.len)
        return true;
    if (sent >= 0 || is_worth_waiting(errno)) {
        enum rc rc = buf_append(&socket->flying, str_from(bytes, *sent_bytes));
        ASSERT(rc == RC_OK);
        if (fly(socket))
            return true;
    }
    close_handle(socket);
    return false;
}

void socket_pause(struct socket *socket)
{
    socket->is_paused = true;
    settle_reading(socket);
}

void socket_resume(struct socket *socket)
{
    socket->is_paused = false;
    settle_reading(socket);
}

void socket_hold(struct socket *socket, bool is_held)
{
    socket->is_held = is_held;
    settle_reading(socket);
}

void socket_shutdown(struct socket *socket)
{
    socket->is_shutdown_wished = true;
    settle_end(socket);
}

void socket_close(struct socket *socket)
{
    if (socket->is_closing)
        return;
    socket->is_close_wished = true;
    settle_reading(socket);
    settle_end(socket);
}

void socket_abort(struct socket *socket)
{
    if (socket->is_closing)
        return;
    wish_reset(socket);
    close_handle(socket);
}

bool socket_is_drained(const struct socket *socket)
{
    return !socket->is_writing;
}

bool socket_is_ending(const struct socket *socket)
{
    return socket->is_close_wished || socket->is_closing;
}
