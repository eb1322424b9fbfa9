/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/print_access_log.c - file access logs in Envoy's proto JSON.
 */
#include "base/check.h"
#include "proxy/model/print_parts.h"

#define BLOCK_BYTES 4096u

/* Text that is no JSON is printed as text, so that whoever looks sees it. */
static void print_json_format(struct json *json, struct str format)
{
    struct arena arena;
    struct json_value value;
    size_t where;

    arena_init(&arena, BLOCK_BYTES, 0);
    json_key(json, STR("jsonFormat"));
    if (json_read(format, &arena, &value, &where) == RC_OK)
        json_value_write(json, &value);
    else
        json_str(json, format);
    arena_fini(&arena);
}

static void print_format(struct json *json, const struct access_log *log)
{
    json_key(json, STR("logFormat"));
    json_begin_object(json);
    switch (log->encoding) {
    case ACCESS_LOG_TEXT:
        json_key(json, STR("textFormatSource"));
        json_begin_object(json);
        json_key_str(json, STR("inlineString"), log->format);
        json_end_object(json);
        break;
    case ACCESS_LOG_JSON:
        print_json_format(json, log->format);
        break;
    }
    json_end_object(json);
}

void print_access_logs(struct json *json, const struct access_log_list *logs)
{
    if (logs->count == 0)
        return;
    json_key(json, STR("accessLog"));
    json_begin_array(json);
    for (uint32_t i = 0; i < logs->count; i++) {
        const struct access_log *log = &logs->items[i];
        json_begin_object(json);
        json_key_str(json, STR("name"), STR("envoy.access_loggers.file"));
        json_key(json, STR("typedConfig"));
        json_begin_object(json);
        json_key_str(
            json, STR("@type"),
            STR("type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"));
        json_key_str(json, STR("path"), log->path);
        if (log->format.len > 0)
            print_format(json, log);
        json_end_object(json);
        json_end_object(json);
    }
    json_end_array(json);
}
