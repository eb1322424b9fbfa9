/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/ping.h - connection_keepalive: an upstream connection of HTTP/2 asks its peer
 * for a sign of life, whether or not it carries requests.
 *
 * Source: ENVOY.md 14, and a real Envoy: the clock runs from the connection's beginning, not
 * from its being open, and each interval is up to 15 percent longer.
 */
#pragma once

#include "proxy/wire/conn.h"

/* The connection begins, or the peer has answered. Draws once from rng_ping, where the
 * cluster wants it. */
void ping_arm(struct conn *conn);
/* conn->ping is due: a PING is sent, or was not answered in time. */
void ping_wake(struct conn *conn);
