/* The simulation's store: what a crash takes, and the sabotages that a checker
 * must be able to see. */
#include "contract/store_kit.h"

static struct kit *k;

static void setup(void)
{
    k = kit_open("memory");
    kit_people(k);
}

static void teardown(void)
{
    kit_close(k);
}

static void count_done(struct store_op *op)
{
    ++*(int *)op->ctx;
}

static int log_length(void)
{
    int n;

    store_memory_log(k->store, 50, &n);
    return n;
}

static void drain_queue(void)
{
    while (kit_queue_run(&k->queue, false))
        ;
}

START_TEST(a_crash_takes_what_was_not_committed)
{
    struct store_port *doomed[1] = {
        store_port_new(k->store, kit_post, &k->queue)};
    struct store_op mine, gone, read;
    int done = 0, lost = 0;

    kit_stall(k);
    kit_message(k, &gone, 50, 1, "gone", "{}");
    gone.done = count_done;
    gone.ctx = &lost;
    store_submit(doomed[0], &gone);
    store_op_init(&read, STORE_CONV, count_done, &lost);
    read.conv = 50;
    store_submit(doomed[0], &read);
    kit_message(k, &mine, 50, 2, "mine", "{}");
    mine.done = count_done;
    mine.ctx = &done;
    store_submit(k->port, &mine);
    store_memory_crash(k->store, doomed, 1);
    ck_assert_ptr_null(doomed[0]);
    kit_go(k);
    while (done == 0) {
        kit_events(k);
        drain_queue();
    }
    ck_assert_int_eq(lost, 0);
    ck_assert_int_eq(mine.entry.seq, 2);
    ck_assert_int_eq(log_length(), 2);
}
END_TEST

START_TEST(a_crash_keeps_what_was_committed_but_not_told)
{
    struct store_port *doomed[1] = {
        store_port_new(k->store, kit_post, &k->queue)};
    struct store_op op;
    int told = 0;

    kit_message(k, &op, 50, 1, "a", "{}");
    op.done = count_done;
    op.ctx = &told;
    store_submit(doomed[0], &op);
    kit_events(k); /* committed; the answer is in the queue */
    store_memory_crash(k->store, doomed, 1);
    drain_queue();
    ck_assert_int_eq(told, 0);
    ck_assert_int_eq(log_length(), 2);
    ck_assert_int_eq(kit_say(k, 50, 1, "a", "{}"), 2); /* the retry */
}
END_TEST

START_TEST(answering_before_the_commit_loses)
{
    struct store_port *doomed[1] = {
        store_port_new(k->store, kit_post, &k->queue)};
    struct store_op op;
    int told = 0;

    k->sim.ack_before_commit = true;
    kit_stall(k);
    kit_message(k, &op, 50, 1, "a", "{}");
    op.done = count_done;
    op.ctx = &told;
    store_submit(doomed[0], &op);
    drain_queue();
    ck_assert_int_eq(told, 1);
    ck_assert_int_eq(op.rc, 0);
    ck_assert_int_eq(op.entry.seq, 2);
    store_memory_crash(k->store, doomed, 1);
    kit_go(k);
    kit_events(k);
    ck_assert_int_eq(log_length(), 1);
    ck_assert_int_eq(kit_say(k, 50, 1, "b", "{}"), 2); /* without a crash */
    kit_events(k);
    ck_assert_int_eq(log_length(), 2);
}
END_TEST

static bool fault_happens;

static int unknown_fault(void *ctx, enum store_verb verb, bool *happens)
{
    *happens = fault_happens;
    return verb == STORE_APPEND ? -CF_UNKNOWN : 0;
}

START_TEST(unknown_may_have_happened)
{
    k->sim.fault = unknown_fault;
    fault_happens = _i == 1;
    ck_assert_int_eq(kit_say(k, 50, 1, "a", "{}"), -CF_UNKNOWN);
    ck_assert_int_eq(log_length(), _i == 1 ? 2 : 1);
}
END_TEST

START_TEST(without_dedupe_a_retry_is_stored_twice)
{
    ck_assert_int_eq(kit_say(k, 50, 1, "a", "{}"), 2);
    ck_assert_int_eq(kit_say(k, 50, 1, "a", "{}"), 2);
    k->sim.no_dedupe = true;
    ck_assert_int_eq(kit_say(k, 50, 1, "a", "{}"), 3);
}
END_TEST

START_TEST(checkers_see_the_truth)
{
    const uint64_t *convs;
    const struct entry *log;
    int n;

    kit_say(k, 50, 1, "a", "{\"text\":\"hi\"}");
    ck_assert_int_eq(store_memory_convs(k->store, &convs), 1);
    ck_assert_uint_eq(convs[0], 50);
    log = store_memory_log(k->store, 50, &n);
    ck_assert_int_eq(n, 2);
    ck_assert(span_is(log[1].body, "{\"text\":\"hi\"}"));
    ck_assert_int_eq(store_memory_member(k->store, 50, 1)->role, ROLE_OWNER);
    ck_assert_ptr_null(store_memory_member(k->store, 50, 3));
    ck_assert_ptr_null(store_memory_log(k->store, 99, &n));
    ck_assert_int_eq(n, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store of the simulation");
    TCase *t = tcase_create("memory");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_crash_takes_what_was_not_committed);
    tcase_add_test(t, a_crash_keeps_what_was_committed_but_not_told);
    tcase_add_test(t, answering_before_the_commit_loses);
    tcase_add_loop_test(t, unknown_may_have_happened, 0, 2);
    tcase_add_test(t, without_dedupe_a_retry_is_stored_twice);
    tcase_add_test(t, checkers_see_the_truth);
    suite_add_tcase(s, t);
    return kit_check_main(s);
}
