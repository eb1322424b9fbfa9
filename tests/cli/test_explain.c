/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/cli/test_explain.c - pages about requests played in virtual
 * time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "testbed/inspect/explain.h"
#include "testbed/inspect/question.h"
#include "testbed/sim/sim.h"
#include "tests/testbed/stage.h"

static const char MESH[] =
    "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {app: a}, ports: "
    "[{name: http, port: 80}, {name: tcp, port: 81}]}}\n"
    "---\n"
    "apiVersion: apps/v1\n"
    "kind: Deployment\n"
    "metadata: {name: a}\n"
    "spec: {template: {metadata: {labels: {app: a}}}}\n"
    "---\n"
    "apiVersion: networking.istio.io/v1\n"
    "kind: VirtualService\n"
    "metadata: {name: a}\n"
    "spec:\n"
    "  hosts: [a]\n"
    "  http:\n"
    "  - name: nobody\n"
    "    match: [{uri: {prefix: /nobody}}]\n"
    "    route: [{destination: {host: a, subset: missing}}]\n"
    "  - name: teapot\n"
    "    match: [{uri: {exact: /tea}}]\n"
    "    directResponse: {status: 418, body: {string: \"short and stout\"}}\n"
    "  - name: rest\n"
    "    route: [{destination: {host: a}}]\n";

struct scene {
    struct stage stage;
    struct client_spec client;
    struct call call;
    struct play *play;
    struct outcome outcome;
    struct explain_page page;
    struct buf out;
};

static void scene_init(struct scene *scene, const char *url)
{
    struct str why;
    *scene = (struct scene){0};
    stage_init(&scene->stage, MESH);
    scene->client = (struct client_spec){.name = STR("web"), .namespace = STR("default")};
    scene->stage.spec.clients = &scene->client;
    scene->stage.spec.client_count = 1;
    struct world *world = stage_open(&scene->stage);
    struct question question = {.url = str_of(url)};
    assert_true(question_call(&question, &scene->stage.arena, &scene->call, &why));
    scene->play = sim_play_new(world, (struct play_options){.seed = 1, .is_tracing = true});
    stage_call(scene->play, scene->call, &scene->outcome, &scene->stage.arena);
    scene->page = (struct explain_page){.world = world,
                                        .call = &scene->call,
                                        .outcome = &scene->outcome,
                                        .engine_name = STR("sim"),
                                        .seed = 1};
    buf_init(&scene->out, 1 << 20);
}

static struct str scene_text(struct scene *scene)
{
    assert_int_equal(explain_write(&scene->page, &scene->stage.arena, &scene->out), RC_OK);
    return buf_str(&scene->out);
}

static void scene_fini(struct scene *scene)
{
    scene->play->ops->free(scene->play);
    buf_fini(&scene->out);
    stage_fini(&scene->stage);
}

static void assert_parts(const char *url, const char *const *parts)
{
    struct scene scene;
    scene_init(&scene, url);
    struct str text = scene_text(&scene);
    for (size_t i = 0; parts[i] != NULL; i++) {
        if (!str_contains(text, str_of(parts[i])))
            print_message("\"%s\" is not in:\n%.*s\n", parts[i], STR_FMT(text));
        assert_true(str_contains(text, str_of(parts[i])));
    }
    scene_fini(&scene);
}

static void test_a_request_that_arrives(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "GET http://a/x\n",
        "from web (sidecar, namespace default), engine sim, profile pocketmesh, seed 1\n",
        "listener",
        "0.0.0.0_80 takes connections to",
        "- rule nobody",
        "the path is /x, it must begin with /nobody",
        "+ rule rest",
        "> cluster       outbound|80||a.default.svc.cluster.local",
        "15s   default of profile pocketmesh",
        "a/0 (127.1.1.1:80), one of 1 usable",
        "attempt 1     answered 200",
        "\n200 OK after",
        "flags -, details via_upstream, 1 attempt\n",
        "\nnobody wrote: defaults of profile pocketmesh\n",
        "  timeout of a route     15s\n",
        "  retries                2 (connect-failure,",
        "  load balancing         LEAST_REQUEST\n",
        NULL};
    assert_parts("http://a/x", parts);
}

