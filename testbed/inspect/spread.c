/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/inspect/spread.c - see spread.h.
 */
#include "testbed/inspect/spread.h"

#include <stdio.h>

#include "base/check.h"

/* A status and at most RECORD_FLAGS_MAX short flags. */
#define ANSWER_BYTES_MAX 64

static const struct str BY_NAMES[SPREAD_BY_COUNT] = {
    [SPREAD_CLUSTER] = STR_INIT("cluster"),
    [SPREAD_POD] = STR_INIT("pod"),
    [SPREAD_ANSWER] = STR_INIT("answer"),
};

static void count(struct spread *spread, enum spread_by by, struct str key)
{
    struct spread_keys *keys = &spread->by[by];
    for (uint32_t i = 0; i < keys->count; i++) {
        if (!str_eq(keys->items[i].key, key))
            continue;
        keys->items[i].count++;
        return;
    }
    *ARENA_PUSH(spread->arena, keys->items, keys->count, keys->capacity) =
        (struct spread_key){arena_str(spread->arena, key), 1};
}

/* "200", "503 UH", "connection_reset". */
static void count_answer(struct spread *spread, const struct outcome *outcome)
{
    char text[ANSWER_BYTES_MAX];
    bool has_flags = outcome->has_record && outcome->record.flag_count > 0;
    if (!outcome->has_response) {
        count(spread, SPREAD_ANSWER, call_error_name(outcome->error));
        return;
    }
    int length = snprintf(text, sizeof(text), "%u%s%.*s", outcome->status, has_flags ? " " : "",
                          has_flags ? (int)outcome->flags.len : 0, outcome->flags.ptr);
    ASSERT(length > 0 && (size_t)length < sizeof(text));
    count(spread, SPREAD_ANSWER, (struct str){text, (size_t)length});
}

void spread_init(struct spread *spread, struct arena *arena)
{
    *spread = (struct spread){.arena = arena};
}

void spread_add(struct spread *spread, const struct outcome *outcome, const struct world *world)
{
    bool has_cluster = outcome->has_record && outcome->record.cluster_name.len > 0;
    bool has_pod = outcome->pod != UINT32_MAX;
    spread->outcome_count++;
    count(spread, SPREAD_CLUSTER, has_cluster ? outcome->record.cluster_name : STR("-"));
    count(spread, SPREAD_POD, has_pod ? world->pods[outcome->pod].name : STR("-"));
    count_answer(spread, outcome);
}

static int widest_key(const struct spread *spread)
{
    size_t width = 0;
    for (int by = 0; by < SPREAD_BY_COUNT; by++)
        for (uint32_t i = 0; i < spread->by[by].count; i++)
            if (spread->by[by].items[i].key.len > width)
                width = spread->by[by].items[i].key.len;
    return (int)width;
}

enum rc spread_write(const struct spread *spread, const struct spread_style *style, struct buf *out)
{
    const char *dim = style->has_colour ? "\033[2m" : "";
    const char *plain = style->has_colour ? "\033[0m" : "";
    int width = widest_key(spread);
    enum rc rc = RC_OK;
    for (int by = 0; by < SPREAD_BY_COUNT && rc == RC_OK; by++) {
        const struct spread_keys *keys = &spread->by[by];
        for (uint32_t i = 0; i < keys->count && rc == RC_OK; i++) {
            const struct spread_key *key = &keys->items[i];
            double percent = 100.0 * (double)key->count / (double)spread->outcome_count;
            rc = buf_format(out, "%.*s%s%-8s%s%-*.*s %8llu  %5.1f %%\n", STR_FMT(style->indent),
                            dim, i == 0 ? BY_NAMES[by].ptr : "", plain, width, STR_FMT(key->key),
                            (unsigned long long)key->count, percent);
        }
    }
    return rc;
}

void spread_write_json(const struct spread *spread, struct json *json)
{
    json_begin_object(json);
    json_key(json, STR("requests"));
    json_u64(json, spread->outcome_count);
    for (int by = 0; by < SPREAD_BY_COUNT; by++) {
        const struct spread_keys *keys = &spread->by[by];
        json_key(json, BY_NAMES[by]);
        json_begin_object(json);
        for (uint32_t i = 0; i < keys->count; i++) {
            json_key(json, keys->items[i].key);
            json_u64(json, keys->items[i].count);
        }
        json_end_object(json);
    }
    json_end_object(json);
}
