/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/core/outlier_inside.h - what the detector's files share; for this folder.
 */
#pragma once

#include "proxy/core/outlier.h"

/* outlier_eject.c, all under the lock. */

void outlier_take_lock(struct outlier *outlier);
void outlier_give_lock(struct outlier *outlier);

uint32_t outlier_config_number(const struct outlier *outlier, enum outlier_number which);
int64_t outlier_interval_ns(const struct outlier *outlier);

/* The host is there and not ejected; it was caught. */
void outlier_eject(struct outlier *outlier, struct outlier_host *host, enum ejection_type type,
                   int64_t now_ns, struct outlier_events *events);
/* It is ejected; lets it in again if its time is over. */
void outlier_let_in(struct outlier *outlier, struct outlier_host *host, int64_t now_ns,
                    struct outlier_events *events);
void outlier_tell_balancers(struct outlier *outlier, int64_t now_ns);
/* The end of this interval has work. */
void outlier_arm_sweep(struct outlier *outlier, int64_t now_ns);
