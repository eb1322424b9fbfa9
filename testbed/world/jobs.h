/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/jobs.h - Jobs and CronJobs as workloads: who calls, and is never called by
 * name.
 */
#pragma once

#include "base/arena.h"
#include "config/yaml/tree.h"

/* Adds a Deployment of one pod for each of them whose name no other workload of its namespace
 * has: its template, and nothing else. New nodes live in `arena`. */
void jobs_add_workloads(struct documents *documents, struct arena *arena);
