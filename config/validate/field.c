/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/field.c - see field.h.
 */
#include "config/validate/field.h"

#include "base/buf.h"
#include "base/json.h"

bool field_has(const struct view *view, struct str name)
{
    struct view field = view_field(view, name);

    return view_is_present(&field);
}

struct str field_text(const struct view *view, struct str name)
{
    struct view field = view_field(view, name);

    return field_own_text(&field);
}

int64_t field_number(const struct view *view, struct str name)
{
    struct view field = view_field(view, name);

    return field_own_number(&field);
}

double field_double(const struct view *view, struct str name)
{
    return view_number(view, name, 0);
}

bool field_is_true(const struct view *view, struct str name)
{
    return view_bool(view, name, false);
}

uint32_t field_count(const struct view *view, struct str name)
{
    struct view field = view_field(view, name);

    return view_count(&field);
}

struct str field_choice(const struct view *view, struct str name, enum schema_enum id)
{
    struct view field = view_field(view, name);

    return schema_choice_name(id, field.node);
}

struct str field_own_text(const struct view *view)
{
    return view->node != NULL && view->node->kind == NODE_STRING ? view->node->text : STR_EMPTY;
}

int64_t field_own_number(const struct view *view)
{
    return view_own_i64(view, INT64_MIN, INT64_MAX, 0);
}

struct str field_quoted(const struct view *view, struct str text)
{
    struct arena *arena = view->reading->arena;
    struct str out = STR("\"");

    while (text.len > 0) {
        size_t plain = 0;
        while (plain < text.len && (unsigned char)text.ptr[plain] >= 0x20 &&
               text.ptr[plain] != '"' && text.ptr[plain] != '\\' && text.ptr[plain] != 0x7f)
            plain++;
        out = arena_concat(arena, out, str_slice(text, 0, plain));
        text = str_from(text, plain);
        if (text.len == 0)
            break;
        unsigned char c = (unsigned char)text.ptr[0];
        struct str escaped = c == '"'    ? STR("\\\"")
                             : c == '\\' ? STR("\\\\")
                             : c == '\n' ? STR("\\n")
                             : c == '\t' ? STR("\\t")
                             : c == '\r' ? STR("\\r")
                                         : arena_format(arena, "\\x%02x", (unsigned)c);
        out = arena_concat(arena, out, escaped);
        text = str_from(text, 1);
    }
    return arena_concat(arena, out, STR("\""));
}

struct str field_of_double(const struct view *view, double number)
{
    return arena_format(view->reading->arena, "%g", number);
}

struct str field_of_number(const struct view *view, int64_t number)
{
    return arena_format(view->reading->arena, "%lld", (long long)number);
}

void say(const struct view *view, enum diag_id id)
{
    view_complain(view, id, STR_EMPTY, STR_EMPTY);
}

void say_text(const struct view *view, enum diag_id id, struct str text)
{
    view_complain(view, id, text, STR_EMPTY);
}

void say_number(const struct view *view, enum diag_id id, int64_t number)
{
    view_complain(view, id, field_of_number(view, number), STR_EMPTY);
}

void field_lose_warnings(const struct view *view, uint32_t first)
{
    struct diag_list *diags = view->reading->diags;
    uint32_t kept_count = first;

    for (uint32_t i = first; i < diags->count; i++) {
        if (diags->items[i].severity == DIAG_WARNING)
            diags->warning_count--;
        else
            diags->items[kept_count++] = diags->items[i];
    }
    diags->count = kept_count;
}
