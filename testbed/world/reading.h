/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/reading.h - reads HTTP/1 as stand-ins and callers read it: with
 * tolerance, keeping the order and the case of what was really sent.
 *
 * On purpose not proxy/http/h1: what a test observes must not pass through the
 * code under test. A pull parser: reading_next takes from *input and answers
 * with one event. After a head the owner says which body follows
 * (reading_expect), for only it knows the method that is answered.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "proxy/model/message.h"

/* Longer heads and lines are taken for nonsense. */
#define READING_HEAD_BYTES_MAX (1u << 20)

enum reading_event_kind {
    READING_MORE, /* the input is used up */
    READING_TLS,  /* the first byte of a message is that of a TLS handshake */
    READING_HEAD, /* line, headers; then call reading_expect */
    READING_DATA, /* data */
    READING_END,  /* the message is complete; trailers */
    READING_BAD,  /* framing that cannot be read */
};

struct reading_event {
    enum reading_event_kind kind;
    struct str line; /* the first line, without its end */
    struct str text; /* the whole head as sent */
    struct header *headers;
    uint32_t header_count;
    struct str data;
    struct header *trailers;
    uint32_t trailer_count;
};

enum reading_body {
    READING_BODY_NONE,
    READING_BODY_LENGTH,
    READING_BODY_CHUNKED,
    READING_BODY_UNTIL_CLOSE
};

enum reading_state {
    READING_IN_HEAD,
    READING_IN_LENGTH,
    READING_IN_CHUNK_LINE,
    READING_IN_CHUNK,
    READING_IN_CHUNK_END,
    READING_IN_TRAILERS,
    READING_IN_REST,
    READING_AT_END,
};

/* Lives with its connection. */
struct message_reading {
    enum reading_state state;
    struct arena *arena; /* heads and trailers of this message */
    struct buf held;     /* the part of a head or line that came already */
    uint64_t left_bytes;
    struct header *trailers;
    uint32_t trailer_count, trailer_capacity;
};

void reading_init(struct message_reading *reading);
void reading_fini(struct message_reading *reading);

/* The next message; heads and trailers are copied into `arena`. */
void reading_begin(struct message_reading *reading, struct arena *arena);
void reading_expect(struct message_reading *reading, enum reading_body body, uint64_t length_bytes);
enum reading_event_kind reading_next(struct message_reading *reading, struct str *input,
                                     struct reading_event *event);
/* Some byte of the message was seen. */
bool reading_is_started(const struct message_reading *reading);

/* The first value of a header, in any case; false: none. */
bool reading_header(const struct header *headers, uint32_t header_count, struct str name,
                    struct str *value);

/* The n-th word of a first line, from 0; empty: it has fewer. */
struct str reading_word(struct str line, uint32_t index);
