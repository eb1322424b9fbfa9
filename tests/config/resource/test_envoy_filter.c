/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/resource/test_envoy_filter.c
 */
#include "tests/config/resource/reading.h"

#include "config/resource/envoy_filter.h"

#define FILTER                                                                           \
    "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {name: a}\n" \
    "spec:\n"

static void test_each_patch_is_named_at_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *what;
        uint32_t line;
    } rows[] = {
        {FILTER "  configPatches:\n  - {applyTo: CLUSTER, patch: {operation: MERGE}}\n",
         "EnvoyFilters are not applied: MERGE of CLUSTER (context ANY) is left out", 6},
        {FILTER "  configPatches:\n"
                "  - applyTo: HTTP_FILTER\n"
                "    match: {context: GATEWAY}\n"
                "    patch: {operation: INSERT_BEFORE, value: {name: envoy.filters.http.lua}}\n",
         "EnvoyFilters are not applied: INSERT_BEFORE of HTTP_FILTER envoy.filters.http.lua "
         "(context GATEWAY) is left out",
         6},
        {FILTER "  configPatches:\n"
                "  - applyTo: NETWORK_FILTER\n"
                "    match: {listener: {filterChain: {filter: {name: tcp}}}}\n"
                "    patch: {operation: REMOVE}\n",
         "EnvoyFilters are not applied: REMOVE of NETWORK_FILTER tcp (context ANY) is left out", 6},
        {FILTER "  configPatches: []\n",
         "this EnvoyFilter has no configPatches, so it changes nothing", 5},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mesh_reading reading;
        mesh_reading_init(&reading, rows[i].text);
        assert_int_equal(reading.diags.count, 1);
        const struct diag *diag = &reading.diags.items[0];
        struct str text = diag_text(diag, &reading.arena);
        if (!str_eq(text, str_of(rows[i].what)))
            fail_msg("\"%.*s\" is not \"%s\"", STR_FMT(text), rows[i].what);
        assert_int_equal(diag->origin.line, rows[i].line);
        mesh_reading_fini(&reading);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_patch_is_named_at_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
