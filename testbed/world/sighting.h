/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/sighting.h - what applications saw while somebody looked.
 *
 * A play opens the log for the length of one call; requests that arrive when
 * it is closed are answered and not written down. A sighting is named by a
 * reference, for the array grows and a body may end after the log was closed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "testbed/world/call.h"
#include "testbed/world/reading.h"

struct sighting_log {
    struct arena *arena; /* NULL: closed */
    struct sighting *items;
    uint32_t count, capacity;
    uint32_t generation;
};

struct sighting_ref {
    uint32_t generation, index; /* generation 0: nothing */
};

void sighting_log_init(struct sighting_log *log);
/* What is written down lives in `arena`. */
void sighting_log_open(struct sighting_log *log, struct arena *arena);
/* Forgets; what was taken from it stays in the arena. */
void sighting_log_close(struct sighting_log *log);
bool sighting_log_is_open(const struct sighting_log *log);

/* A request's head reached the application; copied. The log must be open. */
struct sighting_ref sighting_log_note(struct sighting_log *log, uint32_t pod, uint32_t connection,
                                      struct str server_name, bool is_mirror,
                                      const struct reading_event *head);
/* Its end came, or as much as will ever come. Does nothing when the log was
 * closed since. */
void sighting_log_note_end(struct sighting_log *log, struct sighting_ref ref, struct str body,
                           uint64_t body_bytes, const struct reading_event *end);
