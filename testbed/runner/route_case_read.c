/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/route_case_read.c - testCases and VirtualServices from their
 * documents; see route_case.h.
 */
#include "testbed/runner/route_case.h"

#include "config/profile/profile.h"
#include "testbed/world/files.h"

#define LIST_DEPTH_MAX 4u

struct route_reading {
    struct suite *suite;
    struct reading reading;
    struct route_services *services;
};

/* --- VirtualServices ------------------------------------------------------- */

/* Of several operators of one text the last one named here would be an error in a
 * cluster; an empty text matches everything. */
static struct route_matcher matcher_of(struct route_reading *in, const struct view *view)
{
    struct route_matcher out = {.kind = ROUTE_MATCHER_ANY};
    struct str exact = view_str(view, STR("exact"), STR_EMPTY);
    struct str prefix = view_str(view, STR("prefix"), STR_EMPTY);
    struct str regex = view_str(view, STR("regex"), STR_EMPTY);
    struct str why;

    if (exact.len > 0) {
        out.kind = ROUTE_MATCHER_EXACT;
        out.value = exact;
    } else if (prefix.len > 0) {
        out.kind = ROUTE_MATCHER_PREFIX;
        out.value = prefix;
    } else if (regex.len > 0) {
        /* As that tool anchors it: "a|b" begins with a or ends in b. */
        out.value = arena_format(in->reading.arena, "^%.*s$", STR_FMT(regex));
        out.kind = ROUTE_MATCHER_REGEX;
        out.regex = regex_new(&in->suite->regexes, out.value, in->reading.arena, &why);
        struct view place = view_field(view, STR("regex"));
        if (out.regex == NULL)
            view_complain(&place, DIAG_TEST_BAD_REGEX, regex, why);
    }
    return out;
}

/* What a match may say, and that tool does not look at. */
static void name_unseen(const struct view *block)
{
    static const struct str NAMES[] = {
        STR_INIT("scheme"),         STR_INIT("port"),
        STR_INIT("sourceLabels"),   STR_INIT("gateways"),
        STR_INIT("queryParams"),    STR_INIT("ignoreUriCase"),
        STR_INIT("withoutHeaders"), STR_INIT("sourceNamespace"),
    };

    for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
        struct view field = view_field(block, NAMES[i]);
        if (view_is_present(&field))
            view_complain(&field, DIAG_CASES_CONDITION, NAMES[i], STR_EMPTY);
    }
}

static struct route_block block_of(struct route_reading *in, const struct view *view)
{
    struct view authority = view_map(view, STR("authority"));
    struct view uri = view_map(view, STR("uri"));
    struct view method = view_map(view, STR("method"));
    struct view headers = view_map(view, STR("headers"));
    struct route_block out = {.authority = matcher_of(in, &authority),
                              .uri = matcher_of(in, &uri),
                              .method = matcher_of(in, &method),
                              .header_count = view_count(&headers)};

    out.headers = ARENA_ARRAY(in->reading.arena, struct route_matcher, out.header_count);
    for (uint32_t i = 0; i < out.header_count; i++) {
        struct view entry = view_entry(&headers, i);
        out.headers[i] = matcher_of(in, &entry);
        out.headers[i].name = entry.key;
    }
    name_unseen(view);
    return out;
}

static void rule_read(struct route_reading *in, const struct view *view, struct route_rule *out)
{
    struct view match = view_list(view, STR("match"));

    out->origin = view_origin(view);
    for (uint32_t i = 0; i < PART_COUNT; i++) {
        struct view part = view_field(view, route_part_name((enum route_part)i));
        out->parts[i] = part.node;
    }
    out->block_count = view_count(&match);
    out->blocks = ARENA_ARRAY(in->reading.arena, struct route_block, out->block_count);
    for (uint32_t i = 0; i < out->block_count; i++) {
        struct view item = view_item(&match, i);
        out->blocks[i] = block_of(in, &item);
    }
}

static void add_service(struct route_reading *in, const struct node *document)
{
    struct view root = view_of(&in->reading, document);
    struct view meta = view_map(&root, STR("metadata"));
    struct view spec = view_map(&root, STR("spec"));
    struct view hosts = view_list(&spec, STR("hosts"));
    struct view rules = view_list(&spec, STR("http"));
    struct route_services *list = in->services;
    struct route_service *out =
        ARENA_PUSH(in->reading.arena, list->items, list->count, list->capacity);

    *out = (struct route_service){.name = label_text_field(&meta, STR("name"), STR_EMPTY),
                                  .namespace = label_text_field(&meta, STR("namespace"), STR_EMPTY),
                                  .hosts = text_list_read(&hosts),
                                  .rule_count = view_count(&rules)};
    out->rules = ARENA_ARRAY(in->reading.arena, struct route_rule, out->rule_count);
    for (uint32_t i = 0; i < out->rule_count; i++) {
        struct view item = view_item(&rules, i);
        rule_read(in, &item, &out->rules[i]);
    }
}

static void add_document(struct route_reading *in, const struct node *document, uint32_t depth)
{
    const struct node *kind = node_get(document, STR("kind"));
    const struct node *version = node_get(document, STR("apiVersion"));
    const struct node *items = node_get(document, STR("items"));

    if (kind == NULL || version == NULL)
        return;
    if (items != NULL && items->kind == NODE_LIST && depth < LIST_DEPTH_MAX) {
        for (uint32_t i = 0; i < items->count; i++)
            add_document(in, items->items[i], depth + 1);
        return;
    }
    if (str_eq(kind->text, STR("VirtualService")) &&
        str_has_prefix(version->text, STR("networking.istio.io/")))
        add_service(in, document);
}

