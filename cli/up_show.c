/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/up_show.c - what listens where, and what an edit did.
 */
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "cli/table.h"
#include "cli/up.h"
#include "testbed/town/change.h"

#define PAGE_BYTES_MAX (16u << 20)
#define COLUMN_PADDING 3u
#define BOLD "\033[1m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

static bool is_substitute(const struct register_row *row)
{
    return row->port != row->wanted_port && (row->is_guarded || !row->is_foreign);
}

static struct str purpose_of(const struct register_row *row, struct arena *arena)
{
    struct str purpose = row->purpose;
    if (row->kind == REGISTER_POD && purpose.len == 0)
        purpose = STR("(no service)");
    if (row->is_foreign && row->is_guarded)
        return arena_format(arena, "%.*s, a process of yours at %.*s:%u", STR_FMT(purpose),
                            STR_FMT(row->inside_address), row->inside_port);
    if (row->is_foreign)
        return arena_format(arena, "%.*s, a process of yours", STR_FMT(purpose));
    if (is_substitute(row))
        return arena_format(arena, "%.*s (instead of port %u)", STR_FMT(purpose), row->wanted_port);
    return purpose;
}

static struct str admin_address(const struct up_job *job, struct arena *arena)
{
    bool is_ipv6 = str_contains(job->admin_address, STR(":"));
    return arena_format(arena, is_ipv6 ? "[%.*s]:%u" : "%.*s:%u", STR_FMT(job->admin_address),
                        job->admin_port);
}

static enum rc print_table(const struct up_job *job, const struct registry *registry,
                           struct arena *arena, struct buf *out)
{
    struct table table;
    table_init(&table, arena, 4);
    *table_add(&table) = (struct table_row){{STR("KIND"), STR("NAME"), STR("ADDRESS"), STR("FOR")}};
    for (uint32_t i = 0; i < registry->count; i++) {
        const struct register_row *row = &registry->rows[i];
        *table_add(&table) = (struct table_row){
            {register_kind_name(row->kind),
             arena_format(arena, "%.*s.%.*s", STR_FMT(row->name), STR_FMT(row->namespace)),
             arena_format(arena, "%.*s:%u", STR_FMT(row->address), row->port),
             purpose_of(row, arena)}};
    }
    if (job->admin != NULL)
        *table_add(&table) = (struct table_row){
            {STR("admin"), STR("pocketmesh"), admin_address(job, arena), STR("/help, /proxies")}};
    if (job->certs_path.len > 0)
        *table_add(&table) = (struct table_row){
            {STR("authority"), STR("pocketmesh"),
             arena_format(arena, "%.*s/ca.pem", STR_FMT(job->certs_path)), STR("curl --cacert")}};
    return table_print(&table, COLUMN_PADDING, out);
}

/* The heading in bold, substitutes in yellow: whole lines, so that columns stay. */
static enum rc colour(struct str text, struct buf *out)
{
    bool is_heading = true;
    while (text.len > 0) {
        struct str line = str_cut(&text, '\n');
        bool is_marked = str_contains(line, STR("(instead of port "));
        enum rc rc = buf_format(out, "%s%.*s%s\n",
                                is_heading  ? BOLD
                                : is_marked ? YELLOW
                                            : "",
                                STR_FMT(line), is_heading || is_marked ? PLAIN : "");
        if (rc != RC_OK)
            return rc;
        is_heading = false;
    }
    return RC_OK;
}

static void write_row(const struct register_row *row, struct json *json)
{
    json_begin_object(json);
    json_key_str(json, STR("kind"), register_kind_name(row->kind));
    json_key_str(json, STR("name"), row->name);
    json_key_str(json, STR("namespace"), row->namespace);
    json_key_str(json, STR("address"), row->address);
    json_key_i64(json, STR("port"), row->port);
    if ((row->is_foreign && !row->is_guarded) || is_substitute(row))
        json_key_i64(json, STR("insteadOf"), row->wanted_port);
    json_key_str(json, STR("for"), row->purpose);
    if (row->is_foreign)
        json_key_bool(json, STR("isProcess"), true);
    if (row->is_foreign && row->is_guarded) {
        json_key_str(json, STR("processAddress"), row->inside_address);
        json_key_i64(json, STR("processPort"), row->inside_port);
    }
    json_end_object(json);
}

