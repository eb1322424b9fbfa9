/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/wire/test_client_hello.c - a greeting, whole, in pieces, in several
 * records, and broken in every place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/buf.h"
#include "proxy/wire/client_hello.h"

#define ZEROS_32                       \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
/* SNI Shop.example.com; an extension that nobody knows; ALPN h2, http/1.1. */
#define EXTENSIONS                         \
    "\x00\x00\x00\x15\x00\x13\x00\x00\x10" \
    "Shop.example.com"                     \
    "\x12\x34\x00\x01x"                    \
    "\x00\x10\x00\x0e\x00\x0c\x02h2\x08http/1.1"
#define BODY                   \
    "\x03\x03" ZEROS_32 "\x00" \
    "\x00\x02\x13\x01"         \
    "\x01\x00"                 \
    "\x00\x30" EXTENSIONS

static const struct str body = STR_INIT(BODY);

/* The message in records of at most `piece_max` bytes. */
static struct str hello_of(struct arena *arena, struct str inside, size_t piece_max)
{
    char head[4] = {1, 0, (char)(inside.len >> 8), (char)(inside.len & 0xff)};
    struct str message = arena_concat(arena, (struct str){head, sizeof(head)}, inside);
    char *out = ARENA_ARRAY(arena, char, 5 * (message.len / piece_max + 1) + message.len);
    size_t size = 0;
    while (message.len > 0) {
        struct str piece = str_slice(message, 0, piece_max);
        char record[5] = {0x16, 3, 1, (char)(piece.len >> 8), (char)(piece.len & 0xff)};
        memcpy(out + size, record, sizeof(record));
        memcpy(out + size + sizeof(record), piece.ptr, piece.len);
        size += sizeof(record) + piece.len;
        message = str_from(message, piece.len);
    }
    return (struct str){out, size};
}

static void expect_all(const struct client_hello *hello)
{
    assert_true(str_eq(hello->server_name, STR("shop.example.com")));
    assert_int_equal(hello->protocol_count, 2);
    assert_true(str_eq(hello->protocols[0], STR("h2")));
    assert_true(str_eq(hello->protocols[1], STR("http/1.1")));
}

static void test_a_name_and_protocols_are_found(void **state)
{
    (void)state;
    struct arena arena;
    struct client_hello hello;
    arena_init(&arena, 4096, 0);
    for (size_t piece = 1; piece < 200; piece += 7) {
        struct str bytes = hello_of(&arena, body, piece);
        assert_int_equal(client_hello_read(bytes, &arena, &hello), CLIENT_HELLO_DONE);
        expect_all(&hello);
        for (size_t size = 0; size < bytes.len; size++) {
            struct str part = str_slice(bytes, 0, size);
            assert_int_equal(client_hello_read(part, &arena, &hello), CLIENT_HELLO_MORE);
        }
    }
    arena_fini(&arena);
}

static void test_a_greeting_without_extensions_names_nobody(void **state)
{
    (void)state;
    struct arena arena;
    struct client_hello hello;
    arena_init(&arena, 4096, 0);
    struct str inside = str_slice(body, 0, 2 + 32 + 1 + 4 + 2);
    struct str bytes = hello_of(&arena, inside, 1000);
    assert_int_equal(client_hello_read(bytes, &arena, &hello), CLIENT_HELLO_DONE);
    assert_int_equal(hello.server_name.len, 0);
    assert_int_equal(hello.protocol_count, 0);
    arena_fini(&arena);
}

/* A message cut at any place, but told to be whole, is broken, never read past
 * its end. */
static void test_a_cut_message_is_broken(void **state)
{
    (void)state;
    struct arena arena;
    struct client_hello hello;
    arena_init(&arena, 4096, 0);
    for (size_t size = 0; size < body.len; size++) {
        struct str bytes = hello_of(&arena, str_slice(body, 0, size), 1000);
        enum client_hello_kind kind = client_hello_read(bytes, &arena, &hello);
        bool is_before_extensions = size == 2 + 32 + 1 + 4 + 2;
        assert_int_equal(kind, is_before_extensions ? CLIENT_HELLO_DONE : CLIENT_HELLO_NONE);
    }
    arena_fini(&arena);
}

