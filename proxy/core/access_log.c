/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/access_log.c - formats become pieces, pieces become a line.
 *
 * A JSON format's skeleton (braces, keys, commas, numbers, text) is written
 * when it is compiled: what is left to do for a line are the commands.
 */
#include "proxy/core/access_log.h"

#include <string.h>

#include "base/check.h"
#include "base/utf8.h"
#include "proxy/core/substitution.h"

#define LITERAL_BYTES_MAX (1024u * 1024) /* of a whole format, escapes included */

const struct str ACCESS_LOG_ENVOY_TEXT = STR_INIT(
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" "
    "%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% "
    "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" "
    "\"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"\n");

enum piece_kind {
    PIECE_LITERAL, /* nothing follows the literal */
    PIECE_TEXT,    /* the value as it is, or "-" */
    PIECE_ESCAPED, /* the same inside a JSON string */
    PIECE_TYPED,   /* a JSON value of its own: number, string, null */
};

/* Literal text, then a command. */
struct piece {
    struct str literal;
    enum piece_kind kind;
    struct substitution substitution;
};

struct access_log_format {
    struct piece *pieces;
    uint32_t count, capacity;
};

/* --- compiling ------------------------------------------------------------ */

struct compiler {
    struct access_log_format *format;
    struct arena *arena;
    struct access_log_error *error;
    struct str source;
    struct buf literal; /* since the last command */
};

static void fail(struct compiler *c, size_t at, struct str what)
{
    *c->error = (struct access_log_error){at, what};
}

/* False: the format is unreasonably long. */
static bool literal(struct compiler *c, struct str text)
{
    if (buf_append(&c->literal, text) == RC_OK)
        return true;
    fail(c, 0, STR("the format is too long"));
    return false;
}

static void add_piece(struct compiler *c, enum piece_kind kind,
                      const struct substitution *substitution)
{
    struct access_log_format *format = c->format;
    struct piece *piece = ARENA_PUSH(c->arena, format->pieces, format->count, format->capacity);
    *piece = (struct piece){.literal = arena_str(c->arena, buf_str(&c->literal)), .kind = kind};
    if (substitution != NULL)
        piece->substitution = *substitution;
    buf_clear(&c->literal);
}

/* The bytes of `text` as in a JSON string, between its quotes. */
static bool escaped_literal(struct compiler *c, struct str text);

/* Text with commands: of a text format, or of a string in a JSON format. */
static bool compile_text(struct compiler *c, struct str text, size_t at, bool is_json)
{
    while (text.len > 0) {
        size_t percent = str_find(text, '%');
        struct str plain = str_slice(text, 0, percent);
        if (!(is_json ? escaped_literal(c, plain) : literal(c, plain)))
            return false;
        text = str_from(text, plain.len);
        at += plain.len;
        if (text.len == 0)
            break;
        size_t taken = 2;
        if (text.len > 1 && text.ptr[1] == '%') {
            if (!literal(c, STR("%")))
                return false;
        } else {
            struct substitution substitution;
            struct str why;
            taken = substitution_parse(text, c->arena, &substitution, &why);
            if (taken == 0) {
                /* In JSON the place is that of the command in the document. */
                size_t found = is_json ? str_find_str(c->source, text) : at;
                fail(c, found == STR_NONE ? at : found, why);
                return false;
            }
            add_piece(c, is_json ? PIECE_ESCAPED : PIECE_TEXT, &substitution);
        }
        text = str_from(text, taken);
        at += taken;
    }
    return true;
}

/* Is it one command and nothing else? */
static bool is_single(struct compiler *c, struct str text, struct substitution *substitution)
{
    struct str why;
    return text.len > 2 && text.ptr[0] == '%' && text.ptr[1] != '%' &&
           substitution_parse(text, c->arena, substitution, &why) == text.len;
}

static bool compile_string(struct compiler *c, struct str text)
{
    struct substitution substitution;
    if (is_single(c, text, &substitution)) {
        add_piece(c, PIECE_TYPED, &substitution);
        return true;
    }
    size_t at = str_find_str(c->source, text);
    return literal(c, STR("\"")) && compile_text(c, text, at == STR_NONE ? 0 : at, true) &&
           literal(c, STR("\""));
}

static bool compile_value(struct compiler *c, const struct json_value *value);

/* Indexes of an object's keys, in byte order. */
static uint32_t *sorted_keys(struct arena *arena, const struct json_value *object)
{
    uint32_t *order = ARENA_ARRAY(arena, uint32_t, object->count);
    for (uint32_t i = 0; i < object->count; i++) {
        uint32_t at = i;
        for (; at > 0 && str_order(object->keys[order[at - 1]], object->keys[i]) > 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return order;
}

static bool compile_object(struct compiler *c, const struct json_value *object)
{
    uint32_t *order = sorted_keys(c->arena, object);
    if (!literal(c, STR("{")))
        return false;
    for (uint32_t i = 0; i < object->count; i++) {
        if (!literal(c, i > 0 ? STR(",\"") : STR("\"")) ||
            !escaped_literal(c, object->keys[order[i]]) || !literal(c, STR("\":")) ||
            !compile_value(c, &object->items[order[i]]))
            return false;
    }
    return literal(c, STR("}"));
}

static bool compile_array(struct compiler *c, const struct json_value *array)
{
    if (!literal(c, STR("[")))
        return false;
    for (uint32_t i = 0; i < array->count; i++) {
        if ((i > 0 && !literal(c, STR(","))) || !compile_value(c, &array->items[i]))
            return false;
    }
    return literal(c, STR("]"));
}

static bool compile_value(struct compiler *c, const struct json_value *value)
{
    switch (value->kind) {
    case JSON_NULL:
        return literal(c, STR("null"));
    case JSON_BOOL:
    case JSON_NUMBER:
        return literal(c, value->text);
    case JSON_STRING:
        return compile_string(c, value->text);
    case JSON_ARRAY:
        return compile_array(c, value);
    case JSON_OBJECT:
        return compile_object(c, value);
    }
    UNREACHABLE("json_kind");
}

static bool compile_json(struct compiler *c, struct str text)
{
    struct json_value object;
    size_t where = 0;
    if (json_read(text, c->arena, &object, &where) != RC_OK) {
        fail(c, where, STR("no JSON"));
        return false;
    }
    if (object.kind != JSON_OBJECT) {
        fail(c, 0, STR("a JSON format is an object"));
        return false;
    }
    return compile_object(c, &object) && literal(c, STR("\n"));
}

const struct access_log_format *access_log_format_new(enum access_log_encoding encoding,
                                                      struct str text, struct arena *arena,
                                                      struct access_log_error *error)
{
    struct compiler c = {.format = ARENA_NEW(arena, struct access_log_format),
                         .arena = arena,
                         .error = error,
                         .source = text};
    buf_init(&c.literal, LITERAL_BYTES_MAX);
    bool is_fine =
        encoding == ACCESS_LOG_JSON ? compile_json(&c, text) : compile_text(&c, text, 0, false);
    if (is_fine)
        add_piece(&c, PIECE_LITERAL, NULL);
    buf_fini(&c.literal);
    return is_fine ? c.format : NULL;
}

/* --- rendering ------------------------------------------------------------ */

struct line {
    char *ptr;
    size_t len, capacity;
    bool is_full;
};

static void put(struct line *line, struct str text)
{
    if (text.len > line->capacity - line->len) {
        line->is_full = true;
        return;
    }
    if (text.len > 0)
        memcpy(line->ptr + line->len, text.ptr, text.len);
    line->len += text.len;
}

/* The escape of one byte in a JSON string, in `out`; 0: it stands for itself. */
static size_t escape_of(unsigned char c, bool is_utf8, char out[6])
{
    static const char hex[] = "0123456789abcdef";
    static const char *const shorts = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *pair = shorts; *pair != '\0'; pair += 2) {
        if ((unsigned char)*pair == c) {
            out[0] = '\\';
            out[1] = pair[1];
            return 2;
        }
    }
    if (c >= 0x20 && c != 0x7f && (c < 0x80 || is_utf8))
        return 0;
    memcpy(out, "\\u00", 4);
    out[4] = hex[c >> 4];
    out[5] = hex[c & 15];
    return 6;
}

/* As Envoy's sanitizer: text that is not UTF-8 is told byte by byte. */
static void put_escaped(struct line *line, struct str text)
{
    bool is_utf8 = utf8_valid_bytes(text) == text.len;
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        char escape[6];
        size_t size = escape_of((unsigned char)text.ptr[i], is_utf8, escape);
        if (size == 0)
            continue;
        put(line, str_slice(text, from, i));
        put(line, (struct str){escape, size});
        from = i + 1;
    }
    put(line, str_from(text, from));
}

static bool escaped_literal(struct compiler *c, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char escape[6];
        size_t size = escape_of((unsigned char)text.ptr[i], true, escape);
        if (!literal(c, size > 0 ? (struct str){escape, size} : str_slice(text, i, i + 1)))
            return false;
    }
    return true;
}

