/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_socket.c - one socket against a raw end whose kernel
 * buffers are small: what is kept, in which order it leaves, how it ends.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/ns.h"
#include "proxy/live/address_map.h"
#include "proxy/live/socket.h"

#define PATIENCE (20 * NS_SECOND)
#define KERNEL_BUFFER_BYTES (16 * 1024)
#define PIECE_BYTES 400000u
#define PIECE_COUNT 4u
#define QUIET_TURNS 100u

/* A socket, what it told, and the raw end on the other side. */
struct pair {
    struct loop *loop;
    struct socket socket;
    uint32_t connected_count, read_ended_count, broke_count, gone_count;
    int error;
    size_t read_bytes, left_bytes; /* left: at once or by `wrote` */
    uv_tcp_t server, far;
    bool has_far, is_far_ended, is_far_broken;
    size_t heard_bytes;
    bool is_in_order;
};

static struct pair pair;
static char piece[PIECE_BYTES];

static void on_connected(struct socket *socket)
{
    assert_ptr_equal(socket, &pair.socket);
    pair.connected_count++;
}

static void on_connect_failed(struct socket *socket, int error)
{
    (void)socket;
    pair.error = error;
}

static void on_read(struct socket *socket, struct str bytes)
{
    (void)socket;
    pair.read_bytes += bytes.len;
}

static void on_read_ended(struct socket *socket)
{
    (void)socket;
    pair.read_ended_count++;
}

static void on_wrote(struct socket *socket, size_t size)
{
    (void)socket;
    pair.left_bytes += size;
}

static void on_broke(struct socket *socket)
{
    (void)socket;
    pair.broke_count++;
}

static void on_gone(struct socket *socket)
{
    (void)socket;
    pair.gone_count++;
}

static const struct socket_events told = {
    .connected = on_connected,
    .connect_failed = on_connect_failed,
    .read = on_read,
    .read_ended = on_read_ended,
    .wrote = on_wrote,
    .broke = on_broke,
    .gone = on_gone,
};

static void on_far_alloc(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *buf)
{
    static char bytes[4096];
    (void)handle;
    (void)suggested_bytes;
    *buf = uv_buf_init(bytes, sizeof(bytes));
}

/* Piece i is made of the i-th letter. */
static void on_far_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    if (size == UV_EOF)
        pair.is_far_ended = true;
    else if (size < 0)
        pair.is_far_broken = true;
    if (size < 0)
        uv_read_stop(stream);
    for (ssize_t i = 0; i < size; i++, pair.heard_bytes++)
        pair.is_in_order &= buf->base[i] == (char)('a' + (int)(pair.heard_bytes / PIECE_BYTES));
}

static void on_far_connection(uv_stream_t *server, int status)
{
    assert_int_equal(status, 0);
    assert_int_equal(uv_tcp_init(&pair.loop->uv, &pair.far), 0);
    assert_int_equal(uv_accept(server, (uv_stream_t *)&pair.far), 0);
    pair.has_far = true;
}

static bool are_both_there(void *user)
{
    (void)user;
    return pair.has_far && pair.connected_count > 0;
}

static bool is_gone(void *user)
{
    (void)user;
    return pair.gone_count > 0;
}

static bool has_far_ended(void *user)
{
    (void)user;
    return pair.is_far_ended || pair.is_far_broken;
}

static bool has_read_ended(void *user)
{
    (void)user;
    return pair.read_ended_count > 0;
}

static void turn_a_while(void)
{
    for (uint32_t i = 0; i < QUIET_TURNS; i++)
        uv_run(&pair.loop->uv, UV_RUN_NOWAIT);
}

static void listen_far(void)
{
    assert_int_equal(uv_read_start((uv_stream_t *)&pair.far, on_far_alloc, on_far_read), 0);
}

/* Binds; the place to connect to. */
static struct sockaddr_storage begin(bool is_listening)
{
    memset(&pair, 0, sizeof(pair));
    pair.is_in_order = true;
    pair.loop = loop_new();
    assert_non_null(pair.loop);
    struct sockaddr_storage place;
    int size = sizeof(place);
    assert_true(address_parse(STR("127.0.0.1"), 0, &place));
    assert_int_equal(uv_tcp_init(&pair.loop->uv, &pair.server), 0);
    assert_int_equal(uv_tcp_bind(&pair.server, (struct sockaddr *)&place, 0), 0);
    if (is_listening) {
        int buffer_bytes = KERNEL_BUFFER_BYTES;
        assert_int_equal(uv_recv_buffer_size((uv_handle_t *)&pair.server, &buffer_bytes), 0);
        assert_int_equal(uv_listen((uv_stream_t *)&pair.server, 1, on_far_connection), 0);
    }
    assert_int_equal(uv_tcp_getsockname(&pair.server, (struct sockaddr *)&place, &size), 0);
    socket_init(&pair.socket, pair.loop, &told);
    return place;
}

