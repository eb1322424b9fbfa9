/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_admin.c - the admin interface of a fleet's proxies, as
 * a real Envoy answers (ENVOY.md 12, 13).
 */
#include "tests/proxy/live/crew.h"

#include <string.h>

#include "base/json.h"
#include "proxy/live/admin_fleet.h"

struct office {
    struct crew *crew;
    struct admin *admin;
    struct admin_fleet first, second;
    struct arena arena;
    uint32_t quit_count, reopen_count;
};

static void on_quit(void *owner)
{
    struct office *office = owner;
    office->quit_count++;
}

static void on_reopen(void *owner)
{
    struct office *office = owner;
    office->reopen_count++;
}

static void office_open(struct office *office, uint32_t worker_count)
{
    struct admin_options options = {.version = STR("1.2.3")};
    struct str why = STR_EMPTY;
    *office = (struct office){.crew = crew_new(worker_count)};
    arena_init(&office->arena, 64 * 1024, 0);
    office->admin = admin_new(office->crew->town->loop, &options, &why);
    assert_non_null(office->admin);
    office->first = (struct admin_fleet){.fleet = office->crew->fleet,
                                         .proxy = office->crew->proxy,
                                         .owner = office,
                                         .quit = on_quit,
                                         .reopen_logs = on_reopen};
    office->second =
        (struct admin_fleet){.fleet = office->crew->fleet, .proxy = office->crew->proxy};
    admin_add_fleet(office->admin, &office->first, STR("test-0"));
    admin_add_fleet(office->admin, &office->second, STR("other-0.default"));
}

static void office_close(struct office *office)
{
    admin_free(office->admin);
    crew_free(office->crew);
    arena_fini(&office->arena);
}

static bool has_ended(void *user)
{
    const struct end *end = user;
    return end->is_ended || end->is_broken;
}

/* Everything that is answered until the connection closes. */
static struct str say(struct office *office, const char *bytes)
{
    struct end *end = town_dial_port(office->crew->town, admin_port(office->admin));
    end_say(end, str_of(bytes));
    TOWN_WAIT(office->crew->town, has_ended, end);
    return buf_str(&end->heard);
}

static struct str ask(struct office *office, const char *method, const char *path)
{
    return say(office,
               arena_format(&office->arena,
                            "%s %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", method, path)
                   .ptr);
}

/* Without chunks' sizes: what stands between head and end. */
static struct str body_of(struct office *office, struct str answer)
{
    struct str rest = str_from(answer, str_find_str(answer, STR("\r\n\r\n")) + 4);
    struct str body = STR_EMPTY;
    while (rest.len > 0) {
        char *end = NULL;
        size_t size =
            (size_t)strtoul(arena_str(&office->arena, str_slice(rest, 0, 16)).ptr, &end, 16);
        size_t start = str_find(rest, '\n') + 1;
        if (size == 0)
            break;
        body = arena_concat(&office->arena, body, str_slice(rest, start, start + size));
        rest = str_from(rest, start + size + 2);
    }
    return body;
}

static bool has_line(struct str text, const char *line)
{
    while (text.ptr != NULL)
        if (str_eq(str_cut(&text, '\n'), str_of(line)))
            return true;
    return false;
}

static void assert_line(struct str text, const char *line)
{
    if (!has_line(text, line))
        fail_msg("no line \"%s\" in:\n%.*s", line, STR_FMT(text));
}

