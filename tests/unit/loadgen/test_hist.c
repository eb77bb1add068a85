#include "hist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/rng.h"
#include "hist_layout.h"
#include "unit/base/suite.h"

#define LOW 1000
#define HIGH 60000000000
#define VALUES 20000

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Times of many orders of magnitude, some below low and none above high. */
static uint64_t any_time(struct rng *r)
{
    return rng_below(r, UINT64_C(1) << (4 + rng_below(r, 32)));
}

/* 512 ns, the unit of 1 us, or the share that so many digits allow. */
static void ck_near(uint64_t got, uint64_t want, int digits)
{
    double off = (double)want / pow(10, digits);

    ck_assert(got >= want);
    ck_assert((double)got <= (double)want + (off > 512 ? off : 512));
}

START_TEST(quantiles_are_those_of_the_sorted_values)
{
    static const double qs[] = {0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1};
    static uint64_t values[VALUES];
    struct hist h;
    struct rng r;
    double sum = 0;
    size_t rank;

    rng_init_seeded(&r, 7);
    for (int digits = 1; digits <= 3; digits++) {
        hist_init(&h, LOW, HIGH, digits);
        sum = 0;
        for (int i = 0; i < VALUES; i++) {
            values[i] = any_time(&r);
            hist_add(&h, values[i]);
            sum += (double)values[i];
        }
        qsort(values, VALUES, sizeof(*values), ascending);
        for (size_t i = 0; i < COUNT_OF(qs); i++) {
            rank = (size_t)ceil(nextafter(qs[i], 0) * VALUES);
            ck_near(hist_at(&h, qs[i]), values[rank > 0 ? rank - 1 : 0],
                    digits);
        }
        ck_assert_uint_eq(hist_at(&h, 1), values[VALUES - 1]);
        ck_assert_uint_eq(h.max, values[VALUES - 1]);
        ck_assert_uint_eq(h.min, values[0]);
        ck_assert_uint_eq(h.count, VALUES);
        ck_assert(fabs(hist_mean(&h) - sum / VALUES) < 1);
        hist_release(&h);
    }
}
END_TEST

START_TEST(size_is_as_promised)
{
    struct hist h;

    hist_init(&h, LOW, HIGH, 3);
    ck_assert_uint_eq((size_t)h.slots * sizeof(*h.slot), 144 * 1024);
    hist_release(&h);
    hist_init(&h, LOW, HIGH, 2);
    ck_assert_uint_eq((size_t)h.slots * sizeof(*h.slot), 21 * 1024);
    hist_release(&h);
}
END_TEST

START_TEST(empty_has_no_numbers)
{
    uint64_t low, high, n;
    struct hist h;
    int at = 0;

    hist_init(&h, LOW, HIGH, 2);
    ck_assert_uint_eq(hist_at(&h, 0.5), 0);
    ck_assert_uint_eq(h.min, UINT64_MAX);
    ck_assert(!hist_next(&h, &at, &low, &high, &n));
    ck_assert(hist_mean(&h) == 0);
    ck_assert(hist_stddev(&h) == 0);
    ck_assert_uint_eq(hist_below(&h, HIGH), 0);
    hist_release(&h);
}
END_TEST

START_TEST(too_large_is_kept_as_the_largest)
{
    struct hist h;

    hist_init(&h, LOW, HIGH, 3);
    hist_add_n(&h, UINT64_MAX / 4, 2);
    hist_add(&h, HIGH);
    hist_add(&h, 5);
    ck_assert_uint_eq(h.clipped, 2);
    ck_assert_uint_eq(h.count, 4);
    ck_assert_uint_eq(h.max, UINT64_MAX / 4);
    ck_near(hist_at(&h, 0.5), HIGH, 3);
    ck_assert_uint_eq(hist_below(&h, HIGH), 2);
    ck_assert_uint_eq(hist_below(&h, UINT64_MAX), 4);
    ck_assert_uint_eq(hist_below(&h, 100), 1);
    hist_release(&h);
}
END_TEST

START_TEST(walks_every_value_once)
{
    uint64_t low, high, n, sum = 0, last = 0;
    struct hist h;
    struct rng r;

    rng_init_seeded(&r, 3);
    hist_init(&h, LOW, HIGH, 3);
    for (int i = 0; i < VALUES; i++)
        hist_add(&h, any_time(&r));
    for (int at = 0; hist_next(&h, &at, &low, &high, &n);) {
        ck_assert(low == 0 || low > last);
        ck_assert_uint_ge(high, low);
        sum += n;
        last = high;
        ck_assert_uint_eq(hist_below(&h, high), sum);
    }
    ck_assert_uint_eq(sum, VALUES);
    hist_release(&h);
}
END_TEST

