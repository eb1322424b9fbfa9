/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/tree.c - a file, cut at its `---` lines and read piece by piece
 * by libyaml, so that a syntax error spoils one document and not those behind.
 */
#include "config/yaml/tree.h"

#include <math.h>
#include <string.h>
#include <yaml.h>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"
#include "config/yaml/builder.h"
#include "config/yaml/scalar.h"

struct reader {
    struct str file;
    struct arena *arena;
    struct diag_list *diags;
    struct documents *out;
    struct builder builder;
    struct str piece;      /* what libyaml is reading */
    uint32_t lines_before; /* of the file, before this piece */
};

struct advice {
    struct str problem; /* libyaml's words */
    struct str cure;
};

static const struct advice ADVICE[] = {
    {STR_INIT("mapping values are not allowed in this context"),
     STR_INIT("; check the indentation, or quote the text if the colon belongs to it")},
    {STR_INIT("could not find expected ':'"),
     STR_INIT("; write `key: value`, or quote a text that goes over several lines")},
    {STR_INIT("did not find expected key"),
     STR_INIT("; line the key up with those above it, and put a text with quotes into quotes")},
    {STR_INIT("did not find expected '-' indicator"),
     STR_INIT("; begin every item of the list with `- ` in the same column")},
    {STR_INIT("block sequence entries are not allowed in this context"),
     STR_INIT("; begin the list on the next line")},
    {STR_INIT("found unexpected end of stream"), STR_INIT("; close the quotation mark")},
    {STR_INIT("found unexpected document indicator"), STR_INIT("; close the quotation mark")},
    {STR_INIT("did not find expected ',' or ']'"),
     STR_INIT("; put a comma between items and close the list with ]")},
    {STR_INIT("did not find expected ',' or '}'"),
     STR_INIT("; put a comma between fields and close the map with }")},
    {STR_INIT("did not find expected <document start>"),
     STR_INIT("; begin a new document with `---`")},
    {STR_INIT("found unknown escape character"),
     STR_INIT("; in double quotes write \\\\ for a backslash, or use single quotes")},
    {STR_INIT("did not find expected alphabetic or numeric character"),
     STR_INIT("; put a text that begins with * or & into quotes")},
    {STR_INIT("control characters are not allowed"),
     STR_INIT("; take it out, or write it as an escape in double quotes")},
};

static struct origin origin_at(const struct reader *reader, yaml_mark_t mark)
{
    /* Both below YAML_FILE_BYTES_MAX. */
    return (struct origin){
        .file = reader->file,
        .line = reader->lines_before + (uint32_t)mark.line + 1,
        .column = (uint32_t)mark.column + 1,
    };
}

/* The place of a byte of the piece, counted as libyaml counts: in characters. */
static struct origin origin_of_byte(const struct reader *reader, size_t at)
{
    struct origin origin = {reader->file, reader->lines_before + 1, 1};
    for (size_t i = 0; i < at && i < reader->piece.len; i++) {
        char c = reader->piece.ptr[i];
        if (c == '\n') {
            origin.line++;
            origin.column = 1;
        } else if ((c & 0xc0) != 0x80) {
            origin.column++;
        }
    }
    return origin;
}

static struct str cure_of(struct reader *reader, struct str problem, const yaml_mark_t *mark)
{
    for (size_t i = 0; i < COUNT_OF(ADVICE); i++)
        if (str_eq(ADVICE[i].problem, problem))
            return ADVICE[i].cure;
    if (!str_eq(problem, STR("found character that cannot start any token")))
        return STR_EMPTY;
    /* The mark counts characters, so the byte is looked for by line and column. */
    struct origin place = origin_at(reader, *mark);
    size_t at = 0;
    struct origin here = origin_of_byte(reader, 0);
    while (at < reader->piece.len && (here.line < place.line || here.column < place.column)) {
        char c = reader->piece.ptr[at++];
        if (c == '\n') {
            here.line++;
            here.column = 1;
        } else if (at >= reader->piece.len || (reader->piece.ptr[at] & 0xc0) != 0x80) {
            here.column++;
        }
    }
    if (at < reader->piece.len && reader->piece.ptr[at] == '\t')
        return STR("; indent with blanks, not with tabs");
    return STR("; put a text that begins with this character into quotes");
}

static void report_syntax(struct reader *reader, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR)
        check_out_of_memory(0);
    struct str problem = str_of(parser->problem);
    bool has_mark = parser->error != YAML_READER_ERROR;
    struct origin origin = has_mark ? origin_at(reader, parser->problem_mark)
                                    : origin_of_byte(reader, parser->problem_offset);
    struct str context = STR_EMPTY;
    if (has_mark && parser->context != NULL)
        context = arena_format(reader->arena, " %s of line %u", parser->context,
                               origin_at(reader, parser->context_mark).line);
    (void)diag_add(reader->diags, DIAG_SYNTAX, origin, STR_EMPTY, problem, context,
                   cure_of(reader, problem, &parser->problem_mark));
}

