/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/behaviour.c - see behaviour.h.
 */
#include "testbed/world/behaviour.h"

struct behaviour behaviour_default(void)
{
    return (struct behaviour){.answer = {.status = 200}};
}
