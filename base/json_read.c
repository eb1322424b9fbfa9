/* SPDX-License-Identifier: Apache-2.0
 *
 * base/json_read.c - the reader: RFC 8259, strictly, or as protobuf has it; without
 * recursion.
 *
 * The stack holds the containers that are open. A container's array moves
 * when it grows, which it does only while it is on top, so the pointers of
 * the containers below stay right.
 */
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/utf8.h"

#define PROTOBUF_DEPTH_MAX 100

struct open_container {
    struct json_value *value;
    uint32_t item_capacity, key_capacity, key_count;
};

struct parser {
    struct str text;
    size_t at;
    struct arena *arena;
    struct open_container stack[JSON_DEPTH_MAX];
    uint32_t depth;
    bool is_protobuf;
};

static char peek(const struct parser *p)
{
    return p->at < p->text.len ? p->text.ptr[p->at] : '\0';
}

static bool take(struct parser *p, char c)
{
    if (p->at >= p->text.len || p->text.ptr[p->at] != c)
        return false;
    p->at++;
    return true;
}

static bool take_word(struct parser *p, struct str word)
{
    if (!str_has_prefix(str_from(p->text, p->at), word))
        return false;
    p->at += word.len;
    return true;
}

static void skip_blanks(struct parser *p)
{
    while (take(p, ' ') || take(p, '\t') || take(p, '\n') || take(p, '\r'))
        continue;
}

static bool skip_digits(struct parser *p)
{
    size_t from = p->at;
    while (peek(p) >= '0' && peek(p) <= '9')
        p->at++;
    return p->at > from;
}

static bool read_number(struct parser *p, struct json_value *out)
{
    size_t from = p->at;
    (void)take(p, '-'); /* optional */
    if (!take(p, '0') && !skip_digits(p))
        return false;
    if (take(p, '.') && !skip_digits(p))
        return false;
    if (take(p, 'e') || take(p, 'E')) {
        if (!take(p, '+'))
            (void)take(p, '-'); /* optional */
        if (!skip_digits(p))
            return false;
    }
    out->kind = JSON_NUMBER;
    out->text = arena_str(p->arena, str_slice(p->text, from, p->at));
    out->number = strtod(out->text.ptr, NULL);
    return !p->is_protobuf || isfinite(out->number);
}

/* Four hexadecimal digits. */
static bool read_unit(struct parser *p, uint32_t *out)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = str_hex_digit(peek(p));
        if (digit < 0)
            return false;
        value = value * 16 + (uint32_t)digit;
        p->at++;
    }
    *out = value;
    return true;
}

/* RFC 8259 section 7: beyond the first plane, two \u make one code point. */
static bool read_unicode_escape(struct parser *p, uint32_t *code)
{
    uint32_t low;
    if (!read_unit(p, code))
        return false;
    if (*code < 0xd800 || *code > 0xdfff)
        return true;
    if (*code > 0xdbff || !take_word(p, STR("\\u")) || !read_unit(p, &low))
        return false;
    if (low < 0xdc00 || low > 0xdfff)
        return false;
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* After a backslash. */
static bool read_escape(struct parser *p, char *out, size_t *length)
{
    static const char MEANINGS[] = "\"\\/\b\f\n\r\t";
    uint32_t code;
    if (take(p, 'u') || (p->is_protobuf && take(p, 'U'))) {
        if (!read_unicode_escape(p, &code))
            return false;
        *length += utf8_encode(code, out + *length);
        return true;
    }
    if (p->is_protobuf && take(p, '\'')) {
        out[(*length)++] = '\'';
        return true;
    }
    size_t index = p->at < p->text.len ? str_find(STR("\"\\/bfnrt"), peek(p)) : STR_NONE;
    if (index == STR_NONE)
        return false;
    p->at++;
    out[(*length)++] = MEANINGS[index];
    return true;
}

/* The byte behind the string that starts at p->at, or STR_NONE. */
static size_t string_end(const struct parser *p, char quote)
{
    for (size_t at = p->at; at < p->text.len; at++) {
        if (p->text.ptr[at] == quote)
            return at;
        if (p->text.ptr[at] == '\\')
            at++;
    }
    return STR_NONE;
}

static bool read_string(struct parser *p, struct str *out)
{
    char quote = p->is_protobuf && peek(p) == '\'' ? '\'' : '"';
    if (!take(p, quote))
        return false;
    size_t end = string_end(p, quote);
    if (end == STR_NONE)
        return false;
    /* An escape is never shorter than what it stands for. */
    char *bytes = arena_alloc(p->arena, end - p->at + 1);
    size_t length = 0;
    while (p->at < end) {
        uint32_t code = 0;
        if (take(p, '\\')) {
            if (!read_escape(p, bytes, &length))
                return false;
            continue;
        }
        size_t width = utf8_decode(str_from(p->text, p->at), &code);
        if (width == 0 || (code < 0x20 && !p->is_protobuf))
            return false;
        for (size_t i = 0; i < width; i++)
            bytes[length++] = p->text.ptr[p->at++];
    }
    *out = (struct str){bytes, length};
    return take(p, quote);
}

/* Of protobuf: a letter or "_", then digits too. */
static bool read_bare_name(struct parser *p, struct str *out)
{
    size_t from = p->at;
    while (p->at < p->text.len) {
        char c = str_lower_char(p->text.ptr[p->at]);
        bool is_digit = c >= '0' && c <= '9';
        if (!(c >= 'a' && c <= 'z') && c != '_' && !(is_digit && p->at > from))
            break;
        p->at++;
    }
    *out = str_slice(p->text, from, p->at);
    return out->len > 0 && !str_eq(*out, STR("null")) && !str_eq(*out, STR("true")) &&
           !str_eq(*out, STR("false"));
}

static bool read_name(struct parser *p, struct str *out)
{
    skip_blanks(p);
    char first = peek(p);
    return p->is_protobuf && first != '"' && first != '\'' ? read_bare_name(p, out)
                                                           : read_string(p, out);
}

/* Merges sorted halves of `from` into `to`; false: the same text is in both. */
static bool merge(const struct str *from, uint32_t middle, uint32_t count, struct str *to)
{
    uint32_t left = 0, right = middle;
    for (uint32_t i = 0; i < count; i++) {
        int order = left == middle ? 1 : right == count ? -1 : str_order(from[left], from[right]);
        if (order == 0)
            return false;
        to[i] = order < 0 ? from[left++] : from[right++];
    }
    return true;
}

/* Each name once? Sorts a copy, so that many names take little longer than few. */
static bool are_names_different(struct parser *p, const struct json_value *object)
{
    uint32_t count = object->count;
    struct str *from = ARENA_ARRAY(p->arena, struct str, count);
    struct str *to = ARENA_ARRAY(p->arena, struct str, count);
    for (uint32_t i = 0; i < count; i++)
        from[i] = object->keys[i];
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t start = 0; start < count; start += 2 * width) {
            uint32_t size = count - start < 2 * width ? count - start : 2 * width;
            if (!merge(from + start, size < width ? size : width, size, to + start))
                return false;
        }
        struct str *other = from;
        from = to;
        to = other;
    }
    return true;
}