static void put_value(struct line *line, const struct piece *piece,
                      const struct substitution_value *value)
{
    size_t room = line->capacity - line->len;
    size_t wanted = value->kind == VALUE_TEXT ? value->text.len : 24;
    if (wanted > piece->substitution.bytes_max)
        wanted = piece->substitution.bytes_max;
    if (wanted > room && value->coding != CODING_PERCENT) {
        line->is_full = true;
        return;
    }
    line->len += substitution_put(&piece->substitution, value, line->ptr + line->len, room);
}

/* The value is put at the line's end, and told again with its escapes. */
static void put_value_escaped(struct line *line, const struct piece *piece,
                              const struct substitution_value *value)
{
    if (value->kind == VALUE_TEXT && value->coding == CODING_PLAIN) {
        put_escaped(line, value->text);
        return;
    }
    /* Decoded text is not longer than coded text, and words keep their length;
     * the far end of the line is the place to do it. */
    struct str coded = value->text;
    if (value->kind == VALUE_TEXT && coded.len > line->capacity - line->len) {
        line->is_full = true;
        return;
    }
    struct line end = *line;
    size_t before = end.len;
    put_value(&end, piece, value);
    struct str plain = {line->ptr + before, end.len - before};
    char *far = line->ptr + line->capacity - plain.len;
    memmove(far, plain.ptr, plain.len);
    line->capacity -= plain.len;
    put_escaped(line, (struct str){far, plain.len});
    line->capacity += plain.len;
    line->is_full = line->is_full || end.is_full;
}