static void visit_version(struct office *office, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        struct end *end = crew_dial(office->crew);
        end_say(end, STR("GET /version HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
        TOWN_WAIT(office->crew->town, has_ended, end);
    }
}

static void visit_app(struct office *office)
{
    struct end *end = crew_dial(office->crew);
    end_say(end, STR("GET /app HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
    TOWN_WAIT(office->crew->town, has_ended, end);
}

static void test_answers_and_their_status(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *status, *body; /* body: its beginning */
    } rows[] = {
        {"GET", "/ready", "200 OK", "LIVE\n"},
        {"GET", "/nope", "404 Not Found", "invalid path. admin commands are:\n  /: Admin home"},
        {"GET", "/reset_counters", "405 Method Not Allowed",
         "Method GET not allowed, POST required."},
        {"POST", "/reset_counters", "200 OK", "OK\n"},
        {"POST", "/drain_listeners?skip_exit", "400 Bad Request", "skip_exit requires graceful\n"},
        {"GET", "/stats?filter=(", "400 Bad Request", "Invalid re2 regex: missing ): ("},
        {"GET", "/stats?type=Foo", "400 Bad Request", "invalid &type= param"},
        {"GET", "/stats?format=xml", "400 Bad Request", "usage: /stats?format="},
        {"GET", "/config_dump?resource=nope", "404 Not Found", "nope not found in config dump"},
        {"GET", "/certs", "200 OK", "{\n \"certificates\": []\n}"},
        {"GET", "/proxies", "200 OK", "test-0\nother-0.default\n"},
        {"GET", "/proxies/other-0.default/ready", "200 OK", "LIVE\n"},
        {"GET", "/proxies/nobody/ready", "404 Not Found", "no such proxy; they are:\ntest-0\n"},
        {"GET", "/help", "200 OK", "admin commands are:\n"},
        {"GET", "/proxies/test-0/", "200 OK", "<!DOCTYPE html>"},
        {"POST", "/proxies/other-0.default/quitquitquit", "501 Not Implemented", "this proxy's"},
        {"GET", "/listeners", "200 OK", "10.0.0.9_80::10.0.0.9:80\n"},
    };
    struct office office;
    office_open(&office, 2);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct str answer = ask(&office, rows[i].method, rows[i].path);
        struct str status = arena_format(&office.arena, "HTTP/1.1 %s\r\n", rows[i].status);
        struct str body = body_of(&office, answer);
        if (!str_has_prefix(answer, status) || !str_has_prefix(body, str_of(rows[i].body)))
            fail_msg("%s %s: %.*s", rows[i].method, rows[i].path, STR_FMT(answer));
        assert_true(str_contains(answer, STR("cache-control: no-cache, max-age=0\r\n")));
        assert_true(str_contains(answer, STR("x-content-type-options: nosniff\r\n")));
    }
    office_close(&office);
}

static void test_counters_of_all_workers_by_envoys_names(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, 2);
    visit_version(&office, 5);
    visit_app(&office);
    struct str text = body_of(&office, ask(&office, "GET", "/stats"));
    assert_line(text, "http.80.downstream_rq_total: 6");
    assert_line(text, "http.80.downstream_rq_2xx: 6");
    assert_line(text, "http.80.downstream_cx_total: 6");
    assert_line(text, "http.80.downstream_rq_active: 0");
    assert_line(text, "http.80.rq_direct_response: 5");
    assert_line(text, "http.80.downstream_cx_http2_total: 0");
    assert_line(text, "listener.10.0.0.9_80.downstream_cx_total: 6");
    assert_line(text, "listener.10.0.0.9_80.http.80.downstream_rq_completed: 6");
    assert_line(text, "cluster.one.upstream_rq_200: 1");
    assert_line(text, "cluster.one.upstream_rq_2xx: 1");
    assert_line(text, "cluster.one.external.upstream_rq_completed: 1");
    assert_line(text, "cluster.one.upstream_cx_active: 1");
    assert_line(text, "cluster.one.membership_healthy: 1");
    assert_line(text, "cluster.one.upstream_cx_length_ms: No recorded values");
    assert_line(text, "cluster_manager.active_clusters: 1");
    assert_line(text, "server.concurrency: 2");
    assert_line(text, "server.live: 1");
    text = body_of(&office, ask(&office, "GET", "/stats?filter=upstream_rq_%5Cd&usedonly"));
    assert_true(str_eq(text, STR("cluster.one.external.upstream_rq_200: 1\n"
                                 "cluster.one.external.upstream_rq_2xx: 1\n"
                                 "cluster.one.upstream_rq_200: 1\n"
                                 "cluster.one.upstream_rq_2xx: 1\n")));
    office_close(&office);
}

static void test_histograms_have_quantiles(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, 1);
    visit_app(&office);
    struct str text =
        body_of(&office, ask(&office, "GET", "/stats?type=Histograms&usedonly&filter=rq_time"));
    assert_true(str_has_prefix(text, STR("cluster.one.external.upstream_rq_time: P0(nan,")));
    struct json_value page;
    size_t where;
    text = body_of(&office, ask(&office, "GET", "/stats?format=json&filter=downstream_rq_time%24"));
    assert_int_equal(json_read(text, &office.arena, &page, &where), RC_OK);
    const struct json_value *last = &json_get(&page, STR("stats"))->items[0];
    const struct json_value *quantiles =
        json_get(json_get(last, STR("histograms")), STR("computed_quantiles"));
    assert_int_equal(quantiles->count, 1);
    assert_int_equal(json_get(&quantiles->items[0], STR("values"))->count, 10);
    office_close(&office);
}

