/* SPDX-License-Identifier: Apache-2.0
 *
 * testbed/runner/judge_events.c - what proxies did to pods, against `events`.
 */
#include "base/ns.h"
#include "config/yaml/duration.h"
#include "testbed/runner/judge_parts.h"

static struct str pod_name(const struct play_event *event, const struct world *world)
{
    return event->pod == UINT32_MAX ? STR("-") : world->pods[event->pod].name;
}

static const char *kind_name(enum play_event_kind kind)
{
    return kind == PLAY_EJECT ? "eject" : "uneject";
}

static bool is_meant(const struct want_event *want, const struct play_event *event,
                     const struct world *world, bool is_virtual)
{
    struct str pod = pod_name(event, world);
    int64_t slack_ns = want_duration_slack_ns(&want->at, is_virtual);
    if (want->has_kind && want->kind != event->kind)
        return false;
    if (want->pod.is_given && !want_text_holds(&want->pod, &pod))
        return false;
    if (want->reason.is_given && !want_text_holds(&want->reason, &event->reason))
        return false;
    return !want->at.is_given || want_duration_holds(&want->at, event->at_ns, slack_ns, slack_ns);
}

static struct str event_words(const struct want_event *want, struct arena *arena)
{
    struct str out = arena_format(arena, "%s%llu times: %s", want_order_sign(want->times.order),
                                  (unsigned long long)want->times.value,
                                  want->has_kind ? kind_name(want->kind) : "any");
    if (want->pod.is_given)
        out = arena_format(arena, "%.*s pod %.*s", STR_FMT(out),
                           STR_FMT(want_text_words(&want->pod, arena)));
    if (want->reason.is_given)
        out = arena_format(arena, "%.*s for %.*s", STR_FMT(out),
                           STR_FMT(want_text_words(&want->reason, arena)));
    if (want->at.is_given)
        out = arena_format(arena, "%.*s at %.*s", STR_FMT(out),
                           STR_FMT(want_duration_words(&want->at, arena)));
    return out;
}

static struct str all_words(const struct event_list *events, const struct world *world,
                            struct arena *arena)
{
    struct str out = STR_EMPTY;
    for (uint32_t i = 0; i < events->count; i++) {
        const struct play_event *event = &events->items[i];
        struct str at = duration_text(event->at_ns / NS_MS * NS_MS, arena);
        out =
            arena_format(arena, "%.*s%s%s %.*s at %.*s (%.*s%s)", STR_FMT(out), i > 0 ? ", " : "",
                         kind_name(event->kind), STR_FMT(pod_name(event, world)), STR_FMT(at),
                         STR_FMT(event->reason),
                         event->is_enforced || event->kind == PLAY_UNEJECT ? "" : ", not enforced");
    }
    return out.len > 0 ? out : STR("none");
}

void judge_events(const struct want_events *want, const struct event_list *events,
                  const struct world *world, bool is_virtual, struct complaints *out)
{
    if (!want->is_given)
        return;
    if (want->count == 0 && events->count > 0)
        complain(out, want->origin, STR("events"), STR("none"),
                 all_words(events, world, out->scratch));
    for (uint32_t i = 0; i < want->count; i++) {
        const struct want_event *item = &want->items[i];
        uint64_t times = 0;
        for (uint32_t j = 0; j < events->count; j++)
            times += is_meant(item, &events->items[j], world, is_virtual);
        if (!want_number_holds(item->times.order, item->times.value, times))
            complain(out, item->origin, STR("events"), event_words(item, out->scratch),
                     all_words(events, world, out->scratch));
    }
}
