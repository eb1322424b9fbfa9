/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/variant.c - see variant.h.
 */
#include "testbed/runner/variant.h"

#include "base/check.h"
#include "config/resource/host.h"
#include "testbed/runner/want_read.h"

/* --- objects --------------------------------------------------------------- */

static void add(struct documents *to, const struct node *document, struct arena *arena)
{
    /* Documents are only read; the list's type is the parser's. */
    struct node *copy = ARENA_NEW(arena, struct node);
    *copy = *document;
    *ARENA_PUSH(arena, to->items, to->count, to->capacity) = copy;
}

/* With the items of lists (kind: List) one by one. */
static void add_objects(struct documents *to, const struct documents *from, struct arena *arena)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct node *items = node_get(from->items[i], STR("items"));
        const struct node *kind = node_get(from->items[i], STR("kind"));
        if (kind == NULL || !str_has_suffix(kind->text, STR("List")) || items == NULL ||
            items->kind != NODE_LIST) {
            add(to, from->items[i], arena);
            continue;
        }
        for (uint32_t k = 0; k < items->count; k++)
            add(to, items->items[k], arena);
    }
}

static struct str text_of(const struct node *map, const char *key)
{
    const struct node *node = node_get(map, str_of(key));
    return node != NULL ? node->text : STR_EMPTY;
}

static struct str name_of(const struct node *object)
{
    return text_of(node_get(object, STR("metadata")), "name");
}

static struct str namespace_of(const struct node *object)
{
    struct str namespace = text_of(node_get(object, STR("metadata")), "namespace");
    return namespace.len > 0 ? namespace : STR("default");
}

static bool is_same_object(const struct node *a, const struct node *b)
{
    return str_eq(text_of(a, "kind"), text_of(b, "kind")) && str_eq(name_of(a), name_of(b)) &&
           str_eq(namespace_of(a), namespace_of(b));
}

/* The object of that kind and name, or NULL. */
static const struct node *find(const struct documents *among, const struct node *object)
{
    for (uint32_t i = 0; i < among->count; i++) {
        if (is_same_object(among->items[i], object))
            return among->items[i];
    }
    return NULL;
}

/* "VirtualService/reviews", with its namespace where that is not the default one. */
static struct str words_of(const struct node *object, struct arena *arena)
{
    struct str namespace = namespace_of(object);
    bool is_default = str_eq(namespace, STR("default"));
    return arena_format(arena, "%.*s/%.*s%s%.*s", STR_FMT(text_of(object, "kind")),
                        STR_FMT(is_default ? STR_EMPTY : namespace), is_default ? "" : "/",
                        STR_FMT(name_of(object)));
}

static bool is_equal(const struct node *a, const struct node *b)
{
    if (a->kind != b->kind || a->count != b->count)
        return false;
    switch (a->kind) {
    case NODE_LIST:
        for (uint32_t i = 0; i < a->count; i++) {
            if (!is_equal(a->items[i], b->items[i]))
                return false;
        }
        return true;
    case NODE_MAP:
        for (uint32_t i = 0; i < a->count; i++) {
            const struct node *other = node_get(b, a->entries[i].key);
            if (other == NULL || !is_equal(a->entries[i].value, other))
                return false;
        }
        return true;
    case NODE_NULL:
        return true;
    case NODE_BOOL:
        return a->boolean == b->boolean;
    case NODE_INT:
    case NODE_FLOAT:
    case NODE_STRING:
        return str_eq(a->text, b->text);
    }
    UNREACHABLE("node_kind");
}

/* --- orderIndependent ------------------------------------------------------ */

static const struct node *hosts_of(const struct node *object)
{
    const struct node *hosts = node_get(node_get(object, STR("spec")), STR("hosts"));
    bool is_rule = str_eq(text_of(object, "kind"), STR("VirtualService"));
    return is_rule && hosts != NULL && hosts->kind == NODE_LIST ? hosts : NULL;
}

static bool have_a_host_in_common(const struct node *a, const struct node *b, struct arena *arena)
{
    const struct node *mine = hosts_of(a), *theirs = hosts_of(b);
    for (uint32_t i = 0; mine != NULL && theirs != NULL && i < mine->count; i++) {
        struct str host = host_resolve(mine->items[i]->text, namespace_of(a), arena);
        for (uint32_t k = 0; k < theirs->count; k++) {
            if (str_eq(host, host_resolve(theirs->items[k]->text, namespace_of(b), arena)))
                return true;
        }
    }
    return false;
}

/* The places of VirtualServices that are merged with others. */
static uint32_t find_rules(const struct documents *all, uint32_t *places, struct arena *arena)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < all->count; i++) {
        bool is_merged = false;
        for (uint32_t k = 0; k < all->count && !is_merged; k++)
            is_merged = i != k && have_a_host_in_common(all->items[i], all->items[k], arena);
        if (is_merged)
            places[count++] = i;
    }
    return count;
}

