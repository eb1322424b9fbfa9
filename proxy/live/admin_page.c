/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/live/admin_page.c - the table of paths, and the pages of a line.
 */
#include "proxy/live/admin_page.h"

#include <stdarg.h>

#include <uv.h>

#include "base/check.h"
#include "base/json.h"
#include "base/ns.h"
#include "proxy/core/engine_stats.h"
#include "proxy/core/query.h"
#include "proxy/live/admin_query.h"

#define MUST(call) ASSERT((call) == RC_OK)
#define PARAMS_MAX 8u

struct param_row {
    const char *name, *help;
};

struct path_row {
    const char *path, *help;
    bool is_mutating;
    void (*answer)(struct admin_ask *ask);
    struct param_row params[PARAMS_MAX];
};

static const struct path_row *rows(uint32_t *count);

/* --- writing ---------------------------------------------------------------- */

void admin_put(struct admin_page *page, struct str text)
{
    MUST(buf_append(&page->body, text));
}

void admin_format(struct admin_page *page, const char *format, ...)
{
    struct arena scratch;
    va_list args;
    arena_init(&scratch, 1024, 0);
    va_start(args, format);
    admin_put(page, arena_format_v(&scratch, format, args));
    va_end(args);
    arena_fini(&scratch);
}

void admin_say(struct admin_page *page, uint32_t status, struct str text)
{
    page->status = status;
    page->content_type = STR("text/plain; charset=UTF-8");
    buf_clear(&page->body);
    admin_put(page, text);
}

void admin_set_json(struct admin_page *page)
{
    page->content_type = STR("application/json");
}

/* --- the query ---------------------------------------------------------------- */

bool admin_param(const struct admin_ask *ask, const char *name, struct str *value)
{
    struct str rest = ask->query;
    while (rest.ptr != NULL) {
        struct str text = str_cut(&rest, '&');
        if (!str_eq(str_cut(&text, '='), str_of(name)))
            continue;
        *value = query_decoded(text, ask->arena);
        return true;
    }
    return false;
}

/* --- pages of a line ------------------------------------------------------------ */

static void put_help(struct admin_page *page)
{
    uint32_t count;
    const struct path_row *all = rows(&count);
    admin_put(page, STR("admin commands are:\n"));
    for (uint32_t i = 0; i < count; i++) {
        admin_format(page, "  %s%s: %s\n", all[i].path, all[i].is_mutating ? " (POST)" : "",
                     all[i].help);
        for (uint32_t k = 0; k < PARAMS_MAX && all[i].params[k].name != NULL; k++)
            admin_format(page, "      %s: %s\n", all[i].params[k].name, all[i].params[k].help);
    }
}

static void answer_help(struct admin_ask *ask)
{
    put_help(ask->page);
}

static void put_html_row(struct admin_page *page, const struct path_row *row)
{
    if (row->is_mutating)
        admin_format(page,
                     "<tr><td><form action='%s' method='post'><button>%s</button></form></td>"
                     "<td>%s</td></tr>\n",
                     row->path + 1, row->path + 1, row->help);
    else
        admin_format(page, "<tr><td><a href='%s'>%s</a></td><td>%s</td></tr>\n", row->path + 1,
                     row->path + 1, row->help);
}

static void answer_home(struct admin_ask *ask)
{
    uint32_t count;
    const struct path_row *all = rows(&count);
    struct admin_page *page = ask->page;
    page->content_type = STR("text/html; charset=UTF-8");
    admin_format(page,
                 "<!DOCTYPE html>\n<html lang='en'>\n<head><title>pocketmesh admin</title>"
                 "<base href='/proxies/%.*s/'></head>\n<body><h1>%.*s</h1>\n<table>\n",
                 STR_FMT(ask->proxy->name), STR_FMT(ask->proxy->name));
    for (uint32_t i = 0; i < count; i++)
        if (all[i].path[1] != '\0')
            put_html_row(page, &all[i]);
    admin_put(page, STR("</table>\n<p>"));
    for (uint32_t i = 0; i < ask->state->proxy_count; i++) {
        struct str name = ask->state->proxies[i].name;
        admin_format(page, "<a href='/proxies/%.*s/'>%.*s</a> ", STR_FMT(name), STR_FMT(name));
    }
    admin_put(page, STR("</p>\n</body></html>\n"));
}