static void write_certs(const struct up_job *job, struct json *json)
{
    static const struct str FILES[][2] = {{STR_INIT("cacert"), STR_INIT("ca.pem")},
                                          {STR_INIT("cert"), STR_INIT("client.pem")},
                                          {STR_INIT("key"), STR_INIT("client-key.pem")}};
    struct arena scratch;
    arena_init(&scratch, 1024, 0);
    json_key(json, STR("authority"));
    json_begin_object(json);
    for (size_t i = 0; i < COUNT_OF(FILES); i++)
        json_key_str(
            json, FILES[i][0],
            arena_format(&scratch, "%.*s/%.*s", STR_FMT(job->certs_path), STR_FMT(FILES[i][1])));
    json_end_object(json);
    arena_fini(&scratch);
}

/* One line for each state, so that a reader knows where it ends. */
static enum rc print_json(const struct up_job *job, const struct registry *registry,
                          struct buf *out)
{
    struct json json;
    json_init(&json, out, 0);
    json_begin_object(&json);
    json_key(&json, STR("listening"));
    json_begin_array(&json);
    for (uint32_t i = 0; i < registry->count; i++)
        write_row(&registry->rows[i], &json);
    json_end_array(&json);
    if (job->admin != NULL) {
        json_key(&json, STR("admin"));
        json_begin_object(&json);
        json_key_str(&json, STR("address"), job->admin_address);
        json_key_i64(&json, STR("port"), job->admin_port);
        json_end_object(&json);
    }
    if (job->certs_path.len > 0)
        write_certs(job, &json);
    json_end_object(&json);
    return json_is_full(&json) ? RC_FULL : buf_append(out, STR("\n"));
}

bool up_show(struct up_job *job, const struct registry *registry)
{
    struct buf page, coloured;
    struct arena scratch;
    arena_init(&scratch, 16384, 0);
    buf_init(&page, PAGE_BYTES_MAX);
    buf_init(&coloured, PAGE_BYTES_MAX);
    enum rc rc = job->is_json ? print_json(job, registry, &page)
                              : print_table(job, registry, &scratch, &page);
    bool is_written = rc == RC_OK;
    struct str text = buf_str(&page);
    if (is_written && !str_eq(text, job->shown)) {
        arena_reset(&job->shown_memory);
        job->shown = arena_str(&job->shown_memory, text);
        bool has_colour = !job->is_json && words_has_colour(&job->words, stdout);
        rc = has_colour ? colour(job->shown, &coloured) : buf_append(&coloured, job->shown);
        is_written = rc == RC_OK && words_write(&coloured);
    }
    buf_fini(&page);
    buf_fini(&coloured);
    arena_fini(&scratch);
    return is_written;
}

void up_show_unbindable(const struct registry *registry)
{
    for (uint32_t i = 0; i < registry->count; i++) {
        const struct register_row *row = &registry->rows[i];
        struct str kind = register_kind_name(row->kind);
        if (row->port == 0)
            fprintf(stderr, "pocketmesh up: cannot listen on %.*s:%u for %.*s %.*s.%.*s: %s\n",
                    STR_FMT(row->address), row->wanted_port, STR_FMT(kind), STR_FMT(row->name),
                    STR_FMT(row->namespace), strerror(row->error));
    }
}

void up_show_changes(const struct world *before, const struct world *after)
{
    struct arena scratch;
    arena_init(&scratch, 16384, 0);
    struct changes changes = changes_between(&before->manifests, &after->manifests, &scratch);
    for (uint32_t i = 0; i < changes.count; i++) {
        const struct change *change = &changes.items[i];
        fprintf(stderr, "%.*s: %.*s (%.*s:%u)\n", STR_FMT(change_word(change->kind)),
                STR_FMT(change->object), STR_FMT(change->origin.file), change->origin.line);
    }
    fprintf(stderr, "reloaded: %u object%s added, changed or removed\n", changes.count,
            changes.count == 1 ? "" : "s");
    arena_fini(&scratch);
}
