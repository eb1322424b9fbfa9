/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_lb_inherit.c - ENVOY.md 5.3, 5.6: turns and warm-ups go on
 * when a configuration is replaced that leaves the cluster as it was.
 */
#include <string.h>

#include "tests/proxy/core/build.h"
#include "proxy/core/lb_inherit.h"

#define PLACES_MAX 4

/* What is picked at a time: letters of the endpoints' addresses. */
struct side {
    struct endpoint endpoints[PLACES_MAX];
    struct cluster cluster;
    struct arena arena;
    struct rng rng;
    struct lb lb;
};

static void begin(struct side *side, const char *addresses, const uint32_t *weights,
                  const struct slow_start *slow_start)
{
    *side = (struct side){.rng = rng_seeded(strlen(addresses), STR("lb"))};
    arena_init(&side->arena, 4096, 0);
    for (uint32_t i = 0; addresses[i] != '\0'; i++) {
        side->endpoints[i] = (struct endpoint){
            .address = arena_format(&side->arena, "%c", addresses[i]), .port = 80, .weight = 1};
        if (weights != NULL)
            side->endpoints[i].weight = weights[i];
        side->cluster.endpoint_count++;
    }
    side->cluster.lb = LB_ROUND_ROBIN;
    side->cluster.endpoints = side->endpoints;
    side->cluster.slow_start = slow_start;
    side->cluster.has_panic_threshold_zero = true;
    lb_init(&side->lb, &side->cluster, NULL, &side->rng, &side->arena);
}

static void end(struct side *side)
{
    arena_fini(&side->arena);
}

static void picks(struct side *side, int64_t now_ns, char *out, int count)
{
    for (int i = 0; i < count; i++) {
        struct lb_question asked = {.now_ns = now_ns};
        out[i] =
            side->endpoints[lb_choose(&side->lb, &asked, &side->rng).endpoint_index].address.ptr[0];
    }
    out[count] = '\0';
}

static void test_turns_go_on(void **state)
{
    UNUSED_STATE(state);
    static const uint32_t uneven[] = {1, 3, 2, 1};
    static const struct {
        const char *before, *after;
        const uint32_t *weights;
        bool is_same; /* the next picks are those that the old one would have made */
    } rows[] = {
        {"abc", "abc", NULL, true},
        {"abcd", "abcd", uneven, true},
        {"abc", "abcd", NULL, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct side old, heir;
        char ignored[8], want[8], got[8];
        begin(&old, rows[i].before, rows[i].weights, NULL);
        picks(&old, 0, ignored, 5);
        begin(&heir, rows[i].after, rows[i].weights, NULL);
        lb_inherit(&heir.lb, &old.lb, 7);
        assert_true(heir.lb.priorities[0].healthy.next == old.lb.priorities[0].healthy.next);
        picks(&heir, 7, got, 7);
        picks(&old, 7, want, 7);
        if (rows[i].is_same)
            assert_string_equal(got, want);
        end(&old);
        end(&heir);
    }
}

/* A newcomer gets a tenth of a turn at first; who was there has his whole one. */
static void test_a_newcomer_warms_up(void **state)
{
    UNUSED_STATE(state);
    static const struct slow_start minute = {.window_ns = 60 * NS_SECOND};
    struct side old, heir;
    char ignored[8], got[41];
    begin(&old, "ab", NULL, &minute);
    picks(&old, NS_HOUR, ignored, 3);
    begin(&heir, "abc", NULL, &minute);
    lb_inherit(&heir.lb, &old.lb, NS_HOUR);
    assert_true(heir.lb.hosts[0].since_ns == 0);
    assert_true(heir.lb.hosts[2].since_ns == NS_HOUR);
    picks(&heir, NS_HOUR, got, 40);
    int newcomer = 0;
    for (int i = 0; i < 40; i++)
        newcomer += got[i] == 'c';
    assert_true(newcomer >= 1 && newcomer <= 3);
    /* It is known from then on, wherever it stands in the list. */
    struct side third;
    begin(&third, "cab", NULL, &minute);
    lb_inherit(&third.lb, &heir.lb, NS_HOUR + NS_SECOND);
    assert_true(third.lb.hosts[0].since_ns == NS_HOUR);
    assert_true(third.lb.hosts[1].since_ns == 0);
    end(&third);
    end(&old);
    end(&heir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns_go_on),
        cmocka_unit_test(test_a_newcomer_warms_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
