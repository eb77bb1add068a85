#include <check.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/table.h"

struct row {
    uint64_t id;
    uint64_t tag;
};

#define IDS 300

static int count_rows(const struct table *t, uint64_t id, uint64_t *sum)
{
    int n = 0;

    *sum = 0;
    for (struct row *r = table_first(t, id); r != NULL; r = table_next(t, r)) {
        ck_assert_uint_eq(r->id, id);
        *sum += r->tag;
        n++;
    }
    return n;
}

/* Against plain counters, with ids that crowd together. */
START_TEST(like_a_model)
{
    struct table t;
    struct rng rng;
    static int counts[IDS];
    static uint64_t sums[IDS];
    uint32_t total = 0;

    table_init(&t, sizeof(struct row));
    rng_init_seeded(&rng, (uint64_t)_i);
    for (int step = 0; step < 20000; step++) {
        uint64_t id = 1 + rng_below(&rng, IDS - 1), sum;
        struct row *r = table_first(&t, id);

        if (rng_below(&rng, 2000) < total && r != NULL) {
            sums[id] -= r->tag;
            counts[id]--;
            total--;
            table_remove(&t, r);
        } else {
            r = table_add(&t, id);
            ck_assert_uint_eq(r->tag, 0);
            r->tag = rng_u64(&rng);
            sums[id] += r->tag;
            counts[id]++;
            total++;
        }
        ck_assert_int_eq(count_rows(&t, id, &sum), counts[id]);
        ck_assert_uint_eq(sum, sums[id]);
        ck_assert_uint_eq(t.len, total);
    }
    for (uint64_t id = 1; id < IDS; id++) {
        uint64_t sum;

        ck_assert_int_eq(count_rows(&t, id, &sum), counts[id]);
        ck_assert_uint_eq(sum, sums[id]);
    }
    table_release(&t);
}
END_TEST

START_TEST(removal_while_walking)
{
    struct table t;
    int odd = 0;

    table_init(&t, sizeof(struct row));
    for (uint64_t id = 1; id <= 5000; id++)
        table_add(&t, id);
    for (uint32_t i = 0; i < t.cap;) {
        struct row *r = table_at(&t, i);

        if (r != NULL && r->id % 2 == 0)
            table_remove(&t, r);
        else
            i++;
    }
    ck_assert_uint_eq(t.len, 2500);
    for (uint64_t id = 1; id <= 5000; id++)
        odd += table_first(&t, id) != NULL && id % 2 == 1;
    ck_assert_int_eq(odd, 2500);
    table_release(&t);
}
END_TEST

START_TEST(empty_and_bounded)
{
    struct table t;

    table_init(&t, 24);
    ck_assert_ptr_null(table_first(&t, 5));
    ck_assert(table_full(&t));
    for (uint64_t id = 1; id <= 100000; id++)
        table_add(&t, id << 8);
    ck_assert_uint_le(t.cap, 190000);
    table_release(&t);
    table_release(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("table");
    TCase *t = tcase_create("table");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(t, like_a_model, 0, 1);
    tcase_add_test(t, removal_while_walking);
    tcase_add_test(t, empty_and_bounded);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
