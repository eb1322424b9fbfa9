/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/model/test_bootstrap_gate.c - inbound traffic at sockets of its own:
 * which chains are left, what asks for the port, where the application is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/model/bootstrap.h"

static const struct rbac_node on_port = {.kind = RBAC_DESTINATION_PORT, .port = 80};
static const struct rbac_node anybody = {.kind = RBAC_ANY};
static const struct rbac_policy policy = {.name = STR_INIT("p"),
                                          .permissions = &on_port,
                                          .permission_count = 1,
                                          .principals = &anybody,
                                          .principal_count = 1};
static const struct rbac rbac = {
    .rules = {.is_there = true, .action = RBAC_DENY, .policies = &policy, .policy_count = 1}};
static const struct security security = {.rbacs = &rbac, .rbac_count = 1};

static const struct filter_chain chains[] = {
    {.name = STR_INIT("blackhole"),
     .kind = CHAIN_TCP,
     .destination_port = 15006,
     .tcp = {.stat_prefix = STR_INIT("b"), .cluster = STR_INIT("BlackHoleCluster")}},
    {.name = STR_INIT("own"),
     .kind = CHAIN_TCP,
     .destination_port = 80,
     .security = &security,
     .tcp = {.stat_prefix = STR_INIT("o"), .cluster = STR_INIT("inbound|80||")}},
    {.name = STR_INIT("any"),
     .kind = CHAIN_TCP,
     .security = &security,
     .tcp = {.stat_prefix = STR_INIT("a"), .cluster = STR_INIT("InboundPassthroughCluster")}},
};
static const uint32_t uninspected[] = {90};
static const struct listener listeners[] = {
    {.name = STR_INIT("virtualInbound"),
     .address = STR_INIT("0.0.0.0"),
     .port = 15006,
     .is_bound = true,
     .direction = TRAFFIC_INBOUND,
     .chains = chains,
     .chain_count = COUNT_OF(chains),
     .has_original_dst = true,
     .tls_inspector = {.is_there = true, .ports = uninspected, .port_count = 1}},
};
static const struct cidr wide = {.address = STR_INIT("10.0.0.0"), .bits = 8};
static const struct cidr narrow = {.address = STR_INIT("10.1.0.0"), .bits = 16};
static const struct filter_chain outbound_chains[] = {
    {.name = STR_INIT("wide"),
     .kind = CHAIN_TCP,
     .destinations = &wide,
     .destination_count = 1,
     .tcp = {.stat_prefix = STR_INIT("w"), .cluster = STR_INIT("wide")}},
    {.name = STR_INIT("narrow"),
     .kind = CHAIN_TCP,
     .destinations = &narrow,
     .destination_count = 1,
     .tcp = {.stat_prefix = STR_INIT("n"), .cluster = STR_INIT("narrow")}},
    {.name = STR_INIT("else"),
     .kind = CHAIN_TCP,
     .tcp = {.stat_prefix = STR_INIT("e"), .cluster = STR_INIT("PassthroughCluster")}},
};
static const struct listener outbound = {.name = STR_INIT("0.0.0.0_7000"),
                                         .address = STR_INIT("0.0.0.0"),
                                         .port = 7000,
                                         .direction = TRAFFIC_OUTBOUND,
                                         .chains = outbound_chains,
                                         .chain_count = COUNT_OF(outbound_chains)};
static const struct cluster clusters[] = {
    {.name = STR_INIT("inbound|80||"), .type = CLUSTER_ORIGINAL_DST, .lb = LB_CLUSTER_PROVIDED},
    {.name = STR_INIT("InboundPassthroughCluster"),
     .type = CLUSTER_ORIGINAL_DST,
     .lb = LB_CLUSTER_PROVIDED},
    {.name = STR_INIT("PassthroughCluster"),
     .type = CLUSTER_ORIGINAL_DST,
     .lb = LB_CLUSTER_PROVIDED},
};

static bool reach(void *user, struct str address, uint32_t port, struct str *at, uint32_t *at_port)
{
    (void)user;
    *at = address;
    *at_port = port;
    return true;
}

static bool reach_inside(void *user, uint32_t port, struct str *at, uint32_t *at_port)
{
    (void)user;
    *at = STR("127.9.9.9");
    *at_port = 5000 + port;
    return true;
}

/* What is printed with one gate. */
static struct json_value printed(const struct listener *items, struct bootstrap_gate gate,
                                 struct arena *arena)
{
    struct bootstrap_options options = {.admin_address = STR("127.0.0.1"),
                                        .bind_address = STR("127.0.0.1"),
                                        .reach = reach,
                                        .reach_inside = reach_inside,
                                        .gates = &gate,
                                        .gate_count = 1,
                                        .source_address = STR("127.1.1.1")};
    struct snapshot *snapshot = snapshot_new();
    struct bootstrap_notes notes = {0};
    struct json_value out;
    struct json json;
    struct buf text;
    size_t where;
    snapshot->listeners = items;
    snapshot->listener_count = 1;
    snapshot->clusters = clusters;
    snapshot->cluster_count = COUNT_OF(clusters);
    snapshot_index(snapshot);
    buf_init(&text, 1 << 20);
    json_init(&json, &text, 0);
    assert_int_equal(bootstrap_print(snapshot, &options, &json, arena, &notes), RC_OK);
    assert_int_equal(json_read(arena_str(arena, buf_str(&text)), arena, &out, &where), RC_OK);
    buf_fini(&text);
    snapshot_drop(snapshot);
    return out;
}

static const struct json_value *get(const struct json_value *value, const char *key)
{
    const struct json_value *found = json_get(value, str_of(key));
    assert_non_null(found);
    return found;
}

