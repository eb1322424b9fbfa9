/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/stream_body.h - a request's body on its way through a stream: kept as long as
 * it may have to be sent again, and no faster than it goes on.
 */
#pragma once

#include "base/str.h"
#include "proxy/wire/stream.h"

/* From the codec. */
void stream_note_data(struct stream *stream, struct str data);
void stream_note_end(struct stream *stream);

/* May the client's side be read, by what waits to go upstream? */
void stream_balance(struct stream *stream);
