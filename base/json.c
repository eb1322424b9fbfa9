/* SPDX-License-Identifier: Apache-2.0
 *
 * base/json.c - the writer. Strings leave as valid UTF-8 whatever came in: a
 * byte that starts no code point becomes U+FFFD.
 */
#include "base/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/utf8.h"

static void put(struct json *json, struct str bytes)
{
    if (json->is_full)
        return;
    if (buf_append(json->out, bytes) != RC_OK)
        json->is_full = true;
}

static void put_new_line(struct json *json)
{
    if (json->indent_width == 0)
        return;
    put(json, STR("\n"));
    for (uint32_t i = 0; i < json->depth * json->indent_width; i++)
        put(json, STR(" "));
}

/* What stands between the previous item and a new one of the same container. */
static void put_separator(struct json *json)
{
    if (json->depth == 0)
        return;
    bool *has_items = &json->has_items[json->depth - 1];
    if (*has_items)
        put(json, STR(","));
    *has_items = true;
    put_new_line(json);
}

static void before_value(struct json *json)
{
    if (json->depth > 0 && json->is_object[json->depth - 1]) {
        ASSERT(json->has_key);
        json->has_key = false;
        return;
    }
    put_separator(json);
}

static void begin(struct json *json, bool is_object)
{
    ASSERT(json->depth < JSON_DEPTH_MAX);
    before_value(json);
    put(json, is_object ? STR("{") : STR("["));
    json->is_object[json->depth] = is_object;
    json->has_items[json->depth] = false;
    json->depth++;
}

static void end(struct json *json, bool is_object)
{
    ASSERT(json->depth > 0);
    ASSERT(json->is_object[json->depth - 1] == is_object);
    ASSERT(!json->has_key);
    json->depth--;
    if (json->has_items[json->depth])
        put_new_line(json);
    put(json, is_object ? STR("}") : STR("]"));
}

/* The escape of a code point that may not stand for itself, or nothing. */
static struct str escape_of(uint32_t code, char room[8])
{
    switch (code) {
    case '"':
        return STR("\\\"");
    case '\\':
        return STR("\\\\");
    case '\b':
        return STR("\\b");
    case '\f':
        return STR("\\f");
    case '\n':
        return STR("\\n");
    case '\r':
        return STR("\\r");
    case '\t':
        return STR("\\t");
    default:
        break;
    }
    if (code >= 0x20)
        return STR_EMPTY;
    int length = snprintf(room, 8, "\\u%04x", (unsigned)code);
    return (struct str){room, (size_t)length};
}

static void put_quoted(struct json *json, struct str text)
{
    put(json, STR("\""));
    size_t plain_from = 0;
    size_t at = 0;
    while (at < text.len) {
        uint32_t code = 0;
        char room[8];
        size_t length = utf8_decode(str_from(text, at), &code);
        struct str instead = length == 0 ? STR("\xef\xbf\xbd") : escape_of(code, room);
        size_t next = at + (length == 0 ? 1 : length);
        if (instead.len > 0) {
            put(json, str_slice(text, plain_from, at));
            put(json, instead);
            plain_from = next;
        }
        at = next;
    }
    put(json, str_from(text, plain_from));
    put(json, STR("\""));
}

static void put_word(struct json *json, struct str word)
{
    before_value(json);
    put(json, word);
}

/* printf pads exponents to two digits: 1e-07 becomes 1e-7. */
static size_t without_padding(char *text, size_t length)
{
    size_t at = str_find((struct str){text, length}, 'e');
    if (at == STR_NONE || at + 2 >= length || text[at + 2] != '0')
        return length;
    text[at + 2] = text[at + 3];
    return length - 1;
}

static size_t shortest_decimal(double value, char *room, size_t room_bytes)
{
    /* 0.0 is added so that -0 is written as 0. */
    if (fabs(value) < 1e15 && floor(value) == value)
        return (size_t)snprintf(room, room_bytes, "%.0f", value + 0.0);
    int length = 0;
    for (int digits = 1; digits <= DBL_DECIMAL_DIG; digits++) {
        length = snprintf(room, room_bytes, "%.*g", digits, value);
        double again = strtod(room, NULL);
        if (!(again < value) && !(again > value))
            break;
    }
    return without_padding(room, (size_t)length);
}

void json_init(struct json *json, struct buf *out, uint32_t indent_width)
{
    *json = (struct json){.out = out, .indent_width = indent_width};
}

void json_begin_object(struct json *json)
{
    begin(json, true);
}

void json_end_object(struct json *json)
{
    end(json, true);
}

void json_begin_array(struct json *json)
{
    begin(json, false);
}

void json_end_array(struct json *json)
{
    end(json, false);
}

void json_key(struct json *json, struct str key)
{
    ASSERT(json->depth > 0);
    ASSERT(json->is_object[json->depth - 1]);
    ASSERT(!json->has_key);
    put_separator(json);
    put_quoted(json, key);
    put(json, json->indent_width == 0 ? STR(":") : STR(": "));
    json->has_key = true;
}

void json_str(struct json *json, struct str value)
{
    before_value(json);
    put_quoted(json, value);
}

void json_i64(struct json *json, int64_t value)
{
    char room[24];
    int length = snprintf(room, sizeof(room), "%lld", (long long)value);
    put_word(json, (struct str){room, (size_t)length});
}

void json_u64(struct json *json, uint64_t value)
{
    char room[24];
    int length = snprintf(room, sizeof(room), "%llu", (unsigned long long)value);
    put_word(json, (struct str){room, (size_t)length});
}

void json_double(struct json *json, double value)
{
    /* JSON has no word for these; protobuf's JSON writes them as strings. */
    if (isnan(value) || isinf(value)) {
        json_str(json, isnan(value) ? STR("NaN") : value > 0 ? STR("Infinity") : STR("-Infinity"));
        return;
    }
    char room[32];
    put_word(json, (struct str){room, shortest_decimal(value, room, sizeof(room))});
}

void json_bool(struct json *json, bool value)
{
    put_word(json, value ? STR("true") : STR("false"));
}

void json_null(struct json *json)
{
    put_word(json, STR("null"));
}

bool json_is_full(const struct json *json)
{
    return json->is_full;
}

void json_key_str(struct json *json, struct str key, struct str value)
{
    json_key(json, key);
    json_str(json, value);
}

void json_key_i64(struct json *json, struct str key, int64_t value)
{
    json_key(json, key);
    json_i64(json, value);
}

void json_key_bool(struct json *json, struct str key, bool value)
{
    json_key(json, key);
    json_bool(json, value);
}

void json_value_write(struct json *json, const struct json_value *value)
{
    switch (value->kind) {
    case JSON_NULL:
        json_null(json);
        return;
    case JSON_BOOL:
        json_bool(json, str_eq(value->text, STR("true")));
        return;
    case JSON_NUMBER:
        json_double(json, value->number);
        return;
    case JSON_STRING:
        json_str(json, value->text);
        return;
    case JSON_ARRAY:
        json_begin_array(json);
        for (uint32_t i = 0; i < value->count; i++)
            json_value_write(json, &value->items[i]);
        json_end_array(json);
        return;
    case JSON_OBJECT:
        json_begin_object(json);
        for (uint32_t i = 0; i < value->count; i++) {
            json_key(json, value->keys[i]);
            json_value_write(json, &value->items[i]);
        }
        json_end_object(json);
        return;
    }
    UNREACHABLE("json_kind");
}
