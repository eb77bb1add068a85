#include "marker.h"

#include "base/error.h"
#include "unit/base/suite.h"

static const struct marker sample = {7, 42, 9001, 123456789012345,
                                     123456789099};

START_TEST(crc_of_rfc3720)
{
    unsigned char zeros[32] = {0}, rising[32];

    for (int i = 0; i < 32; i++)
        rising[i] = (unsigned char)i;
    ck_assert_uint_eq(marker_crc(0, "123456789", 9), 0xe3069283u);
    ck_assert_uint_eq(marker_crc(0, zeros, 32), 0x8a9136aau);
    ck_assert_uint_eq(marker_crc(0, rising, 32), 0x46dd794eu);
    ck_assert_uint_eq(marker_crc(marker_crc(0, rising, 5), rising + 5, 27),
                      0x46dd794eu);
}
END_TEST

START_TEST(goes_there_and_back)
{
    char body[4096];

    for (size_t size = MARKER_BODY_MIN; size <= sizeof(body); size += 37) {
        struct marker got;

        ck_assert_uint_eq(marker_write(body, size, &sample), size);
        ck_assert_int_eq(marker_read(span_make(body, size), &got), 0);
        ck_assert_uint_eq(got.run, sample.run);
        ck_assert_uint_eq(got.stream, sample.stream);
        ck_assert_uint_eq(got.seq, sample.seq);
        ck_assert_uint_eq(got.due, sample.due);
        ck_assert_uint_eq(got.written, sample.written);
        ck_assert_int_eq(body[size - 1], '}');
    }
}
END_TEST

START_TEST(the_same_marker_makes_the_same_body)
{
    char one[300], two[300];

    marker_write(one, sizeof(one), &sample);
    marker_write(two, sizeof(two), &sample);
    ck_assert_mem_eq(one, two, sizeof(one));
}
END_TEST

/* Every byte of the text, in every bit. */
START_TEST(any_change_is_convicted)
{
    char body[200];
    struct marker got;

    marker_write(body, sizeof(body), &sample);
    for (size_t i = 9; i + 2 < sizeof(body); i++)
        for (int bit = 0; bit < 8; bit++) {
            bool spare = i == 9 + MARKER_TEXT - 1;

            body[i] ^= (char)(1 << bit);
            /* The last digit carries two bits that mean nothing. */
            if (!spare)
                ck_assert_int_ne(
                    marker_read(span_make(body, sizeof(body)), &got), 0);
            body[i] ^= (char)(1 << bit);
        }
    ck_assert_int_eq(marker_read(span_make(body, sizeof(body)), &got), 0);
}
END_TEST

START_TEST(a_cut_body_is_convicted)
{
    char body[200];
    struct marker got;

    marker_write(body, sizeof(body), &sample);
    ck_assert_int_eq(marker_read(span_make(body, 199), &got), -CF_INVALID);
    ck_assert_int_eq(marker_read(span_make(body, 40), &got), -CF_NOT_FOUND);
}
END_TEST

START_TEST(others_messages_are_none_of_ours)
{
    struct marker got;
    struct span text = SPAN("{\"text\":\"good morning, this is a message that "
                            "somebody else has written\"}");

    ck_assert_int_eq(marker_read(text, &got), -CF_NOT_FOUND);
    ck_assert_int_eq(marker_read(span_make(NULL, 0), &got), -CF_NOT_FOUND);
}
END_TEST

SUITE("marker", crc_of_rfc3720, goes_there_and_back,
      the_same_marker_makes_the_same_body, any_change_is_convicted,
      a_cut_body_is_convicted, others_messages_are_none_of_ours)
