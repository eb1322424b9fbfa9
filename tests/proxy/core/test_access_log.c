/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_access_log.c - formats to lines, as a real Envoy wrote
 * them (ENVOY.md 11).
 */
#include "proxy/core/access_log.h"

#include <string.h>

#include "tests/proxy/core/build.h"

struct fixture {
    struct arena arena;
    struct cluster cluster;
    struct endpoint endpoint;
    struct route route;
    struct filter_chain chain;
    struct record record;
    struct response_head response;
};

static void set_up_heads(struct fixture *f)
{
    struct request_head *request =
        build_request(&f->arena, "GET", "reviews:9080", "/new/x?a=1%202&b=&empty=&a=9");
    build_header(request, "x-envoy-original-path", "/up/x?a=1%202&b=&empty=&a=9");
    build_header(request, "x-request-id", "id-1");
    build_header(request, "user-agent", "curl/8");
    build_header(request, "x-ten", "0123456789");
    build_header(request, "x-empty", "");
    build_header(request, "x-quote", "a\"b\\c\n");
    build_header(request, "x-bytes", "\xff\xc3\xa9");
    build_header(request, "x-utf8", "\xc3\xa9");
    build_header(request, "content-type", "application/grpc");
    header_append_line(&request->headers, STR("x-multi"), STR("one"));
    header_append_line(&request->headers, STR("x-multi"), STR("two"));
    f->record.request = request;
    f->response.status = 200;
    header_list_init(&f->response.headers, &f->arena);
    header_add(&f->response.headers, STR("server"), STR("envoy"));
    header_add(&f->response.headers, STR("x-envoy-upstream-service-time"), STR("3"));
    f->record.response = &f->response;
}

static void set_up(struct fixture *f)
{
    *f = (struct fixture){0};
    arena_init(&f->arena, 4096, 0);
    f->endpoint = (struct endpoint){.address = STR("10.0.0.7"), .port = 9080};
    f->cluster.name = STR("outbound|9080||reviews.default.svc.cluster.local");
    f->route.name = STR("default");
    f->chain.name = STR("chainA");
    f->record = (struct record){
        .started_ns = 148926 * NS_US,
        .finished_ns = 152 * NS_MS,
        .request_ended_ns = 149 * NS_MS,
        .request_sent_ns = 150 * NS_MS,
        .response_started_ns = 151 * NS_MS,
        .response_forwarded_ns = 151 * NS_MS,
        .version = HTTP_1_1,
        .request_id = STR("id-1"),
        .status = 200,
        .details = STR("via upstream"),
        .bytes_received = 5,
        .bytes_sent = 21,
        .attempt_count = 1,
        .route = &f->route,
        .cluster = &f->cluster,
        .cluster_name = f->cluster.name,
        .endpoint = &f->endpoint,
        .downstream = {.connection_id = 7,
                       .remote_address = STR("10.0.0.1"),
                       .direct_address = STR("127.0.0.1"),
                       .direct_port = 36988,
                       .local_address = STR("10.1.1.1"),
                       .local_port = 9080,
                       .chain = &f->chain},
        .upstream = {.connection_id = 9, .local_address = STR("::1"), .local_port = 43596},
    };
    set_up_heads(f);
}

static struct str render(struct fixture *f, enum access_log_encoding encoding, const char *format)
{
    struct access_log_error error;
    const struct access_log_format *compiled =
        access_log_format_new(encoding, str_of(format), &f->arena, &error);
    if (compiled == NULL)
        fail_msg("%s: byte %zu: %.*s", format, error.at, STR_FMT(error.what));
    struct access_log_facts facts = {
        .record = &f->record, .epoch_seconds = 1795898461, .hostname = STR("vm")};
    char *out = arena_alloc(&f->arena, 4096);
    size_t size = access_log_render(compiled, &facts, out, 4096);
    return (struct str){out, size};
}