static void begin_connected(void)
{
    struct sockaddr_storage place = begin(true);
    assert_int_equal(socket_connect(&pair.socket, &place, NULL), 0);
    assert_true(loop_turn_until(pair.loop, are_both_there, NULL, PATIENCE));
    int buffer_bytes = KERNEL_BUFFER_BYTES;
    assert_int_equal(uv_send_buffer_size((uv_handle_t *)&pair.socket.tcp, &buffer_bytes), 0);
}

static int option_of(int level, int option)
{
    uv_os_fd_t fd;
    int value = -1;
    socklen_t size = sizeof(value);
    assert_int_equal(uv_fileno((uv_handle_t *)&pair.socket.tcp, &fd), 0);
    assert_int_equal(getsockopt(fd, level, option, &value, &size), 0);
    return value;
}

static void finish(void)
{
    if (pair.gone_count == 0) {
        socket_close(&pair.socket);
        socket_abort(&pair.socket);
    }
    assert_true(loop_turn_until(pair.loop, is_gone, NULL, PATIENCE));
    assert_int_equal(pair.gone_count, 1);
    socket_fini(&pair.socket);
    uv_close((uv_handle_t *)&pair.server, NULL);
    if (pair.has_far)
        uv_close((uv_handle_t *)&pair.far, NULL);
    loop_free(pair.loop);
}

static void write_pieces(void)
{
    for (uint32_t i = 0; i < PIECE_COUNT; i++) {
        size_t sent_bytes;
        memset(piece, 'a' + (int)i, sizeof(piece));
        assert_true(socket_write(&pair.socket, (struct str){piece, sizeof(piece)}, &sent_bytes));
        pair.left_bytes += sent_bytes;
    }
    /* Else nothing of this test is tested. */
    assert_true(pair.left_bytes < PIECE_BYTES);
}

static void expect_all_in_order(void)
{
    assert_true(pair.is_far_ended);
    assert_true(pair.is_in_order);
    assert_int_equal(pair.heard_bytes, PIECE_BYTES * PIECE_COUNT);
    assert_int_equal(pair.broke_count, 0);
}

static void test_fin_goes_behind_all_that_waits(void **state)
{
    (void)state;
    begin_connected();
    write_pieces();
    socket_shutdown(&pair.socket);
    turn_a_while();
    listen_far();
    assert_true(loop_turn_until(pair.loop, has_far_ended, NULL, PATIENCE));
    expect_all_in_order();
    assert_int_equal(pair.left_bytes, PIECE_BYTES * PIECE_COUNT);
    assert_int_equal(pair.gone_count, 0);
    finish();
}

static void test_a_close_waits_for_all_that_was_written(void **state)
{
    (void)state;
    begin_connected();
    write_pieces();
    size_t left_bytes = pair.left_bytes;
    socket_close(&pair.socket);
    turn_a_while();
    assert_int_equal(pair.gone_count, 0);
    listen_far();
    assert_true(loop_turn_until(pair.loop, has_far_ended, NULL, PATIENCE));
    expect_all_in_order();
    assert_int_equal(pair.left_bytes, left_bytes); /* nothing is told after a close */
    finish();
}

static void test_an_abort_does_not_wait_and_resets(void **state)
{
    (void)state;
    begin_connected();
    write_pieces();
    socket_close(&pair.socket);
    socket_abort(&pair.socket);
    assert_true(loop_turn_until(pair.loop, is_gone, NULL, PATIENCE));
    listen_far();
    assert_true(loop_turn_until(pair.loop, has_far_ended, NULL, PATIENCE));
    assert_true(pair.is_far_broken);
    finish();
}

static void test_a_paused_socket_does_not_read(void **state)
{
    (void)state;
    begin_connected();
    socket_pause(&pair.socket);
    uv_buf_t bytes = uv_buf_init(piece, 100);
    assert_int_equal(uv_try_write((uv_stream_t *)&pair.far, &bytes, 1), 100);
    turn_a_while();
    assert_int_equal(pair.read_bytes, 0);
    socket_resume(&pair.socket);
    turn_a_while();
    assert_int_equal(pair.read_bytes, 100);
    finish();
}

