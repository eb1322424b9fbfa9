/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/town/admin_town.h - every proxy of a town behind one admin interface.
 *
 * Lives in the town's loop, on the thread that the town belongs to.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "proxy/live/admin.h"
#include "testbed/town/town.h"

struct admin_town;

struct admin_town_options {
    struct admin_options port; /* where it listens */
    /* POST /quitquitquit and /reopen_logs; may be NULL: the paths answer 501. */
    void (*quit)(void *user);
    void (*reopen_logs)(void *user);
    void *user;
};

/* Listens; before the first admin_town_follow it knows no proxy. NULL: *why. */
struct admin_town *admin_town_new(struct town *town, const struct admin_town_options *options,
                                  struct str *why);
/* Before town_free. NULL is fine. */
void admin_town_free(struct admin_town *admin);
uint32_t admin_town_port(const struct admin_town *admin);

/* After each town_open, whatever its verdict: the proxies are those of the era in
 * force, and none that has gone. NULL is fine. */
void admin_town_follow(struct admin_town *admin);
/* The town drains: /ready says so, of every proxy. NULL is fine. */
void admin_town_drain(struct admin_town *admin);
