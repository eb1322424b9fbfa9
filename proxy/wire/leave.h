/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/leave.h - connections to hosts that were ejected.
 */
#pragma once

struct wire;

/* What Envoy's cluster manager does when a host's health fails: its connections go, idle
 * ones at once, others behind the response that they carry. Of ejections since the last
 * call. */
void leave_ejected(struct wire *wire);
/* The same of all hosts that are out now, whoever ejected them. */
void leave_all_ejected(struct wire *wire);
