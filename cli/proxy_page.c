/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/proxy_page.c - see proxy_page.h.
 */
#include "cli/proxy_page.h"

#include <stdio.h>

#include "base/json.h"
#include "cli/proxy_defaults.h"
#include "cli/proxy_table.h"
#include "cli/words.h"
#include "config/yaml/write.h"
#include "proxy/model/print.h"

#define OUTPUT_BYTES_MAX ((size_t)1 << 30) /* a large mesh prints some MB */
#define JSON_INDENT 4u                     /* as istioctl */

static enum rc print_json(const struct proxy_page *page, const struct snapshot *snapshot,
                          struct arena *arena, struct buf *out)
{
    struct json json;
    struct proxy_secret_list secrets;

    json_init(&json, out, JSON_INDENT);
    switch (page->section) {
    case SECTION_LISTENER:
        print_listeners(snapshot, &json);
        break;
    case SECTION_ROUTE:
        print_routes(snapshot, &json);
        break;
    case SECTION_CLUSTER:
        print_clusters(snapshot, &json);
        break;
    case SECTION_ENDPOINT:
        print_endpoints(snapshot, &json);
        break;
    case SECTION_SECRET:
        secrets = proxy_secrets_of(snapshot, page->documents, page->now_s, arena);
        proxy_secret_json(&secrets, arena, &json);
        break;
    case SECTION_ALL:
        print_all(snapshot, &json);
        break;
    }
    return json_is_full(&json) ? RC_FULL : buf_append(out, STR("\n"));
}

static enum rc print_yaml(const struct proxy_page *page, const struct snapshot *snapshot,
                          struct arena *arena, struct buf *out)
{
    struct buf text;
    struct json_value value;
    size_t where = 0;

    buf_init(&text, OUTPUT_BYTES_MAX);
    enum rc rc = print_json(page, snapshot, arena, &text);
    if (rc == RC_OK)
        rc = json_read(buf_str(&text), arena, &value, &where);
    if (rc == RC_OK)
        rc = node_write_yaml(node_of_json(&value, arena), NODE_BY_KEY, arena, out);
    buf_fini(&text);
    return rc;
}

static enum rc print_secrets(const struct proxy_page *page, const struct snapshot *snapshot,
                             struct arena *arena, struct buf *out)
{
    struct proxy_secret_list list = proxy_secrets_of(snapshot, page->documents, page->now_s, arena);

    return proxy_secret_table(&list, page->section == SECTION_ALL, arena, out);
}

static enum rc print_table(const struct proxy_page *page, const struct snapshot *snapshot,
                           enum proxy_section section, struct arena *arena, struct buf *out)
{
    static enum rc (*const TABLES[])(const struct snapshot *, const struct proxy_table_style *,
                                     struct arena *, struct buf *) = {
        [SECTION_LISTENER] = proxy_table_listeners,
        [SECTION_ROUTE] = proxy_table_routes,
        [SECTION_CLUSTER] = proxy_table_clusters,
        [SECTION_ENDPOINT] = proxy_table_endpoints,
    };
    struct snapshot shown;
    struct proxy_filter filter = page->filter;
    if (section == SECTION_SECRET)
        return print_secrets(page, snapshot, arena, out);
    struct proxy_table_style style = {.is_brief = page->is_brief,
                                      .is_named = page->section == SECTION_ALL};

    filter.is_whole_address = page->section == SECTION_ALL;
    proxy_filter_apply(snapshot, section, &filter, arena, &shown);
    return TABLES[section](&shown, &style, arena, out);
}

static enum rc print_tables(const struct proxy_page *page, const struct snapshot *snapshot,
                            struct arena *arena, struct buf *out)
{
    static const enum proxy_section ORDER[] = {SECTION_CLUSTER, SECTION_LISTENER, SECTION_ROUTE,
                                               SECTION_SECRET, SECTION_ENDPOINT};

    if (page->section != SECTION_ALL)
        return print_table(page, snapshot, page->section, arena, out);
    for (size_t i = 0; i < COUNT_OF(ORDER); i++) {
        enum rc rc = i == 0 ? RC_OK : buf_append(out, STR("\n"));
        if (rc == RC_OK)
            rc = print_table(page, snapshot, ORDER[i], arena, out);
        if (rc != RC_OK)
            return rc;
    }
    return RC_OK;
}

static enum rc print_shown(const struct proxy_page *page, const struct snapshot *snapshot,
                           struct arena *arena, struct buf *out)
{
    struct snapshot shown;

    if (str_eq(page->output, STR("short")) || str_eq(page->output, STR("table")))
        return print_tables(page, snapshot, arena, out);
    proxy_filter_apply(snapshot, page->section, &page->filter, arena, &shown);
    return str_eq(page->output, STR("json")) ? print_json(page, &shown, arena, out)
                                             : print_yaml(page, &shown, arena, out);
}

bool proxy_page_print(const struct proxy_page *page, const struct snapshot *snapshot,
                      struct arena *arena)
{
    struct buf out;

    buf_init(&out, OUTPUT_BYTES_MAX);
    enum rc rc = print_shown(page, snapshot, arena, &out);
    bool is_written = words_write(&out);
    buf_fini(&out);
    return rc == RC_OK && is_written;
}

static enum rc explain_missing(const struct proxy_page *page, const struct snapshot *snapshot,
                               struct arena *arena, struct buf *out)
{
    struct proxy_secret_list list = proxy_secrets_of(snapshot, page->documents, page->now_s, arena);
    enum rc rc = RC_OK;

    for (uint32_t i = 0; i < list.count && rc == RC_OK; i++) {
        if (list.items[i].source == SECRET_MISSING)
            rc = buf_format(out, "%.*s: %.*s\n", STR_FMT(list.items[i].name),
                            STR_FMT(list.items[i].why));
    }
    return rc;
}

void proxy_page_print_notes(const struct proxy_page *page, const struct snapshot *snapshot,
                            struct arena *arena)
{
    struct buf out;
    struct snapshot shown;

    buf_init(&out, OUTPUT_BYTES_MAX);
    proxy_filter_apply(snapshot, page->section, &page->filter, arena, &shown);
    enum rc rc = proxy_defaults_print(&shown, page->section, page->profile, arena, &out);
    if (rc == RC_OK && page->section == SECTION_SECRET)
        rc = explain_missing(page, snapshot, arena, &out);
    if (rc == RC_OK && buf_str(&out).len > 0)
        (void)fwrite(buf_str(&out).ptr, 1, buf_str(&out).len, stderr);
    buf_fini(&out);
}
