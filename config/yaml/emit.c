/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/emit.c - see emit.h.
 *
 * Source: go.yaml.in/yaml/v2 encode.go stringv and emitterc.go, as sigs.k8s.io/yaml
 * uses them, and measured against these.
 */
#include "config/yaml/emit.h"

#include "base/utf8.h"
#include "config/yaml/scalar.h"

#define WIDTH_BEST 80u
#define KEY_BYTES_MAX 128u

enum style { STYLE_PLAIN, STYLE_SINGLE, STYLE_DOUBLE, STYLE_LITERAL };

void emit(struct emitter *emitter, struct str text)
{
    emitter->is_full |= buf_append(emitter->out, text) != RC_OK;
    for (size_t i = 0; i < text.len; i++)
        emitter->column += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
}

static void end_line(struct emitter *emitter)
{
    emit(emitter, STR("\n"));
    emitter->column = 0;
}

void emit_line(struct emitter *emitter, uint32_t indent)
{
    end_line(emitter);
    for (uint32_t i = 0; i < indent; i++)
        emit(emitter, STR(" "));
}

/* --- which style ------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* 1:30, which YAML 1.1 counts by sixties. */
static bool is_sexagesimal(struct str text)
{
    bool has_sign = str_has_prefix(text, STR("-")) || str_has_prefix(text, STR("+"));
    struct str rest = str_from(text, has_sign ? 1 : 0);

    if (rest.len == 0 || !is_digit(rest.ptr[0]) || str_find(rest, ':') == STR_NONE)
        return false;
    for (size_t i = 0; i < rest.len; i++) {
        if (!is_digit(rest.ptr[i]) && str_find(STR(":._"), rest.ptr[i]) == STR_NONE)
            return false;
    }
    (void)str_cut(&rest, ':');
    struct str whole = str_cut(&rest, '.');
    while (whole.len > 0) {
        struct str part = str_cut(&whole, ':');
        if (part.len == 0 || part.len > 2 || str_find(part, '_') != STR_NONE ||
            (part.len == 2 && part.ptr[0] > '5'))
            return false;
    }
    return str_find(rest, ':') == STR_NONE && str_find(rest, '.') == STR_NONE;
}

/* 2006-1-2, alone or with a time behind it. A text that is none and is taken for
 * one gets quotes that it could do without. */
static bool is_date(struct str text)
{
    size_t year = 0, dashes = 0;

    while (year < text.len && is_digit(text.ptr[year]))
        year++;
    if (year != 4 || year == text.len || text.ptr[year] != '-')
        return false;
    size_t at = year;
    while (at < text.len && (is_digit(text.ptr[at]) || text.ptr[at] == '-'))
        dashes += text.ptr[at++] == '-';
    bool is_at_time = at == text.len || str_find(STR("Tt "), text.ptr[at]) != STR_NONE;
    return dashes == 2 && is_digit(text.ptr[at - 1]) && is_at_time;
}

static bool is_plainly_text(struct emitter *emitter, struct str text)
{
    struct node node = {.text = text};

    scalar_resolve(&node, emitter->arena);
    return node.kind == NODE_STRING && !is_sexagesimal(text) && !is_date(text);
}

static bool is_printable(uint32_t code)
{
    enum { NEL = 0x85, LINE_SEPARATOR = 0x2028, PARAGRAPH_SEPARATOR = 0x2029, BOM = 0xfeff };

    if (code < 0x80)
        return (code >= 0x20 && code != 0x7f) || code == '\n';
    return code >= 0xa0 && code < 0xfffe && code != LINE_SEPARATOR && code != PARAGRAPH_SEPARATOR &&
           code != BOM;
}

static bool is_indicator_first(char c, bool is_blank_next)
{
    if (c == '-' || c == '?' || c == ':')
        return is_blank_next;
    return str_find(STR("#,[]{}&*!|>'\"%@`"), c) != STR_NONE;
}

static bool is_blank_at(struct str text, size_t at)
{
    return at >= text.len || str_find(STR(" \t\n"), text.ptr[at]) != STR_NONE;
}

/* Somewhere in it stands what YAML would take for its own. */
static bool has_indicator(struct str text)
{
    if (str_has_prefix(text, STR("---")) || str_has_prefix(text, STR("...")) ||
        is_indicator_first(text.ptr[0], is_blank_at(text, 1)))
        return true;
    for (size_t i = 1; i < text.len; i++) {
        if ((text.ptr[i] == ':' && is_blank_at(text, i + 1)) ||
            (text.ptr[i] == '#' && is_blank_at(text, i - 1)))
            return true;
    }
    return false;
}

static bool is_all_printable(struct str text)
{
    uint32_t code;

    while (text.len > 0) {
        size_t taken = utf8_decode(text, &code);
        if (taken == 0 || !is_printable(code))
            return false;
        text = str_from(text, taken);
    }
    return true;
}

static enum style style_of(struct emitter *emitter, struct str text, bool is_key)
{
    if (text.len == 0 || !is_all_printable(text))
        return STYLE_DOUBLE;
    bool is_blank_at_end = text.ptr[text.len - 1] == ' ';
    if (str_find(text, '\n') != STR_NONE) {
        bool is_block = !is_key && !is_blank_at_end && str_find_str(text, STR(" \n")) == STR_NONE;
        return is_block ? STYLE_LITERAL : STYLE_DOUBLE;
    }
    /* go-yaml leaves the key << as it is, and reads back a merge. */
    if (!is_plainly_text(emitter, text) || (is_key && str_eq(text, STR("<<"))))
        return STYLE_DOUBLE;
    bool is_plain = text.ptr[0] != ' ' && !is_blank_at_end && !has_indicator(text);
    return is_plain ? STYLE_PLAIN : STYLE_SINGLE;
}

