/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/core/test_chain.c - which filter chain serves a connection
 * (ENVOY.md 9.5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/core/chain.h"

#include "base/check.h"

/* ISTIO.md 5.2: http/1.1 and h2c go to the connection manager, everything else,
 * HTTP/1.0 included, is bytes. */
static void test_protocols_then_the_general_then_the_default(void **state)
{
    (void)state;
    static const struct str names[] = {STR_INIT("http/1.1"), STR_INIT("h2c")};
    static const struct str http11 = STR_INIT("http/1.1"), http10 = STR_INIT("http/1.0");
    struct filter_chain chains[] = {
        {.kind = CHAIN_HTTP,
         .application_protocols = names,
         .application_protocol_count = 2,
         .transport_protocol = STR("raw_buffer")},
        {.kind = CHAIN_TCP, .destination_port = 15001},
    };
    struct filter_chain other = {.kind = CHAIN_TCP};
    struct listener listener = {.chains = chains, .chain_count = 2, .default_chain = &other};
    const struct {
        struct chain_question asked;
        const struct filter_chain *want;
        uint32_t count;
    } rows[] = {
        {{.destination_port = 80, .protocols = &http11, .protocol_count = 1}, &chains[0], 1},
        {{.destination_port = 80, .protocols = &http10, .protocol_count = 1}, &other, 0},
        {{.destination_port = 80}, &other, 0},
        {{.destination_port = 80, .is_tls = true, .protocols = &http11, .protocol_count = 1},
         &other,
         0},
        {{.destination_port = 15001, .protocols = &http11, .protocol_count = 1}, &chains[1], 1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct chain_question asked = rows[i].asked;
        uint32_t count;
        asked.listener = &listener;
        assert_ptr_equal(chain_choose(&asked, &count), rows[i].want);
        assert_int_equal(count, rows[i].count);
    }
    listener.default_chain = NULL;
    struct chain_question asked = {.listener = &listener, .destination_port = 80};
    assert_null(chain_choose(&asked, NULL));
}

/* Addresses come before application protocols, and the narrowest range counts. */
static void test_the_narrowest_range(void **state)
{
    (void)state;
    static const struct str names[] = {STR_INIT("http/1.1")};
    static const struct cidr wide[] = {{STR_INIT("10.0.0.0"), 8}};
    static const struct cidr narrow[] = {{STR_INIT("192.168.0.0"), 16}, {STR_INIT("10.1.0.0"), 16}};
    static const struct cidr other[] = {{STR_INIT("fd00::"), 8}, {STR_INIT("0.0.0.0"), 0}};
    struct filter_chain chains[] = {
        {.kind = CHAIN_TCP, .destinations = wide, .destination_count = 1},
        {.kind = CHAIN_TCP, .destinations = narrow, .destination_count = 2},
        {.kind = CHAIN_HTTP, .application_protocols = names, .application_protocol_count = 1},
        {.kind = CHAIN_TCP, .destinations = other, .destination_count = 1},
    };
    struct listener listener = {.chains = chains, .chain_count = 4};
    const struct {
        struct str address;
        const struct filter_chain *want;
    } rows[] = {
        {STR("10.2.3.4"), &chains[0]},    {STR("10.1.3.4"), &chains[1]},
        {STR("192.168.9.9"), &chains[1]}, {STR("11.0.0.1"), &chains[2]},
        {STR("fd00::1"), &chains[3]},     {STR("10.1.3"), &chains[2]},
    };
    struct chain_question asked = {.listener = &listener, .protocols = names, .protocol_count = 1};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        asked.destination_address = rows[i].address;
        assert_ptr_equal(chain_choose(&asked, NULL), rows[i].want);
    }
    chains[3].destination_count = 2;
    asked.destination_address = STR("9.9.9.9");
    assert_ptr_equal(chain_choose(&asked, NULL), &chains[3]);
}

static void test_the_longest_server_name(void **state)
{
    (void)state;
    static const struct str exact[] = {STR_INIT("a.example.com"), STR_INIT("b.org")};
    static const struct str wide[] = {STR_INIT("*.com")};
    static const struct str narrow[] = {STR_INIT("*.example.com")};
    struct filter_chain chains[] = {
        {.server_names = wide, .server_name_count = 1},
        {.server_names = exact, .server_name_count = 2},
        {.server_names = narrow, .server_name_count = 1, .transport_protocol = STR("tls")},
        {.kind = CHAIN_TCP},
    };
    struct listener listener = {.chains = chains, .chain_count = 4};
    const struct {
        const char *name;
        bool is_tls;
        const struct filter_chain *want;
    } rows[] = {
        {"a.example.com", true, &chains[1]},
        {"b.org", true, &chains[1]},
        {"c.example.com", true, &chains[2]},
        {"x.com", true, &chains[0]},
        {"com", true, &chains[3]},
        {"", true, &chains[3]},
        {"a.b.org", true, &chains[3]},
        /* The name has been decided: the wider one is not asked again. */
        {"c.example.com", false, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct chain_question asked = {
            .listener = &listener, .is_tls = rows[i].is_tls, .server_name = str_of(rows[i].name)};
        assert_ptr_equal(chain_choose(&asked, NULL), rows[i].want);
    }
}

/* What istiod makes of a sniffed port under PERMISSIVE and STRICT (ISTIO.md 6). */
static void test_an_inbound_port(void **state)
{
    (void)state;
    static const struct str mtls_http[] = {STR_INIT("istio-http/1.1"), STR_INIT("istio-h2")};
    static const struct str plain[] = {STR_INIT("http/1.1"), STR_INIT("h2c")};
    static const struct str mtls_tcp[] = {STR_INIT("istio-peer-exchange"), STR_INIT("istio")};
    static const struct str offered[] = {STR_INIT("istio-http/1.1"), STR_INIT("istio"),
                                         STR_INIT("http/1.1")};
    struct filter_chain chains[] = {
        {.destination_port = 80,
         .transport_protocol = STR("tls"),
         .application_protocols = mtls_http,
         .application_protocol_count = 2},
        {.destination_port = 80,
         .transport_protocol = STR("raw_buffer"),
         .application_protocols = plain,
         .application_protocol_count = 2},
        {.destination_port = 80,
         .transport_protocol = STR("tls"),
         .application_protocols = mtls_tcp,
         .application_protocol_count = 2},
        {.destination_port = 80, .transport_protocol = STR("raw_buffer")},
        {.destination_port = 80, .transport_protocol = STR("tls")},
        {.destination_port = 90, .transport_protocol = STR("tls")},
        {.transport_protocol = STR("raw_buffer")},
    };
    struct listener listener = {.chains = chains, .chain_count = COUNT_OF(chains)};
    const struct {
        uint32_t port;
        bool is_tls;
        const struct str *protocols;
        uint32_t protocol_count;
        const struct filter_chain *want;
    } rows[] = {
        {80, true, offered, 3, &chains[0]},
        {80, true, &offered[1], 2, &chains[2]},
        {80, true, &offered[2], 1, &chains[4]},
        {80, true, NULL, 0, &chains[4]},
        {80, false, plain, 1, &chains[1]},
        {80, false, NULL, 0, &chains[3]},
        {90, true, NULL, 0, &chains[5]},
        {91, false, NULL, 0, &chains[6]},
        /* STRICT: nothing takes it, and the port is not asked again. */
        {90, false, plain, 1, NULL},
        {91, true, offered, 3, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct chain_question asked = {.listener = &listener,
                                       .destination_port = rows[i].port,
                                       .is_tls = rows[i].is_tls,
                                       .protocols = rows[i].protocols,
                                       .protocol_count = rows[i].protocol_count};
        assert_ptr_equal(chain_choose(&asked, NULL), rows[i].want);
    }
}

static void test_an_inspector_is_on_or_off_by_port(void **state)
{
    (void)state;
    static const uint32_t ports[] = {80, 90};
    struct inspector inspector = {.is_there = true};
    assert_true(chain_is_inspected(&inspector, 80));
    inspector.ports = ports;
    inspector.port_count = 2;
    assert_false(chain_is_inspected(&inspector, 90));
    assert_true(chain_is_inspected(&inspector, 91));
    inspector.is_on_ports_only = true;
    assert_true(chain_is_inspected(&inspector, 90));
    assert_false(chain_is_inspected(&inspector, 91));
    assert_false(chain_is_inspected(&(struct inspector){0}, 80));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protocols_then_the_general_then_the_default),
        cmocka_unit_test(test_the_narrowest_range),
        cmocka_unit_test(test_the_longest_server_name),
        cmocka_unit_test(test_an_inbound_port),
        cmocka_unit_test(test_an_inspector_is_on_or_off_by_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
