#include "base/hash.h"

#include <string.h>

#include "unit/base/suite.h"

static uint8_t key[16], input[64];

static void count_up(void)
{
    for (int i = 0; i < 16; i++)
        key[i] = (uint8_t)i;
    for (int i = 0; i < 64; i++)
        input[i] = (uint8_t)i;
}

/* Appendix A of the paper (15 bytes), the others from the vectors that its
 * authors publish beside it. */
START_TEST(vectors_of_the_authors)
{
    static const struct {
        size_t n;
        uint64_t hash;
    } vectors[] = {
        {15, UINT64_C(0xa129ca6149be45e5)}, {0, UINT64_C(0x726fdb47dd0e0e31)},
        {1, UINT64_C(0x74f839c593dc67fd)},  {2, UINT64_C(0x0d6c8009d9a94f5a)},
        {3, UINT64_C(0x85676696d7fb7e2d)},  {7, UINT64_C(0xab0200f58b01d137)},
        {8, UINT64_C(0x93f5f5799a932462)},
    };

    count_up();
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
        ck_assert_uint_eq(hash_bytes(key, input, vectors[i].n),
                          vectors[i].hash);
}
END_TEST

START_TEST(integers_hash_like_their_bytes)
{
    uint64_t v;

    count_up();
    memcpy(&v, input, 8); /* little-endian machines only in this test */
    if (v == UINT64_C(0x0706050403020100))
        ck_assert_uint_eq(hash_u64(key, v), hash_bytes(key, input, 8));
    ck_assert_uint_eq(hash_u64(key, UINT64_C(0x0706050403020100)),
                      UINT64_C(0x93f5f5799a932462));
}
END_TEST

START_TEST(stable_never_changes)
{
    static const uint8_t zeros[16];

    ck_assert_uint_eq(hash_stable("confab", 6), hash_bytes(zeros, "confab", 6));
    ck_assert_uint_eq(hash_stable("", 0), UINT64_C(0x1e924b9d737700d7));
    ck_assert_uint_ne(hash_stable("a", 1), hash_stable("a\0", 2));
}
END_TEST

SUITE("hash", vectors_of_the_authors, integers_hash_like_their_bytes,
      stable_never_changes)
