/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/standin_h2.h - a stand-in application's connection that speaks HTTP/2.
 *
 * Each stream is a stand-in of its own, which gets the request and gives its answer as
 * HTTP/1 would have them, so that every behaviour means the same here. Streams are
 * answered side by side; only what they ask others goes one after the other. An answer
 * that breaks off takes the whole connection with it, as an application that dies.
 *
 * Who asks by gRPC and is told no grpc-status hears 0, when the answer is 200.
 */
#pragma once

#include <stdbool.h>

#include "testbed/world/standin.h"

/* Bytes of a connection. False: they are HTTP/1's, or nobody's; with `*is_held` they stand in
 * `held`, where pieces of what might have been a preface had to wait. */
bool standin_h2_read(struct standin *standin, struct str bytes, int64_t now_ns, bool *is_held);
/* Nothing of it is left; the place may begin anew. */
void standin_h2_end(struct standin *standin);
void standin_h2_fini(struct standin *standin);

void standin_h2_called(struct standin *standin, const struct outcome *outcome);
int64_t standin_h2_wake_ns(const struct standin *standin);
bool standin_h2_next(struct standin *standin, int64_t now_ns, struct standin_action *action);
