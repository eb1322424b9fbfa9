/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/http/h1_whole.h - messages that travel whole, beside their bytes.
 *
 * Virtual time sends the same request a million times. Reading its bytes gives the
 * same head each time, so they are read once, by the codec itself, and what came of
 * it is told again (h1_read). The other way round what would be written is handed
 * over as it is (h1_sent), and its bytes are written only for those who want them.
 * Either way the bytes say the last word: who cannot take a message whole gets them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "proxy/http/h1.h"
#include "proxy/model/message.h"

/* Longer ones travel as bytes: one read of a driver takes no more at once. */
#define H1_WHOLE_BYTES_MAX (16u * 1024)

/* One message that was read, and never changes. */
struct h1_read {
    struct str bytes;
    const struct request_head *request;   /* of H1_REQUESTS, else NULL */
    const struct response_head *response; /* of H1_RESPONSES, else NULL */
    struct str body;                      /* a part of bytes */
    bool is_end;                          /* no body follows the head */
    bool is_keep_alive, is_close_nominated;
};

/* Reads `bytes`, which are borrowed; heads live in `arena`. False: they are not
 * exactly one plain message, that every connection manager reads alike: HTTP/1.1,
 * an origin-form target, a final status, a body of known length, no upgrade. A
 * response is read as the answer to a GET. */
bool h1_read_whole(struct h1_read *whole, enum h1_side side, struct str bytes, struct arena *arena);

/* Heads as the codec would have made them, for who changes them: the list is one's
 * own, its slices are shared. `spare`: room for so many lines more. */
struct request_head *h1_read_request(const struct h1_read *whole, struct arena *arena,
                                     uint32_t spare);
struct response_head *h1_read_response(const struct h1_read *whole, struct arena *arena,
                                       uint32_t spare);

/* One message that is sent whole. */
struct h1_sent {
    const struct request_head *request;   /* to a server.. */
    const struct response_head *response; /* ..or to a client; HTTP/1.1 */
    bool has_body, is_closing;            /* as h1_write_request and _response have them */
    struct str body;
    struct h1_out framing; /* of BODY_NONE or BODY_LENGTH */
    size_t size;           /* of its bytes */
};

/* Its bytes. RC_FULL: buffer full. */
enum rc h1_sent_write(const struct h1_sent *sent, struct buf *out) MUST_USE;
