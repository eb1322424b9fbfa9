/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/case_read.c - one case of a test: requests, a wait, a `set`, or
 * what happens over time.
 */
#include "base/check.h"
#include "base/ns.h"
#include "testbed/runner/suite_inside.h"

static struct arena *arena_of(const struct suite_reading *reading)
{
    return reading->reading.arena;
}

uint32_t suite_find_client(struct suite_reading *in, const struct view *from, struct str name)
{
    const struct world_spec *spec = &in->suite->spec;
    struct str names = STR_EMPTY;
    for (uint32_t i = 0; i < spec->client_count; i++) {
        if (str_eq(spec->clients[i].name, name))
            return i;
        names = arena_format(arena_of(in), "%.*s%s%.*s", STR_FMT(names), i > 0 ? ", " : "",
                             STR_FMT(spec->clients[i].name));
    }
    view_complain(from, DIAG_TEST_UNKNOWN_CLIENT, name, names);
    return 0;
}

static void sets_read(struct suite_reading *in, const struct view *view, struct suite_case *out)
{
    out->set_count = want_list_count(view);
    out->sets = ARENA_ARRAY(arena_of(in), struct set_item, out->set_count);
    for (uint32_t i = 0; i < out->set_count; i++) {
        struct view item = want_list_item(view, i);
        struct workload_spec checked; /* for its complaints */
        workload_spec_read(&item, &checked);
        out->sets[i] = (struct set_item){.pod = view_str(&item, STR("pod"), STR_EMPTY),
                                         .workload = view_str(&item, STR("workload"), STR_EMPTY),
                                         .change = item.node,
                                         .origin = view_origin(&item)};
    }
}

static struct call_defaults defaults_of(struct suite_reading *in, const struct view *view,
                                        struct str from)
{
    struct view client = view_field(view, STR("from"));
    struct str name = want_scalar(&client, from);
    struct call_defaults defaults = in->defaults;
    defaults.client = name.len > 0 ? suite_find_client(in, &client, name) : in->client;
    return defaults;
}

static void request_case_read(struct suite_reading *in, const struct view *view, struct str from,
                              struct suite_case *out)
{
    struct call_defaults defaults = defaults_of(in, view, from);
    struct view request = view_field(view, STR("request"));
    out->calls = calls_read(&request, &defaults, &out->call_count);
    out->repeat = (uint32_t)view_i64(view, STR("repeat"), 1, 100000000, 1);
    out->every_ns = view_duration_ns(view, STR("every"), 0);
    out->settle_ns = view_duration_ns(view, STR("settle"), -1);
    struct view keepalive = view_field(view, STR("keepalive"));
    out->has_keepalive = view_is_present(&keepalive);
    out->keepalive = view_own_bool(&keepalive, true);
    struct view concurrent = view_map(view, STR("concurrent"));
    out->is_concurrent = view_is_present(&concurrent);
    if (out->is_concurrent) {
        static const struct field_row ROWS[] = {
            {"clients", FIELD_USED}, {"requests", FIELD_USED}, {"every", FIELD_USED}};
        view_check_fields(&concurrent, ROWS, COUNT_OF(ROWS));
        out->concurrent_callers = (uint32_t)view_i64(&concurrent, STR("clients"), 1, 1000, 1);
        out->concurrent_count = (uint32_t)view_i64(&concurrent, STR("requests"), 1, 10000, 1);
        out->concurrent_every_ns = view_duration_ns(&concurrent, STR("every"), 10 * NS_MS);
    }
    struct view expect = view_field(view, STR("expect"));
    expect_read(&expect, &in->suite->regexes, &out->expect);
    if (out->expect.origin.line == 0)
        out->expect.origin = view_origin(view);
}

static void load_item_read(struct suite_reading *in, const struct view *load, struct str from,
                           struct timeline_item *out)
{
    struct call_defaults defaults = defaults_of(in, load, from);
    out->kind = TIMELINE_LOAD;
    load_read(load, &defaults, &out->load);
}

static void timeline_item_read(struct suite_reading *in, const struct view *view, struct str from,
                               struct timeline_item *out)
{
    static const struct field_row ROWS[] = {{"at", FIELD_USED},      {"load", FIELD_USED},
                                            {"set", FIELD_USED},     {"from", FIELD_USED},
                                            {"request", FIELD_USED}, {"expect", FIELD_USED}};
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    struct view at = view_field(view, STR("at"));
    *out = (struct timeline_item){.kind = TIMELINE_NOTHING, .origin = view_origin(view)};
    out->at_ns = want_moment_ns(&at, want_scalar(&at, STR("0s")));
    struct view load = view_map(view, STR("load"));
    if (view_is_present(&load)) {
        load_item_read(in, &load, from, out);
        return;
    }
    out->step = ARENA_NEW(arena_of(in), struct suite_case);
    *out->step = (struct suite_case){.repeat = 1, .settle_ns = -1, .origin = view_origin(view)};
    struct view set = view_field(view, STR("set")), request = view_field(view, STR("request"));
    if (view_is_present(&set)) {
        out->kind = TIMELINE_SET;
        sets_read(in, &set, out->step);
    } else if (view_is_present(&request)) {
        out->kind = TIMELINE_REQUEST;
        request_case_read(in, view, from, out->step);
    }
}

