/* What comes in: bounds, states, budgets, bad frames. */
#include <string.h>

#include "base/mem.h"
#include "core/conn.h"
#include "harness.h"
#include "suite.h"

static struct rig *r;
static struct seat *s;

static void small_budgets(struct rig *rig)
{
    rig->config.control_rate = 1;
    rig->config.control_burst = 3;
}

static void begin(void (*adjust)(struct rig *r))
{
    r = rig_new(1, adjust);
    rig_user(r, 1);
    rig_user(r, 2);
    s = seat_login(r, 0, 1, 1, "");
}

static void finish(void)
{
    seat_free(&s);
    rig_free(&r);
}

START_TEST(every_row_has_a_doer_and_a_state)
{
    int rows = 0;

    for (int k = FRAME_NONE; k < FRAME_KINDS; k++) {
        const struct command *cmd = command_of((enum frame_kind)k);

        if (cmd == NULL)
            continue;
        rows++;
        ck_assert_int_eq(cmd->kind, k);
        ck_assert(cmd->local != NULL || cmd->home != NULL);
        ck_assert_uint_ne(cmd->states, 0);
    }
    ck_assert_int_eq(rows, 34);
    ck_assert_ptr_null(command_of(FRAME_WELCOME));
}
END_TEST

START_TEST(nothing_before_hello_and_no_second_one)
{
    begin(NULL);
    seat_say(s, "{\"t\":\"hello\",\"n\":9,\"ver\":[1],\"dev\":\"d1\","
                "\"token\":\"token-1-1\"}");
    ck_assert_int_eq(seat_count(s, "\"code\":\"bad_state\""), 1);
    seat_free(&s);
    s = seat_new(r, 0, CONN_SOCKET);
    seat_say(s, "{\"t\":\"hb\",\"n\":1}");
    ck_assert_ptr_nonnull(seat_next(s, "bad_state"));
    ck_assert_int_eq(s->code, 0);
    finish();
}
END_TEST

START_TEST(unknown_kinds_keep_the_connection)
{
    begin(NULL);
    seat_say(s, "{\"t\":\"frobnicate\",\"n\":4}");
    seat_say(s, "{\"t\":\"ticket\",\"n\":5,\"conv\":\"c1\",\"bytes\":1,"
                "\"mime\":\"a/b\",\"sha256\":\"x\"}");
    seat_say(s, "{\"t\":\"hb\",\"n\":6}");
    ck_assert_int_ge(seat_count(s, "unknown_kind"), 1);
    ck_assert_ptr_nonnull(seat_last(s, "\"re\":6"));
    ck_assert_int_eq(s->code, 0);
    finish();
}
END_TEST

START_TEST(ten_bad_frames_in_ten_seconds_close)
{
    begin(NULL);
    for (int i = 0; i < LIMIT_BAD_FRAMES - 1; i++)
        seat_say(s, "{\"t\":");
    ck_assert_int_eq(s->code, 0);
    rig_run(r, 11000); /* forgotten */
    for (int i = 0; i < LIMIT_BAD_FRAMES - 1; i++)
        seat_say(s, "[]");
    ck_assert_int_eq(s->code, 0);
    seat_say(s, "[]");
    ck_assert_int_eq(s->code, 4400);
    finish();
}
END_TEST

START_TEST(budgets_refill)
{
    begin(small_budgets);
    for (int i = 0; i < 5; i++)
        seat_say(s, "{\"t\":\"fence\",\"n\":2}");
    ck_assert_int_eq(seat_count(s, "\"t\":\"ok\""), 3);
    ck_assert_int_eq(seat_count(s, "\"code\":\"rate\""), 2);
    ck_assert_ptr_nonnull(strstr(seat_last(s, "rate"), "\"retry\":1000"));
    rig_run(r, 2000);
    for (int i = 0; i < 5; i++)
        seat_say(s, "{\"t\":\"fence\",\"n\":2}");
    ck_assert_int_eq(seat_count(s, "\"t\":\"ok\""), 5);
    ck_assert_int_eq(s->conn->pending, 0);
    finish();
}
END_TEST

START_TEST(a_hundred_times_over_budget_closes)
{
    begin(small_budgets);
    for (int i = 0; i < LIMIT_RATE_ERRORS + 10 && s->code == 0; i++)
        seat_say(s, "{\"t\":\"fence\",\"n\":2}");
    ck_assert_int_eq(s->code, 4400);
    ck_assert_int_eq(seat_count(s, "\"code\":\"rate\""), LIMIT_RATE_ERRORS);
    finish();
}
END_TEST

