/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/client_hello.c - see client_hello.h.
 */
#include "proxy/wire/client_hello.h"

#include <stdbool.h>
#include <string.h>

#define RECORD_HEAD_BYTES 5u
#define RECORD_BYTES_MAX (16u * 1024 + 320) /* with what encryption might add */
#define RECORDS_EMPTY_MAX 32u
#define MESSAGE_HEAD_BYTES 4u
#define MESSAGE_BYTES_MAX (16u * 1024)
#define RECORD_HANDSHAKE 0x16
#define MESSAGE_CLIENT_HELLO 0x01
#define VERSION_MIN 0x0301u
#define VERSION_MAX 0x0304u
#define RANDOM_BYTES 32u
#define SESSION_BYTES_MAX 32u
#define EXTENSION_SERVER_NAME 0u
#define EXTENSION_ALPN 16u
#define EXTENSIONS_MAX 512u /* each is held against all before it */
#define NAME_TYPE_HOST 0u
#define NAME_BYTES_MAX 255u

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

/* False: broken, or no name that BoringSSL takes. */
static bool read_server_name(struct reader part, struct arena *arena, struct client_hello *hello)
{
    struct reader list = take_part(&part, 2);
    uint32_t type = take_number(&list, 1);
    struct str name = take_part(&list, 2).rest;
    if (part.is_short || part.rest.len > 0 || list.is_short || list.rest.len > 0 ||
        type != NAME_TYPE_HOST || name.len == 0 || name.len > NAME_BYTES_MAX ||
        str_find(name, '\0') != STR_NONE)
        return false;
    hello->server_name = arena_str_lower(arena, name);
    return true;
}

/* Broken ones are none: who ends TLS will say so. */
static void read_protocols(struct reader part, struct arena *arena, struct client_hello *hello)
{
    struct reader list = take_part(&part, 2);
    bool is_broken = part.is_short || part.rest.len > 0;
    while (list.rest.len > 0 && !is_broken) {
        struct str name = take_part(&list, 1).rest;
        is_broken = list.is_short || name.len == 0;
        if (!is_broken && hello->protocol_count < CLIENT_HELLO_PROTOCOLS_MAX)
            hello->protocols[hello->protocol_count++] = arena_str(arena, name);
    }
    if (is_broken)
        hello->protocol_count = 0;
}

/* Is one of `type` among those before it? */
static bool is_said_before(struct reader before, uint32_t type)
{
    while (before.rest.len > 0) {
        if (take_number(&before, 2) == type)
            return true;
        (void)take_part(&before, 2);
    }
    return false;
}

static bool read_extensions(struct reader all, struct arena *arena, struct client_hello *hello)
{
    struct str whole = all.rest;
    uint32_t count = 0;
    while (all.rest.len > 0) {
        struct reader before = {.rest = str_slice(whole, 0, whole.len - all.rest.len)};
        uint32_t type = take_number(&all, 2);
        struct reader part = take_part(&all, 2);
        if (all.is_short || ++count > EXTENSIONS_MAX || is_said_before(before, type))
            return false;
        if (type == EXTENSION_SERVER_NAME && !read_server_name(part, arena, hello))
            return false;
        if (type == EXTENSION_ALPN)
            read_protocols(part, arena, hello);
    }
    return true;
}

/* The message behind its head, as BoringSSL reads it. */
static enum client_hello_kind read_message(struct str bytes, struct arena *arena,
                                           struct client_hello *hello)
{
    struct reader reader = {.rest = bytes};
    uint32_t version = take_number(&reader, 2);
    (void)take_bytes(&reader, RANDOM_BYTES);
    struct str session = take_part(&reader, 1).rest;
    struct str ciphers = take_part(&reader, 2).rest;
    struct str compression = take_part(&reader, 1).rest;
    if (reader.is_short || session.len > SESSION_BYTES_MAX || ciphers.len < 2 ||
        ciphers.len % 2 != 0 || compression.len == 0)
        return CLIENT_HELLO_NONE;
    if (reader.rest.len > 0) { /* there are greetings from before extensions */
        struct reader extensions = take_part(&reader, 2);
        if (reader.is_short || reader.rest.len > 0 || !read_extensions(extensions, arena, hello))
            return CLIENT_HELLO_NONE;
    }
    return version < VERSION_MIN || version > VERSION_MAX ? CLIENT_HELLO_BAD : CLIENT_HELLO_DONE;
}

