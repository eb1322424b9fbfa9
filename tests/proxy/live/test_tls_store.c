/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/proxy/live/test_tls_store.c - sessions that are remembered for places that were
 * called: the latest of each, and of no more places than there is room for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "proxy/live/tls_inside.h"

static struct str place_of(uint32_t number)
{
    static char text[64];
    int size = snprintf(text, sizeof(text), "127.0.0.1:443 c h%u.example.com", number);
    return (struct str){text, (size_t)size};
}

/* What is recalled is the caller's. */
static SSL_SESSION *recalled(struct tls_store *store, uint32_t number)
{
    SSL_SESSION *session = tls_store_recall(store, place_of(number));
    SSL_SESSION_free(session);
    return session;
}

static void test_the_latest_of_a_place_is_recalled(void **state)
{
    (void)state;
    struct tls_store *store = tls_store_new(NULL);
    SSL_SESSION *first = SSL_SESSION_new(), *second = SSL_SESSION_new();
    assert_null(recalled(store, 1));
    tls_store_remember(store, place_of(1), first);
    assert_ptr_equal(recalled(store, 1), first);
    tls_store_remember(store, place_of(1), second);
    assert_ptr_equal(recalled(store, 1), second);
    assert_null(recalled(store, 2));
    tls_store_drop(store);
}

static void test_who_calls_everybody_does_not_swell_it(void **state)
{
    (void)state;
    enum { PLACES = 3 * TLS_REMEMBERED_MAX + 7 };
    struct tls_store *store = tls_store_new(NULL);
    for (uint32_t i = 0; i < PLACES; i++)
        tls_store_remember(store, place_of(i), SSL_SESSION_new());
    for (uint32_t i = 0; i < PLACES; i++) {
        bool is_late = i >= PLACES - TLS_REMEMBERED_MAX;
        assert_int_equal(recalled(store, i) != NULL, is_late);
    }
    assert_int_equal(store->remembered_count, TLS_REMEMBERED_MAX);
    tls_store_drop(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_latest_of_a_place_is_recalled),
        cmocka_unit_test(test_who_calls_everybody_does_not_swell_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