/* --- cases ----------------------------------------------------------------- */

static bool is_cases(const struct node *document)
{
    return node_get(document, STR("testCases")) != NULL && node_get(document, STR("kind")) == NULL;
}

/* A list that is not there is one empty text, as with that tool. */
static struct text_list texts_of(struct route_reading *in, const struct view *request,
                                 struct str name)
{
    struct view list = view_list(request, name);
    struct text_list out = text_list_read(&list);

    if (out.count == 0)
        text_list_add(&out, STR_EMPTY, in->reading.arena);
    return out;
}

static void request_read(struct route_reading *in, const struct view *view, struct route_case *out)
{
    static const struct field_row ROWS[] = {{"authority", FIELD_USED},
                                            {"method", FIELD_USED},
                                            {"uri", FIELD_USED},
                                            {"headers", FIELD_USED}};
    struct view headers = view_map(view, STR("headers"));
    struct label_list list = label_list_read(&headers);

    if (view_is_present(view))
        view_check_fields(view, ROWS, COUNT_OF(ROWS));
    out->authorities = texts_of(in, view, STR("authority"));
    out->methods = texts_of(in, view, STR("method"));
    out->uris = texts_of(in, view, STR("uri"));
    out->headers = list.items;
    out->header_count = list.count;
}

static void case_read(struct route_reading *in, const struct view *view, struct suite_test *out)
{
    static const struct field_row ROWS[] = {
        {"description", FIELD_USED}, {"wantMatch", FIELD_USED}, {"request", FIELD_USED},
        {"route", FIELD_USED},       {"redirect", FIELD_USED},  {"rewrite", FIELD_USED},
        {"fault", FIELD_USED},       {"headers", FIELD_USED},   {"delegate", FIELD_USED},
    };
    struct route_case *made = ARENA_NEW(in->reading.arena, struct route_case);
    struct view request = view_map(view, STR("request"));

    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    out->name = view_str(view, STR("description"), STR_EMPTY);
    out->origin = view_origin(view);
    made->is_wanted = view_bool(view, STR("wantMatch"), false);
    made->services = in->services;
    request_read(in, &request, made);
    for (uint32_t i = 0; i < PART_COUNT; i++) {
        struct str name = route_part_name((enum route_part)i);
        struct view part = i == PART_ROUTE ? view_list(view, name) : view_map(view, name);
        if (view_is_present(&part))
            route_part_check((enum route_part)i, &part);
        made->parts[i] = part.node;
    }
    out->route_case = made;
}

static void document_read(struct route_reading *in, const struct node *document, uint32_t *capacity)
{
    static const struct field_row ROWS[] = {{"testCases", FIELD_USED}};
    struct view root = view_of(&in->reading, document);
    struct view cases = view_list(&root, STR("testCases"));
    struct suite *suite = in->suite;

    view_check_fields(&root, ROWS, COUNT_OF(ROWS));
    for (uint32_t i = 0; i < view_count(&cases); i++) {
        struct view item = view_item(&cases, i);
        struct suite_test *test =
            ARENA_PUSH(in->reading.arena, suite->tests, suite->test_count, *capacity);
        case_read(in, &item, test);
        if (test->name.len == 0)
            test->name = arena_format(in->reading.arena, "test case %u", suite->test_count);
        test->luck_name = test->name;
    }
}

/* --- doors ----------------------------------------------------------------- */

bool route_case_is_file(const struct documents *documents)
{
    for (uint32_t i = 0; i < documents->count; i++) {
        if (is_cases(documents->items[i]))
            return true;
    }
    return false;
}

static struct str folder_of(struct str path)
{
    size_t end = path.len;

    while (end > 0 && path.ptr[end - 1] != '/')
        end--;
    return end > 0 ? str_slice(path, 0, end) : STR(".");
}

bool route_case_suite(const struct documents *documents, struct str path,
                      const struct suite_options *options, struct arena *arena, struct suite *out,
                      struct diag_list *diags)
{
    uint32_t errors_before = diags->error_count, capacity = 0;
    struct documents manifests = {0};
    struct route_reading in = {.suite = out};

    *out = (struct suite){.path = path, .name = path, .is_static = true};
    out->spec.profile = options->profile != NULL ? options->profile : profile_default();
    in.services = ARENA_NEW(arena, struct route_services);
    in.reading = (struct reading){.arena = arena, .diags = diags, .unknown_field = UNKNOWN_WARN};
    if (options->manifests != NULL && options->manifests->count > 0)
        manifests = *options->manifests;
    else
        files_read(folder_of(path), STR_EMPTY, arena, &manifests, diags);
    for (uint32_t i = 0; i < manifests.count; i++)
        add_document(&in, manifests.items[i], 0);
    in.reading.unknown_field = UNKNOWN_ERROR;
    in.reading.object = STR("testCases");
    for (uint32_t i = 0; i < documents->count; i++)
        document_read(&in, documents->items[i], &capacity);
    if (out->test_count == 0)
        diag_add(diags, DIAG_CASES_NONE, (struct origin){.file = path}, STR_EMPTY, STR_EMPTY,
                 STR_EMPTY, STR_EMPTY);
    if (in.services->count == 0)
        diag_add(diags, DIAG_CASES_NO_SERVICES, (struct origin){.file = path}, STR_EMPTY, STR_EMPTY,
                 STR_EMPTY, STR_EMPTY);
    return diags->error_count == errors_before;
}