static void test_an_answer_of_the_proxy_says_what_its_flags_mean(void **state)
{
    (void)state;
    static const char *const missing[] = {"503 Service Unavailable", "flags NC",
                                          "  flag NC  no cluster", NULL};
    static const char *const direct[] = {"418 ", "direct answer  418", "body  short and stout",
                                         NULL};
    assert_parts("http://a/nobody", missing);
    assert_parts("http://a/tea", direct);
}

static void test_a_refused_connection_says_what_could_have_been_meant(void **state)
{
    (void)state;
    static const char *const port[] = {"! listener  nobody listens on ",
                                       ":82; the Service a has 80, 81",
                                       "\nconnection_refused after", NULL};
    static const char *const name[] = {"no Service of the manifests has this name", NULL};
    assert_parts("http://a:82/", port);
    assert_parts("http://b:83/", name);
}

static void test_a_tcp_port_sees_no_rules(void **state)
{
    (void)state;
    static const char *const parts[] = {"as plain TCP: no rule sees the request", NULL};
    assert_parts("http://a:81/", parts);
}

static void test_many_requests_end_with_their_spread(void **state)
{
    (void)state;
    struct scene scene;
    struct spread spread;
    scene_init(&scene, "http://a/");
    spread_init(&spread, &scene.stage.arena);
    spread_add(&spread, &scene.outcome, scene.stage.world);
    spread_add(&spread, &scene.outcome, scene.stage.world);
    scene.page.spread = &spread;
    struct str text = scene_text(&scene);
    assert_true(str_contains(text, STR("\nof 2 requests\n  cluster outbound|80||a")));
    scene_fini(&scene);
}

static void test_json_has_request_story_and_outcome(void **state)
{
    (void)state;
    struct scene scene;
    struct json json;
    struct json_value value;
    size_t where;
    scene_init(&scene, "http://a/x");
    json_init(&json, &scene.out, 2);
    explain_write_json(&scene.page, &scene.stage.arena, &json);
    assert_int_equal(json_read(buf_str(&scene.out), &scene.stage.arena, &value, &where), RC_OK);
    assert_true(str_eq(json_get(json_get(&value, STR("request")), STR("uri"))->text, STR("/x")));
    assert_true(str_eq(json_get(json_get(&value, STR("from")), STR("name"))->text, STR("web")));
    assert_true(str_eq(json_get(&value, STR("listener"))->text, STR("0.0.0.0_80")));
    assert_true(json_get(&value, STR("story"))->count > 5);
    const struct json_value *defaults = json_get(&value, STR("defaults"));
    assert_true(defaults->count > 3);
    assert_true(str_eq(json_get(&defaults->items[0], STR("value"))->text, STR("15s")));
    const struct json_value *outcome = json_get(&value, STR("outcome"));
    assert_true(json_get(outcome, STR("status"))->number == 200);
    assert_true(str_eq(json_get(outcome, STR("pod"))->text, STR("a/0")));
    assert_true(str_eq(json_get(json_get(outcome, STR("rule")), STR("name"))->text, STR("rest")));
    scene_fini(&scene);
}

static void test_a_page_too_long_is_full_not_cut(void **state)
{
    (void)state;
    struct scene scene;
    scene_init(&scene, "http://a/x");
    for (size_t max = 0; max < 600; max += 7) {
        struct buf small;
        buf_init(&small, max);
        assert_int_equal(explain_write(&scene.page, &scene.stage.arena, &small), RC_FULL);
        buf_fini(&small);
    }
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_that_arrives),
        cmocka_unit_test(test_an_answer_of_the_proxy_says_what_its_flags_mean),
        cmocka_unit_test(test_a_refused_connection_says_what_could_have_been_meant),
        cmocka_unit_test(test_a_tcp_port_sees_no_rules),
        cmocka_unit_test(test_many_requests_end_with_their_spread),
        cmocka_unit_test(test_json_has_request_story_and_outcome),
        cmocka_unit_test(test_a_page_too_long_is_full_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
