/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/plain.c - see plain.h.
 *
 * A line is an entry of the level that its column says: `- ` of a list, `key:` of
 * a map. Deeper columns open levels where a value is awaited, lower ones close
 * them. Columns count from 0 here, and from 1 in places.
 */
#include "config/yaml/plain.h"

#include "base/check.h"
#include "config/yaml/cursor.h"

/* libyaml's is 1024, with the blanks behind it. */
#define KEY_BYTES_MAX 1000u

/* An open list or map. Its entry may await a value on the lines that follow. */
struct level {
    uint32_t column;
    bool is_list;
    bool is_awaiting;
    struct origin value_origin; /* of the value, should there be none */
};

struct plain {
    struct cursor in;
    struct builder *builder;
    bool has_root;
    uint32_t depth;
    struct level levels[YAML_DEPTH_MAX];
    struct node keys[YAML_DEPTH_MAX]; /* of each open map the one whose value is next */
};

static bool is_all_plain(struct str text)
{
    unsigned char wrong = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        wrong |= (unsigned char)((c < ' ' && c != '\n') || c > '~');
    }
    return wrong == 0;
}

static void add_value(struct plain *plain, const struct node *value)
{
    struct node *node = ARENA_NEW(plain->in.arena, struct node);
    *node = *value;
    builder_add_scalar(plain->builder, node, STR_EMPTY);
}

/* The builder looks at it until it has the value. */
static void add_key(struct plain *plain, const struct node *key)
{
    struct node *node = &plain->keys[plain->builder->depth - 1];
    *node = *key;
    builder_add_scalar(plain->builder, node, STR_EMPTY);
}

static void add_nothing(struct plain *plain, struct origin origin)
{
    struct node nothing = {.kind = NODE_NULL, .origin = origin};
    add_value(plain, &nothing);
}

/* --- flow ------------------------------------------------------------------------- */

static bool read_flow(struct plain *plain);

/* Over blanks, comments and line ends; false: a marker is there. */
static bool skip_flow_blanks(struct plain *plain)
{
    cursor_skip_spaces(&plain->in);
    while (plain->in.at < plain->in.end && cursor_end_line(&plain->in)) {
        if (cursor_is_at_marker(&plain->in))
            return false;
        cursor_skip_spaces(&plain->in);
    }
    return plain->in.at < plain->in.end;
}

static bool read_flow_value(struct plain *plain)
{
    if (cursor_peek(&plain->in, 0) == '[' || cursor_peek(&plain->in, 0) == '{')
        return read_flow(plain);
    struct node value;
    if (!cursor_read_scalar(&plain->in, true, &value))
        return false;
    add_value(plain, &value);
    return true;
}

static bool read_flow_key(struct plain *plain)
{
    const char *begin = plain->in.at;
    struct node key;
    if (!cursor_read_scalar(&plain->in, true, &key) ||
        (size_t)(plain->in.at - begin) > KEY_BYTES_MAX)
        return false;
    cursor_skip_spaces(&plain->in);
    if (!(key.is_quoted ? cursor_peek(&plain->in, 0) == ':' : cursor_is_at_colon(&plain->in)))
        return false;
    plain->in.at++;
    add_key(plain, &key);
    return skip_flow_blanks(plain);
}

/* A list or map in brackets; as deep as builder allows. */
static bool read_flow(struct plain *plain)
{
    bool is_list = *plain->in.at == '[';
    char close = is_list ? ']' : '}';
    builder_begin(plain->builder, is_list ? NODE_LIST : NODE_MAP, cursor_origin(&plain->in),
                  STR_EMPTY);
    if (plain->builder->is_refused)
        return false;
    do {
        plain->in.at++;
        if (!skip_flow_blanks(plain))
            return false;
        if (*plain->in.at == close)
            break;
        if ((!is_list && !read_flow_key(plain)) || !read_flow_value(plain) ||
            !skip_flow_blanks(plain))
            return false;
    } while (*plain->in.at == ',');
    if (*plain->in.at != close)
        return false;
    plain->in.at++;
    builder_end(plain->builder);
    return true;
}

/* --- blocks ----------------------------------------------------------------------- */

static struct level *top_of(struct plain *plain)
{
    return &plain->levels[plain->depth - 1];
}

static bool open_level(struct plain *plain, bool is_list)
{
    builder_begin(plain->builder, is_list ? NODE_LIST : NODE_MAP, cursor_origin(&plain->in),
                  STR_EMPTY);
    if (plain->builder->is_refused)
        return false;
    plain->levels[plain->depth++] =
        (struct level){.column = cursor_column(&plain->in), .is_list = is_list};
    return true;
}

static void fill_level(struct plain *plain, struct level *level)
{
    if (level->is_awaiting)
        add_nothing(plain, level->value_origin);
    level->is_awaiting = false;
}

static void close_level(struct plain *plain)
{
    fill_level(plain, top_of(plain));
    builder_end(plain->builder);
    plain->depth--;
}

/* A list may stand in the column of the key that it belongs to. */
static bool is_list_of_key(struct plain *plain)
{
    const struct level *top = top_of(plain);
    return top->is_list && plain->depth > 1 && !top[-1].is_list && top[-1].column == top->column;
}