START_TEST(deviation_of_a_known_set)
{
    struct hist h;

    hist_init(&h, LOW, HIGH, 3);
    hist_add_n(&h, 1000000, 50);
    hist_add_n(&h, 3000000, 50);
    ck_assert(fabs(hist_mean(&h) - 2000000) < 1);
    ck_assert(fabs(hist_stddev(&h) - 1000000) < 2000);
    hist_release(&h);
}
END_TEST

static void ck_same(const struct hist *a, const struct hist *b)
{
    ck_assert_uint_eq(a->count, b->count);
    ck_assert_int_eq(a->slots, b->slots);
    for (int i = 0; i < a->slots; i++)
        ck_assert_uint_eq(a->slot[i], b->slot[i]);
}

START_TEST(merge_and_subtract_undo_each_other)
{
    struct hist a, b, both, before = {0};
    struct rng r;
    uint64_t v;

    rng_init_seeded(&r, 11);
    hist_init(&a, LOW, HIGH, 2);
    hist_init(&b, LOW, HIGH, 2);
    hist_init(&both, LOW, HIGH, 2);
    for (int i = 0; i < VALUES; i++) {
        v = any_time(&r);
        hist_add(i % 3 == 0 ? &a : &b, v);
        hist_add(&both, v);
    }
    hist_copy(&before, &a);
    hist_merge(&a, &b);
    ck_same(&a, &both);
    ck_assert_uint_eq(a.max, both.max);
    ck_assert_uint_eq(a.min, both.min);
    hist_subtract(&a, &before);
    ck_same(&a, &b);
    ck_assert_uint_ge(a.max, b.max);
    ck_assert_uint_le(a.min, b.min);
    hist_subtract(&a, &b);
    ck_assert_uint_eq(a.count, 0);
    ck_assert_uint_eq(a.max, 0);
    ck_assert_uint_eq(a.min, UINT64_MAX);
    ck_assert(hist_mean(&a) == 0);
    hist_release(&a);
    hist_release(&b);
    hist_release(&both);
    hist_release(&before);
}
END_TEST

START_TEST(merges_another_shape_by_value)
{
    struct hist fine, coarse;
    struct rng r;

    rng_init_seeded(&r, 5);
    hist_init(&fine, LOW, HIGH, 3);
    hist_init(&coarse, LOW, HIGH, 2);
    for (int i = 0; i < VALUES; i++)
        hist_add(&coarse, any_time(&r));
    hist_merge(&fine, &coarse);
    ck_assert_uint_eq(fine.count, coarse.count);
    ck_assert_uint_eq(fine.max, coarse.max);
    ck_assert(fabs((double)hist_at(&fine, 0.9) / (double)hist_at(&coarse, 0.9) -
                   1) < 0.01);
    hist_release(&fine);
    hist_release(&coarse);
}
END_TEST

START_TEST(reads_back_what_it_wrote)
{
    struct hist a, b;
    struct buf text;
    struct rng r;

    rng_init_seeded(&r, 13);
    buf_init(&text, 1 << 20);
    for (int n = 0; n < 2000; n = 3 * n + 1) {
        hist_init(&a, LOW, HIGH, 2);
        for (int i = 0; i < n; i++)
            hist_add(&a, any_time(&r) << (i % 8));
        buf_clear(&text);
        hist_encode(&text, &a);
        ck_assert_int_eq(hist_decode(&b, buf_span(&text)), 0);
        ck_same(&a, &b);
        ck_assert_uint_eq(a.min, b.min);
        ck_assert_uint_eq(a.max, b.max);
        ck_assert_uint_eq(a.clipped, b.clipped);
        ck_assert(a.sum == b.sum);
        hist_release(&a);
        hist_release(&b);
    }
    buf_release(&text);
}
END_TEST