static void test_commands(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *format, *want;
    } rows[] = {
        {"%START_TIME%", "2026-11-28T20:41:01.148Z"},
        {"%START_TIME(%Y/%m/%dT%H:%M:%S%z %s %3f %6f %9f %f %E3S %e %j %a %b)%",
         "2026/11/28T20:41:01+0000 1795898461 148 148926 148926000 148926000 01.148 28 332 Sat "
         "Nov"},
        {"%START_TIME(%A %B %C %y %D %F %T %R %r %I %k %l %p %u %w %U %W %V %G %E*S %%)%",
         "Saturday November 20 26 11/28/26 2026-11-28 20:41:01 20:41 08:41:01 PM 08 20  8 PM 6 6 "
         "47 47 48 2026 01.148926 %"},
        {"%EMIT_TIME(%s.%3f)%", "1795898461.152"},
        {"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%",
         "GET /up/x?a=1%202&b=&empty=&a=9 HTTP/1.1"},
        {"%REQUEST_HEADER(:authority)% %REQ(:scheme)%", "reviews:9080 http"},
        {"%REQ(X-TEN?:PATH):3%", "012"},
        {"%REQ(X-NONE?X-TEN):3%", "012"},
        {"[%REQ(x-empty)%][%REQ(x-none)%]", "[][-]"},
        {"%REQ(x-multi)%", "one"},
        {"%REQ(x-quote)%", "a\"b\\c\n"},
        {"%RESP(server)% %RESP(:status)% %RESP(x-none?SERVER)%", "envoy 200 envoy"},
        {"%TRAILER(x)% %DYNAMIC_METADATA(a:b)% %DOWNSTREAM_TLS_VERSION% %REQUESTED_SERVER_NAME%",
         "- - - -"},
        {"%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%", "200 - -"},
        {"%RESPONSE_CODE_DETAILS%", "via_upstream"},
        {"%RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%", "via upstream"},
        {"%BYTES_RECEIVED% %BYTES_SENT%", "5 21"},
        {"%DURATION% %REQUEST_DURATION% %REQUEST_TX_DURATION% %RESPONSE_DURATION% "
         "%RESPONSE_TX_DURATION%",
         "3 0 1 2 1"},
        {"%COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)% %COMMON_DURATION(US_TX_END:US_RX_BEG:ms)%",
         "3074 1"},
        {"%ROUTE_NAME% %FILTER_CHAIN_NAME% %VIRTUAL_CLUSTER_NAME%", "default chainA -"},
        {"%PATH% %PATH(NQ)% %PATH(NQ:PATH)% %PATH(WQ:ORIG)%",
         "/up/x?a=1%202&b=&empty=&a=9 /up/x /new/x /up/x?a=1%202&b=&empty=&a=9"},
        {"%QUERY_PARAM(a)% [%QUERY_PARAM(empty)%] %QUERY_PARAM(zz)% %QUERY_PARAM(a):2%",
         "1 2 [] - 1 "},
        {"%QUERY_PARAMS%", "a=1%202&b=&empty=&a=9"},
        {"%STREAM_ID% %HOSTNAME% %ACCESS_LOG_TYPE%", "id-1 vm DownstreamEnd"},
        {"%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS_NUMBER%", "Unknown UNKNOWN 2"},
        {"%CONNECTION_ID% %UPSTREAM_CONNECTION_ID%", "7 9"},
        {"%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS% %UPSTREAM_REMOTE_PORT%",
         "10.0.0.7:9080 10.0.0.7:9080 9080"},
        {"%UPSTREAM_CLUSTER%", "outbound|9080||reviews.default.svc.cluster.local"},
        {"%UPSTREAM_LOCAL_ADDRESS% %UPSTREAM_LOCAL_PORT% %UPSTREAM_PROTOCOL%",
         "[::1]:43596 43596 HTTP/1.1"},
        {"%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_DIRECT_REMOTE_ADDRESS%",
         "10.0.0.1:0 127.0.0.1:36988"},
        {"%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_PORT%", "10.1.1.1:9080 9080"},
        {"%UPSTREAM_REQUEST_ATTEMPT_COUNT% %UPSTREAM_TRANSPORT_FAILURE_REASON%", "1 -"},
        {"100%% %%PROTOCOL%%", "100% %PROTOCOL%"},
        {"", ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        set_up(&f);
        assert_str(render(&f, ACCESS_LOG_TEXT, rows[i].format), rows[i].want);
        arena_fini(&f.arena);
    }
}

