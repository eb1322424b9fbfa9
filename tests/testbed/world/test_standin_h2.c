/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/world/test_standin_h2.c - a stand-in that speaks HTTP/2, and who asks it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proxy/http/h2.h"
#include "tests/testbed/world/scene.h"

#define NOTES_MAX 1024u

/* A client of the scene's stand-in; what it hears is a line of words. */
struct asker {
    struct scene scene;
    struct h2_memory memory;
    struct h2 *h2;
    struct buf out;
    char notes[NOTES_MAX];
    size_t note_bytes;
    uint64_t body_bytes;
    size_t piece_bytes;
};

static void note(struct asker *asker, const char *word, struct str text)
{
    int size = snprintf(asker->notes + asker->note_bytes, NOTES_MAX - asker->note_bytes, "%s%.*s ",
                        word, STR_FMT(text));
    assert_true(size > 0);
    asker->note_bytes += (size_t)size;
    assert_true(asker->note_bytes < NOTES_MAX);
}

static void asker_init(struct asker *asker, struct behaviour behaviour)
{
    memset(asker, 0, sizeof(*asker));
    scene_init(&asker->scene, behaviour);
    asker->scene.world.arena = &asker->scene.arena;
    asker->scene.pod.behaviour.http2 = HTTP2_SPOKEN;
    h2_memory_init(&asker->memory);
    struct h2_settings settings = {
        .side = H2_CLIENT, .head_bytes_max = 65536, .header_count_max = 100};
    asker->h2 = h2_new(&settings, &asker->memory);
    buf_init(&asker->out, 1 << 24);
    asker->piece_bytes = SIZE_MAX;
}

static void asker_fini(struct asker *asker)
{
    h2_free(asker->h2);
    h2_memory_fini(&asker->memory);
    buf_fini(&asker->out);
    scene_fini(&asker->scene);
}

static void ask(struct asker *asker, const char *method, const char *type, const char *body)
{
    struct request_head head = {
        .method = str_of(method), .path = STR("/x"), .authority = STR("a"), .scheme = STR("http")};
    header_list_init(&head.headers, &asker->scene.arena);
    if (type != NULL)
        header_append_line(&head.headers, STR("content-type"), str_of(type));
    struct h2_stream *stream = h2_send_request(asker->h2, &head, body == NULL, asker);
    if (body == NULL)
        return;
    h2_send_data(asker->h2, stream, str_of(body));
    h2_send_end(asker->h2, stream, NULL);
}

static void take_event(struct asker *asker, const struct h2_event *event)
{
    struct str value;
    char digits[16];
    switch (event->kind) {
    case H2_HEAD:
        snprintf(digits, sizeof(digits), "%u", event->response->status);
        note(asker, "", str_of(digits));
        if (header_get(&event->response->headers, STR("content-type"), &value))
            note(asker, "", value);
        if (header_get(&event->response->headers, STR("grpc-status"), &value))
            note(asker, "grpc-status=", value);
        if (event->is_end)
            note(asker, "", STR("end"));
        return;
    case H2_DATA:
        asker->body_bytes += event->data.len;
        h2_consume(asker->h2, event->stream, event->data.len);
        return;
    case H2_TRAILERS:
        if (header_get(event->trailers, STR("grpc-status"), &value))
            note(asker, "trailer=", value);
        return;
    case H2_END:
        note(asker, "", STR("end"));
        return;
    case H2_ERROR:
        note(asker, "", STR("error"));
        return;
    case H2_MORE:
    case H2_CLOSED:
    case H2_GOAWAY:
    case H2_PONG:
        return;
    }
}

/* Until neither has anything to say. */
static void talk(struct asker *asker)
{
    for (bool is_moving = true; is_moving;) {
        h2_flush(asker->h2, &asker->out, 1 << 20);
        is_moving = buf_size(&asker->out) > 0;
        send(&asker->scene, buf_str(&asker->out), asker->piece_bytes);
        buf_clear(&asker->out);
        struct str heard = buf_str(&asker->scene.out);
        is_moving |= heard.len > 0;
        struct h2_event event;
        while (h2_next(asker->h2, &heard, &event) != H2_MORE)
            take_event(asker, &event);
        buf_clear(&asker->scene.out);
    }
}

static void expect(struct asker *asker, const char *notes)
{
    assert_string_equal(asker->notes, notes);
    asker->note_bytes = 0;
    asker->notes[0] = '\0';
}

static struct header grpc_trailers[] = {{STR_INIT("grpc-status"), STR_INIT("5")}};