static void test_prometheus_makes_labels_of_names(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, 1);
    visit_app(&office);
    struct str text = body_of(&office, ask(&office, "GET", "/stats/prometheus"));
    assert_line(text, "# TYPE envoy_cluster_upstream_rq_total counter");
    assert_line(text, "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"one\"} 1");
    assert_line(text, "envoy_cluster_upstream_rq{envoy_response_code=\"200\","
                      "envoy_cluster_name=\"one\"} 1");
    assert_line(text, "envoy_http_downstream_rq_xx{envoy_response_code_class=\"2\","
                      "envoy_http_conn_manager_prefix=\"80\"} 1");
    assert_line(text, "envoy_listener_worker_downstream_cx_total{envoy_worker_id=\"0\","
                      "envoy_listener_address=\"10.0.0.9_80\"} 1");
    assert_line(text, "envoy_listener_http_downstream_rq_completed{"
                      "envoy_http_conn_manager_prefix=\"80\","
                      "envoy_listener_address=\"10.0.0.9_80\"} 1");
    assert_line(text, "# TYPE envoy_cluster_upstream_cx_connect_ms histogram");
    assert_line(text, "envoy_cluster_upstream_cx_connect_ms_bucket{envoy_cluster_name=\"one\","
                      "le=\"+Inf\"} 1");
    assert_line(text, "envoy_cluster_upstream_cx_connect_ms_count{envoy_cluster_name=\"one\"} 1");
    assert_line(text, "envoy_server_live{} 1");
    office_close(&office);
}

static void test_clusters_tell_of_their_endpoints(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, 2);
    visit_app(&office);
    struct str text = body_of(&office, ask(&office, "GET", "/clusters"));
    assert_line(text, "one::observability_name::one");
    assert_line(text, "one::10.0.0.1:80::cx_total::1");
    assert_line(text, "one::10.0.0.1:80::rq_success::1");
    assert_line(text, "one::10.0.0.1:80::rq_total::1");
    assert_line(text, "one::10.0.0.1:80::health_flags::healthy");
    struct json_value page;
    size_t where;
    text = body_of(&office, ask(&office, "GET", "/clusters?format=json"));
    assert_int_equal(json_read(text, &office.arena, &page, &where), RC_OK);
    const struct json_value *cluster = &json_get(&page, STR("cluster_statuses"))->items[0];
    assert_int_equal(json_get(cluster, STR("host_statuses"))->count, 1);
    office_close(&office);
}

static void test_a_reset_is_for_counters_and_not_for_gauges(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, 2);
    visit_app(&office);
    (void)ask(&office, "POST", "/reset_counters");
    struct str text = body_of(&office, ask(&office, "GET", "/stats"));
    assert_line(text, "http.80.downstream_rq_total: 0");
    assert_line(text, "cluster.one.upstream_rq_total: 0");
    assert_line(text, "cluster.one.upstream_cx_active: 1");
    assert_true(str_contains(text, STR("http.80.downstream_rq_time: P0(")));
    office_close(&office);
}

static void test_the_configuration_in_force_with_protos_names(void **state)
{
    (void)state;
    struct office office;
    struct json_value page;
    size_t where;
    office_open(&office, 2);
    assert_true(crew_replace(office.crew));
    struct str text = body_of(&office, ask(&office, "GET", "/config_dump?include_eds"));
    assert_int_equal(json_read(text, &office.arena, &page, &where), RC_OK);
    assert_int_equal(json_get(&page, STR("configs"))->count, 5);
    assert_true(str_contains(text, STR("\"stat_prefix\": \"80\"")));
    assert_true(str_contains(text, STR("\"inline_string\": \"version 2.\"")));
    assert_false(str_contains(text, STR("statPrefix")));
    text = body_of(&office, ask(&office, "GET", "/config_dump?resource=dynamic_active_clusters"));
    assert_int_equal(json_read(text, &office.arena, &page, &where), RC_OK);
    assert_int_equal(json_get(&page, STR("configs"))->count, 1);
    office_close(&office);
}

