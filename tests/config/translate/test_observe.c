/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/translate/test_observe.c - MeshConfig's access log in every
 * chain of every listener, and the names of counters (ISTIO.md 5.5).
 */
#include "config/translate/observe.h"

#include "tests/config/translate/fixture.h"

#define MESH_CONFIG(settings)                                                             \
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\n" \
    "data:\n  mesh: |-\n" settings "---\n"

static const struct access_log_list *http_log(const struct fixture *fixture)
{
    return &fixture->snapshot->listeners[0].chains[0].http.access_logs;
}

static void test_no_file_no_log(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, MESH_CONFIG("    accessLogEncoding: JSON\n")
                                  SERVICE("reviews", "http", "9080"));
    assert_int_equal(http_log(&fixture)->count, 0);
    fixture_fini(&fixture);
}

static void test_every_chain_has_the_log(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, MESH_CONFIG("    accessLogFile: /dev/stdout\n")
                                  SERVICE("reviews", "http", "9080") SERVICE("db", "tcp", "5432"));
    assert_int_equal(fixture.diags.warning_count, 0);
    for (uint32_t i = 0; i < fixture.snapshot->listener_count; i++) {
        const struct listener *listener = &fixture.snapshot->listeners[i];
        for (uint32_t k = 0; k < listener->chain_count; k++)
            assert_int_equal(listener->chains[k].tcp.access_logs.count, 1);
        if (listener->default_chain != NULL)
            assert_int_equal(listener->default_chain->tcp.access_logs.count, 1);
    }
    const struct access_log *log = &http_log(&fixture)->items[0];
    assert_text(&fixture, log->path, "/dev/stdout");
    assert_int_equal(log->origin.line, 6);
    assert_true(str_eq(log->format, observe_default_format(ACCESS_LOG_TEXT)));
    fixture_fini(&fixture);
}

static void test_formats(void **state)
{
    (void)state;
    static const struct {
        const char *settings, *want; /* NULL: Istio's JSON */
        uint32_t warning_count;
    } rows[] = {
        {"    accessLogFormat: '%PROTOCOL%'\n", "%PROTOCOL%\n", 0}, /* a newline is added */
        {"    accessLogFormat: \"a\\n\"\n", "a\n", 0},
        {"    accessLogEncoding: JSON\n", NULL, 0},
        {"    accessLogEncoding: JSON\n    accessLogFormat: '{\"a\": \"%PROTOCOL%\"}'\n",
         "{\"a\": \"%PROTOCOL%\"}", 0},
        {"    accessLogEncoding: JSON\n    accessLogFormat: 'no json'\n", NULL, 1},
        {"    accessLogEncoding: JSON\n    accessLogFormat: '[]'\n", NULL, 1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture fixture;
        fixture_sidecar(&fixture, mesh_text(MESH_CONFIG("    accessLogFile: /dev/stdout\n%s")
                                                SERVICE("reviews", "http", "9080"),
                                            rows[i].settings));
        struct str format = http_log(&fixture)->items[0].format;
        if (rows[i].want != NULL)
            assert_text(&fixture, format, rows[i].want);
        else
            assert_true(str_eq(format, observe_default_format(ACCESS_LOG_JSON)));
        assert_int_equal(fixture.diags.warning_count, rows[i].warning_count);
        fixture_fini(&fixture);
    }
}

static void test_connection_managers_have_istios_stat_prefix(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_sidecar(&fixture, SERVICE("reviews", "http", "9080"));
    assert_text(&fixture, fixture.snapshot->listeners[0].chains[0].http.stat_prefix,
                "outbound_0.0.0.0_9080;");
    fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_file_no_log),
        cmocka_unit_test(test_every_chain_has_the_log),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_connection_managers_have_istios_stat_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
