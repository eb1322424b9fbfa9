/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/receive.h - a request's head through the connection manager.
 */
#pragma once

#include "proxy/http/h1_whole.h"
#include "proxy/http/pipeline.h"
#include "proxy/wire/stream.h"

/* Changes the event's head; its facts go to the record. */
struct pipeline_answer receive_head(struct stream *stream, const struct h1_event *event);

/* An x-request-id where the memo's request gets one; empty: it brings its own. */
struct str receive_new_id(struct stream *stream, const struct request_memo *memo);

/* A head that came before, as receive_head left it (proxy/core/memo.h); NULL: it is not
 * known. */
struct request_head *receive_known_head(struct stream *stream);
