/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/wire/wish.c - an array that empties from the front and starts over.
 */
#include "proxy/wire/wish.h"

void wishes_init(struct wishes *wishes, struct arena *memory)
{
    *wishes = (struct wishes){.memory = memory};
}
