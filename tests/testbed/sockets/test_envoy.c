/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/sockets/test_envoy.c - what an Envoy's admin answers is read whole
 * or not at all, and a program that is no Envoy leaves nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "testbed/sockets/envoy.h"
#include "testbed/sockets/envoy_inside.h"

#define PATIENCE_MS 5000

struct admin {
    pthread_t thread;
    int fd;
    uint16_t port;
    const char *answer;
};

/* One connection: reads a head, answers, closes. */
static void *serve(void *user)
{
    const struct admin *admin = user;
    char head[4096];
    size_t size = 0;
    int fd = accept(admin->fd, NULL, NULL);
    if (fd < 0)
        return NULL;
    while (!str_contains((struct str){head, size}, STR("\r\n\r\n"))) {
        ssize_t got = recv(fd, head + size, sizeof(head) - size, 0);
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    (void)send(fd, admin->answer, strlen(admin->answer), MSG_NOSIGNAL);
    close(fd);
    return NULL;
}

static void admin_init(struct admin *admin, const char *answer)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(place);
    *admin = (struct admin){.fd = socket(AF_INET, SOCK_STREAM, 0), .answer = answer};
    assert_true(admin->fd >= 0);
    assert_int_equal(bind(admin->fd, (const struct sockaddr *)&place, size), 0);
    assert_int_equal(listen(admin->fd, 1), 0);
    assert_int_equal(getsockname(admin->fd, (struct sockaddr *)&place, &size), 0);
    admin->port = ntohs(place.sin_port);
    assert_int_equal(pthread_create(&admin->thread, NULL, serve, admin), 0);
}

static void test_an_answer_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *body; /* NULL: none */
    } rows[] = {
        {"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nLIVE\n", "LIVE\n"},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nLIVE\n\r\n0\r\n\r\n", "LIVE\n"},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA\r\na: 1\nb: 2\n\r\n2\r\nc:\r\n"
         "0\r\n\r\n",
         "a: 1\nb: 2\nc:"},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nLIVE\n\r\n", NULL},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n50\r\nLIVE\n", NULL},
        {"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\nLIVE\n\r\n0\r\n\r\n", NULL},
        {"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", NULL},
        {"HTTP/1.1 200 OK\r\n", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct admin admin;
        struct arena arena;
        struct str body = STR_EMPTY;
        arena_init(&arena, 4096, 0);
        admin_init(&admin, rows[i].answer);
        struct str place = arena_format(&arena, "127.0.0.1:%u", admin.port);
        bool is_there = envoy_ask(place, STR("/ready"), PATIENCE_MS, &arena, &body);
        assert_int_equal(pthread_join(admin.thread, NULL), 0);
        close(admin.fd);
        assert_int_equal(is_there, rows[i].body != NULL);
        if (is_there)
            assert_true(str_eq(body, str_of(rows[i].body)));
        arena_fini(&arena);
    }
}

static void test_nobody_answers_where_nobody_is(void **state)
{
    (void)state;
    static const char *const places[] = {"", "127.0.0.1", "127.0.0.1:x", "name:80"};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct arena arena;
        struct str body;
        arena_init(&arena, 4096, 0);
        assert_false(envoy_ask(str_of(places[i]), STR("/"), PATIENCE_MS, &arena, &body));
        arena_fini(&arena);
    }
}

static void test_a_program_that_is_no_envoy_is_said_and_leaves_nothing(void **state)
{
    (void)state;
    struct snapshot *snapshot = snapshot_new();
    struct arena arena;
    struct str why = STR_EMPTY;
    uv_loop_t loop;
    snapshot_index(snapshot);
    arena_init(&arena, 4096, 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    struct envoy_options options = {.program = "/nowhere/envoy",
                                    .snapshot = snapshot,
                                    .bind_address = STR("127.0.0.1"),
                                    .loop = &loop};
    struct envoy *envoy = envoy_new(&options, &arena, &why);
    assert_non_null(envoy);
    assert_false(envoy_await(envoy, &why));
    assert_true(why.len > 0);
    envoy_free(envoy);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    arena_fini(&arena);
    snapshot_drop(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer_is_read_whole_or_not_at_all),
        cmocka_unit_test(test_nobody_answers_where_nobody_is),
        cmocka_unit_test(test_a_program_that_is_no_envoy_is_said_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
