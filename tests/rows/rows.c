/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/rows/rows.c - truth tables of Istio's own unit tests, asked of the functions
 * that decide the same here.
 *
 *   rows [-v] DATA
 *
 * DATA is a folder with host-matching/cases.json (which host names mean each other,
 * what two lists have in common, who is meant in a namespace, which come first) and
 * path-normalization/cases.json (a path before and after). A line for each row, its
 * name and "=" or "differs"; -v adds what was wanted and what came. A client sends no
 * fragment, so a path's is not given to us either.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "config/resource/host.h"
#include "config/resource/host_list.h"
#include "proxy/http/path.h"
#include "testbed/world/files.h"

struct rows {
    struct arena arena;
    bool is_verbose;
};

static const struct json_value *item(const struct json_value *list, uint32_t index)
{
    ASSERT(list->kind == JSON_ARRAY && index < list->count);
    return &list->items[index];
}

static struct text_list texts_of(struct rows *rows, const struct json_value *list)
{
    struct text_list out = {0};

    for (uint32_t i = 0; i < list->count; i++)
        text_list_add(&out, list->items[i].text, &rows->arena);
    return out;
}

static struct str joined(struct rows *rows, const struct text_list *list)
{
    struct str out = STR("");

    for (uint32_t i = 0; i < list->count; i++)
        out = arena_format(&rows->arena, "%.*s%s%.*s", STR_FMT(out), i > 0 ? " " : "",
                           STR_FMT(list->items[i]));
    return out;
}

static struct str answer_of(bool is_so)
{
    return is_so ? STR("true") : STR("false");
}

static void judge(struct rows *rows, struct str name, struct str wanted, struct str got)
{
    bool is_same = str_eq(wanted, got);

    printf("%-60.*s %s\n", STR_FMT(name), is_same ? "=" : "differs");
    if (!is_same && rows->is_verbose)
        printf("  wanted \"%.*s\", not \"%.*s\"\n", STR_FMT(wanted), STR_FMT(got));
}

/* --- host names ------------------------------------------------------------------ */

struct verdict {
    struct str wanted, got;
};

static struct verdict matches(struct rows *rows, const struct json_value *row)
{
    (void)rows;
    return (struct verdict){item(row, 3)->text,
                            answer_of(host_matches(item(row, 1)->text, item(row, 2)->text))};
}

static struct verdict is_subset(struct rows *rows, const struct json_value *row)
{
    (void)rows;
    return (struct verdict){item(row, 3)->text,
                            answer_of(host_is_within(item(row, 1)->text, item(row, 2)->text))};
}

static struct verdict intersection(struct rows *rows, const struct json_value *row)
{
    struct text_list a = texts_of(rows, item(row, 0)), b = texts_of(rows, item(row, 1));
    struct text_list wanted = texts_of(rows, item(row, 2));
    struct text_list got = host_list_common(&a, &b, &rows->arena);

    return (struct verdict){joined(rows, &wanted), joined(rows, &got)};
}

static struct verdict for_namespace(struct rows *rows, const struct json_value *row)
{
    struct text_list hosts = texts_of(rows, item(row, 0)), wanted = texts_of(rows, item(row, 2));
    struct text_list got = host_list_for_namespace(&hosts, item(row, 1)->text, &rows->arena);

    return (struct verdict){joined(rows, &wanted), joined(rows, &got)};
}

static struct verdict sorted(struct rows *rows, const struct json_value *row)
{
    struct text_list got = texts_of(rows, item(row, 0)), wanted = texts_of(rows, item(row, 1));

    for (uint32_t i = 1; i < got.count; i++) {
        struct str moving = got.items[i];
        uint32_t place = i;
        for (; place > 0 && host_order(moving, got.items[place - 1]) < 0; place--)
            got.items[place] = got.items[place - 1];
        got.items[place] = moving;
    }
    return (struct verdict){joined(rows, &wanted), joined(rows, &got)};
}

static struct verdict is_more_specific(struct rows *rows, const struct json_value *row)
{
    struct str a = item(row, 0)->text, b = item(row, 1)->text;

    (void)rows;
    return (struct verdict){item(row, 2)->text, answer_of(host_order(a, b) <= 0)};
}

static void judge_hosts(struct rows *rows, const struct json_value *tables)
{
    static const struct {
        struct str name;
        struct verdict (*ask)(struct rows *, const struct json_value *);
    } TESTS[] = {
        {STR_INIT("TestNameMatches"), matches},
        {STR_INIT("TestNameSubsetOf"), is_subset},
        {STR_INIT("TestNamesIntersection"), intersection},
        {STR_INIT("TestNamesForNamespace"), for_namespace},
        {STR_INIT("TestNamesSortOrder"), sorted},
        {STR_INIT("TestMoreSpecific"), is_more_specific},
    };

    for (size_t i = 0; i < COUNT_OF(TESTS); i++) {
        const struct json_value *table = json_get(tables, TESTS[i].name);
        ASSERT(table != NULL);
        const struct json_value *list = json_get(table, STR("cases"));
        for (uint32_t k = 0; k < list->count; k++) {
            struct verdict verdict = TESTS[i].ask(rows, &list->items[k]);
            judge(rows,
                  arena_format(&rows->arena, "host %.*s/%u", STR_FMT(TESTS[i].name), (unsigned)k),
                  verdict.wanted, verdict.got);
        }
    }
}

/* --- paths ------------------------------------------------------------------------- */

static struct str normalized(struct rows *rows, struct str mode, struct str path)
{
    struct str out = str_slice(path, 0, str_find(path, '#'));

    if (!str_eq(mode, STR("NONE")) && !path_normalize(out, &rows->arena, &out))
        return STR("invalid");
    return str_eq(mode, STR("MERGE_SLASHES")) ? path_merge_slashes(out, &rows->arena) : out;
}

static void judge_paths(struct rows *rows, const struct json_value *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct json_value *row = &list->items[i];
        struct str mode = json_get(row, STR("mode"))->text, in = json_get(row, STR("in"))->text;
        judge(rows, arena_format(&rows->arena, "path %.*s/%.*s", STR_FMT(mode), STR_FMT(in)),
              json_get(row, STR("out"))->text, normalized(rows, mode, in));
    }
}

static void read_table(struct rows *rows, const char *folder, const char *name,
                       struct json_value *out)
{
    struct str path = arena_format(&rows->arena, "%s/%s/cases.json", folder, name);
    struct origin nowhere = {0};
    struct diag_list diags;
    struct str text;
    size_t where;

    diag_list_init(&diags, &rows->arena);
    if (!files_read_text(path, &rows->arena, nowhere, &text, &diags) ||
        json_read(text, &rows->arena, out, &where) != RC_OK) {
        fprintf(stderr, "rows: %.*s cannot be read\n", STR_FMT(path));
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct rows rows = {.is_verbose = argc == 3 && strcmp(argv[1], "-v") == 0};
    struct json_value hosts, paths;

    if (argc != (rows.is_verbose ? 3 : 2)) {
        fprintf(stderr, "usage: rows [-v] DATA\n");
        return 2;
    }
    arena_init(&rows.arena, 64 * 1024, 0);
    read_table(&rows, argv[argc - 1], "host-matching", &hosts);
    read_table(&rows, argv[argc - 1], "path-normalization", &paths);
    judge_hosts(&rows, &hosts);
    judge_paths(&rows, &paths);
    arena_fini(&rows.arena);
    return 0;
}
