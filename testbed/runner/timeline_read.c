/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/timeline_read.c - what happens over time and what is said of
 * it: `load`, `windows`, `thresholds`, `breaker`.
 */
#include "testbed/runner/want_read.h"

#include "base/check.h"
#include "base/ns.h"

static struct arena *arena_of(const struct view *view)
{
    return view->reading->arena;
}

/* "20/s", "90/m", 20. */
static double read_rate(const struct view *view)
{
    struct str text = want_scalar(view, STR("1/s"));
    struct str number = text;
    double scale = 1;
    if (str_has_suffix(text, STR("/m")))
        scale = 60;
    if (scale > 1 || str_has_suffix(text, STR("/s")))
        number = str_slice(text, 0, text.len - 2);
    uint64_t whole = 0;
    if (!str_to_u64(str_trim(number), 10000000, &whole) || whole == 0) {
        view_complain(view, DIAG_TEST_BAD_RATE, text, STR_EMPTY);
        return 1;
    }
    return (double)whole / scale;
}

static void stages_read(const struct view *view, struct load_spec *out)
{
    static const struct field_row ROWS[] = {{"for", FIELD_USED}, {"rate", FIELD_USED}};
    struct view list = view_field(view, STR("stages"));
    bool is_one = !view_is_present(&list);
    out->stage_count = is_one ? 1 : want_list_count(&list);
    out->stages = ARENA_ARRAY(arena_of(view), struct load_stage, out->stage_count);
    for (uint32_t i = 0; i < out->stage_count; i++) {
        struct view item = is_one ? *view : want_list_item(&list, i);
        if (!is_one)
            view_check_fields(&item, ROWS, COUNT_OF(ROWS));
        struct view rate = view_field(&item, STR("rate"));
        out->stages[i].for_ns = view_duration_ns(&item, STR("for"), 0);
        out->stages[i].per_second = read_rate(&rate);
        if (out->stages[i].for_ns == 0 || !view_is_present(&rate))
            view_complain(&item, DIAG_TEST_BAD_LOAD, STR_EMPTY, STR_EMPTY);
    }
}

void load_read(const struct view *view, const struct call_defaults *defaults, struct load_spec *out)
{
    static const struct field_row ROWS[] = {
        {"from", FIELD_USED},    {"request", FIELD_USED},   {"rate", FIELD_USED},
        {"for", FIELD_USED},     {"stages", FIELD_USED},    {"arrivals", FIELD_USED},
        {"clients", FIELD_USED}, {"thinkTime", FIELD_USED}, {"keepalive", FIELD_USED},
    };
    static const char *const ARRIVALS[] = {"even", "poisson", NULL};
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    struct view request = view_field(view, STR("request"));
    out->calls = calls_read(&request, defaults, &out->call_count);
    out->caller_count = (uint32_t)view_i64(view, STR("clients"), 1, 10000, 0);
    out->think_ns = view_duration_ns(view, STR("thinkTime"), 0);
    out->for_ns = view_duration_ns(view, STR("for"), 0);
    out->is_poisson = view_choice(view, STR("arrivals"), ARRIVALS, 0) == 1;
    out->is_keeping = view_bool(view, STR("keepalive"), true);
    if (out->caller_count == 0)
        stages_read(view, out);
    if (out->call_count == 0 || (out->caller_count > 0 && out->for_ns == 0))
        view_complain(view, DIAG_TEST_BAD_LOAD, STR_EMPTY, STR_EMPTY);
    for (uint32_t i = 0; i < out->call_count; i++)
        out->calls[i].is_keeping = out->is_keeping;
}

