/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_address_map.c - names to places, and addresses as text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "base/check.h"
#include "proxy/live/address_map.h"

static void test_an_exact_port_goes_before_any_port(void **state)
{
    (void)state;
    static const struct {
        struct str name;
        uint32_t port;
        uint32_t want; /* 0: not mapped */
    } rows[] = {
        {STR_INIT("10.0.0.1"), 80, 4080},
        {STR_INIT("10.0.0.1"), 81, 4000},
        {STR_INIT("10.0.0.1"), 65535, 4000},
        {STR_INIT("10.0.0.2"), 80, 5080},
        {STR_INIT("10.0.0.2"), 81, 0},
        {STR_INIT("10.0.0.3"), 80, 0},
        {STR_INIT(""), 80, 0},
    };
    struct address_map map;
    address_map_init(&map);
    struct str to = STR("127.0.0.1");
    assert_true(address_map_set(&map, STR("10.0.0.1"), ADDRESS_MAP_ANY_PORT, to, 4000));
    assert_true(address_map_set(&map, STR("10.0.0.1"), 80, to, 4080));
    assert_true(address_map_set(&map, STR("10.0.0.2"), 80, to, 5080));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sockaddr_storage place;
        char text[ADDRESS_TEXT_BYTES_MAX];
        uint32_t port = 0;
        bool is_found = address_map_find(&map, rows[i].name, rows[i].port, 0, &place);
        assert_int_equal(is_found, rows[i].want != 0);
        if (is_found)
            assert_true(str_eq(address_text(&place, text, &port), to));
        assert_int_equal(port, rows[i].want);
    }
    address_map_fini(&map);
}

static void test_a_name_can_move_and_go_away(void **state)
{
    (void)state;
    struct address_map map;
    address_map_init(&map);
    struct sockaddr_storage place;
    char text[ADDRESS_TEXT_BYTES_MAX];
    uint32_t port;
    struct str name = STR("10.0.0.1");
    address_map_remove(&map, name, 80);
    assert_true(address_map_set(&map, name, 80, STR("127.0.0.1"), 1));
    assert_true(address_map_set(&map, name, 80, STR("::1"), 2));
    assert_true(address_map_find(&map, name, 80, 0, &place));
    assert_true(str_eq(address_text(&place, text, &port), STR("::1")));
    assert_int_equal(port, 2);
    address_map_remove(&map, name, 80);
    assert_false(address_map_find(&map, name, 80, 0, &place));
    assert_true(address_map_set(&map, name, 80, STR("127.0.0.1"), 3));
    assert_true(address_map_find(&map, name, 80, 0, &place));
    address_map_fini(&map);
}

static void test_only_numeric_addresses_are_places(void **state)
{
    (void)state;
    static const struct {
        struct str address;
        uint32_t port;
        bool want;
    } rows[] = {
        {STR_INIT("127.0.0.1"), 0, true},
        {STR_INIT("127.0.0.1"), 65535, true},
        {STR_INIT("127.0.0.1"), 65536, false},
        {STR_INIT("::1"), 80, true},
        {STR_INIT("0.0.0.0"), 80, true},
        {STR_INIT("localhost"), 80, false},
        {STR_INIT("127.0.0.256"), 80, false},
        {STR_INIT("127.0.0.1 "), 80, false},
        {STR_INIT(""), 80, false},
        {STR_INIT("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"), 80, false},
    };
    struct address_map map;
    address_map_init(&map);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sockaddr_storage place;
        assert_int_equal(address_parse(rows[i].address, rows[i].port, &place), rows[i].want);
        assert_int_equal(address_map_set(&map, STR("x"), 1, rows[i].address, rows[i].port),
                         rows[i].want);
    }
    address_map_fini(&map);
}

static void test_a_name_of_several_places_is_found_in_turn(void **state)
{
    (void)state;
    static const uint32_t wants[] = {1, 2, 3, 1, 2};
    struct address_map map, copy;
    struct str name = STR("10.0.0.1"), to = STR("127.0.0.1");
    address_map_init(&map);
    address_map_init(&copy);
    for (uint32_t port = 1; port <= 3; port++)
        assert_true(address_map_add(&map, name, 80, to, port));
    address_map_copy(&copy, &map);
    for (uint32_t turn = 0; turn < COUNT_OF(wants); turn++) {
        struct sockaddr_storage place;
        char text[ADDRESS_TEXT_BYTES_MAX];
        uint32_t port;
        assert_true(address_map_find(&copy, name, 80, turn, &place));
        (void)address_text(&place, text, &port);
        assert_int_equal(port, wants[turn]);
    }
    assert_true(address_map_set(&map, name, 80, to, 4));
    assert_false(address_map_add(&map, name, 80, STR("nowhere"), 4));
    struct sockaddr_storage place;
    assert_true(address_map_find(&map, name, 80, 7, &place));
    assert_int_equal(ntohs(((const struct sockaddr_in *)&place)->sin_port), 4);
    address_map_fini(&copy);
    address_map_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_exact_port_goes_before_any_port),
        cmocka_unit_test(test_a_name_can_move_and_go_away),
        cmocka_unit_test(test_only_numeric_addresses_are_places),
        cmocka_unit_test(test_a_name_of_several_places_is_found_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
