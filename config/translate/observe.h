/* SPDX-License-Identifier: Apache-2.0
 *
 * config/translate/observe.h - how listeners are seen from outside: access logs
 * (MeshConfig's) and the names of their counters.
 */
#pragma once

#include "config/translate/context.h"

/* Gives every listener of the snapshot its access log, if accessLogFile is set,
 * and every connection manager without one its stat prefix. */
void observe_listeners(struct translation *t);

/* The formats that istiod writes when the MeshConfig has none. */
struct str observe_default_format(enum access_log_encoding encoding);
