/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/runner/test_wrong.c - RouteTest files that are wrong, and
 * what is said of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/check.h"
#include "tests/testbed/runner/paper.h"

/* Each names the line (from 1) and a part of what is said. */
static const struct {
    const char *text;
    uint32_t line;
    const char *words;
} ROWS[] = {
    {"kind: RouteTest\n" ONE_TEST, 1, "RouteTest"},
    {"apiVersion: v1\nkind: Service\n", 1, "RouteTest"},
    {HEAD, 1, "no tests"},
    {HEAD "tests: []\n", 1, "no tests"},
    {HEAD "tests:\n- {name: x, reqest: {uri: /}}\n", 5, "request"},
    {HEAD "tests:\n- {name: x}\n", 5, "either"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, cases: [{wait: 1s}]}\n", 5, "either"},
    {HEAD "tests:\n- {name: x, timeline: [{att: 1s}]}\n", 5, "at"},
    {HEAD "tests:\n- {name: x, timeline: [{at: soon}]}\n", 5, "soon"},
    {HEAD "tests:\n- {name: x, load: {request: {uri: /}}}\n", 5, "a load has"},
    {HEAD "tests:\n- {name: x, load: {rate: fast, for: 1s, request: {uri: /}}}\n", 5, "20/s"},
    {HEAD "tests:\n- {name: x, load: {clients: 2, request: {uri: /}}}\n", 5, "a load has"},
    {HEAD "tests:\n- {name: x, load: {rate: 1/s, for: 1s, request: {uri: /}}, expect: {windows: "
          "[{from: 2s, to: 1s}]}}\n",
     5, "later one last"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {thresholds: [latency.p99 is low]}}\n", 5,
     "no threshold"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {thresholds: [\"speed < 1\"]}}\n", 5,
     "no threshold"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {breaker: {cluster: a, overflowed: "
          "maxLuck}}}\n",
     5, "maxLuck"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {breaker: {pendingMax: 1}}}\n", 5,
     "cluster"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {distribution: {by: pod, exact: true, "
          "shares: {a: 1%}}}}\n",
     5, "by: subset"},
    {HEAD "tests:\n- {name: x, inject: {at: wire}, request: {uri: /}}\n", 5, "wire"},
    {HEAD "tests:\n- {name: x, transition: {}, request: {uri: /}}\n", 5, "`from` and `to`"},
    {HEAD "tests:\n- {name: x, transition: {from: a@main, to: b, load: {rate: 1/s, request: {uri: "
          "/}}}}\n",
     5, "git worktree"},
    {HEAD "tests:\n- {name: x, transition: {from: a, to: b, orders: some}, request: {uri: /}}\n", 5,
     "KIND/NAME"},
    {HEAD "tests:\n- {name: x, request: {uri: /, cancelBy: magic}}\n", 5, "close"},
    {HEAD "tests:\n- {name: x, request: {uri: /, scheme: https, authority: null}}\n", 5,
     "authority"},
    {HEAD "spec: {workloads: {a: {interim: [100, 101, 102, 103, 104]}}}\n" ONE_TEST, 4,
     "at most 4"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {tls: {verdikt: refused}}}\n", 5,
     "verdict"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {events: [{type: throw}]}}\n", 5,
     "throw"},
    {HEAD "tests:\n- name: x\n  cases:\n  - {wait: 1s, expect: {}}\n", 7, "expect"},
    {HEAD "tests:\n- name: x\n  cases: [{wait: 1s}]\n  expect: {response: {}}\n", 7, "response"},
    {HEAD "matrix: {profile: [istio-7]}\n" ONE_TEST, 4, "istio-latest"},
    {HEAD "matrix: {weather: [rain]}\n" ONE_TEST, 4, "weather"},
    {HEAD "spec: {profile: istio-7}\n" ONE_TEST, 4, "istio-latest"},
    {HEAD "spec: {defaults: {secrets: vault}}\n" ONE_TEST, 4, "manifests"},
    {HEAD "spec: {defaults: {from: nobody}}\n" ONE_TEST, 4, "nobody"},
    {HEAD "spec: {clients: {a: {via: gateway}}}\n" ONE_TEST, 4, "NAMESPACE/NAME"},
    {HEAD "spec: {clients: {a: {tls: {cert: expired}}}}\n" ONE_TEST, 4, "mode SIMPLE shows none"},
    {HEAD "spec: {clients: {a: {tls: {names: [a]}}}}\n" ONE_TEST, 4, "mode SIMPLE shows none"},
    {HEAD "spec: {clients: {a: {tls: {mode: HARD}}}}\n" ONE_TEST, 4, "ISTIO_MUTUAL"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {tls: {version: TLSv1.3}}}\n", 5,
     "version"},
    {HEAD "spec: {clients: {a: {via: tunnel}}}\n" ONE_TEST, 4, "tunnel"},
    {HEAD "spec: {workloads: {a: {statsu: 200}}}\n" ONE_TEST, 4, "status"},
    {HEAD "spec: {workloads: {a: {cert: rotten}}}\n" ONE_TEST, 4, "expired"},
    {HEAD "spec: {workloads: {a: {act: explode}}}\n" ONE_TEST, 4, "explode"},
    {HEAD "spec: {workloads: {a: {latency: {p50: 20ms, p40: 30ms}}}}\n" ONE_TEST, 4, "ascending"},
    {HEAD "spec: {workloads: {a: {latency: {p0x: 20ms}}}}\n" ONE_TEST, 4, "no share"},
    {HEAD "spec: {workloads: {a: {latency: {}}}}\n" ONE_TEST, 4, "no latency"},
    {HEAD "spec: {workloads: {a: {latency: {uniform: 20ms}}}}\n" ONE_TEST, 4, "no latency"},
    {HEAD "spec: {workloads: {a: {script: [explode]}}}\n" ONE_TEST, 4, "explode"},
    {HEAD "spec: {workloads: {a: {pods: {one: {status: 1}}}}}\n" ONE_TEST, 4, "one"},
    {HEAD "tests:\n- {name: x, request: {uri: /}}\n- {name: x, request: {uri: /}}\n", 6,
     "two tests"},
    {HEAD "tests:\n- {name: x, request: {raw: \"\xe2\x82\xac\"}}\n", 5, "Latin-1"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, repeat: 0}\n", 5, "repeat"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {response: {body: {regex: \"(\"}}}}\n", 5,
     "regular"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {response: {status: many}}}\n", 5,
     "many"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {response: {duration: soon}}}\n", 5,
     "soon"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {error: broken}}\n", 5, "broken"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {distribution: {shares: {}}}}\n", 5,
     "by"},
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {distribution: {by: mood}}}\n", 5,
     "mood"},
