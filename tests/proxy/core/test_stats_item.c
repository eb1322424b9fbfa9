/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_stats_item.c - ENVOY.md 12: names of counters, and their families
 * and labels for Prometheus. Lines are a real Envoy 1.40's.
 */
#include "proxy/core/stats_list.h"
#include "proxy/core/succession.h"
#include "proxy/core/engine.h"
#include "proxy/core/rbac.h"
#include "proxy/model/listener.h"
#include "tests/proxy/core/build.h"

/* A TCP proxy behind RBAC filters. */
static struct snapshot *guarded_snapshot(void)
{
    static const struct security security = {0};
    struct snapshot *snapshot = snapshot_new();
    struct filter_chain *chain = ARENA_NEW(&snapshot->arena, struct filter_chain);
    struct listener *listener = ARENA_NEW(&snapshot->arena, struct listener);
    *chain = (struct filter_chain){
        .kind = CHAIN_TCP, .tcp.stat_prefix = STR("mine"), .security = &security};
    *listener = (struct listener){
        .name = STR("l"), .address = STR("0.0.0.0"), .port = 90, .default_chain = chain};
    snapshot->listeners = listener;
    snapshot->listener_count = 1;
    snapshot_index(snapshot);
    return snapshot;
}

static void assert_line(const struct buf *text, const char *line)
{
    if (str_find_str(buf_str(text), str_of(line)) == STR_NONE)
        fail_msg("missing: %s\n%.*s", line, STR_FMT(buf_str(text)));
}

static void test_filters_of_streams(void **state)
{
    UNUSED_STATE(state);
    struct snapshot *snapshot = guarded_snapshot();
    struct engine *engine = engine_new(snapshot, 1);
    struct engine *heir = engine_new(snapshot, 2);
    struct arena arena;
    struct buf out;
    uint64_t value;

    arena_init(&arena, 1u << 20, 0);
    engine_rbac_stats(engine)[STAT_RBAC_denied] = 2;
    engine_rbac_stats(engine)[STAT_RBAC_dry_run_allow_allowed] = 3;
    engine_inherit(heir, engine);
    assert_true(engine_stat(heir, STR("tcp"), STR("rbac.denied"), &value));
    assert_int_equal(value, 2);
    assert_false(engine_stat(heir, STR("tcp"), STR("rbac.refused"), &value));

    struct stats_list *list = stats_list_new(snapshot, 1, &arena);
    stats_list_gather(list, heir, 0, 0);
    stats_list_finish(list);
    buf_init(&out, 1u << 20);
    stats_list_text(list, &(struct stats_filter){0}, &out);
    assert_line(&out, "tcp.rbac.denied: 2\n");
    assert_line(&out, "tcp.rbac.istio_dry_run_allow_.shadow_allowed: 3\n");
    assert_line(&out, "tcp.mine.downstream_cx_total: 0\n");
    stats_list_prometheus(list, &(struct stats_filter){0}, &out);
    assert_line(&out, "envoy_denied{envoy_rbac_prefix=\"tcp\",envoy_tcp_prefix=\"rbac\"} 2\n");
    assert_line(&out, "envoy_istio_dry_run_allow__shadow_allowed{envoy_rbac_prefix=\"tcp\","
                      "envoy_tcp_prefix=\"rbac\"} 3\n");
    engine_reset_counters(heir);
    assert_true(engine_stat(heir, STR("tcp"), STR("rbac.denied"), &value));
    assert_int_equal(value, 0);
    buf_fini(&out);
    arena_fini(&arena);
    engine_free(heir);
    engine_free(engine);
    snapshot_drop(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filters_of_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
