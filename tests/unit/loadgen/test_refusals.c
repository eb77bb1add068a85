#include "refusals.h"

#include <stdio.h>

#include "../base/suite.h"

static void ck_text(const struct refusals *r, const char *want)
{
    char text[REFUSAL_TEXT];

    refusals_text(text, sizeof(text), r);
    ck_assert_str_eq(text, want);
}

START_TEST(most_come_first)
{
    struct refusals r = {0}, other = {0};

    ck_text(&r, "");
    refusals_note(&r, span_of("not_found"), 1);
    refusals_note(&r, span_of("rate"), 1);
    refusals_note(&r, span_of("rate"), 4);
    ck_text(&r, "5 rate, 1 not_found");
    refusals_note(&other, span_of("too_big"), 3);
    refusals_note(&other, span_of("not_found"), 6);
    refusals_add(&r, &other);
    ck_text(&r, "7 not_found, 5 rate, 3 too_big");
}
END_TEST

/* What a server says is not trusted to be short, or of few kinds. */
START_TEST(many_codes_are_others)
{
    struct refusals r = {0};
    char code[200];

    for (int i = 0; i < 100; i++) {
        snprintf(code, sizeof(code), "c%d", i);
        refusals_note(&r, span_of(code), 1);
    }
    ck_assert_int_eq(r.nrows, REFUSAL_CODES);
    ck_assert_uint_eq(r.others, 100 - REFUSAL_CODES);
    snprintf(code, sizeof(code), "%0150d", 1);
    refusals_note(&r, span_of(code), 1);
    ck_assert_uint_eq(r.others, 101 - REFUSAL_CODES);
    refusals_text(code, 12, &r); /* and no more is written than there is room */
    ck_assert_uint_lt(strlen(code), 12);
}
END_TEST

SUITE("refusals", most_come_first, many_codes_are_others)
