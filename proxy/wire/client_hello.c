/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/client_hello.c - see client_hello.h.
 */
#include "proxy/wire/client_hello.h"

#include <stdbool.h>

#define RECORD_HEAD_BYTES 5u
#define MESSAGE_HEAD_BYTES 4u
#define RECORD_HANDSHAKE 0x16
#define MESSAGE_CLIENT_HELLO 0x01
#define RANDOM_BYTES 32u
#define EXTENSION_SERVER_NAME 0u
#define EXTENSION_ALPN 16u
#define NAME_TYPE_HOST 0u

/* What is left to read; once something is missing, everything is. */
struct reader {
    struct str rest;
    bool is_short;
};

static uint32_t byte_at(struct str bytes, size_t at)
{
    return (uint8_t)bytes.ptr[at];
}

static uint32_t take_number(struct reader *reader, size_t size)
{
    uint32_t number = 0;
    if (reader->rest.len < size) {
        reader->is_short = true;
        reader->rest = STR_EMPTY;
        return 0;
    }
    for (size_t i = 0; i < size; i++)
        number = number << 8 | byte_at(reader->rest, i);
    reader->rest = str_from(reader->rest, size);
    return number;
}

static struct str take_bytes(struct reader *reader, size_t size)
{
    if (reader->rest.len < size) {
        reader->is_short = true;
        reader->rest = STR_EMPTY;
        return STR_EMPTY;
    }
    struct str out = str_slice(reader->rest, 0, size);
    reader->rest = str_from(reader->rest, size);
    return out;
}

/* A part that says its length first, in `size` bytes. */
static struct reader take_part(struct reader *reader, size_t size)
{
    uint32_t length = take_number(reader, size);
    return (struct reader){.rest = take_bytes(reader, length)};
}

/* False: broken. */
static bool read_server_name(struct reader part, struct arena *arena, struct client_hello *hello)
{
    struct reader list = take_part(&part, 2);
    while (list.rest.len > 0) {
        uint32_t type = take_number(&list, 1);
        struct reader name = take_part(&list, 2);
        if (type == NAME_TYPE_HOST && hello->server_name.len == 0)
            hello->server_name = arena_str_lower(arena, name.rest);
    }
    return !part.is_short && !list.is_short;
}

static bool read_protocols(struct reader part, struct arena *arena, struct client_hello *hello)
{
    struct reader list = take_part(&part, 2);
    while (list.rest.len > 0) {
        struct reader name = take_part(&list, 1);
        if (hello->protocol_count < CLIENT_HELLO_PROTOCOLS_MAX)
            hello->protocols[hello->protocol_count++] = arena_str(arena, name.rest);
    }
    return !part.is_short && !list.is_short;
}

static bool read_extensions(struct reader all, struct arena *arena, struct client_hello *hello)
{
    while (all.rest.len > 0) {
        uint32_t type = take_number(&all, 2);
        struct reader part = take_part(&all, 2);
        bool is_right = !all.is_short;
        if (is_right && type == EXTENSION_SERVER_NAME)
            is_right = read_server_name(part, arena, hello);
        else if (is_right && type == EXTENSION_ALPN)
            is_right = read_protocols(part, arena, hello);
        if (!is_right)
            return false;
    }
    return !all.is_short;
}

/* The message behind its head. */
static bool read_message(struct str bytes, struct arena *arena, struct client_hello *hello)
{
    struct reader reader = {.rest = bytes};
    (void)take_bytes(&reader, 2 + RANDOM_BYTES); /* version, random */
    (void)take_part(&reader, 1);                 /* session */
    (void)take_part(&reader, 2);                 /* ciphers */
    (void)take_part(&reader, 1);                 /* compression */
    if (reader.is_short || reader.rest.len == 0)
        return !reader.is_short; /* before extensions were there */
    struct reader extensions = take_part(&reader, 2);
    return !reader.is_short && read_extensions(extensions, arena, hello);
}

/* The message may stand in several records: what of it is there, in one piece. */
static enum client_hello_kind join_records(struct str bytes, struct arena *arena,
                                           struct str *message)
{
    *message = STR_EMPTY;
    while (bytes.len > 0) {
        if (byte_at(bytes, 0) != RECORD_HANDSHAKE || (bytes.len > 1 && byte_at(bytes, 1) != 0x03))
            return message->len == 0 ? CLIENT_HELLO_NONE : CLIENT_HELLO_BAD;
        if (bytes.len < RECORD_HEAD_BYTES)
            break;
        struct reader head = {.rest = str_from(bytes, RECORD_HEAD_BYTES - 2)};
        uint32_t size = take_number(&head, 2);
        if (size == 0 || size > CLIENT_HELLO_BYTES_MAX)
            return CLIENT_HELLO_BAD;
        struct str piece = str_slice(bytes, RECORD_HEAD_BYTES, RECORD_HEAD_BYTES + (size_t)size);
        *message = message->len == 0 ? piece : arena_concat(arena, *message, piece);
        if (message->len > 0 && byte_at(*message, 0) != MESSAGE_CLIENT_HELLO)
            return CLIENT_HELLO_BAD;
        if (message->len >= MESSAGE_HEAD_BYTES) {
            struct reader length = {.rest = str_from(*message, 1)};
            size_t whole = MESSAGE_HEAD_BYTES + (size_t)take_number(&length, 3);
            if (whole > CLIENT_HELLO_BYTES_MAX)
                return CLIENT_HELLO_BAD;
            if (message->len >= whole) {
                *message = str_slice(*message, MESSAGE_HEAD_BYTES, whole);
                return CLIENT_HELLO_DONE;
            }
        }
        bytes = str_from(bytes, RECORD_HEAD_BYTES + (size_t)size);
    }
    return CLIENT_HELLO_MORE;
}

enum client_hello_kind client_hello_read(struct str bytes, struct arena *arena,
                                         struct client_hello *hello)
{
    struct str message;
    hello->server_name = STR_EMPTY;
    hello->protocol_count = 0;
    enum client_hello_kind kind = join_records(bytes, arena, &message);
    if (kind != CLIENT_HELLO_DONE)
        return kind;
    return read_message(message, arena, hello) ? CLIENT_HELLO_DONE : CLIENT_HELLO_BAD;
}