/* ENVOY.md 14.5: the trailers of HTTP/2 say more than the headers. */
static void test_trailers_are_logged(void **state)
{
    UNUSED_STATE(state);
    struct fixture f;
    struct header_list trailers;
    set_up(&f);
    header_list_init(&trailers, &f.arena);
    header_append_line(&trailers, STR("grpc-status"), STR("14"));
    f.record.trailers = &trailers;
    f.record.upstream.is_h2 = true;
    assert_str(render(&f, ACCESS_LOG_TEXT,
                      "%GRPC_STATUS% %GRPC_STATUS_NUMBER% %TRAILER(GRPC-STATUS)% "
                      "%TRAILER(x?grpc-status)% %TRAILER(x)% %UPSTREAM_PROTOCOL%"),
               "Unavailable 14 14 14 - HTTP/2");
    arena_fini(&f.arena);
}

static void test_json_keeps_types_sorts_keys_and_escapes(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        const char *format, *want;
    } rows[] = {
        {"{\"b\":\"%RESPONSE_CODE%\",\"a\":\"%PROTOCOL%\",\"B\":\"%REQ(x-none)%\"}",
         "{\"B\":null,\"a\":\"HTTP/1.1\",\"b\":200}\n"},
        {"{\"mixed\":\"%RESPONSE_CODE%:%REQ(x-none)%\",\"text\":\"100%%\"}",
         "{\"mixed\":\"200:-\",\"text\":\"100%\"}\n"},
        {"{\"n\":{\"list\":[\"%DURATION%\",\"x %DURATION%\",5,true,null],\"f\":12.5}}",
         "{\"n\":{\"f\":12.5,\"list\":[3,\"x 3\",5,true,null]}}\n"},
        {"{\"q\":\"%REQ(x-quote)%\",\"r\":\"<%REQ(x-quote)%>\"}",
         "{\"q\":\"a\\\"b\\\\c\\n\",\"r\":\"<a\\\"b\\\\c\\n>\"}\n"},
        {"{\"b\":\"%REQ(x-bytes)%\",\"u\":\"%REQ(x-utf8)%\"}",
         "{\"b\":\"\\u00ff\\u00c3\\u00a9\",\"u\":\"\xc3\xa9\"}\n"},
        {"{\"d\":\"%RESPONSE_CODE_DETAILS%\",\"p\":\"%QUERY_PARAM(a)%\",\"s\":\"%REQ(x-ten):2%\"}",
         "{\"d\":\"via_upstream\",\"p\":\"1 2\",\"s\":\"01\"}\n"},
        {"{}", "{}\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        set_up(&f);
        assert_str(render(&f, ACCESS_LOG_JSON, rows[i].format), rows[i].want);
        arena_fini(&f.arena);
    }
}