static void test_draining_and_quitting_are_the_owners(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, 2);
    (void)ask(&office, "POST", "/quitquitquit");
    (void)ask(&office, "POST", "/reopen_logs");
    assert_int_equal(office.quit_count, 1);
    assert_int_equal(office.reopen_count, 1);
    (void)ask(&office, "POST", "/drain_listeners?graceful");
    struct str answer = ask(&office, "GET", "/ready");
    assert_true(str_has_prefix(answer, STR("HTTP/1.1 503 Service Unavailable\r\n")));
    assert_true(str_eq(body_of(&office, answer), STR("DRAINING\n")));
    office_close(&office);
}

static void test_another_sites_page_changes_nothing(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, 1);
    struct str answer = say(&office, "POST /quitquitquit HTTP/1.1\r\nhost: 127.0.0.1:15000\r\n"
                                     "origin: http://evil.example\r\nconnection: close\r\n\r\n");
    assert_true(str_has_prefix(answer, STR("HTTP/1.1 403 Forbidden\r\n")));
    assert_int_equal(office.quit_count, 0);
    (void)say(&office, "POST /quitquitquit HTTP/1.1\r\nhost: 127.0.0.1:15000\r\n"
                       "origin: http://127.0.0.1:15000\r\nconnection: close\r\n\r\n");
    assert_int_equal(office.quit_count, 1);
    office_close(&office);
}

static void test_the_host_header_names_a_proxy(void **state)
{
    (void)state;
    struct office office;
    office_open(&office, 1);
    struct str answer = say(&office, "POST /quitquitquit HTTP/1.1\r\nhost: other-0.default:1\r\n"
                                     "connection: close\r\n\r\n");
    assert_true(str_has_prefix(answer, STR("HTTP/1.1 501 Not Implemented\r\n")));
    office_close(&office);
}

static void test_what_strangers_send(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *start; /* of the first answer */
        uint32_t answers;
    } rows[] = {
        {"GARBAGE\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", 1},
        {"GET /ready HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
         "HTTP/1.1 400 Bad Request\r\n", 1},
        {"GET /ready HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n", 1},
        {"HEAD /ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\n", 1},
        /* one after the other, ahead of their answers */
        {"GET /ready HTTP/1.1\r\nhost: x\r\n\r\nPOST /ready HTTP/1.1\r\nhost: x\r\n"
         "content-length: 3\r\n\r\nabcGET /ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
         "HTTP/1.1 200 OK\r\n", 3},
    };
    struct office office;
    office_open(&office, 1);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct end *end = town_dial_port(office.crew->town, admin_port(office.admin));
        end_say(end, str_of(rows[i].bytes));
        TOWN_WAIT(office.crew->town, has_ended, end);
        if (!str_has_prefix(buf_str(&end->heard), str_of(rows[i].start)))
            fail_msg("row %zu: %.*s", i, STR_FMT(buf_str(&end->heard)));
        assert_int_equal(count_heard(end, STR("server: envoy\r\n")), rows[i].answers);
    }
    /* A head without an end, and somebody who is just there: gone with admin. */
    struct end *end = town_dial_port(office.crew->town, admin_port(office.admin));
    end_say(end, STR("GET /ready HT"));
    (void)town_dial_port(office.crew->town, admin_port(office.admin));
    (void)ask(&office, "GET", "/ready");
    office_close(&office);
}

static void test_only_loopback(void **state)
{
    (void)state;
    static const char *const addresses[] = {"0.0.0.0", "10.0.0.1", "::", "example"};
    struct town *town = town_new();
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct admin_options options = {.bind_address = str_of(addresses[i])};
        struct str why = STR_EMPTY;
        assert_null(admin_new(town->loop, &options, &why));
        assert_true(why.len > 0);
    }
    town_free(town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_and_their_status),
        cmocka_unit_test(test_counters_of_all_workers_by_envoys_names),
        cmocka_unit_test(test_histograms_have_quantiles),
        cmocka_unit_test(test_prometheus_makes_labels_of_names),
        cmocka_unit_test(test_clusters_tell_of_their_endpoints),
        cmocka_unit_test(test_a_reset_is_for_counters_and_not_for_gauges),
        cmocka_unit_test(test_the_configuration_in_force_with_protos_names),
        cmocka_unit_test(test_draining_and_quitting_are_the_owners),
        cmocka_unit_test(test_another_sites_page_changes_nothing),
        cmocka_unit_test(test_the_host_header_names_a_proxy),
        cmocka_unit_test(test_what_strangers_send),
        cmocka_unit_test(test_only_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