/* --- writing ----------------------------------------------------------------------- */

static void emit_escape(struct emitter *emitter, uint32_t code)
{
    static const struct {
        uint32_t code;
        struct str text;
    } NAMED[] = {
        {0, STR_INIT("\\0")},    {'\a', STR_INIT("\\a")},   {'\b', STR_INIT("\\b")},
        {'\t', STR_INIT("\\t")}, {'\n', STR_INIT("\\n")},   {'\v', STR_INIT("\\v")},
        {'\f', STR_INIT("\\f")}, {'\r', STR_INIT("\\r")},   {0x1b, STR_INIT("\\e")},
        {'"', STR_INIT("\\\"")}, {'\\', STR_INIT("\\\\")},  {0x85, STR_INIT("\\N")},
        {0xa0, STR_INIT("\\_")}, {0x2028, STR_INIT("\\L")}, {0x2029, STR_INIT("\\P")},
    };

    for (size_t i = 0; i < COUNT_OF(NAMED); i++) {
        if (NAMED[i].code == code) {
            emit(emitter, NAMED[i].text);
            return;
        }
    }
    const char *format = code <= 0xff ? "\\x%02X" : code <= 0xffff ? "\\u%04X" : "\\U%08X";
    emit(emitter, arena_format(emitter->arena, format, code));
}

/* Where go-yaml would begin another line: at a blank between words, once the line
 * is long. */
static bool is_fold(const struct emitter *emitter, struct str text, size_t at)
{
    return text.ptr[at] == ' ' && at > 0 && at + 1 < text.len && text.ptr[at - 1] != ' ' &&
           text.ptr[at + 1] != ' ' && emitter->column > WIDTH_BEST;
}

static void emit_double(struct emitter *emitter, struct str text, uint32_t indent, bool is_folded)
{
    uint32_t code;

    emit(emitter, STR("\""));
    for (size_t i = 0; i < text.len;) {
        size_t taken = utf8_decode(str_from(text, i), &code);
        if (taken == 0) { /* no reader lets such a byte in */
            code = (unsigned char)text.ptr[i];
            taken = 1;
        }
        if (!is_printable(code) || code == '\n' || code == '"' || code == '\\')
            emit_escape(emitter, code);
        else if (is_folded && is_fold(emitter, text, i))
            emit_line(emitter, indent);
        else
            emit(emitter, str_slice(text, i, i + taken));
        i += taken;
    }
    emit(emitter, STR("\""));
}

static void emit_words(struct emitter *emitter, struct str text, uint32_t indent, bool is_folded,
                       bool is_quoted)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_folded && is_fold(emitter, text, i))
            emit_line(emitter, indent);
        else
            emit(emitter, is_quoted && text.ptr[i] == '\'' ? STR("''") : str_slice(text, i, i + 1));
    }
}

/* The head says whether the last line has an end, and that the first one begins with
 * a blank. */
static void emit_literal(struct emitter *emitter, struct str text, uint32_t indent)
{
    bool has_end = text.ptr[text.len - 1] == '\n';
    bool has_empty_end = has_end && (text.len == 1 || text.ptr[text.len - 2] == '\n');
    struct str rest = has_end ? str_slice(text, 0, text.len - 1) : text;

    emit(emitter, STR("|"));
    if (text.ptr[0] == ' ' || text.ptr[0] == '\n')
        emit(emitter, STR("2"));
    emit(emitter, !has_end ? STR("-") : has_empty_end ? STR("+") : STR(""));
    for (bool is_more = text.len > 1 || !has_end; is_more;) {
        size_t end = str_find(rest, '\n');
        struct str line = str_cut(&rest, '\n');
        is_more = end != STR_NONE;
        emit_line(emitter, line.len > 0 ? indent : 0);
        emit(emitter, line);
    }
    /* The last break is the one that ends the entry. */
    if (text.len == 1)
        end_line(emitter);
}

static void emit_styled(struct emitter *emitter, struct str text, uint32_t indent, bool is_key)
{
    switch (style_of(emitter, text, is_key)) {
    case STYLE_PLAIN:
        emit_words(emitter, text, indent, !is_key, false);
        return;
    case STYLE_SINGLE:
        emit(emitter, STR("'"));
        emit_words(emitter, text, indent, !is_key, true);
        emit(emitter, STR("'"));
        return;
    case STYLE_DOUBLE:
        emit_double(emitter, text, indent, !is_key);
        return;
    case STYLE_LITERAL:
        emit_literal(emitter, text, indent);
        return;
    }
}

void emit_text(struct emitter *emitter, struct str text, uint32_t indent)
{
    emit_styled(emitter, text, indent, false);
}

bool emit_is_simple_key(struct str text)
{
    return text.len <= KEY_BYTES_MAX && str_find(text, '\n') == STR_NONE;
}

void emit_simple_key(struct emitter *emitter, struct str text)
{
    emit_styled(emitter, text, 0, true);
}