/* As a real Envoy 1.40.0 says it of its two connections. */
static void test_tls_in_words(void **state)
{
    UNUSED_STATE(state);
    static const struct str URIS[] = {STR_INIT("spiffe://d/ns/a/sa/b"), STR_INIT("u:2")};
    static const struct str NAMES[] = {STR_INIT("a.test"), STR_INIT("*.b.test")};
    static const struct certificate mesh = {.uris = URIS,
                                            .uri_count = 1,
                                            .hash = STR_INIT("00ff"),
                                            .issuer_subject = STR_INIT("O=mesh CA")};
    static const struct certificate both = {.uris = URIS,
                                            .uri_count = 2,
                                            .names = NAMES,
                                            .name_count = 2,
                                            .subject = STR_INIT("CN=server"),
                                            .issuer_subject = STR_INIT("O=public CA")};
    static const struct record_tls DOWN = {.version = STR_INIT("TLSv1.2"),
                                           .cipher = STR_INIT("ECDHE-RSA-AES128-GCM-SHA256"),
                                           .group = STR_INIT("P-256"),
                                           .peer = &mesh,
                                           .own = &both};
    static const struct record_tls ALONE = {.version = STR_INIT("TLSv1.3"),
                                            .server_name = STR_INIT("a.test")};
    static const struct {
        const struct record_tls *down, *up;
        const char *format, *want;
    } rows[] = {
        {NULL, NULL, "%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_PEER_URI_SAN% %UPSTREAM_TLS_VERSION%",
         "- - -"},
        {&DOWN, NULL, "%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER% %DOWNSTREAM_TLS_GROUP%",
         "TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 P-256"},
        {&DOWN, NULL, "%DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_PEER_DNS_SAN%",
         "spiffe://d/ns/a/sa/b -"},
        {&DOWN, NULL, "%DOWNSTREAM_PEER_SUBJECT% %DOWNSTREAM_PEER_ISSUER%", "- O=mesh CA"},
        {&DOWN, NULL, "%DOWNSTREAM_PEER_FINGERPRINT_256%", "00ff"},
        {&DOWN, NULL, "%DOWNSTREAM_LOCAL_URI_SAN% %DOWNSTREAM_LOCAL_DNS_SAN%",
         "spiffe://d/ns/a/sa/b,u:2 a.test,*.b.test"},
        {&DOWN, NULL, "%DOWNSTREAM_LOCAL_SUBJECT%", "CN=server"},
        {&ALONE, &ALONE, "%DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_LOCAL_SUBJECT%", "- -"},
        {NULL, &ALONE, "%UPSTREAM_TLS_VERSION% %UPSTREAM_SERVER_NAME% %UPSTREAM_PEER_SUBJECT%",
         "TLSv1.3 a.test -"},
        {NULL, &DOWN, "%UPSTREAM_TLS_CIPHER% %UPSTREAM_TLS_GROUP% %UPSTREAM_PEER_ISSUER%",
         "ECDHE-RSA-AES128-GCM-SHA256 P-256 O=mesh CA"},
        {NULL, &DOWN, "%UPSTREAM_PEER_URI_SAN% %UPSTREAM_LOCAL_DNS_SAN%",
         "spiffe://d/ns/a/sa/b a.test,*.b.test"},
        {NULL, &DOWN, "%UPSTREAM_LOCAL_URI_SAN% %UPSTREAM_PEER_DNS_SAN%",
         "spiffe://d/ns/a/sa/b,u:2 -"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture f;
        set_up(&f);
        f.record.downstream.tls = rows[i].down;
        f.record.upstream.tls = rows[i].up;
        assert_str(render(&f, ACCESS_LOG_TEXT, rows[i].format), rows[i].want);
        arena_fini(&f.arena);
    }
}

static void test_mistakes_have_their_place(void **state)
{
    UNUSED_STATE(state);
    static const struct {
        enum access_log_encoding encoding;
        const char *format;
        size_t at;
        const char *what;
    } rows[] = {
        {ACCESS_LOG_TEXT, "ab %FOO%", 3, "%FOO%: no such command"},
        {ACCESS_LOG_TEXT, "%%%REQ%", 2, "%REQ% needs parameters in parentheses"},
        {ACCESS_LOG_TEXT, "x%BYTES_SENT:1%", 1,
         "%BYTES_SENT% does not take any parameters or length"},
        {ACCESS_LOG_TEXT, "%REQ(a?b?c)%", 0, "%REQ(a?b?c)%: more than one alternative header"},
        {ACCESS_LOG_TEXT, "%REQ(a", 0,
         "no command: %NAME%, %NAME(PARAMETERS)% or %NAME(PARAMETERS):LENGTH%, and %% for a "
         "percent sign"},
        {ACCESS_LOG_TEXT, "50%", 2,
         "no command: %NAME%, %NAME(PARAMETERS)% or %NAME(PARAMETERS):LENGTH%, and %% for a "
         "percent sign"},
        {ACCESS_LOG_JSON, "{\"a\":\"%NOPE%\"}", 6, "%NOPE%: no such command"},
        {ACCESS_LOG_JSON, "{\"a\":[{\"b\":\"x %NOPE%\"}]}", 14, "%NOPE%: no such command"},
        {ACCESS_LOG_JSON, "{\"a\" 1}", 5, "no JSON"},
        {ACCESS_LOG_JSON, "[]", 0, "a JSON format is an object"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct arena arena;
        arena_init(&arena, 1024, 0);
        struct access_log_error error = {0};
        assert_null(
            access_log_format_new(rows[i].encoding, str_of(rows[i].format), &arena, &error));
        assert_str(error.what, rows[i].what);
        assert_int_equal(error.at, rows[i].at);
        arena_fini(&arena);
    }
}

static void test_what_never_was_is_a_dash(void **state)
{
    UNUSED_STATE(state);
    struct fixture f;
    set_up(&f);
    f.record = (struct record){
        .status = 400, .version = HTTP_1_1, .details = STR("http1.codec_error"), .bytes_sent = 11};
    record_add_flag(&f.record, STR("DPE"));
    assert_str(render(&f, ACCESS_LOG_TEXT, ACCESS_LOG_ENVOY_TEXT.ptr),
               "[2026-11-28T20:41:01.000Z] \"- - HTTP/1.1\" 400 DPE 0 11 0 - \"-\" \"-\" \"-\" "
               "\"-\" \"-\"\n");
    assert_str(render(&f, ACCESS_LOG_TEXT,
                      "%RESPONSE_FLAGS_LONG% %UPSTREAM_CLUSTER_RAW% %REQUEST_DURATION% %PATH%"),
               "DownstreamProtocolError - - -");
    arena_fini(&f.arena);
}

static void test_a_session_has_no_protocol(void **state)
{
    UNUSED_STATE(state);
    struct fixture f;
    set_up(&f);
    f.record.is_tcp = true;
    f.record.request = NULL;
    f.record.response = NULL;
    f.record.status = 0;
    f.record.endpoint = NULL;
    f.record.upstream.address = STR("10.9.9.9");
    f.record.upstream.port = 5432;
    assert_str(render(&f, ACCESS_LOG_TEXT,
                      "%REQ(:METHOD)% %PROTOCOL% %RESPONSE_CODE% %UPSTREAM_HOST% "
                      "%ACCESS_LOG_TYPE% %UPSTREAM_PROTOCOL%"),
               "- - 0 10.9.9.9:5432 TcpConnectionEnd -");
    arena_fini(&f.arena);
}

static void test_a_line_that_does_not_fit_is_no_line(void **state)
{
    UNUSED_STATE(state);
    static const char *const formats[] = {
        "{\"q\":\"%REQ(x-quote)%\",\"d\":\"%RESPONSE_CODE_DETAILS%\",\"p\":\"%QUERY_PARAM(a)%\","
        "\"n\":\"%DURATION%\",\"t\":\"%START_TIME% %BYTES_SENT%\"}",
        "{\"p\":\"%QUERY_PARAM(a)%\"}",
    };
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        struct fixture f;
        set_up(&f);
        struct access_log_error error;
        const struct access_log_format *format =
            access_log_format_new(ACCESS_LOG_JSON, str_of(formats[i]), &f.arena, &error);
        assert_non_null(format);
        struct access_log_facts facts = {.record = &f.record};
        char whole[512];
        size_t size = access_log_render(format, &facts, whole, sizeof(whole));
        assert_true(size > 0);
        for (size_t capacity = 0; capacity < size; capacity++) {
            char *out = arena_alloc(&f.arena, capacity);
            size_t got = access_log_render(format, &facts, out, capacity);
            assert_true(got == 0);
        }
        arena_fini(&f.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_trailers_are_logged),
        cmocka_unit_test(test_json_keeps_types_sorts_keys_and_escapes),
        cmocka_unit_test(test_tls_in_words),
        cmocka_unit_test(test_mistakes_have_their_place),
        cmocka_unit_test(test_what_never_was_is_a_dash),
        cmocka_unit_test(test_a_session_has_no_protocol),
        cmocka_unit_test(test_a_line_that_does_not_fit_is_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
