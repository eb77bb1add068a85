#include "recorded.h"

#include <string.h>

#include "../base/suite.h"

static struct record *parsed(const char *text)
{
    struct error err = {0};
    struct record *r;

    ck_assert_msg(record_parse(&r, "f", span_of(text), &err) == 0, "%s",
                  err.text);
    return r;
}

static void refused(const char *text, const char *why)
{
    struct error err = {0};
    struct record *r;

    ck_assert_int_lt(record_parse(&r, "f", span_of(text), &err), 0);
    ck_assert_ptr_null(r);
    ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
}

START_TEST(times)
{
    struct record *r = parsed("# of a night\n0\n 0.5 \t# half\n\n.75\r\n"
                              "1.\n1.0000000019\n2\n2");

    ck_assert_uint_eq(r->n, 7);
    ck_assert(r->at[0] == 0 && r->at[1] == 5e8 && r->at[2] == 75e7);
    ck_assert(r->at[3] == 1e9 && r->at[4] == 1000000001);
    ck_assert(r->at[6] == 2e9 && r->period == 2e9 && r->rate == 3.5);
    record_free(r);
    r = parsed("2591999.123456789\n");
    ck_assert(r->at[0] == 2591999123456789.0);
    record_free(r);
}
END_TEST

START_TEST(mistakes)
{
    refused("", "f:1: no time in it");
    refused("# nothing\n", "f:2: no time in it");
    refused("1\nsoon\n", "f:2: a time is seconds");
    refused("1\n-2\n", "f:2: a time is seconds");
    refused("1\n2 3\n", "f:2: a time is seconds");
    refused("1\n1e3\n", "f:2: a time is seconds");
    refused("1.2.3\n", "f:1: a time is seconds");
    refused(".\n", "f:1: a time is seconds");
    refused("1\n2\n1.9\n", "f:3: 1.9 s comes after 2 s");
    refused("2592001\n", "f:1: later than 30 days");
    refused("99999999999999999999999999\n", "f:1: later than 30 days");
    refused("0\n0\n", "f:2: the last time is when it begins again");
    refused("0\n0.00000001\n", "f:2: 2 arrivals in 1e-08 s are more than");
}
END_TEST

START_TEST(too_many)
{
    struct error err = {0};
    struct record *r;
    struct buf b;

    buf_init(&b, RECORD_BYTES);
    for (int i = 0; i < RECORD_MOST; i++)
        buf_append_text(&b, "1\n");
    ck_assert_int_eq(record_parse(&r, "f", buf_span(&b), &err), 0);
    ck_assert_uint_eq(r->n, RECORD_MOST);
    record_free(r);
    buf_append_text(&b, "1\n");
    ck_assert_int_eq(record_parse(&r, "f", buf_span(&b), &err), -CF_TOO_BIG);
    ck_assert_str_eq(err.text, "f:1000001: more than 1000000 arrivals");
    buf_release(&b);
}
END_TEST

START_TEST(files)
{
    struct error err = {0};
    struct record *r;

    ck_assert_int_eq(record_read(&r, "/none/x", &err), -CF_NOT_FOUND);
    ck_assert_str_eq(err.text, "/none/x: No such file or directory");
    ck_assert_int_eq(record_read(&r, "/dev/zero", &err), -CF_INVALID);
    ck_assert_str_eq(err.text, "/dev/zero: no plain file");
    ck_assert_int_eq(record_read(&r, "/", &err), -CF_INVALID);
}
END_TEST

/* Parts side by side have each arrival once, and each about its share. */
START_TEST(shares)
{
    int have[3] = {0};

    for (uint64_t k = 0; k < 30000; k++) {
        int owners = 0;

        for (uint64_t i = 0; i < 3; i++)
            if (record_is_in(k, record_border(i, 3), record_border(i + 1, 3))) {
                have[i]++;
                owners++;
            }
        ck_assert_int_eq(owners, 1);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_int_le(abs(have[i] - 10000), 3);
    ck_assert_uint_eq(record_border(7, 7), RECORD_WHOLE);
    ck_assert(!record_is_in(5, 9, 9));
    ck_assert(record_share(0, RECORD_WHOLE) == 1);
}
END_TEST

START_TEST(wire)
{
    struct record *whole = parsed("0.1\n0.2\n0.3\n0.4\n0.5\n0.6\n0.7\n1.5\n");
    uint64_t middle = record_border(1, 2);
    size_t n = 0;

    ck_assert_ptr_null(record_new(0, 1));
    ck_assert_ptr_null(record_new(1e18, 1));
    ck_assert_ptr_null(record_new(1, 1e9));
    for (int half = 0; half < 2; half++) {
        struct record *r = record_new(whole->period, 1);
        size_t at = 0;
        json_t *list = record_part(whole, half ? middle : 0,
                                   half ? RECORD_WHOLE : middle, &at);

        ck_assert_uint_eq(at, whole->n);
        ck_assert_int_eq(record_add(r, list), 0);
        n += r->n;
        json_decref(list);
        list = json_pack("[i,i]", 1500000000, 1499999999);
        ck_assert_int_lt(record_add(r, list), 0);
        json_decref(list);
        list = json_pack("[I]", (json_int_t)1500000001);
        ck_assert_int_lt(record_add(r, list), 0);
        json_decref(list);
        list = json_pack("[f]", 1.5e9);
        ck_assert_int_lt(record_add(r, list), 0);
        json_decref(list);
        ck_assert_int_lt(record_add(r, NULL), 0);
        record_free(r);
    }
    ck_assert_uint_eq(n, whole->n);
    record_free(whole);
}
END_TEST

SUITE("recorded", times, mistakes, too_many, files, shares, wire)
