/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/config/analyze/test_analysis.c - findings between objects: code, object,
 * line (ISTIO.md 9.9).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "config/analyze/analysis.h"

#define HEAD(group, kind, name) \
    "---\napiVersion: " group "/v1\nkind: " kind "\nmetadata: {name: " name ", namespace: n}\n"
#define VS HEAD("networking.istio.io", "VirtualService", "v")
#define ROUTE(host) "spec:\n  hosts: [h]\n  http: [{route: [{destination: {host: " host "}}]}]\n"
#define SERVICE                                                               \
    "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: n}\n" \
    "spec: {selector: {app: s}, ports: [{name: http, port: 80}, {name: http-b, port: 81}]}\n"
#define DEPLOYMENT                                                                    \
    "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: s, namespace: n}\n" \
    "spec: {template: {metadata: {labels: {app: s, version: v1}}}}\n"
#define RULE(version)                                   \
    HEAD("networking.istio.io", "DestinationRule", "d") \
    "spec: {host: s, subsets: [{name: x, labels: {version: " version "}}]}\n"

struct setup {
    struct arena arena;
    struct diag_list diags;
    struct analysis analysis;
};

static void setup_init(struct setup *setup, const char *text, bool is_files_only)
{
    struct documents documents = {0};
    struct object_list objects = {0};

    arena_init(&setup->arena, 4096, 0);
    diag_list_init(&setup->diags, &setup->arena);
    tree_read(STR("in.yaml"), str_of(text), &setup->arena, &documents, &setup->diags);
    for (uint32_t i = 0; i < documents.count; i++)
        object_list_add(&objects, documents.items[i], &setup->arena, &setup->diags);
    analysis_init(&setup->analysis, &setup->arena, &objects);
    setup->analysis.is_files_only = is_files_only;
}

static void run_all(struct setup *setup)
{
    const struct analyzer *analyzer;

    for (uint32_t i = 0; (analyzer = analysis_at(i)) != NULL; i++)
        if (!analyzer->is_on_request)
            analysis_run(&setup->analysis, analyzer);
    analysis_sort(&setup->analysis);
}

static const struct finding *find(const struct setup *setup, const char *code)
{
    for (uint32_t i = 0; i < setup->analysis.finding_count; i++)
        if (str_eq(finding_code(&setup->analysis.findings[i]), str_of(code)))
            return &setup->analysis.findings[i];
    return NULL;
}

static void test_each_mistake_has_its_code_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code, *words;
        uint32_t line;
    } rows[] = {
        {VS ROUTE("gone"), "IST0101", "Referenced host not found: \"gone\"", 7},
        {VS ROUTE("s") SERVICE, "IST0112",
         "This VirtualService routes to a service \"s\" that exposes multiple ports [80 81]. "
         "Specifying a port in the destination is required to disambiguate.",
         7},
        {VS ROUTE("s, subset: x"), "IST0101",
         "Referenced host+subset in destinationrule not found: \"s+x\"", 7},
        {VS ROUTE("s") "  gateways: [g]\n" SERVICE, "IST0132",
         "one or more host [h] defined in VirtualService n/v not found in Gateway n/g.", 8},
        {SERVICE DEPLOYMENT RULE("v2"), "IST0173",
         "The Subset x defined in the DestinationRule does not select any pods. Which may lead to "
         "503 UH (NoHealthyUpstream).",
         12},
        {RULE("v1"), "IST0174",
         "The host s defined in the DestinationRule does not match any services in the mesh.", 2},
        {VS "spec: {hosts: [h]}\n", "IST0106",
         "Schema validation error: http, tcp or tls must be provided in virtual service", 2},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct setup setup;
        bool is_said = false;
        setup_init(&setup, rows[i].text, false);
        run_all(&setup);
        for (uint32_t k = 0; k < setup.analysis.finding_count; k++) {
            const struct finding *finding = &setup.analysis.findings[k];
            struct str words = diag_text(&finding->diag, &setup.arena);
            if (!str_eq(words, str_of(rows[i].words)))
                continue;
            assert_true(str_eq(finding_code(finding), str_of(rows[i].code)));
            assert_int_equal(finding->line, rows[i].line);
            is_said = true;
        }
        if (!is_said)
            fail_msg("row %zu: not said: %s", i, rows[i].words);
        arena_fini(&setup.arena);
    }
}

static void test_a_deployments_pods_count_as_pods(void **state)
{
    (void)state;
    struct setup setup;

    setup_init(&setup, SERVICE DEPLOYMENT RULE("v1"), false);
    run_all(&setup);
    assert_null(find(&setup, "IST0173"));
    assert_null(find(&setup, "IST0103"));
    arena_fini(&setup.arena);
}

static void test_files_alone_are_not_asked_about_services(void **state)
{
    (void)state;
    struct setup setup;

    setup_init(&setup, VS ROUTE("gone"), true);
    run_all(&setup);
    assert_int_equal(setup.analysis.finding_count, 0);
    arena_fini(&setup.arena);
}

static void test_the_last_object_of_a_name_counts(void **state)
{
    (void)state;
    struct setup setup;

    setup_init(&setup, VS ROUTE("gone") VS ROUTE("s, port: {number: 80}") SERVICE, false);
    run_all(&setup);
    assert_null(find(&setup, "IST0101"));
    arena_fini(&setup.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mistake_has_its_code_and_line),
        cmocka_unit_test(test_a_deployments_pods_count_as_pods),
        cmocka_unit_test(test_files_alone_are_not_asked_about_services),
        cmocka_unit_test(test_the_last_object_of_a_name_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