static struct str text_of(const struct json_value *value, struct arena *arena)
{
    struct json json;
    struct buf text;
    buf_init(&text, 1 << 20);
    json_init(&json, &text, 0);
    json_value_write(&json, value);
    struct str out = arena_str(arena, buf_str(&text));
    buf_fini(&text);
    return out;
}

static struct bootstrap_gate inbound(uint32_t port)
{
    return (struct bootstrap_gate){.listener = STR("virtualInbound"),
                                   .name = STR("inbound_gate"),
                                   .port = port,
                                   .address = STR("127.1.1.1"),
                                   .bound_port = 4711};
}

static void assert_gate(uint32_t port, const char *chain, const char *permission,
                        const char *inspector)
{
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct json_value all = printed(listeners, inbound(port), &arena);
    const struct json_value *items = get(get(&all, "staticResources"), "listeners");
    assert_int_equal(items->count, 1);
    const struct json_value *listener = &items->items[0];
    const struct json_value *left = get(listener, "filterChains");
    struct str text = text_of(listener, &arena);
    assert_true(str_eq(get(listener, "name")->text, STR("inbound_gate")));
    assert_true(str_contains(text, STR("\"address\":\"127.1.1.1\",\"portValue\":4711")));
    assert_int_equal(left->count, 1);
    assert_true(str_eq(get(&left->items[0], "name")->text, str_of(chain)));
    assert_true(str_contains(text, str_of(permission)));
    assert_int_equal(str_contains(text, STR("tls_inspector")), inspector != NULL);
    assert_false(str_contains(text, STR("destinationPort")));
    assert_false(str_contains(text, STR("filterDisabled")));
    assert_false(str_contains(text, STR("original_dst")));
    arena_fini(&arena);
}

static void test_a_gate_takes_the_chains_of_its_port(void **state)
{
    (void)state;
    assert_gate(80, "own", "\"permissions\":[{\"any\":true}]", "tls_inspector");
    assert_gate(81, "any", "\"permissions\":[{\"notRule\":{\"any\":true}}]", "tls_inspector");
    assert_gate(90, "any", "\"permissions\":[{\"notRule\":{\"any\":true}}]", NULL);
}

static void test_inbound_clusters_lead_to_the_application(void **state)
{
    (void)state;
    static const struct {
        const char *type, *policy;
        uint32_t port; /* 0: it says none */
    } WANTED[] = {
        {"STATIC", "", 5080}, {"STATIC", "", 5000}, {"ORIGINAL_DST", "CLUSTER_PROVIDED", 0}};
    struct arena arena;
    arena_init(&arena, 4096, 0);
    struct json_value all = printed(listeners, inbound(80), &arena);
    const struct json_value *items = get(get(&all, "staticResources"), "clusters");
    assert_int_equal(items->count, COUNT_OF(WANTED));
    for (size_t i = 0; i < COUNT_OF(WANTED); i++) {
        struct str text = text_of(&items->items[i], &arena);
        struct str place =
            arena_format(&arena, "{\"address\":\"127.9.9.9\",\"portValue\":%u}", WANTED[i].port);
        const struct json_value *chosen = json_get(&items->items[i], STR("lbPolicy"));
        assert_true(str_eq(get(&items->items[i], "type")->text, str_of(WANTED[i].type)));
        assert_true(str_eq(chosen != NULL ? chosen->text : STR_EMPTY, str_of(WANTED[i].policy)));
        assert_int_equal(str_contains(text, place), WANTED[i].port != 0);
    }
    struct str manager = text_of(get(&all, "clusterManager"), &arena);
    assert_true(str_contains(manager, STR("\"sourceAddress\":{\"address\":\"127.1.1.1\"")));
    arena_fini(&arena);
}

/* The longest range wins, and is not asked for any more; others stay where they are. */
static void test_a_gate_for_a_target_takes_the_chains_of_its_address(void **state)
{
    (void)state;
    static const struct {
        const char *target, *chain;
    } ROWS[] = {{"10.1.2.3", "narrow"}, {"10.2.2.3", "wide"}, {"11.0.0.1", "else"}};
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct bootstrap_gate gate = {.listener = STR("0.0.0.0_7000"),
                                      .name = STR("to_there"),
                                      .target = str_of(ROWS[i].target),
                                      .port = 7000,
                                      .address = STR("127.1.1.1"),
                                      .at = STR("127.8.8.8"),
                                      .at_port = 99};
        struct arena arena;
        arena_init(&arena, 4096, 0);
        struct json_value all = printed(&outbound, gate, &arena);
        const struct json_value *items = get(get(&all, "staticResources"), "listeners");
        assert_int_equal(items->count, 2);
        const struct json_value *left = get(&items->items[0], "filterChains");
        struct str text = text_of(&items->items[0], &arena);
        assert_true(str_eq(get(&items->items[0], "name")->text, STR("to_there")));
        assert_int_equal(left->count, 1);
        assert_true(str_eq(get(&left->items[0], "name")->text, str_of(ROWS[i].chain)));
        assert_false(str_contains(text, STR("prefixRanges")));
        assert_true(str_contains(text, STR("original_dst_address")));
        assert_true(str_contains(text, STR("\"inlineString\":\"127.8.8.8:99\"")));
        struct str other = text_of(&items->items[1], &arena);
        assert_true(str_contains(other, STR("\"name\":\"0.0.0.0_7000\"")));
        assert_true(str_contains(other, STR("prefixRanges")));
        assert_false(str_contains(other, STR("original_dst_address")));
        arena_fini(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_gate_takes_the_chains_of_its_port),
        cmocka_unit_test(test_inbound_clusters_lead_to_the_application),
        cmocka_unit_test(test_a_gate_for_a_target_takes_the_chains_of_its_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