static void windows_read(const struct view *list, struct regex_set *regexes, struct expect *out)
{
    static const struct field_row ROWS[] = {
        {"from", FIELD_USED},   {"to", FIELD_USED},       {"distribution", FIELD_USED},
        {"errors", FIELD_USED}, {"requests", FIELD_USED}, {"response", FIELD_USED},
    };
    static const char *const OWN[] = {"from", "to", "errors", "requests", NULL};
    out->window_count = want_list_count(list);
    out->windows = ARENA_ARRAY(arena_of(list), struct want_window, out->window_count);
    for (uint32_t i = 0; i < out->window_count; i++) {
        struct view item = want_list_item(list, i);
        struct want_window *window = &out->windows[i];
        view_check_fields(&item, ROWS, COUNT_OF(ROWS));
        *window = (struct want_window){.origin = view_origin(&item)};
        struct view from = view_field(&item, STR("from")), to = view_field(&item, STR("to"));
        window->from_ns = want_moment_ns(&from, want_scalar(&from, STR("0s")));
        window->to_ns = want_moment_ns(&to, want_scalar(&to, STR("0s")));
        if (window->to_ns <= window->from_ns)
            view_complain(&item, DIAG_TEST_BAD_WINDOW, STR_EMPTY, STR_EMPTY);
        struct view errors = view_field(&item, STR("errors"));
        want_numbers_read(&errors, &window->errors);
        struct view requests = view_field(&item, STR("requests"));
        want_numbers_read(&requests, &window->requests);
        struct view rest = item;
        rest.node = node_without(item.node, OWN, arena_of(list));
        window->expect = ARENA_NEW(arena_of(list), struct expect);
        expect_read(&rest, regexes, window->expect);
    }
}

/* --- thresholds ------------------------------------------------------------ */

/* "latency.p99.9", "latency.max", "latency.mean". */
static bool latency_of(struct str word, const struct view *view, struct want_threshold *out)
{
    if (!str_has_prefix(word, STR("latency.")))
        return false;
    struct str which = str_from(word, STR("latency.").len);
    out->quantity = QUANTITY_LATENCY;
    if (str_eq(which, STR("mean")))
        out->percentile = -1;
    else if (str_eq(which, STR("min")) || str_eq(which, STR("max")))
        out->percentile = str_eq(which, STR("max"));
    else if (str_has_prefix(which, STR("p")))
        out->percentile = want_percent(view, str_from(which, 1)) / 100;
    else
        return false;
    return out->percentile <= 1;
}

/* "share(subset=v2)": its counts are one more distribution, of which nothing else is said. */
static bool share_of(struct str word, const struct view *view, struct expect *expect,
                     struct want_threshold *out)
{
    if (!str_has_prefix(word, STR("share(")) || !str_has_suffix(word, STR(")")))
        return false;
    struct str inside = str_slice(word, STR("share(").len, word.len - 1);
    size_t equals = str_find_last(inside, '=');
    if (equals == STR_NONE)
        return false;
    out->quantity = QUANTITY_SHARE;
    out->key = str_from(inside, equals + 1);
    struct want_distribution *all =
        arena_grow(arena_of(view), expect->distributions, expect->distribution_count,
                   expect->distribution_count + 1, sizeof(*expect->distributions));
    out->distribution = expect->distribution_count++;
    expect->distributions = all;
    struct want_distribution *own = &all[out->distribution];
    *own = (struct want_distribution){.confidence = 0.999, .origin = view_origin(view)};
    own->by = want_by_read(view, str_slice(inside, 0, equals), &own->header);
    return true;
}

static double value_of(const struct view *view, enum want_quantity quantity, struct str text)
{
    switch (quantity) {
    case QUANTITY_LATENCY:
        return (double)want_moment_ns(view, text);
    case QUANTITY_ERROR_RATE:
    case QUANTITY_SHARE:
    case QUANTITY_ERRORS:
    case QUANTITY_REQUESTS:
        return want_percent(view, text);
    case QUANTITY_RATE:
        return want_percent(view, str_has_suffix(text, STR("/s")) ? str_slice(text, 0, text.len - 2)
                                                                  : text);
    }
    UNREACHABLE("want_quantity");
}

/* "< 5ms", or "within 1% of 10%". */
static bool bound_of(struct str rest, const struct view *view, struct want_threshold *out)
{
    struct str text = str_trim(rest);
    if (str_has_prefix(text, STR("within "))) {
        size_t of = str_find_str(text, STR(" of "));
        if (of == STR_NONE)
            return false;
        out->order = WANT_BETWEEN;
        out->margin = value_of(view, out->quantity, str_slice(text, STR("within ").len, of));
        out->value = value_of(view, out->quantity, str_from(text, of + STR(" of ").len));
        return true;
    }
    out->order = want_order_cut(&text);
    out->value = value_of(view, out->quantity, text);
    return out->order != WANT_EQUAL && text.len > 0;
}