static const struct {
    struct answer answer;
    const char *method, *type, *body, *notes;
    uint64_t body_bytes;
    enum end end;
} answers[] = {
    {{.status = 200}, "GET", NULL, NULL, "200 end ", 0, OPEN},
    {{.status = 404, .body = STR_INIT("no")}, "POST", NULL, "{}", "404 end ", 2, OPEN},
    {{.status = 200, .has_body_size = true, .body_size = 300000},
     "GET",
     NULL,
     NULL,
     "200 end ",
     300000,
     OPEN},
    {{.status = 200, .has_body_size = true, .body_size = 9},
     "HEAD",
     NULL,
     NULL,
     "200 end ",
     0,
     OPEN},
    {{.status = 200, .framing = FRAMING_CHUNKED, .body = STR_INIT("abc")},
     "GET",
     NULL,
     NULL,
     "200 end ",
     3,
     OPEN},
    {{.status = 200, .framing = FRAMING_CLOSE, .body = STR_INIT("abc")},
     "GET",
     NULL,
     NULL,
     "200 end ",
     3,
     OPEN},
    {{.status = 200, .interim = {103}, .interim_count = 1},
     "GET",
     NULL,
     NULL,
     "103 200 end ",
     0,
     OPEN},
    {{.status = 200},
     "POST",
     "application/grpc",
     "12345",
     "200 application/grpc trailer=0 ",
     0,
     OPEN},
    {{.status = 200, .trailers = grpc_trailers, .trailer_count = 1, .body = STR_INIT("abc")},
     "POST",
     "application/grpc",
     "12345",
     "200 application/grpc trailer=5 ",
     3,
     OPEN},
    {{.status = 200, .headers = grpc_trailers, .header_count = 1},
     "POST",
     "application/grpc",
     "12345",
     "200 application/grpc grpc-status=5 end ",
     0,
     OPEN},
    {{.status = 503}, "POST", "application/grpc", "12345", "503 end ", 0, OPEN},
    {{.act = ACT_CLOSE_BEFORE_HEADERS}, "GET", NULL, NULL, "", 0, CLOSED},
    {{.act = ACT_RESET_BEFORE_HEADERS}, "GET", NULL, NULL, "", 0, RESET},
    {{.act = ACT_CLOSE_MID_BODY}, "GET", NULL, NULL, "200 ", 50, CLOSED},
    {{.act = ACT_RESET_MID_BODY}, "GET", NULL, NULL, "200 ", 50, RESET},
    {{.act = ACT_GARBAGE}, "GET", NULL, NULL, "error ", 0, CLOSED},
    {{.act = ACT_NEVER}, "GET", NULL, NULL, "", 0, OPEN},
};

static void test_each_stream_gets_the_answer(void **state)
{
    (void)state;
    static const size_t PIECES[] = {SIZE_MAX, 1};
    for (size_t i = 0; i < 2 * COUNT_OF(answers); i++) {
        struct asker asker;
        asker_init(&asker, (struct behaviour){.answer = answers[i / 2].answer});
        asker.piece_bytes = PIECES[i % 2];
        ask(&asker, answers[i / 2].method, answers[i / 2].type, answers[i / 2].body);
        talk(&asker);
        expect(&asker, answers[i / 2].notes);
        assert_int_equal(asker.body_bytes, answers[i / 2].body_bytes);
        assert_int_equal(asker.scene.end, answers[i / 2].end);
        asker_fini(&asker);
    }
}

static void test_streams_are_answered_side_by_side(void **state)
{
    (void)state;
    struct asker asker;
    asker_init(&asker,
               (struct behaviour){.answer = {.status = 200, .latency = LATENCY_INIT(NS_SECOND)}});
    for (int i = 0; i < 5; i++)
        ask(&asker, "GET", NULL, NULL);
    talk(&asker);
    expect(&asker, "200 200 200 200 200 end end end end end ");
    assert_int_equal(asker.scene.now_ns, NS_SECOND);
    assert_int_equal(asker.scene.pod.request_count, 5);
    assert_int_equal(asker.scene.log.count, 5);
    assert_true(str_eq(asker.scene.log.items[0].version, STR("HTTP/2")));
    asker_fini(&asker);
}

/* Who speaks HTTP/1.1 to it is answered so, whatever came first of a preface. */
static void test_it_speaks_http1_too(void **state)
{
    (void)state;
    struct asker asker;
    asker_init(&asker, (struct behaviour){.answer = {.status = 200}});
    send(&asker.scene, STR("P"), 1);
    send(&asker.scene, STR("R /a HTTP/1.1\r\nhost: a\r\n\r\n" GET), 3);
    assert_out(&asker.scene, STR("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
                                 "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    asker_fini(&asker);
}

static void test_who_does_not_speak_it_answers_the_preface(void **state)
{
    (void)state;
    struct asker asker;
    asker_init(&asker, (struct behaviour){.answer = {.status = 200}});
    asker.scene.pod.behaviour.http2 = HTTP2_UNKNOWN;
    ask(&asker, "GET", NULL, NULL);
    talk(&asker);
    expect(&asker, "error ");
    assert_true(str_eq(asker.scene.log.items[0].method, STR("PRI")));
    asker_fini(&asker);
}

static const struct hop_call hops[] = {{.call = {.uri = STR_INIT("/1")}}};

/* One call at a time; each stream hears of its own. */
static void test_streams_ask_others_one_after_the_other(void **state)
{
    (void)state;
    struct asker asker;
    asker_init(&asker, (struct behaviour){
                           .answer = {.status = 200, .calls = hops, .call_count = COUNT_OF(hops)}});
    struct standin *standin = &asker.scene.standin;
    ask(&asker, "GET", NULL, NULL);
    ask(&asker, "GET", NULL, NULL);
    h2_flush(asker.h2, &asker.out, 1 << 20);
    standin_read(standin, buf_str(&asker.out), 0);
    buf_clear(&asker.out);
    static const uint32_t STATUSES[] = {503, 200};
    for (int i = 0; i < 2; i++) {
        struct standin_action action;
        int call_count = 0;
        while (standin_next(standin, 0, &action)) {
            call_count += action.kind == STANDIN_CALL;
            if (action.kind == STANDIN_WRITE)
                assert_int_equal(buf_append(&asker.scene.out, action.bytes), RC_OK);
        }
        assert_int_equal(call_count, 1);
        standin_called(standin, 1, &(struct outcome){.status = STATUSES[i]});
    }
    take(&asker.scene);
    talk(&asker);
    expect(&asker, "503 end 200 end ");
    asker_fini(&asker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_stream_gets_the_answer),
        cmocka_unit_test(test_streams_are_answered_side_by_side),
        cmocka_unit_test(test_it_speaks_http1_too),
        cmocka_unit_test(test_who_does_not_speak_it_answers_the_preface),
        cmocka_unit_test(test_streams_ask_others_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
