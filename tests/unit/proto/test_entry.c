#include "proto/entry.h"

#include "unit/base/suite.h"

START_TEST(words_and_back)
{
    for (int k = ENTRY_MSG; k < ENTRY_KINDS; k++)
        ck_assert_int_eq(entry_kind_parse(span_of(entry_kind_name(k))), k);
    for (int k = CONV_DIRECT; k <= CONV_SELF; k++)
        ck_assert_int_eq(conv_kind_parse(span_of(conv_kind_name(k))), k);
    for (int m = MODE_OPEN; m <= MODE_E2EE; m++)
        ck_assert_int_eq(conv_mode_parse(span_of(conv_mode_name(m))), m);
    for (int r = ROLE_MEMBER; r <= ROLE_OWNER; r++)
        ck_assert_int_eq(role_parse(span_of(role_name(r))), r);
    for (int s = PRESENCE_OFF; s <= PRESENCE_ON; s++)
        ck_assert_int_eq(presence_parse(span_of(presence_name(s))), s);
}
END_TEST

START_TEST(unknown_words)
{
    ck_assert_int_eq(entry_kind_parse(SPAN("poll")), 0);
    ck_assert_int_eq(entry_kind_parse(SPAN("")), 0);
    ck_assert_int_eq(entry_kind_parse(SPAN("ms")), 0);
    ck_assert_int_eq(entry_kind_parse(SPAN("msgs")), 0);
    ck_assert_int_eq(conv_kind_parse(SPAN("Group")), 0);
    ck_assert_int_eq(conv_mode_parse(SPAN("closed")), 0);
    ck_assert_int_eq(role_parse(SPAN("none")), ROLE_NONE);
    ck_assert_int_eq(presence_parse(SPAN("busy")), -1);
    ck_assert_str_eq(entry_kind_name(0), "unknown");
    ck_assert_str_eq(entry_kind_name(ENTRY_KINDS), "unknown");
    ck_assert_str_eq(role_name(ROLE_NONE), "none");
}
END_TEST

SUITE("entry", words_and_back, unknown_words)