START_TEST(pieces_are_joined_and_bounded)
{
    char *big = mem_alloc(LIMIT_FRAME);

    begin(NULL);
    for (const char *p = "{\"t\":\"hb\",\"n\":7}"; *p != 0; p++)
        conn_receive(s->conn, p, 1, p[1] == 0);
    rig_run(r, 0);
    ck_assert_ptr_nonnull(seat_next(s, "\"re\":7"));
    ck_assert_ptr_null(s->conn->rx);
    memset(big, ' ', LIMIT_FRAME);
    ck_assert_int_eq(conn_receive(s->conn, big, LIMIT_FRAME, false), 0);
    ck_assert_int_lt(conn_receive(s->conn, big, 1, true), 0);
    rig_run(r, 0);
    ck_assert_int_eq(s->code, 4400);
    ck_assert_int_eq(seat_count(s, "too_big"), 1);
    free(big);
    finish();
}
END_TEST

START_TEST(before_login_a_message_is_small)
{
    char big[LIMIT_OBJECT_NEW + 1];

    begin(NULL);
    seat_free(&s);
    s = seat_new(r, 0, CONN_SOCKET);
    memset(big, ' ', sizeof(big));
    conn_receive(s->conn, big, sizeof(big), false);
    rig_run(r, 0);
    ck_assert_int_eq(s->code, 4400);
    finish();
}
END_TEST

START_TEST(sixty_five_objects_are_too_many)
{
    struct buf text;

    begin(NULL);
    buf_init(&text, LIMIT_FRAME);
    for (int i = 0; i < 65; i++)
        buf_append_text(&text, "{\"t\":\"hb\"}\n");
    seat_say(s, "%.*s", (int)text.len, text.data);
    buf_release(&text);
    ck_assert_int_eq(seat_count(s, "\"t\":\"hb\""), 64);
    ck_assert_int_eq(s->code, 4400);
    finish();
}
END_TEST

START_TEST(too_much_in_work_pauses_reading)
{
    static const uint64_t pair[] = {1, 2, 0};

    begin(NULL);
    rig_conv(r, 100, CONV_DIRECT, pair);
    r->read_ms = 100;
    for (int i = 0; i < 66; i++)
        seat_say(s, "{\"t\":\"history\",\"n\":%d,\"conv\":\"c100\"}", i + 1);
    ck_assert_int_eq(s->conn->pending, 66);
    ck_assert(s->paused);
    rig_run(r, 1000);
    ck_assert(!s->paused);
    ck_assert_int_eq(s->conn->pending, 0);
    finish();
}
END_TEST

START_TEST(bye_closes_1000)
{
    begin(NULL);
    seat_say(s, "{\"t\":\"bye\"}");
    ck_assert_int_eq(s->code, 1000);
    finish();
}
END_TEST

START_TEST(drain_says_bye_with_a_window)
{
    begin(NULL);
    node_drain(r->nodes[0], 30000);
    rig_run(r, 6000);
    ck_assert_int_eq(s->code, 4000);
    ck_assert_int_eq(seat_count(s, "\"t\":\"bye\""), 1);
    ck_assert_ptr_null(conn_open(r->nodes[0], s, CONN_SOCKET));
    rig_run(r, 100);
    ck_assert(node_drained(r->nodes[0]));
    finish();
}
END_TEST

START_TEST(revoking_closes_4401)
{
    struct seat *other;

    begin(NULL);
    rig_device(r, 1);
    other = seat_login(r, 0, 1, 2, "");
    node_revoke(r->nodes[0], 1, 2);
    rig_run(r, 10);
    ck_assert_int_eq(other->code, 4401);
    ck_assert_int_eq(s->code, 0);
    node_revoke(r->nodes[0], 1, 0);
    rig_run(r, 10);
    ck_assert_int_eq(s->code, 4401);
    seat_free(&other);
    finish();
}
END_TEST

int main(void)
{
    const TTest *const cases[] = {
        every_row_has_a_doer_and_a_state,
        nothing_before_hello_and_no_second_one,
        unknown_kinds_keep_the_connection,
        ten_bad_frames_in_ten_seconds_close,
        budgets_refill,
        a_hundred_times_over_budget_closes,
        pieces_are_joined_and_bounded,
        before_login_a_message_is_small,
        sixty_five_objects_are_too_many,
        too_much_in_work_pauses_reading,
        bye_closes_1000,
        drain_says_bye_with_a_window,
        revoking_closes_4401,
    };

    return RUN_CASES("dispatch", cases);
}
