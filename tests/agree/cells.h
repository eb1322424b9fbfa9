/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/agree/cells.h - what `mtls` says of a made-up mesh, cell by cell:
 *
 *   - the verdict is what both engines' plays show the caller: the same answer on both; 503
 *     with the TLS text that was computed, UC where there is none; else what the application
 *     says (or a policy), and a client's certificate shown to it exactly where TLS is mutual;
 *   - who said a side's mode is there, with that word: at the file's line and column stands
 *     the mode, and with another word in its place the side's mode is that other one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Prints what does not hold. */
bool cells_hold(uint64_t seed);
