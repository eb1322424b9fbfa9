/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/facts.h - what a record says of its two connections.
 *
 * Copies: a connection may be gone before the record is read.
 */
#pragma once

#include "base/arena.h"
#include "proxy/core/record.h"

struct conn;

struct record_downstream facts_downstream(const struct conn *down, struct arena *arena);
struct record_upstream facts_upstream(const struct conn *conn, struct arena *arena);
