/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/reading.c - one state per thing that can come next:
 *
 *   HEAD ─┬─> LENGTH ────────────────────────────────┐
 *         ├─> CHUNK_LINE -> CHUNK -> CHUNK_END ─┐     ├─> END
 *         │        ^ └──────> TRAILERS ─────────┼────┤
 *         │        └────────────────────────────┘    │
 *         ├─> REST (until close)                     │
 *         └──────────────────────────────────────────┘
 */
#include "testbed/world/reading.h"

#define TLS_HANDSHAKE 0x16
#define CHUNK_DIGITS_MAX 15

/* Takes bytes up to and including `mark` into *text; false: it has not come
 * yet, and all of the input is held. RC_FULL and RC_BAD are one: *is_bad. */
static bool take_until(struct message_reading *reading, struct str mark, struct str *input,
                       struct str *text, bool *is_bad)
{
    size_t held_bytes = buf_size(&reading->held);
    if (held_bytes == 0) {
        size_t at = str_find_str(*input, mark);
        if (at != STR_NONE) {
            *text = str_slice(*input, 0, at + mark.len);
            *input = str_from(*input, at + mark.len);
            return true;
        }
    }
    if (buf_append(&reading->held, *input) != RC_OK) {
        *is_bad = true;
        return false;
    }
    size_t from = held_bytes >= mark.len ? held_bytes - mark.len + 1 : 0;
    struct str all = buf_str(&reading->held);
    size_t at = str_find_str(str_from(all, from), mark);
    if (at == STR_NONE) {
        *input = str_from(*input, input->len);
        return false;
    }
    *text = str_slice(all, 0, from + at + mark.len);
    *input = str_from(*input, text->len - held_bytes);
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

static struct str trimmed(struct str s)
{
    while (s.len > 0 && is_blank(s.ptr[0]))
        s = str_from(s, 1);
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static struct header header_of(struct str line)
{
    size_t colon = str_find(line, ':');
    if (colon == STR_NONE)
        return (struct header){.name = trimmed(line)};
    return (struct header){trimmed(str_slice(line, 0, colon)), trimmed(str_from(line, colon + 1))};
}

/* Takes a line up to CR LF off `rest`, which ends in one. */
static struct str next_line(struct str *rest)
{
    for (size_t at = 0; at + 1 < rest->len; at++) {
        if (rest->ptr[at] == '\r' && rest->ptr[at + 1] == '\n') {
            struct str line = str_slice(*rest, 0, at);
            *rest = str_from(*rest, at + 2);
            return line;
        }
    }
    struct str line = *rest;
    *rest = str_from(*rest, rest->len);
    return line;
}

static uint32_t line_count(struct str text)
{
    uint32_t count = 0;
    for (size_t at = 0; at < text.len; at++)
        count += text.ptr[at] == '\n';
    return count;
}

static enum reading_event_kind read_head(struct message_reading *reading, struct str *input,
                                         struct reading_event *event)
{
    if (buf_size(&reading->held) == 0 && input->ptr[0] == TLS_HANDSHAKE)
        return READING_TLS;
    struct str text;
    bool is_bad = false;
    if (!take_until(reading, STR("\r\n\r\n"), input, &text, &is_bad))
        return is_bad ? READING_BAD : READING_MORE;
    event->text = arena_str(reading->arena, text);
    buf_clear(&reading->held);
    struct str rest = str_slice(event->text, 0, event->text.len - 2);
    event->line = next_line(&rest);
    event->headers = ARENA_ARRAY(reading->arena, struct header, line_count(rest) + 1);
    while (rest.len > 0)
        event->headers[event->header_count++] = header_of(next_line(&rest));
    reading->state = READING_AT_END;
    return READING_HEAD;
}

/* "1a;name=value" -> 26. */
static bool chunk_size(struct str line, uint64_t *size_bytes)
{
    struct str digits = trimmed(str_cut(&line, ';'));
    if (digits.len == 0 || digits.len > CHUNK_DIGITS_MAX)
        return false;
    uint64_t size = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char c = str_lower_char(digits.ptr[i]);
        if (c >= '0' && c <= '9')
            size = size * 16 + (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            size = size * 16 + (uint64_t)(c - 'a') + 10;
        else
            return false;
    }
    *size_bytes = size;
    return true;
}

static enum reading_event_kind take_data(struct message_reading *reading, struct str *input,
                                         enum reading_state next, struct reading_event *event)
{
    size_t size = input->len < reading->left_bytes ? input->len : (size_t)reading->left_bytes;
    event->data = str_slice(*input, 0, size);
    *input = str_from(*input, size);
    reading->left_bytes -= size;
    if (reading->left_bytes == 0)
        reading->state = next;
    return READING_DATA;
}

static enum reading_event_kind read_line(struct message_reading *reading, struct str *input)
{
    struct str text;
    bool is_bad = false;
    if (!take_until(reading, STR("\r\n"), input, &text, &is_bad))
        return is_bad ? READING_BAD : READING_MORE;
    struct str line = str_slice(text, 0, text.len - 2);
    enum reading_event_kind kind = READING_DATA; /* nothing of it is shown */
    if (reading->state == READING_IN_CHUNK_LINE) {
        if (!chunk_size(line, &reading->left_bytes))
            kind = READING_BAD;
        reading->state = reading->left_bytes > 0 ? READING_IN_CHUNK : READING_IN_TRAILERS;
    } else if (line.len == 0) {
        reading->state = READING_AT_END;
    } else {
        struct header *trailer = ARENA_PUSH(reading->arena, reading->trailers,
                                            reading->trailer_count, reading->trailer_capacity);
        *trailer = header_of(arena_str(reading->arena, line));
    }
    buf_clear(&reading->held);
    return kind;
}

/* The two bytes after a chunk, whatever they are. */
static void skip_chunk_end(struct message_reading *reading, struct str *input)
{
    size_t size = input->len < reading->left_bytes ? input->len : (size_t)reading->left_bytes;
    *input = str_from(*input, size);
    reading->left_bytes -= size;
    if (reading->left_bytes == 0)
        reading->state = READING_IN_CHUNK_LINE;
}

/* READING_DATA without data: go on. */
static enum reading_event_kind step(struct message_reading *reading, struct str *input,
                                    struct reading_event *event)
{
    switch (reading->state) {
    case READING_IN_HEAD:
        return read_head(reading, input, event);
    case READING_IN_LENGTH:
        return take_data(reading, input, READING_AT_END, event);
    case READING_IN_CHUNK_LINE:
    case READING_IN_TRAILERS:
        return read_line(reading, input);
    case READING_IN_CHUNK: {
        enum reading_event_kind kind = take_data(reading, input, READING_IN_CHUNK_END, event);
        if (reading->state == READING_IN_CHUNK_END)
            reading->left_bytes = 2;
        return kind;
    }
    case READING_IN_CHUNK_END:
        skip_chunk_end(reading, input);
        return READING_DATA;
    case READING_IN_REST:
        event->data = *input;
        *input = str_from(*input, input->len);
        return READING_DATA;
    case READING_AT_END:
        event->trailers = reading->trailers;
        event->trailer_count = reading->trailer_count;
        return READING_END;
    }
    UNREACHABLE("reading_state");
}

void reading_init(struct message_reading *reading)
{
    *reading = (struct message_reading){.state = READING_AT_END};
    buf_init(&reading->held, READING_HEAD_BYTES_MAX);
}

void reading_fini(struct message_reading *reading)
{
    buf_fini(&reading->held);
}

void reading_begin(struct message_reading *reading, struct arena *arena)
{
    reading->state = READING_IN_HEAD;
    reading->arena = arena;
    reading->left_bytes = 0;
    reading->trailers = NULL;
    reading->trailer_count = 0;
    reading->trailer_capacity = 0;
    buf_clear(&reading->held);
}

void reading_expect(struct message_reading *reading, enum reading_body body, uint64_t length_bytes)
{
    switch (body) {
    case READING_BODY_NONE:
        reading->state = READING_AT_END;
        return;
    case READING_BODY_LENGTH:
        reading->left_bytes = length_bytes;
        reading->state = length_bytes > 0 ? READING_IN_LENGTH : READING_AT_END;
        return;
    case READING_BODY_CHUNKED:
        reading->state = READING_IN_CHUNK_LINE;
        return;
    case READING_BODY_UNTIL_CLOSE:
        reading->state = READING_IN_REST;
        return;
    }
    UNREACHABLE("reading_body");
}

enum reading_event_kind reading_next(struct message_reading *reading, struct str *input,
                                     struct reading_event *event)
{
    *event = (struct reading_event){0};
    for (;;) {
        if (input->len == 0 && reading->state != READING_AT_END)
            return event->kind = READING_MORE;
        event->kind = step(reading, input, event);
        if (event->kind != READING_DATA || event->data.len > 0)
            return event->kind;
    }
}

bool reading_is_started(const struct message_reading *reading)
{
    return reading->state != READING_IN_HEAD || buf_size(&reading->held) > 0;
}

bool reading_header(const struct header *headers, uint32_t header_count, struct str name,
                    struct str *value)
{
    for (uint32_t i = 0; i < header_count; i++) {
        if (str_eq_ci(headers[i].name, name)) {
            *value = headers[i].value;
            return true;
        }
    }
    return false;
}

struct str reading_word(struct str line, uint32_t index)
{
    struct str rest = line;
    struct str word = str_cut(&rest, ' ');
    for (uint32_t i = 0; i < index; i++)
        word = rest.ptr == NULL ? STR_EMPTY : str_cut(&rest, ' ');
    return word;
}
