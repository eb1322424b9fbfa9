/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/outlier.c - numbers that are said, and Envoy's.
 */
#include "proxy/model/policy.h"

#include "base/check.h"

static const uint32_t DEFAULTS[] = {
#define OUTLIER(name, json, default) default,
#include "proxy/model/outlier.def"
#undef OUTLIER
};

void outlier_say(struct outlier_detection *outlier, enum outlier_number number, uint32_t value)
{
    ASSERT(number < OUTLIER_NUMBER_COUNT);
    outlier->numbers[number] = value;
    outlier->said |= UINT32_C(1) << number;
}

bool outlier_says(const struct outlier_detection *outlier, enum outlier_number number)
{
    return (outlier->said & UINT32_C(1) << number) != 0;
}

uint32_t outlier_number(const struct outlier_detection *outlier, enum outlier_number number)
{
    ASSERT(number < OUTLIER_NUMBER_COUNT);
    return outlier_says(outlier, number) ? outlier->numbers[number] : DEFAULTS[number];
}