#define SHARES(words)                                                                     \
    HEAD "tests:\n- {name: x, request: {uri: /}, repeat: 9, expect: {distribution: {by: " \
         "status" words "}}}\n"
    {SHARES(""), 5, "always right"},
    {SHARES(", shares: {}"), 5, "always right"},
    {SHARES(", shares: {200: 80%, 500: 30%}"), 5, "these are 110%"},
    {SHARES(", shares: {200: \">120%\"}"), 5, "these are 120%"},
    {SHARES(", shares: {200: 80%..90%}"), 5, "no share"},
    {SHARES(", shares: {200: 100%}, confidence: 100%"), 5, "decides nothing"},
    {SHARES(", shares: {200: 100%}, confidence: 0%"), 5, "decides nothing"},
    {SHARES(", shares: {200: 100%}, confidence: 120%"), 5, "decides nothing"},
    {SHARES(", shares: {200: 50%}, tolerance: 100%"), 5, "every share"},
#undef SHARES
    {HEAD "tests:\n- {name: x, request: {uri: /}, expect: {attemptHosts: {w: two}}}\n", 5, "two"},
    {HEAD ONE_TEST "---\n" HEAD ONE_TEST, 6, "one document"},
};

static void test_what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct paper file;
        paper_read_with(&file, ROWS[i].text, (struct suite_options){0});
        bool is_said = false;
        for (uint32_t d = 0; d < file.diags.count; d++) {
            struct buf line;
            buf_init(&line, 65536);
            assert_int_equal(diag_print(&file.diags.items[d], false, &line), RC_OK);
            is_said |= file.diags.items[d].origin.line == ROWS[i].line &&
                       file.diags.items[d].severity == DIAG_ERROR &&
                       str_contains(buf_str(&line), str_of(ROWS[i].words));
            buf_fini(&line);
        }
        if (!is_said || file.is_good) {
            print_message("row %zu: %s\n", i, ROWS[i].text);
            paper_print(&file);
        }
        assert_false(file.is_good);
        assert_true(is_said);
        paper_fini(&file);
    }
}

static void test_all_errors_come_at_once(void **state)
{
    (void)state;
    struct paper file;
    paper_read_with(&file,
                    HEAD "spec: {profil: x}\ntests:\n- {name: x, reqest: {}}\n"
                         "- {name: y, request: {ury: /}}\n",
                    (struct suite_options){0});
    assert_true(file.diags.error_count >= 3);
    paper_fini(&file);
}

static void test_an_empty_file_is_no_routetest(void **state)
{
    (void)state;
    struct paper file;
    paper_read_with(&file, "", (struct suite_options){0});
    assert_false(file.is_good);
    assert_int_equal(file.diags.error_count, 1);
    paper_fini(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_wrong_is_said_with_its_line),
        cmocka_unit_test(test_all_errors_come_at_once),
        cmocka_unit_test(test_an_empty_file_is_no_routetest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
