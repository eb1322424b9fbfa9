/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/limits.h - every limit of the data plane, each with its reason.
 */
#pragma once

/* Envoy's HCM defaults: max_request_headers_kb 60, max_headers_count 100. */
#define LIMIT_REQUEST_HEAD_BYTES (60u * 1024)
#define LIMIT_HEADER_COUNT 100u
/* Envoy's max_response_headers_kb for HTTP/1. */
#define LIMIT_RESPONSE_HEAD_BYTES (80u * 1024)

/* Codes have three digits; Envoy forwards four as well. Each code that an
 * upstream invents has a counter, so there must be an end of them. */
#define LIMIT_STATUS 9999u

/* One read from a socket; Envoy reads 16 KiB at a time as well. */
#define LIMIT_READ_BYTES (16u * 1024)

/* Envoy's per_connection_buffer_limit_bytes: above the high mark the other
 * side is not read; below half of it, again. */
#define LIMIT_CONNECTION_BUFFER_BYTES (1024u * 1024)

/* Steps of TLS handshakes that one worker takes in a turn of its loop: each costs as
 * much as some forty requests, and those of other connections wait behind it. */
#define LIMIT_HANDSHAKES_PER_TURN 2u

/* Room above the mark for what is under way when reading stops: heads, a
 * whole read, a local reply. */
#define LIMIT_CONNECTION_BUFFER_SLACK_BYTES (512u * 1024)

/* A head with everything that routes and the connection manager add. */
#define LIMIT_EXCHANGE_ARENA_BYTES (1024u * 1024)

/* Connections of one worker, both directions: a laptop's descriptors. */
#define LIMIT_CONNECTIONS 65536u

/* Envoy's envoy.do_not_use_going_away_max_http2_outbound_responses: with so many
 * whole responses that have not left, another request is not begun. */
#define LIMIT_QUEUED_RESPONSES 2u

/* Istio: max_direct_response_body_size_bytes. */
#define LIMIT_DIRECT_RESPONSE_BYTES (1024u * 1024)

/* Envoy's initial_stream_window_size and initial_connection_window_size of HTTP/2: so much
 * a peer may send before any of it is dealt with. */
#define LIMIT_H2_STREAM_WINDOW_BYTES (16u * 1024 * 1024)
#define LIMIT_H2_CONNECTION_WINDOW_BYTES (24u * 1024 * 1024)

/* Envoy's default delayed_close_timeout, in ns. */
#define LIMIT_DELAYED_CLOSE_NS (INT64_C(1000) * 1000 * 1000)
