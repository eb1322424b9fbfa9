/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_inspector.c - first bytes to a protocol.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/wire/inspector.h"

static const struct peer_facts nobody;

static enum inspected look(struct str bytes)
{
    static const struct listener listener = {.tls_inspector = {.is_there = true},
                                             .http_inspector = {.is_there = true}};
    return inspector_look(&(struct inspection){.listener = &listener, .peer = &nobody}, bytes);
}

static void test_inspection_names_the_protocol_of_the_first_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum inspected want;
    } rows[] = {
        {"", INSPECTED_MORE},
        {"G", INSPECTED_MORE},
        {"G\r", INSPECTED_MORE},
        {"x", INSPECTED_MORE},
        {"GET / HTTP/1.", INSPECTED_MORE},
        {"GET / HTTP/1.1", INSPECTED_MORE},
        {"GET / HTTP/1.1\r", INSPECTED_MORE},
        {"GET / HTTP/1.1\r\n", INSPECTED_HTTP11},
        {"GET / HTTP/1.1\n", INSPECTED_HTTP11},
        {"GET / HTTP/1.1\r\r\n", INSPECTED_HTTP11},
        {"GET\t/  HTTP/1.1 \r\n", INSPECTED_HTTP11},
        {"get / HTTP/1.1\r\n", INSPECTED_HTTP11},
        {"BREW! / HTTP/1.1\r\n", INSPECTED_HTTP11},
        {"GET /\x01 HTTP/1.1\r\n", INSPECTED_HTTP11},
        {"GET ws://a/ HTTP/1.1\r\n", INSPECTED_HTTP11},
        {"CONNECT a:1 HTTP/1.1\r\n", INSPECTED_HTTP11},
        {"GET / HTTP/1.0\r\n", INSPECTED_HTTP10},
        {"GET / HTTP/2.0\r\n", INSPECTED_HTTP10},
        {"GET /\r\n", INSPECTED_HTTP10},
        {"\r", INSPECTED_MORE},
        {"\r\n\r\n\r", INSPECTED_OTHER},
        {"\r\nGET / HTTP/1.1\r\n", INSPECTED_OTHER},
        {"\nGET / HTTP/1.1\r\n", INSPECTED_OTHER},
        {" GET / HTTP/1.1\r\n", INSPECTED_OTHER},
        {"G(", INSPECTED_MORE}, /* the TLS inspector wants five */
        {"G(  ", INSPECTED_MORE},
        {"G(   ", INSPECTED_OTHER},
        {"GET a HTTP/1.1\r\n", INSPECTED_OTHER},
        {"GET /\x7f HTTP/1.1\r\n", INSPECTED_OTHER},
        {"GET /\xff HTTP/1.1\r\n", INSPECTED_OTHER},
        {"GET /a b HTTP/1.1\r\n", INSPECTED_OTHER},
        {"GET / HTTP/1.1\rx: y\r\n", INSPECTED_OTHER},
        {"GET / HTTP/11.1\r\n", INSPECTED_OTHER},
        {"GET / http/1.1\r\n", INSPECTED_OTHER},
        {"GET\r\n", INSPECTED_OTHER},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", INSPECTED_MORE},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", INSPECTED_H2C},
        {"\x16\x03\x01\x02", INSPECTED_MORE},
        {"\x16\x03\x01\x02\x01", INSPECTED_TLS},
        {"hello\n", INSPECTED_OTHER},
        {"HELLO\n", INSPECTED_OTHER},
        {"\x01\x02\x03\x04", INSPECTED_MORE},
        {"\x01\x02\x03\x04\x05", INSPECTED_OTHER},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(look(str_of(rows[i].bytes)), rows[i].want);
}

static void test_the_inspector_looks_no_further_than_64_kib(void **state)
{
    (void)state;
    static char bytes[64 * 1024];
    memset(bytes, 'a', sizeof(bytes));
    memcpy(bytes, "GET /", 5);
    assert_int_equal(look((struct str){bytes, sizeof(bytes) - 1}), INSPECTED_MORE);
    assert_int_equal(look((struct str){bytes, sizeof(bytes)}), INSPECTED_OTHER);
    memcpy(bytes + sizeof(bytes) - 11, " HTTP/1.1\r\n", 11);
    assert_int_equal(look((struct str){bytes, sizeof(bytes)}), INSPECTED_HTTP11);
}

