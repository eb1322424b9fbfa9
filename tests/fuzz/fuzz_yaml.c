/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/fuzz_yaml.c - any bytes become trees or complaints, never harm.
 *
 * What is held: keys of a map differ, nothing is deeper or larger than the
 * limits say, every complaint can be printed and has a place inside the file,
 * and every reader of fields can be asked about every node.
 */
#include <math.h>

#include "base/buf.h"
#include "base/check.h"
#include "config/yaml/view.h"

#include "tests/fuzz/replay.h"

/* Enough to reach everything; a tree may unfold to YAML_NODES_MAX. */
#define VISITS_MAX 5000

static const struct field_row ROWS[] = {
    {"a", FIELD_USED},
    {"b", FIELD_NO_EFFECT},
    {"hosts", FIELD_NO_EFFECT},
    {"longFieldName", FIELD_IGNORED},
};

static void ask_everything(const struct view *view)
{
    static const char *const CHOICES[] = {"ONE", "TWO", NULL};
    static const struct str NAMES[] = {STR_INIT("a"), STR_INIT("longFieldName")};
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    (void)view_own_str(view, STR_EMPTY);
    (void)view_own_bool(view, false);
    int64_t whole = view_own_i64(view, -5, 70000, 7);
    ASSERT(whole >= -5 && whole <= 70000);
    double number = view_own_number(view, 0);
    ASSERT(isfinite(number));
    int64_t ns = view_own_duration_ns(view, 0);
    ASSERT(ns >= 0);
    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        int choice = view_choice(view, NAMES[i], CHOICES, -1);
        ASSERT(choice >= -1 && choice < 2);
        (void)view_map(view, NAMES[i]);
        (void)view_list(view, NAMES[i]);
    }
}

static void check_keys(const struct node *node)
{
    uint32_t count = node->kind == NODE_MAP && node->count < 50 ? node->count : 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < i; j++)
            ASSERT(!str_eq(node->entries[i].key, node->entries[j].key));
}

static void check_duration(const struct node *node, struct arena *arena)
{
    int64_t ns;
    int64_t again;
    if (node->kind != NODE_STRING || !duration_parse(node->text, &ns))
        return;
    struct str text = duration_text(ns, arena);
    ASSERT(duration_parse(text, &again));
    /* Fractions go through a double, as in Go. */
    ASSERT(again == ns || ns > INT64_C(1) << 53 || ns < -(INT64_C(1) << 53));
}

/* Recursion is bounded by YAML_DEPTH_MAX. */
static void visit(const struct view *view, uint32_t depth, uint32_t *visit_count)
{
    ASSERT(depth <= YAML_DEPTH_MAX);
    if ((*visit_count)++ >= VISITS_MAX || view->node == NULL)
        return;
    ask_everything(view);
    check_keys(view->node);
    check_duration(view->node, view->reading->arena);
    for (uint32_t i = 0; i < view_count(view); i++) {
        struct view child =
            view->node->kind == NODE_LIST ? view_item(view, i) : view_entry(view, i);
        visit(&child, depth + 1, visit_count);
    }
}

static void check_diags(struct diag_list *diags, struct str text, struct arena *arena)
{
    uint32_t line_count = 1;
    for (size_t i = 0; i < text.len; i++)
        line_count += text.ptr[i] == '\n' || text.ptr[i] == '\r' || (text.ptr[i] & 0x80) != 0;
    diag_list_sort(diags);
    for (uint32_t i = 0; i < diags->count; i++) {
        struct buf out;
        const struct diag *diag = &diags->items[i];
        buf_init(&out, 1 << 20);
        ASSERT(diag->origin.line <= line_count + 1);
        ASSERT(diag_print(diag, i % 2 == 0, &out) == RC_OK);
        ASSERT(diag_text(diag, arena).len > 0);
        buf_fini(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena arena;
    struct diag_list diags;
    struct documents documents = {0};
    uint32_t visit_count = 0;
    struct str text = {(const char *)bytes, size};
    arena_init(&arena, 65536, 0);
    diag_list_init(&diags, &arena);
    tree_read(STR("fuzz.yaml"), text, &arena, &documents, &diags);
    struct reading reading = {.arena = &arena, .diags = &diags, .unknown_field = UNKNOWN_ERROR};
    for (uint32_t i = 0; i < documents.count; i++) {
        struct view root = view_of(&reading, documents.items[i]);
        visit(&root, 0, &visit_count);
    }
    check_diags(&diags, text, &arena);
    arena_fini(&arena);
    return 0;
}