static void put_typed(struct line *line, const struct piece *piece,
                      const struct substitution_value *value)
{
    switch (value->kind) {
    case VALUE_MISSING:
        put(line, STR("null"));
        return;
    case VALUE_NUMBER:
        put_value(line, piece, value);
        return;
    case VALUE_TEXT:
        put(line, STR("\""));
        put_value_escaped(line, piece, value);
        put(line, STR("\""));
        return;
    }
    UNREACHABLE("substitution_value_kind");
}

static void put_piece(struct line *line, const struct piece *piece,
                      const struct substitution_facts *facts)
{
    struct substitution_value value;
    put(line, piece->literal);
    if (piece->kind == PIECE_LITERAL || line->is_full)
        return;
    substitution_read(&piece->substitution, facts, &value);
    if (piece->kind == PIECE_TYPED)
        put_typed(line, piece, &value);
    else if (value.kind == VALUE_MISSING)
        put(line, STR("-"));
    else if (piece->kind == PIECE_ESCAPED)
        put_value_escaped(line, piece, &value);
    else
        put_value(line, piece, &value);
}

size_t access_log_render(const struct access_log_format *format,
                         const struct access_log_facts *facts, char *out, size_t capacity)
{
    struct line line = {.ptr = out, .capacity = capacity};
    struct substitution_facts known = {.request = facts->record->request,
                                       .response = facts->record->response,
                                       .record = facts->record,
                                       .epoch_seconds = facts->epoch_seconds,
                                       .hostname = facts->hostname,
                                       .is_over = true};
    for (uint32_t i = 0; i < format->count && !line.is_full; i++)
        put_piece(&line, &format->pieces[i], &known);
    return line.is_full ? 0 : line.len;
}
