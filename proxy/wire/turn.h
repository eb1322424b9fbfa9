/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/turn.h - what happens by itself in a turn: timers, and what was put off.
 */
#pragma once

#include "proxy/wire/inside.h"

/* It is due. */
void turn_wake(struct timer *timer);
/* Ends of HTTP/2's streams that our own sending has brought about. */
void turn_settle(struct wire *wire);