/* The object as old as its turn says. */
static struct node *aged(const struct node *object, uint32_t turn, struct arena *arena)
{
    struct node *when = ARENA_NEW(arena, struct node);
    *when = (struct node){.kind = NODE_STRING,
                          .origin = object->origin,
                          .is_quoted = true,
                          .text = arena_format(arena, "2001-01-01T00:00:%02uZ", turn)};
    struct node_entry *entry = ARENA_NEW(arena, struct node_entry);
    *entry = (struct node_entry){.key = STR("creationTimestamp"), .value = when};
    struct node *metadata = ARENA_NEW(arena, struct node);
    *metadata =
        (struct node){.kind = NODE_MAP, .origin = object->origin, .entries = entry, .count = 1};
    struct node_entry *over = ARENA_NEW(arena, struct node_entry);
    *over = (struct node_entry){.key = STR("metadata"), .value = metadata};
    struct node change = {.kind = NODE_MAP, .origin = object->origin, .entries = over, .count = 1};
    struct node *out = ARENA_NEW(arena, struct node);
    *out = *nodes_merged_deep(object, &change, arena);
    return out;
}

static void take_order(struct variant *out, const struct documents *all, const uint32_t *order,
                       uint32_t count, struct arena *arena)
{
    struct str names = STR_EMPTY;
    for (uint32_t i = 0; i < all->count; i++)
        add(&out->documents, all->items[i], arena);
    for (uint32_t turn = 0; turn < count; turn++) {
        const struct node *object = all->items[order[turn]];
        out->documents.items[order[turn]] = aged(object, turn, arena);
        names = arena_format(arena, "%.*s%s%.*s", STR_FMT(names), turn > 0 ? ", " : "",
                             STR_FMT(name_of(object)));
    }
    out->words =
        count > 0 ? arena_concat(arena, STR("VirtualServices in the order "), names) : STR_EMPTY;
}

/* The next order by alphabet; false: that was the last one. */
static bool next_order(uint32_t *order, uint32_t count)
{
    uint32_t at = count;
    while (at > 1 && order[at - 2] > order[at - 1])
        at--;
    if (at <= 1)
        return false;
    uint32_t with = count - 1;
    while (order[with] < order[at - 2])
        with--;
    uint32_t moved = order[at - 2];
    order[at - 2] = order[with];
    order[with] = moved;
    for (uint32_t i = at - 1, k = count - 1; i < k; i++, k--) {
        moved = order[i];
        order[i] = order[k];
        order[k] = moved;
    }
    return true;
}

static struct variants all_orders(const struct documents *all, struct arena *arena)
{
    struct variants out = {0};
    uint32_t capacity = 0;
    uint32_t *order = ARENA_ARRAY(arena, uint32_t, all->count);
    uint32_t count = find_rules(all, order, arena);
    if (count > VARIANT_RULES_MAX) {
        out.why = arena_format(arena,
                               "orderIndependent: %u VirtualServices share hosts; at most %u can "
                               "be tried in every order",
                               count, VARIANT_RULES_MAX);
        return out;
    }
    do {
        struct variant *variant = ARENA_PUSH(arena, out.items, out.count, capacity);
        *variant = (struct variant){0};
        take_order(variant, all, order, count, arena);
    } while (next_order(order, count));
    return out;
}

/* --- transition ------------------------------------------------------------ */

/* What is applied, or taken away. */
struct change {
    const struct node *before, *after; /* NULL: not there */
};

struct rollout {
    struct documents others; /* that neither side says */
    struct documents from, to;
    struct change changes[VARIANT_CHANGES_MAX];
    uint32_t change_count;
    bool is_too_long;
};

static void note_change(struct rollout *rollout, const struct node *before,
                        const struct node *after)
{
    if (before != NULL && after != NULL && is_equal(before, after))
        return;
    rollout->is_too_long |= rollout->change_count == VARIANT_CHANGES_MAX;
    if (!rollout->is_too_long)
        rollout->changes[rollout->change_count++] = (struct change){before, after};
}

static void rollout_init(struct rollout *out, const struct documents *all,
                         const struct suite_transition *transition, struct arena *arena)
{
    *out = (struct rollout){0};
    add_objects(&out->from, &transition->from, arena);
    add_objects(&out->to, &transition->to, arena);
    for (uint32_t i = 0; i < all->count; i++) {
        const struct node *object = all->items[i];
        if (find(&out->from, object) == NULL && find(&out->to, object) == NULL)
            add(&out->others, object, arena);
    }
    for (uint32_t i = 0; i < out->to.count; i++)
        note_change(out, find(&out->from, out->to.items[i]), out->to.items[i]);
    for (uint32_t i = 0; i < out->from.count; i++) {
        if (find(&out->to, out->from.items[i]) == NULL)
            note_change(out, out->from.items[i], NULL);
    }
}

static bool is_done(uint32_t set, uint32_t change)
{
    return (set >> change & 1) != 0;
}

/* What an object is while the changes of `set` have been made; NULL: not there. */
static const struct node *as_of(const struct rollout *rollout, const struct node *object,
                                uint32_t set)
{
    for (uint32_t i = 0; i < rollout->change_count; i++) {
        const struct change *change = &rollout->changes[i];
        const struct node *any = change->after != NULL ? change->after : change->before;
        if (is_same_object(any, object))
            return is_done(set, i) ? change->after : change->before;
    }
    return object;
}

