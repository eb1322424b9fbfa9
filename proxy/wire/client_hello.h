/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/client_hello.h - what a TLS client says first and in the clear: the
 * name that it calls and the protocols that it would speak.
 *
 * Envoy's TLS inspector looks at the same, by BoringSSL's rules; filter chains are chosen
 * by it before anybody ends TLS. What BoringSSL cannot read is no TLS to it, and goes where
 * other bytes go. Source: ENVOY.md 9.5, RFC 8446 4.1.2, RFC 6066 3, RFC 7301.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* Envoy looks at no more, records' heads and all. */
#define CLIENT_HELLO_BYTES_MAX (16u * 1024)
/* More than anybody offers; those behind are not looked at. */
#define CLIENT_HELLO_PROTOCOLS_MAX 16u

enum client_hello_kind {
    CLIENT_HELLO_MORE, /* the bytes do not say yet */
    CLIENT_HELLO_NONE, /* they are no TLS, or broken */
    CLIENT_HELLO_BAD,  /* too long, or of a version that nobody has: that is the end */
    CLIENT_HELLO_DONE,
};

struct client_hello {
    struct str server_name;                           /* in small letters; empty: none was said */
    struct str protocols[CLIENT_HELLO_PROTOCOLS_MAX]; /* ALPN, as the client prefers */
    uint32_t protocol_count;
};

/* Of a connection's first bytes. What `hello` holds lives in `arena`. */
enum client_hello_kind client_hello_read(struct str bytes, struct arena *arena,
                                         struct client_hello *hello);
