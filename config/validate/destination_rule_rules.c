/* SPDX-License-Identifier: Apache-2.0
 *
 * config/validate/destination_rule_rules.c - see rules.h; ISTIO.md 9.4.
 */
#include "config/resource/label.h"
#include "config/resource/syntax.h"
#include "config/validate/field.h"
#include "config/validate/rules.h"
#include "config/validate/selector.h"
#include "config/validate/traffic_policy.h"
#include "config/validate/word.h"

static void check_subset(const struct view *subset, const struct judged *object)
{
    struct str name = field_text(subset, STR("name"));
    struct view labels = view_field(subset, STR("labels"));
    struct view policy = view_field(subset, STR("trafficPolicy"));

    if (name.len == 0)
        say(subset, DIAG_V_SUBSET_NAME_EMPTY);
    else if (!syntax_is_label(name))
        say_text(subset, DIAG_V_SUBSET_NAME, name);
    word_check_labels(&labels);
    traffic_policy_check(&policy, object->namespace);
}

void destination_rule_rules(const struct view *spec, const struct judged *object)
{
    struct view host = view_field(spec, STR("host"));
    struct view policy = view_field(spec, STR("trafficPolicy"));
    struct view subsets = view_field(spec, STR("subsets"));
    struct view selector = view_field(spec, STR("workloadSelector"));
    struct text_list names = {0};

    (void)word_say(&host, word_wildcard_domain(field_own_text(&host)));
    traffic_policy_check(&policy, object->namespace);
    for (uint32_t i = 0; i < view_count(&subsets); i++) {
        struct view subset = view_item(&subsets, i);
        struct str name = field_text(&subset, STR("name"));
        if (!view_is_present(&subset)) {
            say(&subset, DIAG_V_SUBSET_NULL);
            continue;
        }
        if (text_list_has(&names, name))
            say_text(&subset, DIAG_V_SUBSET_TWICE, name);
        text_list_add(&names, name, spec->reading->arena);
        uint32_t first = spec->reading->diags->count;
        check_subset(&subset, object);
        field_lose_warnings(spec, first);
    }
    selector_check_export_to(
        spec, (struct selector_scope){.namespace = object->namespace,
                                      .has_workload_selector = view_is_present(&selector)});
    selector_check_labels(&selector);
}