/* The pieces of a message that stands in several records. */
struct pieces {
    struct str first; /* not empty if any is not */
    size_t size;
    struct str rest; /* the records behind the first piece */
};

/* Looks through the records that are whole. DONE: the message is, too; *size: of it. */
static enum client_hello_kind find_pieces(struct str bytes, struct pieces *pieces, size_t *size)
{
    uint32_t empty_count = 0;
    char head[MESSAGE_HEAD_BYTES];
    *pieces = (struct pieces){.first = STR_EMPTY};
    while (bytes.len > 0) {
        if (byte_at(bytes, 0) != RECORD_HANDSHAKE || (bytes.len > 1 && byte_at(bytes, 1) != 0x03))
            return CLIENT_HELLO_NONE;
        if (bytes.len < RECORD_HEAD_BYTES)
            break;
        size_t piece_size = byte_at(bytes, 3) << 8 | byte_at(bytes, 4);
        if (piece_size > RECORD_BYTES_MAX || (piece_size == 0 && ++empty_count > RECORDS_EMPTY_MAX))
            return CLIENT_HELLO_NONE;
        if (bytes.len < RECORD_HEAD_BYTES + piece_size)
            break;
        struct str piece = str_slice(bytes, RECORD_HEAD_BYTES, RECORD_HEAD_BYTES + piece_size);
        bytes = str_from(bytes, RECORD_HEAD_BYTES + piece_size);
        for (size_t i = 0; i < piece.len && pieces->size + i < sizeof(head); i++)
            head[pieces->size + i] = piece.ptr[i];
        if (pieces->size == 0) {
            pieces->first = piece;
            pieces->rest = bytes;
        }
        pieces->size += piece.len;
        if (pieces->size < MESSAGE_HEAD_BYTES)
            continue;
        struct reader length = {.rest = {head + 1, MESSAGE_HEAD_BYTES - 1}};
        *size = take_number(&length, 3);
        if (*size > MESSAGE_BYTES_MAX)
            return CLIENT_HELLO_NONE;
        *size += MESSAGE_HEAD_BYTES;
        if (pieces->size >= *size) /* nothing may stand behind it in its record */
            return pieces->size == *size && head[0] == MESSAGE_CLIENT_HELLO ? CLIENT_HELLO_DONE
                                                                            : CLIENT_HELLO_NONE;
    }
    return CLIENT_HELLO_MORE;
}

/* In one piece. */
static struct str join(const struct pieces *pieces, size_t size, struct arena *arena)
{
    struct str from = pieces->rest;
    if (pieces->first.len == size)
        return pieces->first;
    char *out = ARENA_ARRAY(arena, char, size);
    size_t end = pieces->first.len;
    memcpy(out, pieces->first.ptr, end);
    while (end < size) {
        size_t piece_size = byte_at(from, 3) << 8 | byte_at(from, 4);
        memcpy(out + end, from.ptr + RECORD_HEAD_BYTES, piece_size);
        from = str_from(from, RECORD_HEAD_BYTES + piece_size);
        end += piece_size;
    }
    return (struct str){out, size};
}

enum client_hello_kind client_hello_read(struct str bytes, struct arena *arena,
                                         struct client_hello *hello)
{
    struct pieces pieces;
    size_t size = 0;
    hello->server_name = STR_EMPTY;
    hello->protocol_count = 0;
    enum client_hello_kind kind =
        find_pieces(str_slice(bytes, 0, CLIENT_HELLO_BYTES_MAX), &pieces, &size);
    if (kind == CLIENT_HELLO_MORE)
        return bytes.len < CLIENT_HELLO_BYTES_MAX ? CLIENT_HELLO_MORE : CLIENT_HELLO_BAD;
    if (kind != CLIENT_HELLO_DONE)
        return kind;
    return read_message(str_from(join(&pieces, size, arena), MESSAGE_HEAD_BYTES), arena, hello);
}