/* Makes the level of this line's entry the top one. */
static bool settle_level(struct plain *plain, bool is_dash)
{
    uint32_t column = cursor_column(&plain->in);
    while (plain->depth > 0 &&
           (top_of(plain)->column > column ||
            (top_of(plain)->column == column && !is_dash && is_list_of_key(plain))))
        close_level(plain);
    if (plain->depth == 0) {
        bool is_first = !plain->has_root;
        plain->has_root = true;
        return is_first && open_level(plain, is_dash);
    }
    struct level *top = top_of(plain);
    if (top->column == column && top->is_list == is_dash) {
        fill_level(plain, top);
        return true;
    }
    bool may_open = top->column < column || (is_dash && !top->is_list);
    if (!top->is_awaiting || !may_open)
        return false;
    top->is_awaiting = false;
    return open_level(plain, is_dash);
}

/* Behind `- ` or `key: `. True: the value is on the lines that follow, or there is none. */
static bool is_value_elsewhere(struct plain *plain)
{
    struct level *top = top_of(plain);
    top->value_origin = cursor_origin(&plain->in);
    cursor_skip_spaces(&plain->in);
    top->is_awaiting = cursor_peek(&plain->in, 0) == '\n' || cursor_is_at_comment(&plain->in);
    return top->is_awaiting;
}

static bool read_value_of_key(struct plain *plain, const struct node *key)
{
    add_key(plain, key);
    plain->in.at++;
    if (is_value_elsewhere(plain))
        return true;
    if (cursor_peek(&plain->in, 0) == '[' || cursor_peek(&plain->in, 0) == '{')
        return read_flow(plain);
    struct node value;
    if (cursor_is_at_dash(&plain->in) || !cursor_read_scalar(&plain->in, false, &value))
        return false;
    add_value(plain, &value);
    return true;
}

/* Behind `- `: another list, a map that begins on this line, or a value. */
static bool read_item(struct plain *plain)
{
    if (cursor_is_at_dash(&plain->in))
        return open_level(plain, true);
    if (cursor_peek(&plain->in, 0) == '[' || cursor_peek(&plain->in, 0) == '{')
        return read_flow(plain);
    const char *begin = plain->in.at;
    struct node scalar;
    if (!cursor_read_scalar(&plain->in, false, &scalar))
        return false;
    cursor_skip_spaces(&plain->in);
    if (!cursor_is_at_colon(&plain->in)) {
        add_value(plain, &scalar);
        return true;
    }
    const char *colon = plain->in.at;
    plain->in.at = begin;
    if ((size_t)(colon - begin) > KEY_BYTES_MAX || !open_level(plain, false))
        return false;
    plain->in.at = colon;
    return read_value_of_key(plain, &scalar);
}

static bool read_entry(struct plain *plain)
{
    if (!cursor_is_at_dash(&plain->in)) {
        const char *begin = plain->in.at;
        struct node key;
        if (!cursor_read_scalar(&plain->in, false, &key))
            return false;
        cursor_skip_spaces(&plain->in);
        return cursor_is_at_colon(&plain->in) && (size_t)(plain->in.at - begin) <= KEY_BYTES_MAX &&
               read_value_of_key(plain, &key);
    }
    do {
        plain->in.at++;
        if (is_value_elsewhere(plain))
            return true;
        if (!read_item(plain))
            return false;
    } while (cursor_is_at_dash(&plain->in) && cursor_column(&plain->in) == top_of(plain)->column);
    return true;
}

static bool read_root(struct plain *plain)
{
    plain->has_root = true;
    return read_flow(plain) && cursor_end_line(&plain->in);
}

static bool read_lines(struct plain *plain)
{
    bool is_flow = false;
    if (cursor_find_line(&plain->in) && cursor_is_at_marker(&plain->in)) {
        if (*plain->in.at == '.')
            return false;
        plain->in.at += 3;
        if (!cursor_end_line(&plain->in))
            return false;
    }
    while (cursor_find_line(&plain->in)) {
        if (cursor_is_at_marker(&plain->in) || is_flow)
            return false;
        is_flow = !plain->has_root && (*plain->in.at == '[' || *plain->in.at == '{');
        if (is_flow ? !read_root(plain)
                    : !settle_level(plain, cursor_is_at_dash(&plain->in)) || !read_entry(plain) ||
                          !cursor_end_line(&plain->in))
            return false;
    }
    while (plain->depth > 0)
        close_level(plain);
    return true;
}

/* Levels and keys are written before they are read. */
static void begin(struct plain *plain, const struct piece *piece, struct builder *builder)
{
    plain->in.at = plain->in.line = piece->text.ptr;
    plain->in.end = piece->text.ptr + piece->text.len;
    plain->in.line_number = piece->lines_before + 1;
    plain->in.file = piece->file;
    plain->builder = builder;
    plain->in.arena = builder->arena;
    plain->has_root = false;
    plain->depth = 0;
}

bool plain_read(const struct piece *piece, struct builder *builder)
{
    if (!is_all_plain(piece->text))
        return false;
    struct plain plain;
    begin(&plain, piece, builder);
    struct diag_list said = *builder->diags;
    uint32_t node_count = builder->node_count;
    bool is_full = builder->is_full;
    if (read_lines(&plain) && !builder->is_refused)
        return true;
    *builder->diags = said;
    builder->node_count = node_count;
    builder->is_full = is_full;
    builder_begin_document(builder);
    return false;
}