/* What is not refused must be usable. */
START_TEST(refuses_damage)
{
    struct hist a, b;
    struct buf text;
    struct rng r;
    int refused = 0;

    rng_init_seeded(&r, 17);
    buf_init(&text, 1 << 20);
    hist_init(&a, LOW, HIGH, 2);
    for (int i = 0; i < 300; i++)
        hist_add(&a, any_time(&r));
    for (int i = 0; i < 3000; i++) {
        buf_clear(&text);
        hist_encode(&text, &a);
        text.data[rng_below(&r, text.len)] = (char)rng_below(&r, 256);
        if (i % 3 == 0)
            text.len = rng_below(&r, text.len);
        if (hist_decode(&b, buf_span(&text)) < 0) {
            ck_assert_ptr_null(b.slot);
            refused++;
            continue;
        }
        (void)hist_at(&b, 0.99);
        hist_release(&b);
    }
    ck_assert_int_gt(refused, 1000);
    ck_assert_int_eq(hist_decode(&b, SPAN("")), -CF_INVALID);
    ck_assert_int_eq(hist_decode(&b, SPAN("AQ==")), -CF_INVALID);
    hist_release(&a);
    buf_release(&text);
}
END_TEST

static uint64_t get_be(const unsigned char *p, int bytes)
{
    uint64_t v = 0;

    while (bytes-- > 0)
        v = v << 8 | *p++;
    return v;
}

static void add_slots(struct hist *h, struct span in)
{
    uint64_t v;
    int at = 0;

    while (in.n > 0) {
        ck_assert_int_eq(hist_get_varint(&in, &v), 0);
        if (v & 1)
            at += (int)(v >> 1) + 1;
        else
            hist_add_n(h, hist_slot_low(h, at++), v >> 1);
    }
}

/* A reader of the V2 form after EncodableHistogram.java. */
static void hist_decode_v2(struct hist *h, struct span text)
{
    static unsigned char plain[1 << 20];
    uLongf size = sizeof(plain);
    const unsigned char *p;
    struct buf packed;

    buf_init(&packed, 1 << 20);
    ck_assert_int_eq(hist_get_base64(&packed, text), 0);
    p = (const unsigned char *)packed.data;
    ck_assert_uint_eq(get_be(p, 4), 0x1c849314);
    ck_assert_uint_eq(get_be(p + 4, 4), packed.len - 8);
    ck_assert_int_eq(uncompress(plain, &size, p + 8, packed.len - 8), Z_OK);
    ck_assert_uint_eq(get_be(plain, 4), 0x1c849313);
    ck_assert_uint_eq(get_be(plain + 4, 4), size - 40);
    ck_assert_uint_eq(get_be(plain + 8, 4), 0);
    hist_init(h, get_be(plain + 16, 8), get_be(plain + 24, 8),
              (int)get_be(plain + 12, 4));
    ck_assert_uint_eq(get_be(plain + 32, 8), 0x3ff0000000000000);
    add_slots(h, span_make(plain + 40, size - 40));
    buf_release(&packed);
}

START_TEST(v2_reads_back)
{
    struct hist a, b;
    struct buf text;
    struct rng r;

    rng_init_seeded(&r, 19);
    buf_init(&text, 1 << 20);
    for (int digits = 1; digits <= 3; digits++) {
        buf_clear(&text);
        hist_init(&a, LOW, HIGH, digits);
        for (int i = 0; i < VALUES; i++)
            hist_add(&a, any_time(&r));
        hist_write_v2(&text, &a);
        hist_decode_v2(&b, buf_span(&text));
        ck_assert_int_eq(b.digits, digits);
        ck_same(&a, &b);
        hist_release(&a);
        hist_release(&b);
    }
    buf_release(&text);
}
END_TEST

START_TEST(table_has_the_levels_of_the_plotters)
{
    struct hist h;
    struct buf text;
    const char *t;

    buf_init(&text, 1 << 16);
    hist_init(&h, LOW, HIGH, 3);
    for (uint64_t i = 1; i <= 1000; i++)
        hist_add(&h, i * 1024);
    hist_write_hgrm(&text, &h, 1024, 1);
    t = buf_cstr(&text);
    ck_assert_ptr_nonnull(strstr(t, " 0.500000000000 "));
    ck_assert_ptr_nonnull(strstr(t, " 0.750000000000 "));
    ck_assert_ptr_nonnull(strstr(t, " 0.875000000000        875 "));
    ck_assert_ptr_nonnull(
        strstr(t, "    1000.000 1.000000000000       1000\n"));
    ck_assert_ptr_nonnull(strstr(t, "Total count    =         1000]"));
    buf_release(&text);
    hist_release(&h);
}
END_TEST

SUITE("hist", v2_reads_back, table_has_the_levels_of_the_plotters,
      quantiles_are_those_of_the_sorted_values, size_is_as_promised,
      empty_has_no_numbers, too_large_is_kept_as_the_largest,
      walks_every_value_once, deviation_of_a_known_set,
      merge_and_subtract_undo_each_other, merges_another_shape_by_value,
      reads_back_what_it_wrote, refuses_damage)
