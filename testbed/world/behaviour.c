/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/world/behaviour.c - see behaviour.h.
 */
#include "testbed/world/behaviour.h"

#include "testbed/world/queue.h"

struct behaviour behaviour_default(void)
{
    return (struct behaviour){.answer = {.status = 200}, .waiting_max = QUEUE_WAITING_MAX};
}

bool behaviour_is_asking(const struct behaviour *behaviour)
{
    for (uint32_t i = 0; i < behaviour->script_count; i++) {
        if (behaviour->script[i].call_count > 0)
            return true;
    }
    return behaviour->answer.call_count > 0;
}

static bool is_reading_heads(const struct answer *answer)
{
    return answer->is_echo || answer->is_websocket || answer->call_count > 0;
}

bool behaviour_is_reading_heads(const struct behaviour *behaviour)
{
    for (uint32_t i = 0; i < behaviour->script_count; i++) {
        if (is_reading_heads(&behaviour->script[i]))
            return true;
    }
    return is_reading_heads(&behaviour->answer);
}
