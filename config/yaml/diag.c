/* SPDX-License-Identifier: Apache-2.0
 *
 * config/yaml/diag.c - collecting, sorting and printing complaints.
 */
#include "config/yaml/diag.h"

#include "base/check.h"
#include "base/map.h"
#include "base/sort.h"
#include "base/utf8.h"

/* A line of a terminal or two: the place says where the whole of it is. */
#define ARG_BYTES_MAX 500

struct catalogue_row {
    enum diag_severity severity;
    struct str text;
};

static const struct catalogue_row CATALOGUE[DIAG_ID_COUNT] = {
#define X(id, row_severity, row_text) \
    [DIAG_##id] = {.severity = row_severity, .text = STR_INIT(row_text)},
#include "config/yaml/diag.def"
#undef X
};

/* What is sorted: a diagnostic with its file's place in the order of files. */
struct sort_item {
    uint32_t file_rank;
    struct diag diag;
};

static void count(struct diag_list *list, enum diag_severity severity)
{
    switch (severity) {
    case DIAG_NOTE:
        return;
    case DIAG_WARNING:
        list->warning_count++;
        return;
    case DIAG_ERROR:
        list->error_count++;
        return;
    }
    UNREACHABLE("severity");
}

/* A copy, cut between code points when it is long. */
static struct str copy_of_arg(struct arena *arena, struct str arg)
{
    if (arg.len <= ARG_BYTES_MAX)
        return arena_str(arena, arg);
    size_t length = ARG_BYTES_MAX;
    while (length > ARG_BYTES_MAX - UTF8_BYTES_MAX && (arg.ptr[length] & 0xc0) == 0x80)
        length--;
    return arena_concat(arena, str_slice(arg, 0, length), STR("..."));
}

/* By file, line and column. */
static int item_order(const void *left, const void *right)
{
    const struct sort_item *a = left, *b = right;
    if (a->file_rank != b->file_rank)
        return a->file_rank < b->file_rank ? -1 : 1;
    if (a->diag.origin.line != b->diag.origin.line)
        return a->diag.origin.line < b->diag.origin.line ? -1 : 1;
    if (a->diag.origin.column != b->diag.origin.column)
        return a->diag.origin.column < b->diag.origin.column ? -1 : 1;
    return 0;
}

/* Up to the next "{n}"; takes it off `rest` together with the placeholder. */
static struct str cut_placeholder(struct str *rest, size_t *index)
{
    for (size_t i = 0; i + 2 < rest->len; i++) {
        size_t digit = (size_t)(unsigned char)rest->ptr[i + 1] - '0';
        if (rest->ptr[i] != '{' || rest->ptr[i + 2] != '}' || digit >= DIAG_ARGS_MAX)
            continue;
        struct str before = str_slice(*rest, 0, i);
        *rest = str_from(*rest, i + 3);
        *index = digit;
        return before;
    }
    struct str all = *rest;
    *rest = STR_EMPTY;
    *index = DIAG_ARGS_MAX;
    return all;
}

static bool is_printable(struct str s, size_t *length)
{
    uint32_t code;
    *length = utf8_decode(s, &code);
    if (*length == 0) {
        *length = 1;
        return false;
    }
    return code >= 0x20 && (code < 0x7f || code > 0x9f);
}

/* The user's words, with nothing in them that could move a cursor. */
static enum rc print_plainly(struct buf *out, struct str s)
{
    enum rc rc = RC_OK;
    while (s.len > 0 && rc == RC_OK) {
        size_t length;
        if (is_printable(s, &length))
            rc = buf_append(out, str_slice(s, 0, length));
        else
            for (size_t i = 0; i < length && rc == RC_OK; i++)
                rc = buf_format(out, "\\x%02x", (unsigned)(unsigned char)s.ptr[i]);
        s = str_from(s, length);
    }
    return rc;
}

static enum rc print_place(struct buf *out, const struct origin *origin)
{
    enum rc rc = print_plainly(out, origin->file);
    if (rc != RC_OK)
        return rc;
    if (origin->line > 0)
        return buf_format(out, ":%u:%u: ", origin->line, origin->column);
    return origin->file.len > 0 ? buf_append(out, STR(": ")) : RC_OK;
}

static enum rc print_severity(struct buf *out, enum diag_severity severity, bool has_colour)
{
    switch (severity) {
    case DIAG_NOTE:
        return buf_append(out, has_colour ? STR("\x1b[1;36mnote:\x1b[0m ") : STR("note: "));
    case DIAG_WARNING:
        return buf_append(out, has_colour ? STR("\x1b[1;33mwarning:\x1b[0m ") : STR("warning: "));
    case DIAG_ERROR:
        return buf_append(out, has_colour ? STR("\x1b[1;31merror:\x1b[0m ") : STR("error: "));
    }
    UNREACHABLE("severity");
}

static enum rc print_text(struct buf *out, const struct diag *diag)
{
    struct str rest = CATALOGUE[diag->id].text;
    while (rest.ptr != NULL) {
        size_t index;
        enum rc rc = buf_append(out, cut_placeholder(&rest, &index));
        if (rc == RC_OK && index < DIAG_ARGS_MAX)
            rc = print_plainly(out, diag->args[index]);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

void diag_list_init(struct diag_list *list, struct arena *arena)
{
    *list = (struct diag_list){.arena = arena};
}

enum diag_severity diag_add(struct diag_list *list, enum diag_id id, struct origin origin,
                            struct str path, struct str arg0, struct str arg1, struct str arg2)
{
    ASSERT(id < DIAG_ID_COUNT);
    enum diag_severity severity = CATALOGUE[id].severity;
    count(list, severity);
    if (list->count >= DIAG_COUNT_MAX) {
        list->dropped_count++;
        return severity;
    }
    *ARENA_PUSH(list->arena, list->items, list->count, list->capacity) = (struct diag){
        .id = id,
        .severity = severity,
        .origin = origin,
        .path = arena_str(list->arena, path),
        .args = {copy_of_arg(list->arena, arg0), copy_of_arg(list->arena, arg1),
                 copy_of_arg(list->arena, arg2)},
    };
    return severity;
}

void diag_list_raise_warnings(struct diag_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].severity == DIAG_WARNING)
            list->items[i].severity = DIAG_ERROR;
    list->error_count += list->warning_count;
    list->warning_count = 0;
}

void diag_list_sort(struct diag_list *list)
{
    struct map ranks;
    map_init(&ranks, list->arena);
    struct sort_item *items = ARENA_ARRAY(list->arena, struct sort_item, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        struct str file = list->items[i].origin.file;
        if (map_get(&ranks, file) == MAP_NONE)
            (void)map_set(&ranks, file, ranks.count);
        items[i] = (struct sort_item){map_get(&ranks, file), list->items[i]};
    }
    sort_items(list->arena, items, list->count, sizeof(*items), item_order);
    for (uint32_t i = 0; i < list->count; i++)
        list->items[i] = items[i].diag;
}

struct str diag_text(const struct diag *diag, struct arena *arena)
{
    struct str rest = CATALOGUE[diag->id].text;
    struct str text = STR_EMPTY;
    while (rest.ptr != NULL) {
        size_t index;
        text = arena_concat(arena, text, cut_placeholder(&rest, &index));
        if (index < DIAG_ARGS_MAX)
            text = arena_concat(arena, text, diag->args[index]);
    }
    return text;
}

enum rc diag_print(const struct diag *diag, bool has_colour, struct buf *out)
{
    enum rc rc = print_place(out, &diag->origin);
    if (rc == RC_OK)
        rc = print_severity(out, diag->severity, has_colour);
    if (rc == RC_OK)
        rc = print_text(out, diag);
    if (rc == RC_OK && diag->path.len > 0) {
        rc = buf_append(out, STR(" ["));
        if (rc == RC_OK)
            rc = print_plainly(out, diag->path);
        if (rc == RC_OK)
            rc = buf_append(out, STR("]"));
    }
    return rc == RC_OK ? buf_append(out, STR("\n")) : rc;
}
