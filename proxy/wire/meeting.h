/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/meeting.h - a downstream connection before it is served: its first bytes
 * are looked at, a filter chain is chosen, and TLS begins where the chain ends it.
 *
 * Source: ENVOY.md 9.5.
 */
#pragma once

#include "proxy/wire/conn.h"
#include "proxy/wire/inspector.h"

/* Where the connection was going, for a listener that may be another one than its own. */
struct inspection meeting_inspection(const struct conn_downstream *down,
                                     const struct listener *listener);

/* The chain that serves the connection, from what has come of it. NULL: it takes more
 * bytes to know, or it was turned away. Where TLS is ended WIRE_SECURE was wished, and
 * conn->in is not the connection's any more. */
const struct filter_chain *meeting_chain(struct conn *conn);
/* The peer left before its chain was known. */
void meeting_note_end(struct conn *conn);
/* TLS was ended, so its time does not count any more. */
void meeting_note_secured(struct conn *conn);
/* listener_filters_timeout, or transport_socket_connect_timeout, is over. */
void meeting_wake(struct conn *conn);