/* The TLS inspector needs five bytes; where nobody looks, none is waited for. */
static void test_who_looks_decides_what_is_seen(void **state)
{
    (void)state;
    static const uint32_t ports[] = {80};
    struct listener listener = {
        .tls_inspector = {
            .is_there = true, .is_on_ports_only = true, .ports = ports, .port_count = 1}};
    struct inspection on = {.listener = &listener, .peer = &nobody, .destination_port = 80};
    struct inspection off = {.listener = &listener, .peer = &nobody, .destination_port = 81};
    assert_int_equal(inspector_look(&on, STR_EMPTY), INSPECTED_MORE);
    assert_int_equal(inspector_look(&on, STR("GET ")), INSPECTED_MORE);
    assert_int_equal(inspector_look(&on, STR("GET /")), INSPECTED_OTHER);
    assert_int_equal(inspector_look(&on, STR("\x16\x03\x01\x00")), INSPECTED_MORE);
    assert_int_equal(inspector_look(&on, STR("\x16\x03\x01\x00\x05")), INSPECTED_TLS);
    assert_int_equal(inspector_look(&off, STR_EMPTY), INSPECTED_OTHER);
    assert_int_equal(inspector_look(&off, STR("\x16")), INSPECTED_OTHER);
}

static void test_what_was_seen_chooses_the_chain(void **state)
{
    (void)state;
    static const struct str names[] = {STR_INIT("http/1.1"), STR_INIT("h2c")};
    struct filter_chain chains[] = {
        {.kind = CHAIN_HTTP, .application_protocols = names, .application_protocol_count = 2},
        {.kind = CHAIN_TCP, .transport_protocol = STR("tls")},
    };
    struct listener listener = {.chains = chains, .chain_count = 2};
    struct inspection asked = {.listener = &listener, .peer = &nobody};
    assert_ptr_equal(inspector_choose(&asked, INSPECTED_HTTP11), &chains[0]);
    assert_ptr_equal(inspector_choose(&asked, INSPECTED_H2C), &chains[0]);
    assert_ptr_equal(inspector_choose(&asked, INSPECTED_TLS), &chains[1]);
    assert_null(inspector_choose(&asked, INSPECTED_HTTP10));
    assert_null(inspector_choose(&asked, INSPECTED_OTHER));
}

/* TLS that the carrier ends: its ClientHello is told, not read. */
static void test_a_hello_is_told(void **state)
{
    (void)state;
    static const struct str names[] = {STR_INIT("a.example.com")};
    static const struct str protocols[] = {STR_INIT("istio")};
    struct filter_chain chains[] = {
        {.transport_protocol = STR("raw_buffer")},
        {.transport_protocol = STR("tls")},
        {.transport_protocol = STR("tls"), .server_names = names, .server_name_count = 1},
        {.transport_protocol = STR("tls"),
         .application_protocols = protocols,
         .application_protocol_count = 1},
    };
    struct listener listener = {
        .chains = chains, .chain_count = 4, .tls_inspector = {.is_there = true}};
    struct peer_facts peer = {.is_tls = true};
    struct inspection asked = {.listener = &listener, .peer = &peer};
    assert_int_equal(inspector_look(&asked, STR_EMPTY), INSPECTED_TLS);
    assert_ptr_equal(inspector_choose(&asked, INSPECTED_TLS), &chains[1]);
    peer.server_name = names[0];
    assert_ptr_equal(inspector_choose(&asked, INSPECTED_TLS), &chains[2]);
    peer.server_name = STR_EMPTY;
    peer.protocols = protocols;
    peer.protocol_count = 1;
    assert_ptr_equal(inspector_choose(&asked, INSPECTED_TLS), &chains[3]);
    /* Who does not look does not know. */
    listener.tls_inspector.is_there = false;
    assert_int_equal(inspector_look(&asked, STR_EMPTY), INSPECTED_OTHER);
    assert_ptr_equal(inspector_choose(&asked, INSPECTED_OTHER), &chains[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inspection_names_the_protocol_of_the_first_bytes),
        cmocka_unit_test(test_the_inspector_looks_no_further_than_64_kib),
        cmocka_unit_test(test_who_looks_decides_what_is_seen),
        cmocka_unit_test(test_what_was_seen_chooses_the_chain),
        cmocka_unit_test(test_a_hello_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