static void test_what_is_no_tls_is_told(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        enum client_hello_kind want;
    } rows[] = {
        {STR_INIT(""), CLIENT_HELLO_MORE},
        {STR_INIT("GET / HTTP/1.1\r\n"), CLIENT_HELLO_NONE},
        {STR_INIT("\x16"), CLIENT_HELLO_MORE},
        {STR_INIT("\x16\x02"), CLIENT_HELLO_NONE},
        {STR_INIT("\x16\x03\x01\x41\x40"), CLIENT_HELLO_MORE},
        {STR_INIT("\x16\x03\x01\x41\x41"), CLIENT_HELLO_NONE}, /* no record is so long */
        {STR_INIT("\x16\x03\x01\x00\x00"), CLIENT_HELLO_MORE},
        {STR_INIT("\x16\x03\x01\x00\x01\x02"), CLIENT_HELLO_MORE},
        {STR_INIT("\x16\x03\x01\x00\x04\x02\x00\x00\x00"), CLIENT_HELLO_NONE},
        {STR_INIT("\x16\x03\x01\x00\x04\x01\x00\x40\x00"), CLIENT_HELLO_MORE},
        {STR_INIT("\x16\x03\x01\x00\x04\x01\x00\x40\x01"), CLIENT_HELLO_NONE},
        {STR_INIT("\x16\x03\x01\x00\x01\x01G"), CLIENT_HELLO_NONE},
    };
    struct arena arena;
    struct client_hello hello;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(client_hello_read(rows[i].bytes, &arena, &hello), rows[i].want);
    arena_fini(&arena);
}

#define REST "\x00\x00\x02\x13\x01\x01\x00"
/* As a real Envoy 1.40 takes them, each sent to its listeners. */
static const struct {
    const char *what;
    struct str body;
    enum client_hello_kind want;
} greetings[] = {
    {"SSL 3", STR_INIT("\x03\x00" ZEROS_32 REST), CLIENT_HELLO_BAD},
    {"TLS 1.0", STR_INIT("\x03\x01" ZEROS_32 REST), CLIENT_HELLO_DONE},
    {"version 0304", STR_INIT("\x03\x04" ZEROS_32 REST), CLIENT_HELLO_DONE},
    {"version 0305", STR_INIT("\x03\x05" ZEROS_32 REST), CLIENT_HELLO_BAD},
    {"a session of 33 bytes",
     STR_INIT("\x03\x03" ZEROS_32 "\x21" ZEROS_32 "\x00\x00\x02\x13\x01\x01\x00"),
     CLIENT_HELLO_NONE},
    {"no ciphers", STR_INIT("\x03\x03" ZEROS_32 "\x00\x00\x00\x01\x00"), CLIENT_HELLO_NONE},
    {"odd ciphers", STR_INIT("\x03\x03" ZEROS_32 "\x00\x00\x03\x13\x01\x13\x01\x00"),
     CLIENT_HELLO_NONE},
    {"no compression", STR_INIT("\x03\x03" ZEROS_32 "\x00\x00\x02\x13\x01\x00"), CLIENT_HELLO_NONE},
    {"more behind", STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x00z"), CLIENT_HELLO_NONE},
    {"one extension twice",
     STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x08\xfa\xfa\x00\x00\xfa\xfa\x00\x00"),
     CLIENT_HELLO_NONE},
    {"an extension that is cut", STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x04\xfa\xfa\xff\xff"),
     CLIENT_HELLO_NONE},
    {"no name", STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x04\x00\x00\x00\x00"), CLIENT_HELLO_NONE},
    {"no name in the list", STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x06\x00\x00\x00\x02\x00\x00"),
     CLIENT_HELLO_NONE},
    {"an empty name",
     STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x09\x00\x00\x00\x05\x00\x03\x00\x00\x00"),
     CLIENT_HELLO_NONE},
    {"a name",
     STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x0a\x00\x00\x00\x06\x00\x04\x00\x00\x01"
              "a"),
     CLIENT_HELLO_DONE},
    {"a name of another kind",
     STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x0a\x00\x00\x00\x06\x00\x04\x01\x00\x01"
              "a"),
     CLIENT_HELLO_NONE},
    {"a name with NUL",
     STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x0a\x00\x00\x00\x06\x00\x04\x00\x00\x01\x00"),
     CLIENT_HELLO_NONE},
    {"two names",
     STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x0e\x00\x00\x00\x0a\x00\x08\x00\x00\x01"
              "a\x00\x00\x01"
              "b"),
     CLIENT_HELLO_NONE},
    {"protocols: none", STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x04\x00\x10\x00\x00"),
     CLIENT_HELLO_DONE},
    {"protocols: cut", STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x09\x00\x10\x00\x05\x00\x05\x02h2"),
     CLIENT_HELLO_DONE},
    {"protocols: an empty one",
     STR_INIT("\x03\x03" ZEROS_32 REST "\x00\x0a\x00\x10\x00\x06\x00\x04\x02h2\x00"),
     CLIENT_HELLO_DONE},
};

