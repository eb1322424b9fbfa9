/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/whole.h - messages that were read before are told event by event, as the
 * codec would tell them.
 */
#pragma once

#include <stdbool.h>

#include "proxy/http/h1_whole.h"
#include "proxy/wire/conn.h"

/* False: the connection is not where a message begins, with nothing else before it; then
 * nothing was done. */
bool whole_read(struct conn *conn, const struct h1_read *whole);
