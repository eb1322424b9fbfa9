/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/queued.h - whole responses of one connection that have not left:
 * how many would a client that pipelines and does not read have waiting?
 *
 * Envoy counts them by a mark behind each, which leaves with the bytes before
 * it (ENVOY.md 1.2). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/model/limits.h"

/* The oldest first: how many bytes must leave until each has left. */
struct queued {
    size_t left_bytes[LIMIT_QUEUED_RESPONSES];
    uint32_t count;
};

struct queued_response {
    size_t unsent_bytes;  /* of the connection, this response's included */
    size_t carrier_bytes; /* of them: those that the carrier has and could not send */
    bool is_within_read;  /* made while what was read is being parsed */
    bool is_mark_apart;   /* a body with a length from upstream: its mark is a write of its
                             own, without a byte, and leaves with what comes next */
};

/* A whole response was written. */
void queued_add(struct queued *queued, struct queued_response response);
/* The carrier sent so many. */
void queued_note_sent(struct queued *queued, size_t size);
/* Too many to begin another request? */
bool queued_is_full(const struct queued *queued);