static struct str copy_of(struct reader *reader, const yaml_char_t *bytes, size_t length)
{
    return arena_str(reader->arena, (struct str){(const char *)bytes, length});
}

static struct str name_of(const yaml_char_t *name)
{
    return str_of((const char *)name);
}

static void read_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct node *node = ARENA_NEW(reader->arena, struct node);
    node->origin = origin_at(reader, event->start_mark);
    node->text = copy_of(reader, event->data.scalar.value, event->data.scalar.length);
    struct str tag = name_of(event->data.scalar.tag);
    node->kind = NODE_STRING;
    if (tag.len > 0) {
        if (!scalar_resolve_as(node, tag, reader->arena)) {
            (void)diag_add(reader->diags, DIAG_BAD_TAG, node->origin, STR_EMPTY, node->text,
                           str_from(tag, sizeof(SCALAR_TAG_PREFIX) - 1), STR_EMPTY);
            node->kind = NODE_STRING;
            node->is_quoted = true;
        }
    } else if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        scalar_resolve(node, reader->arena);
    } else {
        node->is_quoted = true;
    }
    if (node->kind == NODE_FLOAT && !isfinite(node->number)) {
        (void)diag_add(reader->diags, DIAG_NOT_FINITE, node->origin, STR_EMPTY, node->text,
                       STR_EMPTY, STR_EMPTY);
        node->kind = NODE_INT; /* 0, so that fields have nothing to add */
        node->number = 0;
    }
    builder_add_scalar(&reader->builder, node, name_of(event->data.scalar.anchor));
}

static void finish_document(struct reader *reader)
{
    struct node *root = reader->builder.root;
    if (root != NULL && root->kind != NODE_NULL)
        *ARENA_PUSH(reader->arena, reader->out->items, reader->out->count, reader->out->capacity) =
            root;
}

static void read_event(struct reader *reader, const yaml_event_t *event)
{
    struct builder *builder = &reader->builder;
    struct origin origin = origin_at(reader, event->start_mark);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        builder_begin_document(builder);
        return;
    case YAML_DOCUMENT_END_EVENT:
        finish_document(reader);
        return;
    case YAML_ALIAS_EVENT:
        builder_add_alias(builder, name_of(event->data.alias.anchor), origin);
        return;
    case YAML_SCALAR_EVENT:
        read_scalar(reader, event);
        return;
    case YAML_SEQUENCE_START_EVENT:
        builder_begin(builder, NODE_LIST, origin, name_of(event->data.sequence_start.anchor));
        return;
    case YAML_MAPPING_START_EVENT:
        builder_begin(builder, NODE_MAP, origin, name_of(event->data.mapping_start.anchor));
        return;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        builder_end(builder);
        return;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
        return;
    }
    UNREACHABLE("event");
}

static void read_piece(struct reader *reader)
{
    if (str_has_prefix(reader->piece, STR("\xef\xbb\xbf"))) /* byte order mark */
        reader->piece = str_from(reader->piece, 3);
    size_t valid_bytes = utf8_valid_bytes(reader->piece);
    if (valid_bytes < reader->piece.len) {
        (void)diag_add(reader->diags, DIAG_BAD_UTF8, origin_of_byte(reader, valid_bytes), STR_EMPTY,
                       arena_format(reader->arena, "0x%02x",
                                    (unsigned)(unsigned char)reader->piece.ptr[valid_bytes]),
                       STR_EMPTY, STR_EMPTY);
        return;
    }
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0)
        check_out_of_memory(sizeof(parser));
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)reader->piece.ptr,
                                 reader->piece.len);
    bool has_ended = false;
    while (!has_ended && !reader->builder.is_refused) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            report_syntax(reader, &parser);
            break;
        }
        has_ended = event.type == YAML_STREAM_END_EVENT;
        read_event(reader, &event);
        yaml_event_delete(&event);
    }
    builder_begin_document(&reader->builder);
    yaml_parser_delete(&parser);
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
    struct reader reader = {
        .file = arena_str(arena, file), .arena = arena, .diags = diags, .out = out};
    if (text.len > YAML_FILE_BYTES_MAX) {
        (void)diag_add(diags, DIAG_FILE_TOO_LARGE, (struct origin){.file = reader.file}, STR_EMPTY,
                       arena_format(arena, "%zu", text.len),
                       arena_format(arena, "%u", YAML_FILE_BYTES_MAX), STR_EMPTY);
        return;
    }
    builder_init(&reader.builder, arena, diags);
    struct str rest = without_surrogates(text, arena);
    while (rest.len > 0 && !reader.builder.is_full) {
        uint32_t line_count;
        reader.piece = cut_piece(&rest, &line_count);
        read_piece(&reader);
        reader.lines_before += line_count;
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
