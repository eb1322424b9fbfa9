/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/fuzz_client_hello.c - the first bytes of a TLS client, whole and cut, and
 * what a session in virtual time makes of them.
 *
 * What is held: what is said of a beginning is never taken back: bytes that do not
 * say yet may come to anything, those that do say the same however many follow; a
 * name is in small letters. A session that is given the same bytes, then others,
 * stays within its states.
 */
#include "base/check.h"
#include "proxy/wire/client_hello.h"
#include "testbed/sim/tls.h"
#include "tests/fuzz/replay.h"

static void hold_beginnings(struct str bytes, struct arena *arena)
{
    struct client_hello hello;
    enum client_hello_kind whole = client_hello_read(bytes, arena, &hello);
    for (size_t i = 0; i < hello.server_name.len; i++)
        ASSERT(hello.server_name.ptr[i] < 'A' || hello.server_name.ptr[i] > 'Z');
    ASSERT(hello.protocol_count <= CLIENT_HELLO_PROTOCOLS_MAX);
    for (size_t size = 0; size < bytes.len; size += 1 + bytes.len / 16) {
        enum client_hello_kind part = client_hello_read(str_slice(bytes, 0, size), arena, &hello);
        ASSERT(part == CLIENT_HELLO_MORE || part == whole);
    }
}

static void feed_session(struct str bytes, struct arena *arena)
{
    static const struct str own[] = {STR_INIT("own")};
    static const struct certificate certificate = {.issuer = STR_INIT("a"), .until_s = 1};
    static const struct secret secret = {.name = STR_INIT("own"), .certificate = &certificate};
    struct keyring keyring = {.items = &secret, .count = 1};
    struct downstream_tls socket = {.certificates = own, .certificate_count = 1};
    struct sim_tls_room room = {.arena = arena};
    struct sim_tls *server = sim_tls_accept(&room, &socket, &keyring);
    struct str plain;
    for (size_t at = 0; at < bytes.len; at += 97) {
        sim_tls_feed(server, str_slice(bytes, at, at + 97), 0);
        while (sim_tls_read(server, &plain))
            continue;
    }
    sim_tls_end(server);
    sim_tls_free(server);
    sim_tls_room_fini(&room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct str bytes = {(const char *)data, size};
    arena_init(&arena, 4096, 0);
    hold_beginnings(bytes, &arena);
    feed_session(bytes, &arena);
    arena_fini(&arena);
    return 0;
}
