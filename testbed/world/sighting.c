/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/sighting.c - see sighting.h.
 */
#include "testbed/world/sighting.h"

/* The same part of a text that was copied. */
static struct str moved(struct str part, struct str from, struct str to)
{
    if (part.len == 0)
        return STR_EMPTY;
    return (struct str){to.ptr + (part.ptr - from.ptr), part.len};
}

void sighting_log_init(struct sighting_log *log)
{
    *log = (struct sighting_log){0};
}

void sighting_log_open(struct sighting_log *log, struct arena *arena)
{
    ASSERT(log->arena == NULL);
    *log = (struct sighting_log){.arena = arena, .generation = log->generation + 1};
}

void sighting_log_close(struct sighting_log *log)
{
    *log = (struct sighting_log){.generation = log->generation};
}

bool sighting_log_is_open(const struct sighting_log *log)
{
    return log->arena != NULL;
}

struct sighting_ref sighting_log_note(struct sighting_log *log, uint32_t pod, uint32_t connection,
                                      struct str server_name, bool is_mirror,
                                      const struct reading_event *head)
{
    ASSERT(log->arena != NULL);
    struct str text = arena_str(log->arena, head->text);
    struct header *headers = ARENA_ARRAY(log->arena, struct header, head->header_count);
    for (uint32_t i = 0; i < head->header_count; i++) {
        headers[i].name = moved(head->headers[i].name, head->text, text);
        headers[i].value = moved(head->headers[i].value, head->text, text);
    }
    struct sighting *seen = ARENA_PUSH(log->arena, log->items, log->count, log->capacity);
    *seen = (struct sighting){
        .pod = pod,
        .method = moved(reading_word(head->line, 0), head->text, text),
        .uri = moved(reading_word(head->line, 1), head->text, text),
        .version = moved(reading_word(head->line, 2), head->text, text),
        .headers = headers,
        .header_count = head->header_count,
        .connection = connection,
        .server_name = arena_str(log->arena, server_name),
        .is_mirror = is_mirror,
    };
    return (struct sighting_ref){log->generation, log->count - 1};
}

void sighting_log_note_end(struct sighting_log *log, struct sighting_ref ref, struct str body,
                           uint64_t body_bytes, const struct reading_event *end)
{
    if (log->arena == NULL || ref.generation != log->generation)
        return;
    ASSERT(ref.index < log->count);
    struct sighting *seen = &log->items[ref.index];
    seen->body = arena_str(log->arena, body);
    seen->body_size = body_bytes;
    seen->trailers = ARENA_ARRAY(log->arena, struct header, end->trailer_count);
    seen->trailer_count = end->trailer_count;
    for (uint32_t i = 0; i < end->trailer_count; i++) {
        seen->trailers[i].name = arena_str(log->arena, end->trailers[i].name);
        seen->trailers[i].value = arena_str(log->arena, end->trailers[i].value);
    }
}
