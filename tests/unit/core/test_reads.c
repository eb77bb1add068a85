/* history, state, fence: what a member may ask. */
#include <stdio.h>
#include <string.h>

#include "core/conn.h"
#include "harness.h"
#include "suite.h"

static const uint64_t pair[] = {1, 2, 0};
static struct rig *r;
static struct seat *a, *b, *c;

static void begin(void)
{
    r = rig_new(2, NULL);
    for (uint64_t u = 1; u <= 3; u++)
        rig_user(r, u);
    rig_conv(r, 100, CONV_GROUP, pair);
    for (int i = 0; i < 3; i++)
        rig_append(r, 100, 1, "{\"text\":\"x\"}");
    rig_change(r, 100, 3, true); /* 5 */
    rig_append(r, 100, 1, "{\"text\":\"x\"}");
    a = seat_login(r, 0, 1, 1, "");
    b = seat_login(r, 1, 2, 1, "");
    c = seat_login(r, 0, 3, 1, "");
}

static void finish(void)
{
    seat_free(&a);
    seat_free(&b);
    seat_free(&c);
    rig_free(&r);
}

static const char *ask(struct seat *s, const char *more)
{
    seat_say(s, "{\"t\":\"history\",\"n\":7,\"conv\":\"c100\"%s}", more);
    rig_run(r, 20);
    return seat_last(s, "\"re\":7");
}

static bool covers(const char *batch, const char *range)
{
    ck_assert_ptr_nonnull(batch);
    if (strstr(batch, range) == NULL)
        printf("%s\n", batch);
    return strstr(batch, range) != NULL;
}

START_TEST(history_pages_both_ways)
{
    begin();
    ck_assert(
        covers(ask(a, ""), "\"from\":1,\"to\":6,\"head\":6,\"more\":false"));
    ck_assert(covers(ask(a, ",\"before\":5,\"limit\":2"),
                     "\"from\":3,\"to\":4,\"head\":6,\"more\":true"));
    ck_assert(covers(ask(a, ",\"after\":2,\"limit\":2"),
                     "\"from\":3,\"to\":4,\"head\":6,\"more\":true"));
    ck_assert(covers(ask(a, ",\"after\":4,\"limit\":2"),
                     "\"from\":5,\"to\":6,\"head\":6,\"more\":false"));
    ck_assert_int_eq(a->conn->credit_entries, 6); /* the backlog's */
    finish();
}
END_TEST

/* A page that ends since it is full is not the end of the log. */
START_TEST(history_goes_on_behind_large_entries)
{
    char body[40000];

    begin();
    snprintf(body, sizeof(body), "{\"text\":\"%0*d\"}", 39000, 0);
    for (int i = 0; i < 8; i++) /* 7 to 14: six of them fill a page */
        rig_append(r, 100, 1, body);
    ck_assert(covers(ask(a, ",\"after\":6,\"limit\":200"),
                     "\"from\":7,\"to\":12,\"head\":14,\"more\":true"));
    ck_assert(covers(ask(a, ",\"limit\":200"),
                     "\"from\":9,\"to\":14,\"head\":14,\"more\":true"));
    ck_assert(covers(ask(a, ",\"after\":12,\"limit\":200"),
                     "\"from\":13,\"to\":14,\"head\":14,\"more\":false"));
    finish();
}
END_TEST

START_TEST(history_is_bounded_by_the_membership)
{
    begin();
    ck_assert(
        covers(ask(c, ""), "\"from\":5,\"to\":6,\"head\":6,\"more\":false"));
    /* What lies between was before its time: covered, and empty. */
    ck_assert(covers(ask(c, ",\"after\":1"),
                     "\"from\":2,\"to\":6,\"head\":6,\"more\":false"));
    rig_change(r, 100, 3, false); /* 7 */
    rig_append(r, 100, 1, "{\"text\":\"secret\"}");
    ck_assert(covers(ask(c, ",\"after\":5"),
                     "\"from\":6,\"to\":7,\"head\":7,\"more\":false"));
    ck_assert_int_eq(seat_count(c, "secret"), 0);
    finish();
}
END_TEST

START_TEST(strangers_find_nothing)
{
    begin();
    rig_user(r, 4);
    seat_free(&c);
    c = seat_login(r, 0, 4, 1, "");
    ck_assert_ptr_nonnull(strstr(ask(c, ""), "not_found"));
    seat_say(c, "{\"t\":\"state\",\"n\":8,\"conv\":\"c100\",\"seq\":2}");
    rig_run(r, 20);
    ck_assert_ptr_nonnull(strstr(seat_last(c, "\"re\":8"), "not_found"));
    seat_say(c, "{\"t\":\"fence\",\"n\":9,\"convs\":[\"c100\"]}");
    rig_run(r, 100);
    ck_assert_ptr_nonnull(strstr(seat_last(c, "\"re\":9"), "not_found"));
    finish();
}
END_TEST

START_TEST(state_names_who_has_it)
{
    const char *line;

    begin();
    seat_say(b, "{\"t\":\"ack\",\"at\":[[\"c100\",6]]}");
    rig_run(r, 50);
    seat_say(a, "{\"t\":\"state\",\"n\":8,\"conv\":\"c100\",\"seq\":2}");
    rig_run(r, 20);
    line = seat_last(a, "\"re\":8");
    ck_assert_ptr_nonnull(line);
    ck_assert_ptr_nonnull(strstr(line, "\"members\":2"));
    ck_assert_ptr_nonnull(strstr(line, "\"u2\""));
    ck_assert_ptr_nonnull(strstr(line, "\"read\":[]"));
    finish();
}
END_TEST

START_TEST(a_fence_waits_for_what_was_committed)
{
    begin();
    seat_say(a, "{\"t\":\"fence\",\"n\":8}");
    ck_assert_ptr_nonnull(seat_last(a, "\"re\":8"));
    r->bus_down = true; /* the entry will not come by itself */
    seat_say(b, "{\"t\":\"send\",\"n\":3,\"conv\":\"c100\",\"cid\":\"x1\","
                "\"body\":{\"text\":\"late\"}}");
    rig_run(r, 20);
    r->bus_down = false;
    seat_say(a, "{\"t\":\"fence\",\"n\":9,\"convs\":[\"c100\"]}");
    rig_run(r, 100);
    ck_assert_ptr_nonnull(seat_last(a, "\"re\":9"));
    finish();
}
END_TEST

START_TEST(a_fence_waits_behind_credit)
{
    begin();
    seat_free(&c);
    c = seat_login(r, 0, 3, 1, ",\"win\":{\"entries\":1,\"bytes\":10000}");
    seat_say(c, "{\"t\":\"fence\",\"n\":9,\"convs\":[\"c100\"]}");
    rig_run(r, 100);
    ck_assert_str_eq(seat_log(c, 100), "1-4:not_member 5");
    ck_assert_ptr_null(seat_last(c, "\"re\":9"));
    seat_say(c, "{\"t\":\"ack\",\"at\":[[\"c100\",5]]}");
    rig_run(r, 100);
    ck_assert_str_eq(seat_log(c, 100), "1-4:not_member 5 6");
    ck_assert_ptr_nonnull(seat_last(c, "\"re\":9"));
    finish();
}
END_TEST

int main(void)
{
    const TTest *const cases[] = {
        history_pages_both_ways,
        history_goes_on_behind_large_entries,
        history_is_bounded_by_the_membership,
        strangers_find_nothing,
        state_names_who_has_it,
        a_fence_waits_for_what_was_committed,
        a_fence_waits_behind_credit,
    };

    return RUN_CASES("reads", cases);
}
