/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/testbed/town/test_directory.c - names as a pod in namespace "default" has
 * them resolved.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "testbed/town/directory.h"

#include "tests/testbed/stage.h"

static const char MESH[] =
    "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\n"
    "spec: {clusterIP: 127.64.0.1, selector: {app: shop}, ports: [{port: 80}]}\n---\n"
    "apiVersion: v1\nkind: Service\nmetadata: {name: stock, namespace: back}\n"
    "spec: {clusterIP: 10.0.0.2, selector: {app: stock}, ports: [{port: 80}]}\n---\n"
    "apiVersion: v1\nkind: Service\nmetadata: {name: db}\n"
    "spec: {clusterIP: None, selector: {app: db}, ports: [{port: 5432}]}\n---\n"
    "apiVersion: v1\nkind: Pod\nmetadata: {name: db-0, labels: {app: db}}\n"
    "status: {podIP: 10.1.0.1}\nspec: {containers: [{name: c, ports: [{containerPort: 5432}]}]}\n"
    "---\n"
    "apiVersion: v1\nkind: Service\nmetadata: {name: empty}\n"
    "spec: {clusterIP: None, selector: {app: none}, ports: [{port: 80}]}\n---\n"
    "apiVersion: v1\nkind: Service\nmetadata: {name: alias}\n"
    "spec: {type: ExternalName, externalName: stock.back.svc.cluster.local}\n---\n"
    "apiVersion: v1\nkind: Service\nmetadata: {name: round}\n"
    "spec: {type: ExternalName, externalName: round.default.svc.cluster.local}\n---\n"
    "apiVersion: v1\nkind: Service\nmetadata: {name: out}\n"
    "spec: {type: ExternalName, externalName: api.example.com}\n---\n"
    "apiVersion: v1\nkind: Service\nmetadata: {name: bank}\n"
    "spec: {type: ExternalName, externalName: pay.example.org}\n---\n"
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: pay}\n"
    "spec: {hosts: [pay.example.org], addresses: [240.0.0.9], resolution: STATIC,\n"
    "  endpoints: [{address: 240.0.0.10}], ports: [{number: 80, name: http, protocol: HTTP}]}\n"
    "---\n"
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: wide}\n"
    "spec: {hosts: ['*.example.org', www.example.net], resolution: NONE,\n"
    "  ports: [{number: 80, name: http, protocol: HTTP}]}\n---\n"
    "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: net}\n"
    "spec: {hosts: [net.example.net], addresses: [240.1.0.0/16], resolution: NONE,\n"
    "  ports: [{number: 90, name: tcp, protocol: TCP}]}\n";

static const struct {
    const char *name, *host;
    bool is_external_allowed;
    enum guide_verdict verdict;
    const char *answer; /* the address, or a part of the text */
} ROWS[] = {
    {"a short name", "shop", false, GUIDE_HERE, "127.64.0.1"},
    {"in any case", "SHOP", false, GUIDE_HERE, "127.64.0.1"},
    {"with its namespace", "stock.back", false, GUIDE_HERE, "10.0.0.2"},
    {"another namespace needs its name", "stock", false, GUIDE_NOWHERE,
     "did you mean \"stock.back\""},
    {"with svc", "shop.default.svc", false, GUIDE_HERE, "127.64.0.1"},
    {"whole", "shop.default.svc.cluster.local", false, GUIDE_HERE, "127.64.0.1"},
    {"whole, with the root's dot", "shop.default.svc.cluster.local.", false, GUIDE_HERE,
     "127.64.0.1"},
    {"a short name with the root's dot is not searched for", "shop.", false, GUIDE_NOWHERE,
     "nobody"},
    {"a headless service is its first pod", "db", false, GUIDE_HERE, "10.1.0.1"},
    {"its pods have names", "db-0.db", false, GUIDE_HERE, "10.1.0.1"},
    {"but not every name", "db-1.db", false, GUIDE_NOWHERE, "nobody"},
    {"a headless service without pods", "empty", false, GUIDE_NOWHERE, "no pod that is ready"},
    {"a pod by its dashed address", "10-1-0-1.default.pod.cluster.local", false, GUIDE_HERE,
     "10.1.0.1"},
    {"an alias into the mesh", "alias", false, GUIDE_HERE, "10.0.0.2"},
    {"an alias that is its own", "round", false, GUIDE_NOWHERE, "without end"},
    {"an alias to the outside has a place where nobody is", "out", false, GUIDE_HERE, "127."},
    {"an alias to the outside, allowed", "out", true, GUIDE_OUTSIDE, "api.example.com"},
    {"a ServiceEntry's host has its address", "pay.example.org", false, GUIDE_HERE, "240.0.0.9"},
    {"in any case, allowed or not", "Pay.Example.org.", true, GUIDE_HERE, "240.0.0.9"},
    {"an alias of it", "bank", false, GUIDE_HERE, "240.0.0.9"},
    {"without an address it has a place where nobody is", "www.example.net", false, GUIDE_HERE,
     "127."},
    {"without an address, allowed", "www.example.net", true, GUIDE_OUTSIDE, "www.example.net"},
    {"a wildcard's", "a.b.example.org", false, GUIDE_HERE, "127."},
    {"but not the wildcard's own rest", "example.org", false, GUIDE_NOWHERE, "nobody"},
    {"of a subnet the first", "net.example.net", false, GUIDE_HERE, "240.1.0.0"},
    {"its address", "240.0.0.9", false, GUIDE_HERE, "240.0.0.9"},
    {"its endpoint's", "240.0.0.10", false, GUIDE_HERE, "240.0.0.10"},
    {"a stranger", "example.com", false, GUIDE_NOWHERE, "--allow-external"},
    {"a stranger, allowed", "example.com", true, GUIDE_OUTSIDE, "example.com"},
    {"this machine", "localhost", false, GUIDE_HERE, "127.0.0.1"},
    {"an address of this machine", "127.0.0.9", false, GUIDE_HERE, "127.0.0.9"},
    {"a service's address", "10.0.0.2", false, GUIDE_HERE, "10.0.0.2"},
    {"a pod's address", "10.1.0.1", false, GUIDE_HERE, "10.1.0.1"},
    {"another address", "192.0.2.1", false, GUIDE_NOWHERE, "--allow-external"},
    {"another address, allowed", "192.0.2.1", true, GUIDE_HERE, "192.0.2.1"},
};

static void test_names_lead_where_the_clusters_dns_would(void **state)
{
    (void)state;
    struct stage stage;
    stage_init(&stage, MESH);
    stage.spec.has_stable_addresses = true;
    struct directory_question asked = {
        .world = stage_open(&stage), .namespace = STR("default"), .port = 80};
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        asked.host = str_of(ROWS[i].host);
        asked.is_external_allowed = ROWS[i].is_external_allowed;
        struct guide_answer got = directory_find(&asked, &stage.arena);
        struct str answer = got.verdict == GUIDE_NOWHERE ? got.text : got.address;
        print_message("%s: %.*s\n", ROWS[i].name, STR_FMT(answer));
        assert_int_equal(got.verdict, ROWS[i].verdict);
        assert_true(str_contains(answer, str_of(ROWS[i].answer)));
        if (got.verdict == GUIDE_NOWHERE)
            assert_int_equal(got.status, 502);
    }
    stage_fini(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_lead_where_the_clusters_dns_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
