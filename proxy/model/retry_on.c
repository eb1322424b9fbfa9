/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy/model/retry_on.c - words to bits.
 */
#include "proxy/model/retry_on.h"

#include "base/check.h"

static const struct str WORDS[] = {
#define X(id, word) [RETRY_ON_##id] = STR_INIT(word),
#include "proxy/model/retry_on.def"
#undef X
};

uint32_t retry_on_read(struct str text)
{
    uint32_t bits = 0;
    while (text.len > 0) {
        struct str word = str_trim(str_cut(&text, ','));
        for (uint32_t i = 0; i < COUNT_OF(WORDS); i++)
            if (str_eq(word, WORDS[i]))
                bits |= UINT32_C(1) << i;
    }
    return bits;
}

struct str retry_on_word(enum retry_on word)
{
    ASSERT((size_t)word < COUNT_OF(WORDS));
    return WORDS[word];
}
