/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/laws.h - what must hold whatever the luck, of a load in virtual time:
 *
 *   - every request that was begun ends, and ends once;
 *   - attempts stay below what the route asks for;
 *   - a circuit breaker's limit is never passed, and nothing is held at the end;
 *   - of a cluster's hosts no larger share is ejected than its limit says;
 *   - a day later no timer is left but one for each proxy, no connection is open;
 *   - what was used is used again: in the end more load takes no more memory (a late crowd
 *     may be the largest; a leak grows however long one looks);
 *   - the same seed gives the same bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Makes a mesh and a load up from `seed`, plays them, twice; prints what is broken. */
bool laws_hold(uint64_t seed);