static void answer_certs(struct admin_ask *ask)
{
    admin_set_json(ask->page);
    admin_put(ask->page, STR("{\n \"certificates\": []\n}\n"));
}

static bool is_draining(const struct admin_proxy *proxy)
{
    return proxy->is_draining != NULL && proxy->is_draining(proxy->user);
}

static void answer_ready(struct admin_ask *ask)
{
    if (is_draining(ask->proxy))
        admin_say(ask->page, 503, STR("DRAINING\n"));
    else
        admin_say(ask->page, 200, STR("LIVE\n"));
}

static void answer_memory(struct admin_ask *ask)
{
    size_t bytes = 0;
    (void)uv_resident_set_memory(&bytes);
    admin_set_json(ask->page);
    admin_format(ask->page, "{\n \"total_physical_bytes\": \"%zu\"\n}\n", bytes);
}

static void answer_proxies(struct admin_ask *ask)
{
    for (uint32_t i = 0; i < ask->state->proxy_count; i++)
        admin_format(ask->page, "%.*s\n", STR_FMT(ask->state->proxies[i].name));
}

static void not_here(struct admin_ask *ask)
{
    admin_say(ask->page, 501, STR("this proxy's owner does not offer that\n"));
}

static void answer_quit(struct admin_ask *ask)
{
    if (ask->proxy->quit == NULL) {
        not_here(ask);
        return;
    }
    ask->proxy->quit(ask->proxy->user);
    admin_say(ask->page, 200, STR("OK\n"));
}

static void answer_reopen_logs(struct admin_ask *ask)
{
    if (ask->proxy->reopen_logs == NULL) {
        not_here(ask);
        return;
    }
    ask->proxy->reopen_logs(ask->proxy->user);
    admin_say(ask->page, 200, STR("OK\n"));
}

static void answer_drain(struct admin_ask *ask)
{
    struct str value;
    bool is_graceful = admin_param(ask, "graceful", &value);
    if (admin_param(ask, "skip_exit", &value) && !is_graceful) {
        admin_say(ask->page, 400, STR("skip_exit requires graceful\n"));
        return;
    }
    if (ask->proxy->drain == NULL) {
        not_here(ask);
        return;
    }
    ask->proxy->drain(ask->proxy->user, is_graceful ? ADMIN_DRAIN_GRACEFUL : ADMIN_DRAIN_NOW,
                      admin_param(ask, "inboundonly", &value));
    admin_say(ask->page, 200, STR("OK\n"));
}

static void reset_one(struct engine *engine, uint32_t worker, int64_t now_ns, void *arg)
{
    (void)worker;
    (void)now_ns;
    (void)arg;
    engine_reset_counters(engine);
}

static void answer_reset(struct admin_ask *ask)
{
    ask->proxy->visit(ask->proxy->user, reset_one, NULL);
    admin_say(ask->page, 200, STR("OK\n"));
}

/* --- the table ------------------------------------------------------------------ */

static const struct path_row ROWS[] = {
    {"/", "Admin home page", false, answer_home, {{0}}},
    {"/certs", "print certs on machine", false, answer_certs, {{0}}},
    {"/clusters",
     "upstream cluster status",
     false,
     admin_clusters,
     {{"filter", "Regular expression (Google re2) for filtering clusters by name"},
      {"format", "File format to use; One of (text, json)"}}},
    {"/config_dump",
     "dump current Envoy configs",
     false,
     admin_config_dump,
     {{"resource", "The resource to dump"},
      {"name_regex", "Dump only the currently loaded configurations whose names match the "
                     "specified regex"},
      {"include_eds", "Dump currently loaded configuration including EDS"}}},
    {"/drain_listeners",
     "drain listeners",
     true,
     answer_drain,
     {{"graceful", "Ask connections to leave before the listeners close"},
      {"inboundonly", "Drains all inbound listeners"}}},
    {"/help", "print out list of admin commands", false, answer_help, {{0}}},
    {"/listeners",
     "print listener info",
     false,
     admin_listeners,
     {{"format", "File format to use; One of (text, json)"}}},
    {"/memory", "print current allocation/heap usage", false, answer_memory, {{0}}},
    {"/proxies", "names of the proxies in this process", false, answer_proxies, {{0}}},
    {"/quitquitquit", "exit the server", true, answer_quit, {{0}}},
    {"/ready",
     "print server state, return 200 if LIVE, otherwise return 503",
     false,
     answer_ready,
     {{0}}},
    {"/reopen_logs", "reopen access logs", true, answer_reopen_logs, {{0}}},
    {"/reset_counters", "reset all counters to zero", true, answer_reset, {{0}}},
    {"/server_info", "print server version/status information", false, admin_server_info, {{0}}},
    {"/stats",
     "print server stats",
     false,
     admin_stats,
     {{"usedonly", "Only include stats that have been written by system since restart"},
      {"filter", "Regular expression (Google re2) for filtering stats"},
      {"invert_filter", "Invert the filter regex"},
      {"format", "Format to use; One of (text, json, prometheus)"},
      {"type", "Stat types to include.; One of (All, Counters, Histograms, Gauges, "
               "TextReadouts)"}}},
    {"/stats/prometheus",
     "print server stats in prometheus format",
     false,
     admin_stats_prometheus,
     {{"usedonly", "Only include stats that have been written by system since restart"},
      {"filter", "Regular expression (Google re2) for filtering stats"}}},
};