static void take_state(struct variant *out, const struct rollout *rollout, uint32_t set,
                       struct arena *arena)
{
    struct str done = STR_EMPTY;
    for (uint32_t i = 0; i < rollout->others.count; i++)
        add(&out->documents, rollout->others.items[i], arena);
    for (uint32_t i = 0; i < rollout->from.count; i++) {
        const struct node *object = as_of(rollout, rollout->from.items[i], set);
        if (object != NULL)
            add(&out->documents, object, arena);
    }
    for (uint32_t i = 0; i < rollout->to.count; i++) {
        const struct node *object = rollout->to.items[i];
        if (find(&rollout->from, object) == NULL && as_of(rollout, object, set) != NULL)
            add(&out->documents, object, arena);
    }
    for (uint32_t i = 0; i < rollout->change_count; i++) {
        const struct change *change = &rollout->changes[i];
        if (!is_done(set, i))
            continue;
        done = arena_format(
            arena, "%.*s%s%.*s%s", STR_FMT(done), done.len > 0 ? ", " : "",
            STR_FMT(words_of(change->after != NULL ? change->after : change->before, arena)),
            change->after == NULL ? " (gone)" : "");
    }
    out->words = done.len == 0 ? STR("before anything is applied")
                               : arena_concat(arena, STR("when there is applied: "), done);
}

/* The change that a test calls so; change_count: none. */
static uint32_t change_named(const struct rollout *rollout, struct str words, struct arena *arena)
{
    uint32_t i = 0;
    for (; i < rollout->change_count; i++) {
        const struct change *change = &rollout->changes[i];
        const struct node *any = change->after != NULL ? change->after : change->before;
        if (str_eq(words_of(any, arena), words))
            break;
    }
    return i;
}

/* Which sets the orders pass through; false: an order names what does not change. */
static bool find_sets(const struct rollout *rollout, const struct suite_transition *transition,
                      bool *is_met, struct variants *out, struct arena *arena)
{
    for (uint32_t i = 0; i < transition->order_count; i++) {
        const struct text_list *order = &transition->orders[i];
        uint32_t set = 0;
        is_met[0] = true;
        for (uint32_t k = 0; k < order->count; k++) {
            uint32_t change = change_named(rollout, order->items[k], arena);
            if (change == rollout->change_count) {
                out->why = arena_format(arena, "transition: %.*s does not change",
                                        STR_FMT(order->items[k]));
                return false;
            }
            set |= 1u << change;
            is_met[set] = true;
        }
        /* Those that it does not name come last, one by one. */
        for (uint32_t change = 0; change < rollout->change_count; change++) {
            set |= 1u << change;
            is_met[set] = true;
        }
    }
    return true;
}

static struct variants all_states(const struct documents *all,
                                  const struct suite_transition *transition, struct arena *arena)
{
    struct variants out = {0};
    struct rollout rollout;
    bool is_met[1u << VARIANT_CHANGES_MAX] = {0};
    uint32_t capacity = 0;
    rollout_init(&rollout, all, transition, arena);
    if (rollout.is_too_long || rollout.change_count == 0) {
        out.why = rollout.is_too_long
                      ? arena_format(arena, "transition: more than %u objects change",
                                     VARIANT_CHANGES_MAX)
                      : STR("transition: `from` and `to` say the same");
        return out;
    }
    if (!find_sets(&rollout, transition, is_met, &out, arena))
        return out;
    for (uint32_t set = 0; set < 1u << rollout.change_count; set++) {
        if (transition->order_count > 0 && !is_met[set])
            continue;
        struct variant *variant = ARENA_PUSH(arena, out.items, out.count, capacity);
        *variant = (struct variant){0};
        take_state(variant, &rollout, set, arena);
    }
    return out;
}

bool variants_are_wanted(const struct suite_test *test)
{
    return test->is_order_independent || test->transition != NULL;
}

struct variants variants_of(const struct suite *suite, const struct suite_test *test,
                            struct arena *arena)
{
    struct documents all = {0};
    add_objects(&all, &suite->spec.documents, arena);
    add_objects(&all, &test->with, arena);
    if (test->transition == NULL)
        return all_orders(&all, arena);
    struct variants states = all_states(&all, test->transition, arena), out = {0};
    if (!test->is_order_independent || states.count == 0)
        return states;
    /* Both: every order of merging in every state. */
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < states.count; i++) {
        struct variants orders = all_orders(&states.items[i].documents, arena);
        if (orders.count == 0)
            return orders;
        for (uint32_t k = 0; k < orders.count; k++) {
            struct variant *variant = ARENA_PUSH(arena, out.items, out.count, capacity);
            *variant = orders.items[k];
            variant->words =
                arena_format(arena, "%.*s%s%.*s", STR_FMT(states.items[i].words),
                             variant->words.len > 0 ? "; " : "", STR_FMT(variant->words));
        }
    }
    return out;
}
