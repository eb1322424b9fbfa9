/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/tree.c - a file, cut at its `---` lines and read piece by piece, so
 * that a syntax error spoils one document and not those behind.
 */
#include "config/yaml/tree.h"

#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "config/yaml/libyaml.h"
#include "config/yaml/plain.h"

struct origin piece_origin(const struct piece *piece, size_t at)
{
    struct origin origin = {piece->file, piece->lines_before + 1, 1};
    for (size_t i = 0; i < at && i < piece->text.len; i++) {
        char c = piece->text.ptr[i];
        if (c == '\n') {
            origin.line++;
            origin.column = 1;
        } else if ((c & 0xc0) != 0x80) {
            origin.column++;
        }
    }
    return origin;
}

void documents_add(struct documents *documents, struct node *root, struct arena *arena)
{
    if (root != NULL && root->kind != NODE_NULL)
        *ARENA_PUSH(arena, documents->items, documents->count, documents->capacity) = root;
}

static void read_piece(const struct piece *piece, struct builder *builder, struct documents *out)
{
    if (!plain_read(piece, builder)) {
        libyaml_read(piece, builder, out);
        return;
    }
    documents_add(out, builder->root, builder->arena);
    builder_begin_document(builder);
}

static bool is_separator(struct str line)
{
    if (!str_has_prefix(line, STR("---")))
        return false;
    return line.len == 3 || strchr(" \t\r\n", line.ptr[3]) != NULL;
}

/* Comments, blank lines and %directives belong to the document after them. */
static bool is_preamble(struct str line)
{
    struct str text = str_trim(line);
    bool is_blank = text.len == 0 || text.ptr[0] == '\r' || text.ptr[0] == '\n';
    return is_blank || text.ptr[0] == '#' || line.ptr[0] == '%';
}

/* The piece up to the next `---` that ends a document; takes it off `rest`. */
static struct str cut_piece(struct str *rest, uint32_t *line_count)
{
    struct str all = *rest;
    bool has_content = false;
    size_t at = 0;
    *line_count = 0;
    while (at < all.len) {
        size_t line_end = str_find(str_from(all, at), '\n');
        size_t next = line_end == STR_NONE ? all.len : at + line_end + 1;
        struct str line = str_slice(all, at, next);
        if (is_separator(line) && has_content)
            break;
        has_content = has_content || !is_preamble(line);
        (*line_count)++;
        at = next;
    }
    *rest = str_from(all, at);
    return str_slice(all, 0, at);
}

/* JSON writes code points beyond the first plane as two \u escapes; YAML knows
 * only \U, which is as long as one of them and a half. */
static struct str without_surrogates(struct str text, struct arena *arena)
{
    struct json_value value;
    size_t where;
    bool has_escape = str_contains(text, STR("\\ud")) || str_contains(text, STR("\\uD"));
    if (!has_escape || json_read(text, arena, &value, &where) != RC_OK)
        return text;
    char *out = arena_alloc(arena, text.len);
    size_t length = 0;
    for (size_t i = 0; i < text.len;) {
        uint32_t code = 0;
        size_t taken = json_surrogates(str_from(text, i), &code);
        if (taken > 0) {
            struct str escape = arena_format(arena, "\\U%08x", (unsigned)code);
            memcpy(out + length, escape.ptr, escape.len);
            length += escape.len;
            i += taken;
            continue;
        }
        /* An escaped backslash takes its second one along. */
        bool is_escape = text.ptr[i] == '\\';
        out[length++] = text.ptr[i++];
        if (is_escape)
            out[length++] = text.ptr[i++];
    }
    return (struct str){out, length};
}

void tree_read(struct str file, struct str text, struct arena *arena, struct documents *out,
               struct diag_list *diags)
{
    struct piece piece = {.file = arena_str(arena, file)};
    if (text.len > YAML_FILE_BYTES_MAX) {
        (void)diag_add(diags, DIAG_FILE_TOO_LARGE, (struct origin){.file = piece.file}, STR_EMPTY,
                       arena_format(arena, "%zu", text.len),
                       arena_format(arena, "%u", YAML_FILE_BYTES_MAX), STR_EMPTY);
        return;
    }
    struct builder builder;
    builder_init(&builder, arena, diags);
    struct str rest = without_surrogates(text, arena);
    while (rest.len > 0 && !builder.is_full) {
        uint32_t line_count;
        piece.text = cut_piece(&rest, &line_count);
        if (str_has_prefix(piece.text, STR("\xef\xbb\xbf"))) /* byte order mark */
            piece.text = str_from(piece.text, 3);
        read_piece(&piece, &builder, out);
        piece.lines_before += line_count;
    }
}

const struct node *node_get(const struct node *map, struct str key)
{
    if (map == NULL || map->kind != NODE_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->count; i++)
        if (str_eq(map->entries[i].key, key))
            return map->entries[i].value;
    return NULL;
}

struct str node_kind_name(enum node_kind kind)
{
    switch (kind) {
    case NODE_NULL:
        return STR("nothing");
    case NODE_BOOL:
        return STR("a boolean");
    case NODE_INT:
        return STR("a whole number");
    case NODE_FLOAT:
        return STR("a number");
    case NODE_STRING:
        return STR("a string");
    case NODE_LIST:
        return STR("a list");
    case NODE_MAP:
        return STR("a map");
    }
    UNREACHABLE("kind");
}
