/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/yaml_text.c - see yaml_text.h.
 *
 * Source: YAML 1.1 and 1.2, which words are no strings.
 */
#include "cli/yaml_text.h"

struct writer {
    struct arena *arena;
    struct buf *out;
    bool is_full;
};

static void put(struct writer *writer, struct str text)
{
    writer->is_full |= buf_append(writer->out, text) != RC_OK;
}

static void indent(struct writer *writer, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++)
        put(writer, STR("  "));
}

/* A word of YAML 1.1 or 1.2 that is true, false or nothing. */
static bool is_reserved(struct str text)
{
    static const struct str WORDS[] = {
        STR_INIT("true"), STR_INIT("false"), STR_INIT("yes"), STR_INIT("no"), STR_INIT("on"),
        STR_INIT("off"),  STR_INIT("null"),  STR_INIT("y"),   STR_INIT("n"),  STR_INIT("~"),
        STR_INIT(".nan"), STR_INIT(".inf"),  STR_INIT("<<"),
    };

    for (size_t i = 0; i < COUNT_OF(WORDS); i++) {
        if (str_eq_ci(text, WORDS[i]))
            return true;
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Might be read as a number, a date or a sexagesimal: begins like one, and has
 * no letter but those of numbers. */
static bool is_like_number(struct str text)
{
    size_t at = text.ptr[0] == '-' || text.ptr[0] == '+' ? 1 : 0;

    if (at < text.len && text.ptr[at] == '.')
        at++;
    if (at == text.len || !is_digit(text.ptr[at]))
        return false;
    for (size_t i = at; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == 'x' || c == 'o' ||
                         c == 'T' || c == 'Z';
        if (!is_digit(c) && !is_letter && str_find(STR(".:_+- "), c) == STR_NONE)
            return false;
    }
    /* Two points make an address. */
    size_t point = str_find(text, '.');
    return point == STR_NONE || str_find(str_from(text, point + 1), '.') == STR_NONE;
}

enum style { STYLE_PLAIN, STYLE_SINGLE, STYLE_DOUBLE };

static enum style style_of(struct str text)
{
    static const struct str FIRST = STR_INIT("-?:,[]{}#&*!|>'\"%@`= ");
    enum style style = STYLE_PLAIN;

    if (text.len == 0 || is_reserved(text) || is_like_number(text))
        return STYLE_DOUBLE;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_last = i + 1 == text.len;
        if ((unsigned char)c < 0x20 || c == 0x7f)
            return STYLE_DOUBLE;
        if ((c == ':' && (is_last || text.ptr[i + 1] == ' ')) ||
            (c == '#' && i > 0 && text.ptr[i - 1] == ' ') || (c == ' ' && is_last))
            style = STYLE_SINGLE;
    }
    char c = text.ptr[0];
    bool is_word_after = text.len > 1 && text.ptr[1] != ' ';
    if (str_find(FIRST, c) != STR_NONE && !((c == '-' || c == '?' || c == ':') && is_word_after))
        style = STYLE_SINGLE;
    return str_has_prefix(text, STR("---")) ? STYLE_SINGLE : style;
}

static void put_single(struct writer *writer, struct str text)
{
    put(writer, STR("'"));
    for (size_t i = 0; i < text.len; i++)
        put(writer, text.ptr[i] == '\'' ? STR("''") : str_slice(text, i, i + 1));
    put(writer, STR("'"));
}

/* JSON's escapes are YAML's. */
static void put_string(struct writer *writer, struct str text)
{
    struct json json;

    switch (style_of(text)) {
    case STYLE_PLAIN:
        put(writer, text);
        break;
    case STYLE_SINGLE:
        put_single(writer, text);
        break;
    case STYLE_DOUBLE:
        json_init(&json, writer->out, 0);
        json_str(&json, text);
        writer->is_full |= json_is_full(&json);
        break;
    }
}

static void put_scalar(struct writer *writer, const struct json_value *value)
{
    if (value->kind == JSON_STRING)
        put_string(writer, value->text);
    else
        put(writer, value->kind == JSON_NULL ? STR("null") : value->text);
}

/* Where each key stands in the sorted order. */
static uint32_t *sorted_keys(struct writer *writer, const struct json_value *object)
{
    uint32_t *out = ARENA_ARRAY(writer->arena, uint32_t, object->count);

    for (uint32_t i = 0; i < object->count; i++) {
        uint32_t at = i;
        for (; at > 0 && str_order(object->keys[i], object->keys[out[at - 1]]) < 0; at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
    return out;
}

static bool is_block(const struct json_value *value)
{
    return (value->kind == JSON_OBJECT || value->kind == JSON_ARRAY) && value->count > 0;
}

static void put_value(struct writer *writer, const struct json_value *value, uint32_t depth,
                      bool is_after_dash);

/* A mapping's first key stands behind the dash of its sequence. */
static void put_object(struct writer *writer, const struct json_value *value, uint32_t depth,
                       bool is_after_dash)
{
    const uint32_t *order = sorted_keys(writer, value);

    for (uint32_t i = 0; i < value->count; i++) {
        const struct json_value *item = &value->items[order[i]];
        if (i > 0 || !is_after_dash)
            indent(writer, depth);
        put_string(writer, value->keys[order[i]]);
        put(writer, is_block(item) ? STR(":\n") : STR(": "));
        put_value(writer, item, item->kind == JSON_ARRAY ? depth : depth + 1, false);
    }
}

static void put_array(struct writer *writer, const struct json_value *value, uint32_t depth,
                      bool is_after_dash)
{
    for (uint32_t i = 0; i < value->count; i++) {
        if (i > 0 || !is_after_dash)
            indent(writer, depth);
        put(writer, STR("- "));
        put_value(writer, &value->items[i], depth + 1, true);
    }
}

/* JSON's reader has bounded the depth. */
static void put_value(struct writer *writer, const struct json_value *value, uint32_t depth,
                      bool is_after_dash)
{
    if (!is_block(value)) {
        if (value->kind == JSON_OBJECT)
            put(writer, STR("{}"));
        else if (value->kind == JSON_ARRAY)
            put(writer, STR("[]"));
        else
            put_scalar(writer, value);
        put(writer, STR("\n"));
    } else if (value->kind == JSON_OBJECT) {
        put_object(writer, value, depth, is_after_dash);
    } else {
        put_array(writer, value, depth, is_after_dash);
    }
}

enum rc yaml_text_append(const struct json_value *value, struct arena *arena, struct buf *out)
{
    struct writer writer = {.arena = arena, .out = out};

    put_value(&writer, value, 0, false);
    return writer.is_full ? RC_FULL : RC_OK;
}