static void test_fin_is_told_once(void **state)
{
    (void)state;
    begin_connected();
    uv_shutdown_t request;
    assert_int_equal(uv_shutdown(&request, (uv_stream_t *)&pair.far, NULL), 0);
    assert_true(loop_turn_until(pair.loop, has_read_ended, NULL, PATIENCE));
    socket_pause(&pair.socket);
    socket_resume(&pair.socket);
    turn_a_while();
    assert_int_equal(pair.read_ended_count, 1);
    assert_int_equal(pair.broke_count, 0);
    finish();
}

static void test_a_write_to_who_has_gone_breaks_it(void **state)
{
    (void)state;
    begin_connected();
    socket_pause(&pair.socket);
    pair.has_far = false;
    assert_int_equal(uv_tcp_close_reset(&pair.far, NULL), 0);
    turn_a_while();
    size_t sent_bytes;
    assert_false(socket_write(&pair.socket, STR("late"), &sent_bytes));
    assert_int_equal(sent_bytes, 0);
    finish();
    assert_int_equal(pair.broke_count, 0);
}

static void test_what_waits_when_the_peer_resets_is_given_up(void **state)
{
    (void)state;
    static const struct {
        bool is_closing;
        uint32_t broke_count;
    } rows[] = {{false, 1}, {true, 0}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin_connected();
        write_pieces();
        if (rows[i].is_closing)
            socket_close(&pair.socket);
        pair.has_far = false;
        assert_int_equal(uv_tcp_close_reset(&pair.far, NULL), 0);
        assert_true(loop_turn_until(pair.loop, is_gone, NULL, PATIENCE));
        assert_int_equal(pair.broke_count, rows[i].broke_count);
        finish();
    }
}

static void test_a_refused_connection_is_told_with_its_errno(void **state)
{
    (void)state;
    struct sockaddr_storage place = begin(false);
    assert_int_equal(socket_connect(&pair.socket, &place, NULL), 0);
    assert_true(loop_turn_until(pair.loop, is_gone, NULL, PATIENCE));
    assert_int_equal(pair.error, ECONNREFUSED);
    assert_int_equal(pair.connected_count, 0);
    finish();
}

static void test_a_socket_can_be_closed_while_it_connects(void **state)
{
    (void)state;
    struct sockaddr_storage place = begin(true);
    assert_int_equal(socket_connect(&pair.socket, &place, NULL), 0);
    socket_abort(&pair.socket);
    assert_true(loop_turn_until(pair.loop, is_gone, NULL, PATIENCE));
    assert_int_equal(pair.connected_count, 0);
    assert_int_equal(pair.error, 0);
    finish();
}

/* ENVOY.md 8.2: what is not said is the system's. */
static void test_the_kernel_is_told_to_ask_for_signs_of_life(void **state)
{
    (void)state;
    struct sockaddr_storage place = begin(true);
    struct tcp_keepalive keepalive = {
        .is_set = false, .probes = 3, .has_time = true, .time_s = 77, .has_interval = true};
    assert_int_equal(socket_connect(&pair.socket, &place, NULL), 0);
    socket_keep_alive(&pair.socket, &keepalive);
    assert_int_equal(option_of(SOL_SOCKET, SO_KEEPALIVE), 0);
    int interval_s = option_of(IPPROTO_TCP, TCP_KEEPINTVL);
    keepalive.is_set = true;
    socket_keep_alive(&pair.socket, &keepalive);
    assert_int_equal(option_of(SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(IPPROTO_TCP, TCP_KEEPCNT), 3);
    assert_int_equal(option_of(IPPROTO_TCP, TCP_KEEPIDLE), 77);
    assert_int_equal(option_of(IPPROTO_TCP, TCP_KEEPINTVL), interval_s);
    keepalive.interval_s = 9;
    socket_keep_alive(&pair.socket, &keepalive);
    assert_int_equal(option_of(IPPROTO_TCP, TCP_KEEPINTVL), 9);
    assert_true(loop_turn_until(pair.loop, are_both_there, NULL, PATIENCE));
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fin_goes_behind_all_that_waits),
        cmocka_unit_test(test_a_close_waits_for_all_that_was_written),
        cmocka_unit_test(test_an_abort_does_not_wait_and_resets),
        cmocka_unit_test(test_a_paused_socket_does_not_read),
        cmocka_unit_test(test_fin_is_told_once),
        cmocka_unit_test(test_a_write_to_who_has_gone_breaks_it),
        cmocka_unit_test(test_what_waits_when_the_peer_resets_is_given_up),
        cmocka_unit_test(test_a_refused_connection_is_told_with_its_errno),
        cmocka_unit_test(test_a_socket_can_be_closed_while_it_connects),
        cmocka_unit_test(test_the_kernel_is_told_to_ask_for_signs_of_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