static const struct path_row *rows(uint32_t *count)
{
    *count = COUNT_OF(ROWS);
    return ROWS;
}

/* --- which page, of which proxy --------------------------------------------------- */

static const struct admin_proxy *find_proxy(const struct admin_state *state, struct str name)
{
    for (uint32_t i = 0; i < state->proxy_count; i++)
        if (str_eq(state->proxies[i].name, name))
            return &state->proxies[i];
    return NULL;
}

/* Takes /proxies/NAME off the path. NULL: there is none of that name. */
static const struct admin_proxy *choose(const struct admin_state *state,
                                        const struct admin_question *question, struct str *path)
{
    struct str prefix = STR("/proxies/");
    if (str_has_prefix(*path, prefix)) {
        struct str rest = str_from(*path, prefix.len);
        size_t slash = str_find(rest, '/');
        *path = slash == STR_NONE ? STR("/") : str_from(rest, slash);
        return find_proxy(state, str_slice(rest, 0, slash));
    }
    struct str host = question->authority;
    size_t colon = str_find_last(host, ':');
    const struct admin_proxy *named = find_proxy(state, str_slice(host, 0, colon));
    return named != NULL ? named : state->proxies;
}

/* A page of another site makes the browser say where it comes from: what
 * changes something is not for it. */
static bool is_foreign(const struct admin_question *question)
{
    struct str origin = question->origin;
    if (origin.len == 0)
        return false;
    if (str_has_prefix(origin, STR("http://")))
        origin = str_from(origin, STR("http://").len);
    return !str_eq_ci(origin, question->authority);
}

static void answer_row(struct admin_ask *ask, const struct admin_question *question,
                       const struct path_row *row)
{
    if (row->is_mutating && !str_eq(question->method, STR("POST"))) {
        struct str text = arena_format(ask->arena, "Method %.*s not allowed, POST required.",
                                       STR_FMT(question->method));
        admin_say(ask->page, 405, text);
    } else if (row->is_mutating && is_foreign(question)) {
        admin_say(ask->page, 403, STR("request of another site not allowed\n"));
    } else {
        row->answer(ask);
    }
}

void admin_answer(const struct admin_state *state, const struct admin_question *question,
                  struct arena *arena, struct admin_page *page)
{
    struct str query = question->path;
    struct str path = str_cut(&query, '?');
    struct admin_ask ask = {.state = state, .arena = arena, .query = query, .page = page};
    page->status = 200;
    page->content_type = STR("text/plain; charset=UTF-8");
    if (state->proxy_count == 0) {
        admin_say(page, 503, STR("PRE_INITIALIZING\n"));
        return;
    }
    ask.proxy = choose(state, question, &path);
    if (ask.proxy == NULL) {
        admin_say(page, 404, STR("no such proxy; they are:\n"));
        answer_proxies(&ask);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        if (str_eq(path, str_of(ROWS[i].path))) {
            answer_row(&ask, question, &ROWS[i]);
            return;
        }
    }
    admin_say(page, 404, STR("invalid path. "));
    put_help(page);
}
