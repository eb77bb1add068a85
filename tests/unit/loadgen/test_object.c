#include "object.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "unit/base/suite.h"

static const char entry[] =
    "{\"t\":\"entry\",\"conv\":\"c5\",\"seq\":77,\"id\":\"730144\","
    "\"k\":\"msg\",\"from\":\"u3\",\"dev\":\"d1\",\"ts\":1764000000001,"
    "\"body\":{\"text\":\"a \\\"}] \\\\\",\"x\":[{}]}}";

static struct object one(const char *text)
{
    struct span rest = span_of(text);
    struct object o = {0};

    ck_assert_int_eq(object_next(&rest, &o), 1);
    ck_assert_uint_eq(rest.n, 0);
    return o;
}

START_TEST(an_entry)
{
    struct object o = one(entry);

    ck_assert_int_eq(o.kind, OBJECT_ENTRY);
    ck_assert_uint_eq(o.conv, 5);
    ck_assert_int_eq(o.seq, 77);
    ck_assert_uint_eq(o.id, 730144);
    ck_assert_uint_eq(o.from, 3);
    ck_assert(o.is_message);
    ck_assert(span_is(o.body, "{\"text\":\"a \\\"}] \\\\\",\"x\":[{}]}"));
}
END_TEST

START_TEST(the_order_of_members_is_free)
{
    struct object o = one("{ \"seq\" : 9 ,\"conv\":\"c12\", \"t\" : \"sent\" "
                          ",\"re\":4294967297,\"cid\":\"ab\",\"dup\":true }\n");

    ck_assert_int_eq(o.kind, OBJECT_SENT);
    ck_assert_int_eq(o.seq, 9);
    ck_assert_int_eq(o.re, 4294967297);
    ck_assert(o.dup);
    ck_assert(span_is(o.cid, "ab"));
}
END_TEST

START_TEST(a_batch_and_its_entries)
{
    struct object o =
        one("{\"t\":\"batch\",\"conv\":\"c5\",\"entries\":[{\"seq\":75,"
            "\"id\":\"1\",\"k\":\"msg\",\"from\":\"u2\",\"body\":{}},"
            "{\"seq\":76,\"id\":\"2\",\"k\":\"edit\"}],\"from\":75,"
            "\"to\":76,\"head\":80,\"more\":true}");
    struct span list = span_make(o.entries.p + 1, o.entries.n - 1);
    struct object e;

    ck_assert_int_eq(o.from_seq, 75);
    ck_assert_int_eq(o.to, 76);
    ck_assert_int_eq(o.head, 80);
    ck_assert(o.more);
    ck_assert_int_eq(object_next(&list, &e), 1);
    ck_assert_int_eq(e.seq, 75);
    ck_assert(e.is_message);
    ck_assert_int_eq(object_next(&list, &e), 1);
    ck_assert_int_eq(e.seq, 76);
    ck_assert(!e.is_message);
    ck_assert_int_eq(object_next(&list, &e), 0);
}
END_TEST

START_TEST(several_in_one_frame)
{
    struct span rest = SPAN("{\"t\":\"hb\",\"now\":1}\n\n"
                            "{\"t\":\"receipt\",\"conv\":\"c5\",\"user\":"
                            "\"u3\",\"delivered\":7,\"read\":3}\n"
                            "{\"t\":\"receipt\",\"conv\":\"c5\",\"seq\":9,"
                            "\"delivered_n\":4,\"read_n\":2}");
    struct object o;

    ck_assert_int_eq(object_next(&rest, &o), 1);
    ck_assert_int_eq(o.kind, OBJECT_HB);
    ck_assert_int_eq(object_next(&rest, &o), 1);
    ck_assert_int_eq(o.delivered, 7);
    ck_assert_int_eq(o.read, 3);
    ck_assert_uint_eq(o.user, 3);
    ck_assert_int_eq(object_next(&rest, &o), 1);
    ck_assert_int_eq(o.delivered_n, 4);
    ck_assert_int_eq(o.read_n, 2);
    ck_assert_int_eq(object_next(&rest, &o), 0);
}
END_TEST

START_TEST(rows)
{
    struct span at = SPAN("[[\"u3\",\"on\",1764000000000],[\"u4\",\"off\",0]]");
    struct span marks = SPAN("[[\"c5\",76]]");
    struct object_row row;

    ck_assert(object_next_row(&at, &row));
    ck_assert_uint_eq(row.id, 3);
    ck_assert(span_is(row.state, "on"));
    ck_assert_int_eq(row.number, 1764000000000);
    ck_assert(object_next_row(&at, &row));
    ck_assert_uint_eq(row.id, 4);
    ck_assert(!object_next_row(&at, &row));
    ck_assert(object_next_row(&marks, &row));
    ck_assert_uint_eq(row.id, 5);
    ck_assert_int_eq(row.number, 76);
    ck_assert(!object_next_row(&marks, &row));
}
END_TEST

/* Cut or changed anywhere, in memory of exactly that size. */
START_TEST(broken_objects_are_refused)
{
    for (size_t n = 1; n < sizeof(entry) - 1; n++) {
        char *copy = malloc(n);
        struct span rest = span_make(copy, n);
        struct object o;

        memcpy(copy, entry, n);
        ck_assert_int_eq(object_next(&rest, &o), -CF_INVALID);
        free(copy);
    }
    for (size_t n = 0; n < sizeof(entry) - 1; n++)
        for (const char *c = "\"\\{}[],: 0"; *c != '\0'; c++) {
            char *copy = malloc(sizeof(entry) - 1);
            struct span rest = span_make(copy, sizeof(entry) - 1);
            struct object o;

            memcpy(copy, entry, sizeof(entry) - 1);
            copy[n] = *c;
            while (object_next(&rest, &o) > 0) {
                struct object_row row;

                while (object_next_row(&o.body, &row))
                    ;
            }
            free(copy);
        }
}
END_TEST

SUITE("object", an_entry, the_order_of_members_is_free, a_batch_and_its_entries,
      several_in_one_frame, rows, broken_objects_are_refused)
