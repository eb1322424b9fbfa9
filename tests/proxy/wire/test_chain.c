/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_chain.c - first bytes to a protocol to a filter chain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/wire/chain.h"

static void test_inspection_names_the_protocol_of_the_first_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum chain_protocol want;
    } rows[] = {
        {"", CHAIN_PROTOCOL_MORE},
        {"G", CHAIN_PROTOCOL_MORE},
        {"G\r", CHAIN_PROTOCOL_MORE},
        {"x", CHAIN_PROTOCOL_MORE},
        {"GET / HTTP/1.", CHAIN_PROTOCOL_MORE},
        {"GET / HTTP/1.1", CHAIN_PROTOCOL_MORE},
        {"GET / HTTP/1.1\r", CHAIN_PROTOCOL_MORE},
        {"GET / HTTP/1.1\r\n", CHAIN_PROTOCOL_HTTP11},
        {"GET / HTTP/1.1\n", CHAIN_PROTOCOL_HTTP11},
        {"GET / HTTP/1.1\r\r\n", CHAIN_PROTOCOL_HTTP11},
        {"GET\t/  HTTP/1.1 \r\n", CHAIN_PROTOCOL_HTTP11},
        {"get / HTTP/1.1\r\n", CHAIN_PROTOCOL_HTTP11},
        {"BREW! / HTTP/1.1\r\n", CHAIN_PROTOCOL_HTTP11},
        {"GET /\x01 HTTP/1.1\r\n", CHAIN_PROTOCOL_HTTP11},
        {"GET ws://a/ HTTP/1.1\r\n", CHAIN_PROTOCOL_HTTP11},
        {"CONNECT a:1 HTTP/1.1\r\n", CHAIN_PROTOCOL_HTTP11},
        {"GET / HTTP/1.0\r\n", CHAIN_PROTOCOL_HTTP10},
        {"GET / HTTP/2.0\r\n", CHAIN_PROTOCOL_HTTP10},
        {"GET /\r\n", CHAIN_PROTOCOL_HTTP10},
        {"\r", CHAIN_PROTOCOL_OTHER},
        {"\r\nGET / HTTP/1.1\r\n", CHAIN_PROTOCOL_OTHER},
        {"\nGET / HTTP/1.1\r\n", CHAIN_PROTOCOL_OTHER},
        {" GET / HTTP/1.1\r\n", CHAIN_PROTOCOL_OTHER},
        {"G(", CHAIN_PROTOCOL_OTHER},
        {"GET a HTTP/1.1\r\n", CHAIN_PROTOCOL_OTHER},
        {"GET /\x7f HTTP/1.1\r\n", CHAIN_PROTOCOL_OTHER},
        {"GET /\xff HTTP/1.1\r\n", CHAIN_PROTOCOL_OTHER},
        {"GET /a b HTTP/1.1\r\n", CHAIN_PROTOCOL_OTHER},
        {"GET / HTTP/1.1\rx: y\r\n", CHAIN_PROTOCOL_OTHER},
        {"GET / HTTP/11.1\r\n", CHAIN_PROTOCOL_OTHER},
        {"GET / http/1.1\r\n", CHAIN_PROTOCOL_OTHER},
        {"GET\r\n", CHAIN_PROTOCOL_OTHER},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", CHAIN_PROTOCOL_MORE},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", CHAIN_PROTOCOL_H2C},
        {"\x16\x03\x01", CHAIN_PROTOCOL_TLS},
        {"hello\n", CHAIN_PROTOCOL_OTHER},
        {"HELLO\n", CHAIN_PROTOCOL_OTHER},
        {"\x01\x02", CHAIN_PROTOCOL_OTHER},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(chain_inspect(str_of(rows[i].bytes)), rows[i].want);
}

static void test_the_inspector_looks_no_further_than_64_kib(void **state)
{
    (void)state;
    static char bytes[64 * 1024];
    memset(bytes, 'a', sizeof(bytes));
    memcpy(bytes, "GET /", 5);
    assert_int_equal(chain_inspect((struct str){bytes, sizeof(bytes) - 1}), CHAIN_PROTOCOL_MORE);
    assert_int_equal(chain_inspect((struct str){bytes, sizeof(bytes)}), CHAIN_PROTOCOL_OTHER);
    memcpy(bytes + sizeof(bytes) - 11, " HTTP/1.1\r\n", 11);
    assert_int_equal(chain_inspect((struct str){bytes, sizeof(bytes)}), CHAIN_PROTOCOL_HTTP11);
}

/* ISTIO.md 5.2: http/1.1 and h2c go to the connection manager, everything else,
 * HTTP/1.0 included, is bytes. */
