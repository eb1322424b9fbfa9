/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/known.h - memos of requests that came whole, for those that are the same to
 * the connection manager: one message, from one address, to one of its configurations.
 *
 * They are as long as the wire, with the texts of who it is from, as what exchanges make
 * of them may outlive a connection.
 */
#pragma once

#include "proxy/core/memo.h"
#include "proxy/wire/conn.h"

struct known {
    struct known *next;
    struct request_memo memo;
    const void *message;
    const struct http_connection_manager *http;
    struct str remote_address, local_address, node_address;
};

/* NULL: there are too many already, or the client spoke TLS, or the listener
 * asks who it is. `message` is never another one at the
 * same place. */
struct known *known_of(struct conn *conn, const void *message);