static void test_greetings_are_read_by_boringssls_rules(void **state)
{
    (void)state;
    struct arena arena;
    struct client_hello hello;
    arena_init(&arena, 4096, 0);
    for (size_t i = 0; i < COUNT_OF(greetings); i++) {
        struct str bytes = hello_of(&arena, greetings[i].body, 1000);
        if (client_hello_read(bytes, &arena, &hello) != greetings[i].want)
            fail_msg("%s", greetings[i].what);
        assert_int_equal(hello.protocol_count, 0);
    }
    arena_fini(&arena);
}

/* However it is cut, a greeting is looked at up to 16 KiB, and costs no more memory than
 * it is long. */
static void test_a_long_greeting_ends_and_costs_little(void **state)
{
    (void)state;
    struct arena arena, own;
    struct client_hello hello;
    arena_init(&arena, 4096, 0);
    char *zeros = ARENA_ARRAY(&arena, char, 20000);
    for (size_t size = 1000; size < 20000; size += 333) {
        size_t left = size - 4;
        char head[6] = {(char)(size >> 8), (char)size, 0, 21, (char)(left >> 8), (char)left};
        struct str inside =
            arena_concat(&arena, STR("\x03\x03" ZEROS_32 REST), (struct str){head, sizeof(head)});
        inside = arena_concat(&arena, inside, (struct str){zeros, left});
        for (size_t piece = 1; piece <= 16000; piece *= 20) {
            struct str bytes = hello_of(&arena, inside, piece);
            arena_init(&own, 256, 2 * CLIENT_HELLO_BYTES_MAX); /* more ends the test */
            enum client_hello_kind kind = client_hello_read(bytes, &own, &hello);
            if (inside.len > 16384 && piece > 100)
                assert_int_equal(kind, CLIENT_HELLO_NONE);
            else
                assert_int_equal(kind, bytes.len <= CLIENT_HELLO_BYTES_MAX ? CLIENT_HELLO_DONE
                                       : inside.len > 16384                ? kind
                                                                           : CLIENT_HELLO_BAD);
            arena_fini(&own);
        }
    }
    /* An empty record is one, but not many are. */
    struct str bytes = hello_of(&arena, body, 1000);
    for (size_t count = 1; count <= 40; count++) {
        bytes = arena_concat(&arena, STR("\x16\x03\x01\x00\x00"), bytes);
        assert_int_equal(client_hello_read(bytes, &arena, &hello),
                         count <= 32 ? CLIENT_HELLO_DONE : CLIENT_HELLO_NONE);
    }
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_and_protocols_are_found),
        cmocka_unit_test(test_a_greeting_without_extensions_names_nobody),
        cmocka_unit_test(test_a_cut_message_is_broken),
        cmocka_unit_test(test_what_is_no_tls_is_told),
        cmocka_unit_test(test_greetings_are_read_by_boringssls_rules),
        cmocka_unit_test(test_a_long_greeting_ends_and_costs_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