static void test_a_chain_is_chosen_by_protocol_then_the_general_then_the_default(void **state)
{
    (void)state;
    static const struct str names[] = {STR_INIT("http/1.1"), STR_INIT("h2c")};
    struct filter_chain chains[3] = {
        {.kind = CHAIN_HTTP,
         .application_protocols = names,
         .application_protocol_count = 2,
         .transport_protocol = STR("raw_buffer")},
        {.kind = CHAIN_TCP, .is_tls = true},
        {.kind = CHAIN_TCP, .destination_port = 15001},
    };
    struct filter_chain other = {.kind = CHAIN_TCP};
    struct listener listener = {
        .port = 80, .chains = chains, .chain_count = 3, .default_chain = &other};
    const struct {
        struct chain_question asked;
        const struct filter_chain *want;
    } rows[] = {
        {{&listener, CHAIN_PROTOCOL_HTTP11, 80, false, STR_EMPTY}, &chains[0]},
        {{&listener, CHAIN_PROTOCOL_H2C, 80, false, STR_EMPTY}, &chains[0]},
        {{&listener, CHAIN_PROTOCOL_HTTP10, 80, false, STR_EMPTY}, &other},
        {{&listener, CHAIN_PROTOCOL_TLS, 80, false, STR_EMPTY}, &other},
        {{&listener, CHAIN_PROTOCOL_OTHER, 80, false, STR_EMPTY}, &other},
        {{&listener, CHAIN_PROTOCOL_OTHER, 15001, false, STR_EMPTY}, &chains[2]},
        {{&listener, CHAIN_PROTOCOL_HTTP11, 80, true, STR_EMPTY}, &chains[1]},
    };
    assert_true(chain_is_inspected(&listener));
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_ptr_equal(chain_choose(rows[i].asked), rows[i].want);
    listener.default_chain = NULL;
    assert_null(chain_choose(rows[2].asked));
}

/* Addresses come before application protocols, and the narrowest range counts. */
static void test_a_chain_is_chosen_by_address(void **state)
{
    (void)state;
    static const struct str names[] = {STR_INIT("http/1.1")};
    static const struct cidr wide[] = {{STR_INIT("10.0.0.0"), 8}};
    static const struct cidr narrow[] = {{STR_INIT("192.168.0.0"), 16}, {STR_INIT("10.1.0.0"), 16}};
    static const struct cidr other[] = {{STR_INIT("fd00::1"), 128}, {STR_INIT("0.0.0.0"), 0}};
    struct filter_chain chains[] = {
        {.kind = CHAIN_TCP, .destinations = wide, .destination_count = 1},
        {.kind = CHAIN_TCP, .destinations = narrow, .destination_count = 2},
        {.kind = CHAIN_HTTP, .application_protocols = names, .application_protocol_count = 1},
        {.kind = CHAIN_TCP, .destinations = other, .destination_count = 1},
    };
    struct filter_chain rest = {.kind = CHAIN_TCP};
    struct listener listener = {.chains = chains, .chain_count = 4, .default_chain = &rest};
    const struct {
        struct str address;
        const struct filter_chain *want;
    } rows[] = {
        {STR("10.2.3.4"), &chains[0]},    {STR("10.1.3.4"), &chains[1]},
        {STR("192.168.9.9"), &chains[1]}, {STR("11.0.0.1"), &chains[2]},
        {STR("fd00::1"), &chains[3]},     {STR("10.1.3"), &chains[2]},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct chain_question asked = {.listener = &listener,
                                       .protocol = CHAIN_PROTOCOL_HTTP11,
                                       .destination_address = rows[i].address};
        assert_ptr_equal(chain_choose(asked), rows[i].want);
    }
    chains[3].destination_count = 2;
    assert_ptr_equal(chain_choose((struct chain_question){.listener = &listener,
                                                          .protocol = CHAIN_PROTOCOL_HTTP11,
                                                          .destination_address = STR("9.9.9.9")}),
                     &chains[3]);
}

/* Who may begin with TLS is waited for, also where only names tell chains apart. */
static void test_a_listener_whose_chains_have_names_is_inspected(void **state)
{
    (void)state;
    static struct str names[] = {STR_INIT("a.example")};
    struct filter_chain chain = {.kind = CHAIN_TCP, .server_names = names, .server_name_count = 1};
    struct filter_chain rest = {.kind = CHAIN_TCP};
    struct listener listener = {.chains = &chain, .chain_count = 1, .default_chain = &rest};
    assert_true(chain_is_inspected(&listener));
    assert_ptr_equal(chain_choose((struct chain_question){.listener = &listener,
                                                          .protocol = CHAIN_PROTOCOL_HTTP11}),
                     &rest);
}

static void test_a_listener_without_protocols_lets_the_server_speak_first(void **state)
{
    (void)state;
    struct filter_chain chain = {.kind = CHAIN_TCP};
    struct listener listener = {.chains = &chain, .chain_count = 1};
    assert_false(chain_is_inspected(&listener));
    assert_ptr_equal(chain_choose((struct chain_question){.listener = &listener,
                                                          .protocol = CHAIN_PROTOCOL_OTHER}),
                     &chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inspection_names_the_protocol_of_the_first_bytes),
        cmocka_unit_test(test_the_inspector_looks_no_further_than_64_kib),
        cmocka_unit_test(test_a_chain_is_chosen_by_protocol_then_the_general_then_the_default),
        cmocka_unit_test(test_a_chain_is_chosen_by_address),
        cmocka_unit_test(test_a_listener_whose_chains_have_names_is_inspected),
        cmocka_unit_test(test_a_listener_without_protocols_lets_the_server_speak_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
