#include "base/map.h"

#include <stdio.h>

#include "base/rng.h"
#include "unit/base/suite.h"

#define KEYS 600
#define STEPS 60000

static int values[KEYS];

static uint64_t key_of(size_t i)
{
    /* Some close together, some far apart, 0 and the largest among them. */
    return i % 3 == 0 ? i / 3 : i % 3 == 1 ? UINT64_MAX - i : i << 32;
}

static void compare(const struct map *m, void *const *model)
{
    uint32_t len = 0;
    bool agree = true;

    for (size_t i = 0; i < KEYS; i++) {
        len += model[i] != NULL;
        agree = agree && map_get(m, key_of(i)) == model[i];
    }
    ck_assert(agree);
    ck_assert_uint_eq(m->len, len);
}

START_TEST(does_what_a_model_does)
{
    void *model[KEYS] = {0}, *value;
    struct map m;
    struct rng r;
    size_t i;

    rng_init_seeded(&r, 1);
    map_init(&m);
    for (int step = 0; step < STEPS; step++) {
        i = rng_below(&r, KEYS);
        /* Grow for a while, then shrink for a while. */
        if (rng_below(&r, 10) < (step / 5000 % 2 == 0 ? 7u : 3u)) {
            value = &values[rng_below(&r, KEYS)];
            ck_assert_ptr_eq(map_put(&m, key_of(i), value), model[i]);
            model[i] = value;
        } else {
            ck_assert_ptr_eq(map_remove(&m, key_of(i)), model[i]);
            model[i] = NULL;
        }
        if (step % 500 == 0)
            compare(&m, model);
    }
    compare(&m, model);
    map_release(&m);
}
END_TEST

START_TEST(walks_in_order_of_insertion)
{
    struct map m;

    map_init(&m);
    ck_assert_ptr_null(map_get(&m, 1));
    ck_assert_ptr_null(map_remove(&m, 1));
    for (uint64_t i = 0; i < 100; i++)
        map_put(&m, 1000 - i, &values[i]);
    for (uint32_t i = 0; i < m.len; i++)
        ck_assert_uint_eq(m.entries[i].key, 1000 - i);
    map_remove(&m, 1000 - 10); /* the last one moves into the hole */
    ck_assert_uint_eq(m.len, 99);
    ck_assert_uint_eq(m.entries[10].key, 1000 - 99);
    map_release(&m);
}
END_TEST

START_TEST(removes_while_walking)
{
    bool seen[KEYS] = {0};
    struct map m;

    map_init(&m);
    for (uint64_t i = 0; i < KEYS; i++)
        map_put(&m, i, &values[i]);
    for (uint32_t i = m.len; i-- > 0;) {
        uint64_t key = m.entries[i].key;

        ck_assert(!seen[key]);
        seen[key] = true;
        if (key % 3 != 0)
            ck_assert_ptr_eq(map_remove(&m, key), &values[key]);
    }
    ck_assert_uint_eq(m.len, KEYS / 3);
    for (uint64_t i = 0; i < KEYS; i++) {
        ck_assert(seen[i]);
        ck_assert_ptr_eq(map_get(&m, i), i % 3 == 0 ? &values[i] : NULL);
    }
    map_release(&m);
}
END_TEST

static struct span text_key(size_t i, char bytes[16])
{
    int n = snprintf(bytes, 16, "%zu", i * 7919);

    if (i % 5 == 0)
        bytes[0] = '\0'; /* a NUL is a byte like any other */
    return span_make(bytes, (size_t)n);
}

START_TEST(byte_keys_do_what_a_model_does)
{
    void *model[KEYS] = {0}, *value;
    struct strmap m;
    struct rng r;
    char bytes[16];
    size_t i;

    /* Two keys with a NUL in front could be the same; one of each is used. */
    rng_init_seeded(&r, 2);
    strmap_init(&m);
    for (int step = 0; step < STEPS; step++) {
        i = rng_below(&r, KEYS);
        if (i % 5 == 0 && i > 0)
            continue;
        if (rng_below(&r, 10) < (step / 5000 % 2 == 0 ? 7u : 3u)) {
            value = &values[rng_below(&r, KEYS)];
            ck_assert_ptr_eq(strmap_put(&m, text_key(i, bytes), value),
                             model[i]);
            model[i] = value;
        } else {
            ck_assert_ptr_eq(strmap_remove(&m, text_key(i, bytes)), model[i]);
            model[i] = NULL;
        }
    }
    for (i = 0; i < KEYS; i++)
        ck_assert_ptr_eq(strmap_get(&m, text_key(i, bytes)), model[i]);
    strmap_release(&m);
}
END_TEST

START_TEST(byte_keys_are_copied)
{
    char key[] = "alice";
    struct strmap m;

    strmap_init(&m);
    strmap_put(&m, span_of(key), &values[0]);
    key[0] = 'A';
    ck_assert_ptr_eq(strmap_get(&m, SPAN("alice")), &values[0]);
    ck_assert_ptr_null(strmap_get(&m, SPAN("alic")));
    ck_assert_ptr_null(strmap_get(&m, SPAN("")));
    strmap_put(&m, SPAN(""), &values[1]);
    ck_assert_ptr_eq(strmap_get(&m, SPAN("")), &values[1]);
    /* A key may be the entry's own copy. */
    ck_assert_ptr_eq(
        strmap_remove(&m, span_make(m.entries[0].key, m.entries[0].n)),
        &values[0]);
    ck_assert_uint_eq(m.len, 1);
    strmap_release(&m);
}
END_TEST

SUITE("map", does_what_a_model_does, walks_in_order_of_insertion,
      removes_while_walking, byte_keys_do_what_a_model_does,
      byte_keys_are_copied)