/* A value; of a container only its beginning, which is then on the stack. */
static bool read_start(struct parser *p, struct json_value *out)
{
    skip_blanks(p);
    *out = (struct json_value){.kind = JSON_NULL};
    char first = peek(p);
    if (first == '{' || first == '[') {
        if (p->depth == (p->is_protobuf ? PROTOBUF_DEPTH_MAX : JSON_DEPTH_MAX))
            return false;
        p->at++;
        out->kind = first == '{' ? JSON_OBJECT : JSON_ARRAY;
        p->stack[p->depth++] = (struct open_container){.value = out};
        return true;
    }
    if (first == '"' || (first == '\'' && p->is_protobuf)) {
        out->kind = JSON_STRING;
        return read_string(p, &out->text);
    }
    if (take_word(p, STR("null")))
        return true;
    bool is_true = take_word(p, STR("true"));
    if (is_true || take_word(p, STR("false"))) {
        out->kind = JSON_BOOL;
        out->text = is_true ? STR("true") : STR("false");
        return true;
    }
    return read_number(p, out);
}

/* The next item of the container on top, or its end. */
static bool read_next(struct parser *p)
{
    struct open_container *top = &p->stack[p->depth - 1];
    struct json_value *value = top->value;
    bool is_object = value->kind == JSON_OBJECT;
    skip_blanks(p);
    bool has_comma = value->count > 0 && take(p, ',');
    if (has_comma && p->is_protobuf)
        skip_blanks(p);
    if ((!has_comma || p->is_protobuf) && take(p, is_object ? '}' : ']')) {
        p->depth--;
        return !is_object || !p->is_protobuf || are_names_different(p, value);
    }
    if (value->count > 0 && !has_comma)
        return false;
    if (is_object) {
        struct str *key = ARENA_PUSH(p->arena, value->keys, top->key_count, top->key_capacity);
        if (!read_name(p, key))
            return false;
        skip_blanks(p);
        if (!take(p, ':'))
            return false;
    }
    struct json_value *item = ARENA_PUSH(p->arena, value->items, value->count, top->item_capacity);
    return read_start(p, item);
}

static enum rc read_document(struct parser *p, struct json_value *out, size_t *where)
{
    bool is_good = read_start(p, out);
    while (is_good && p->depth > 0)
        is_good = read_next(p);
    if (is_good)
        skip_blanks(p);
    if (is_good && p->at == p->text.len)
        return RC_OK;
    *where = p->at;
    return RC_BAD;
}

enum rc json_read(struct str text, struct arena *arena, struct json_value *out, size_t *where)
{
    struct parser p = {.text = text, .arena = arena};
    return read_document(&p, out, where);
}

enum rc json_read_protobuf(struct str text, struct arena *arena, struct json_value *out,
                           size_t *where)
{
    struct parser p = {.text = text, .arena = arena, .is_protobuf = true};
    return read_document(&p, out, where);
}

const struct json_value *json_get(const struct json_value *object, struct str key)
{
    if (object == NULL || object->kind != JSON_OBJECT)
        return NULL;
    /* The last of several wins, as in nearly every reader. */
    for (uint32_t i = object->count; i > 0; i--)
        if (str_eq(object->keys[i - 1], key))
            return &object->items[i - 1];
    return NULL;
}

size_t json_surrogates(struct str text, uint32_t *code)
{
    struct parser p = {.text = text};
    if (!take_word(&p, STR("\\u")) || !read_unicode_escape(&p, code) || *code < 0x10000)
        return 0;
    return p.at;
}
