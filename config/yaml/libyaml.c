/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/libyaml.c - see libyaml.h.
 */
#include "config/yaml/libyaml.h"

#include <math.h>
#include <yaml.h>

#include "base/check.h"
#include "base/utf8.h"
#include "config/yaml/scalar.h"

struct reader {
    struct piece piece;
    struct arena *arena;
    struct diag_list *diags;
    struct documents *out;
    struct builder *builder;
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
        .file = reader->piece.file,
        .line = reader->piece.lines_before + (uint32_t)mark.line + 1,
        .column = (uint32_t)mark.column + 1,
    };
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
    struct origin here = piece_origin(&reader->piece, 0);
    while (at < reader->piece.text.len && (here.line < place.line || here.column < place.column)) {
        char c = reader->piece.text.ptr[at++];
        if (c == '\n') {
            here.line++;
            here.column = 1;
        } else if (at >= reader->piece.text.len || (reader->piece.text.ptr[at] & 0xc0) != 0x80) {
            here.column++;
        }
    }
    if (at < reader->piece.text.len && reader->piece.text.ptr[at] == '\t')
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
                                    : piece_origin(&reader->piece, parser->problem_offset);
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
    builder_add_scalar(reader->builder, node, name_of(event->data.scalar.anchor));
}

static void read_event(struct reader *reader, const yaml_event_t *event)
{
    struct builder *builder = reader->builder;
    struct origin origin = origin_at(reader, event->start_mark);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        builder_begin_document(builder);
        return;
    case YAML_DOCUMENT_END_EVENT:
        documents_add(reader->out, reader->builder->root, reader->arena);
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

/* False: it is no UTF-8, and that is said. */
static bool is_text(const struct reader *reader)
{
    const struct piece *piece = &reader->piece;
    size_t valid_bytes = utf8_valid_bytes(piece->text);
    if (valid_bytes == piece->text.len)
        return true;
    (void)diag_add(reader->diags, DIAG_BAD_UTF8, piece_origin(piece, valid_bytes), STR_EMPTY,
                   arena_format(reader->arena, "0x%02x",
                                (unsigned)(unsigned char)piece->text.ptr[valid_bytes]),
                   STR_EMPTY, STR_EMPTY);
    return false;
}

void libyaml_read(const struct piece *piece, struct builder *builder, struct documents *out)
{
    struct reader reader = {
        .piece = *piece,
        .arena = builder->arena,
        .diags = builder->diags,
        .out = out,
        .builder = builder,
    };
    if (!is_text(&reader))
        return;
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0)
        check_out_of_memory(sizeof(parser));
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)piece->text.ptr, piece->text.len);
    bool has_ended = false;
    while (!has_ended && !builder->is_refused) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            report_syntax(&reader, &parser);
            break;
        }
        has_ended = event.type == YAML_STREAM_END_EVENT;
        read_event(&reader, &event);
        yaml_event_delete(&event);
    }
    builder_begin_document(builder);
    yaml_parser_delete(&parser);
}