static void threshold_read(const struct view *view, struct expect *expect,
                           struct want_threshold *out)
{
    static const struct {
        struct str word;
        enum want_quantity quantity;
    } WORDS[] = {{STR_INIT("errors.rate"), QUANTITY_ERROR_RATE},
                 {STR_INIT("errors"), QUANTITY_ERRORS},
                 {STR_INIT("requests.rate"), QUANTITY_RATE},
                 {STR_INIT("requests"), QUANTITY_REQUESTS}};
    struct str rest = want_scalar(view, STR_EMPTY);
    *out = (struct want_threshold){.text = rest, .origin = view_origin(view)};
    struct str word = str_cut(&rest, ' ');
    bool is_good = latency_of(word, view, out) || share_of(word, view, expect, out);
    for (size_t i = 0; !is_good && i < COUNT_OF(WORDS); i++) {
        is_good = str_eq(word, WORDS[i].word);
        out->quantity = WORDS[i].quantity;
    }
    if (!is_good || rest.ptr == NULL || !bound_of(rest, view, out))
        view_complain(view, DIAG_TEST_BAD_THRESHOLD, out->text, STR_EMPTY);
}

/* --- breaker ---------------------------------------------------------------- */

static void overflowed_read(const struct view *view, struct want_breaker *out)
{
    /* The words of a DestinationRule. */
    static const char *const WORDS[] = {"maxConnections", "http1MaxPendingRequests",
                                        "http2MaxRequests", "maxRetries"};
    out->has_overflowed = view_is_present(view);
    for (uint32_t i = 0; i < want_list_count(view); i++) {
        struct view item = want_list_item(view, i);
        struct str word = want_scalar(&item, STR_EMPTY);
        bool is_known = str_eq(word, STR("none"));
        for (size_t k = 0; k < COUNT_OF(WORDS); k++) {
            bool is_this = str_eq(word, str_of(WORDS[k]));
            out->overflowed[k] |= is_this;
            is_known |= is_this;
        }
        if (!is_known)
            view_complain(&item, DIAG_BAD_CHOICE, word,
                          STR("maxConnections, http1MaxPendingRequests, http2MaxRequests, "
                              "maxRetries or none"));
    }
}

static void breaker_read(const struct view *view, struct want_breaker *out)
{
    static const struct field_row ROWS[] = {{"cluster", FIELD_USED},
                                            {"overflowed", FIELD_USED},
                                            {"connectionsMax", FIELD_USED},
                                            {"pendingMax", FIELD_USED},
                                            {"requestsMax", FIELD_USED}};
    static const char *const MOST[] = {"connectionsMax", "pendingMax", "requestsMax"};
    view_check_fields(view, ROWS, COUNT_OF(ROWS));
    *out = (struct want_breaker){.origin = view_origin(view),
                                 .cluster = view_str(view, STR("cluster"), STR_EMPTY)};
    if (out->cluster.len == 0)
        view_complain(view, DIAG_MISSING_FIELD, STR("cluster"), STR_EMPTY);
    struct view overflowed = view_field(view, STR("overflowed"));
    overflowed_read(&overflowed, out);
    for (uint32_t i = 0; i < COUNT_OF(MOST); i++) {
        struct view most = view_field(view, str_of(MOST[i]));
        want_numbers_read(&most, &out->most[i]);
    }
}

void over_time_read(const struct view *view, struct regex_set *regexes, struct expect *out)
{
    struct view windows = view_field(view, STR("windows"));
    if (view_is_present(&windows))
        windows_read(&windows, regexes, out);
    struct view thresholds = view_field(view, STR("thresholds"));
    out->threshold_count = want_list_count(&thresholds);
    out->thresholds = ARENA_ARRAY(arena_of(view), struct want_threshold, out->threshold_count);
    for (uint32_t i = 0; i < out->threshold_count; i++) {
        struct view item = want_list_item(&thresholds, i);
        threshold_read(&item, out, &out->thresholds[i]);
    }
    struct view breakers = view_field(view, STR("breaker"));
    out->breaker_count = want_list_count(&breakers);
    out->breakers = ARENA_ARRAY(arena_of(view), struct want_breaker, out->breaker_count);
    for (uint32_t i = 0; i < out->breaker_count; i++) {
        struct view item = want_list_item(&breakers, i);
        breaker_read(&item, &out->breakers[i]);
    }
}
