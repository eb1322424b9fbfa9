/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/standin_parts.h - what the two files of a stand-in share.
 */
#pragma once

#include "testbed/world/standin.h"

/* What was given to be written has been. */
void standin_forget_given(struct standin *standin);
/* Words of ours, to be written. */
void standin_put(struct standin *standin, struct str text);

bool standin_head_header(const struct standin *standin, struct str name, struct str *value);
/* A copy that a proxy made calls itself internal, which callers cannot. A sidecar before
 * the application takes that away, but not the address of the node that made the copy. */
bool standin_is_mirror(const struct standin *standin);
/* The same of a message that travels whole. */
bool standin_is_whole_mirror(const struct standin *standin, const struct header_list *headers);

/* The interim answers that the behaviour asks for, or the client. */
void standin_put_interim(struct standin *standin);

/* Nothing comes behind a whole answer but the next request, which is not here yet. */
bool standin_is_at_rest_then(const struct standin *standin);

/* Another call (true: an action), or it is asking, or everybody has answered:
 * then its own answer begins. */
bool standin_ask_next(struct standin *standin, struct standin_action *action);