/* In the order of time; of two at once the first written comes first. */
static void timeline_sort(struct suite_case *out)
{
    for (uint32_t i = 1; i < out->timeline_count; i++) {
        struct timeline_item moved = out->timeline[i];
        uint32_t at = i;
        for (; at > 0 && out->timeline[at - 1].at_ns > moved.at_ns; at--)
            out->timeline[at] = out->timeline[at - 1];
        out->timeline[at] = moved;
    }
}

/* A test's, or its transition's; absent: neither. */
static struct view load_of(struct suite_reading *in, const struct view *view)
{
    struct view load = view_map(view, STR("load")), rollout = view_map(view, STR("transition"));
    if (view_is_present(&load) || !view_is_present(&rollout))
        return load;
    return transition_load(in, &rollout);
}

static void timeline_read(struct suite_reading *in, const struct view *view, struct str from,
                          struct suite_case *out)
{
    struct view list = view_list(view, STR("timeline")), load = load_of(in, view);
    out->kind = CASE_TIMELINE;
    out->timeline_count = view_is_present(&list) ? view_count(&list) : 1;
    out->timeline = ARENA_ARRAY(arena_of(in), struct timeline_item, out->timeline_count);
    for (uint32_t i = 0; view_is_present(&list) && i < out->timeline_count; i++) {
        struct view item = view_item(&list, i);
        timeline_item_read(in, &item, from, &out->timeline[i]);
    }
    if (!view_is_present(&list)) {
        out->timeline[0] = (struct timeline_item){.origin = view_origin(&load)};
        load_item_read(in, &load, from, &out->timeline[0]);
    }
    timeline_sort(out);
    struct view expect = view_field(view, STR("expect"));
    expect_read(&expect, &in->suite->regexes, &out->expect);
    if (out->expect.origin.line == 0)
        out->expect.origin = view_origin(view);
}

void suite_case_read(struct suite_reading *in, const struct view *view, struct str from,
                     struct suite_case *out)
{
    *out = (struct suite_case){.repeat = 1, .settle_ns = -1, .origin = view_origin(view)};
    struct view wait = view_field(view, STR("wait"));
    struct view set = view_field(view, STR("set"));
    struct view timeline = view_field(view, STR("timeline")), load = load_of(in, view);
    if (view_is_present(&timeline) || view_is_present(&load)) {
        timeline_read(in, view, from, out);
    } else if (view_is_present(&wait)) {
        out->kind = CASE_WAIT;
        out->wait_ns = view_own_duration_ns(&wait, 0);
    } else if (view_is_present(&set)) {
        out->kind = CASE_SET;
        sets_read(in, &set, out);
    } else {
        request_case_read(in, view, from, out);
        if (out->call_count == 0)
            view_complain(view, DIAG_TEST_NO_REQUEST, STR_EMPTY, STR_EMPTY);
    }
}

/* `request` and its companions stand in the test only when it has no `cases`. */
void suite_cases_read(struct suite_reading *in, const struct view *view, const struct view *cases,
                      struct str from, struct suite_test *out)
{
    static const struct field_row REQUEST_ROWS[] = {
        {"from", FIELD_USED},   {"request", FIELD_USED},   {"repeat", FIELD_USED},
        {"every", FIELD_USED},  {"keepalive", FIELD_USED}, {"concurrent", FIELD_USED},
        {"expect", FIELD_USED}, {"settle", FIELD_USED},    {"name", FIELD_IGNORED},
    };
    static const struct field_row TIMELINE_ROWS[] = {{"timeline", FIELD_USED},
                                                     {"load", FIELD_USED},
                                                     {"from", FIELD_USED},
                                                     {"expect", FIELD_USED},
                                                     {"name", FIELD_IGNORED}};
    static const struct field_row WAIT_ROWS[] = {{"wait", FIELD_USED}, {"name", FIELD_IGNORED}};
    static const struct field_row SET_ROWS[] = {{"set", FIELD_USED}, {"name", FIELD_IGNORED}};
    static const char *const OTHERS[] = {"request", "timeline", "load"};
    struct view request = {0};
    for (size_t i = 0; i < COUNT_OF(OTHERS) && !view_is_present(&request); i++)
        request = view_field(view, str_of(OTHERS[i]));
    if (view_is_present(&request))
        view_complain(&request, DIAG_TEST_NO_REQUEST, STR_EMPTY, STR_EMPTY);
    struct view expect = view_field(view, STR("expect"));
    expect_whole_read(&expect, &in->suite->regexes, out);
    for (uint32_t i = 0; i < out->case_count; i++) {
        struct view item = view_item(cases, i);
        suite_case_read(in, &item, from, &out->cases[i]);
        switch (out->cases[i].kind) {
        case CASE_REQUEST:
            view_check_fields(&item, REQUEST_ROWS, COUNT_OF(REQUEST_ROWS));
            break;
        case CASE_WAIT:
            view_check_fields(&item, WAIT_ROWS, COUNT_OF(WAIT_ROWS));
            break;
        case CASE_SET:
            view_check_fields(&item, SET_ROWS, COUNT_OF(SET_ROWS));
            break;
        case CASE_TIMELINE:
            view_check_fields(&item, TIMELINE_ROWS, COUNT_OF(TIMELINE_ROWS));
            break;
        }
    }
}
