/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/response.h - a stream's answer on its way to the client.
 *
 * Source: ENVOY.md 1.2 (framing), 1.7, 1.10.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "proxy/model/message.h"
#include "proxy/wire/stream.h"

/* The date line of this moment; where messages may be given whole, it is the stream's. */
struct str response_date(struct stream *stream);
/* May a whole response that is made already go to the client as it is, and its connection stay? */
bool response_may_pass(const struct stream *stream);
/* As response_send_head, _data and _end; the stream is then finished. */
void response_pass(struct stream *stream, struct wire_whole *whole);

void response_send_interim(struct stream *stream, const struct response_head *head);
/* The head; without a body when is_end. */
void response_send_head(struct stream *stream, const struct response_head *head, bool is_end);
void response_send_data(struct stream *stream, struct str data);
/* `trailers` may be NULL; HTTP/1 has no use for them. */
void response_send_end(struct stream *stream, const struct header_list *trailers);
/* Waits so much for the client that no more of the response should come? */
bool response_is_full(const struct stream *stream);
bool response_has_room(const struct stream *stream);
/* proxy_100_continue is off: the connection manager answers (ENVOY.md 1.3, 5). */
void response_answer_expectation(struct stream *stream, struct request_head *head);
/* A whole local reply. */
void response_send_reply(struct stream *stream, const struct response_head *head, struct str body);

/* Envoy resets what ends without being complete on both sides (`is_early`, or cut), and
 * counts that as a reset of the client's. */
void response_count_reset(const struct stream *stream, bool is_early);
/* An upgrade is one for Envoy when its filters are chosen, whatever the application says. */
void response_count_upgrade(struct stream *stream);
