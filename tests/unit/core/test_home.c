#include "talk.h"

static struct seat *alice, *bob;
static unsigned long long conv;

static void begin(int nodes)
{
    talk_start(nodes, NULL);
    alice = talk_user(0, 101);
    bob = talk_user(nodes - 1, 102);
    say(alice, "{'t':'conv.open','n':2,'user':'u102'}");
    conv = conv_in(expect(alice, "'re':2"));
    expect(bob, "'op':'create'");
}

static void end(void)
{
    if (alice != NULL)
        seat_free(&alice);
    if (bob != NULL)
        seat_free(&bob);
    rig_free(&rig);
}

static void send_text(struct seat *s, int n, const char *cid)
{
    say(s, "{'t':'send','n':%d,'conv':'c%llu','cid':'%s','body':{'text':'%s'}}",
        n, conv, cid, cid);
}

/* ---- taking over ---- */

START_TEST(loading_queues_and_answers)
{
    begin(1);
    /* a fresh node has no home for it: the first requests wait for the term */
    for (int i = 0; i < 5; i++) {
        char cid[16];

        snprintf(cid, sizeof(cid), "q%d", i);
        send_text(alice, 10 + i, cid);
    }
    for (int i = 0; i < 5; i++) {
        char what[64];

        snprintf(what, sizeof(what), "'re':%d|'seq':%d|", 10 + i, 2 + i);
        expect(alice, what);
    }
    end();
}
END_TEST

START_TEST(unknown_conversation_is_not_found)
{
    begin(1);
    say(alice, "{'t':'send','n':5,'conv':'c999','body':{'text':'x'}}");
    expect(alice, "'re':5|'code':'not_found'");
    ck_assert_ptr_null(home_of(999));
    end();
}
END_TEST

static void send_about(int n, const char *key, int seq)
{
    say(alice,
        "{'t':'send','n':%d,'conv':'c%llu','cid':'n%d','%s':%d,"
        "'body':{'text':'x'}}",
        n, conv, n, key, seq);
}

START_TEST(nobody_answers_what_is_not_there)
{
    begin(1);
    send_text(alice, 10, "a"); /* 2 */
    expect(alice, "'re':10|'seq':2|");
    send_about(11, "reply", 3);
    expect(alice, "'re':11|'code':'not_found'");
    send_about(12, "thread", 9);
    expect(alice, "'re':12|'code':'not_found'");
    send_about(13, "reply", 2);
    expect(alice, "'re':13|'seq':3|");
    send_about(14, "thread", 3);
    expect(alice, "'re':14|'seq':4|");
    end();
}
END_TEST

START_TEST(new_home_has_higher_term)
{
    struct home *h;
    int64_t term;

    begin(2);
    send_text(alice, 10, "a");
    expect(alice, "'re':10|'t':'sent'");
    h = home_of(conv);
    ck_assert_ptr_nonnull(h);
    term = h->row.term;
    /* the home's node goes: the other one takes over */
    if (node_of(conv) == rig->nodes[0]) {
        seat_free(&alice);
        node_free(&rig->nodes[0]);
        rig_run(rig, 8000);
        send_text(bob, 11, "b");
        expect(bob, "'re':11|'t':'sent'|'seq':3");
    } else {
        seat_free(&bob);
        node_free(&rig->nodes[1]);
        rig_run(rig, 8000);
        send_text(alice, 11, "b");
        expect(alice, "'re':11|'t':'sent'|'seq':3");
    }
    ck_assert_int_gt(home_of(conv)->row.term, term);
    end();
}
END_TEST

/* ---- the outcome is not known ---- */

static bool fault_happens;
static int fault_count;

static int fault_append(enum store_verb verb, bool *happens)
{
    if (verb != STORE_APPEND || fault_count == 0)
        return 0;
    fault_count--;
    *happens = fault_happens;
    return -CF_UNKNOWN;
}

static void unknown(bool happens)
{
    int64_t term;

    begin(1);
    send_text(alice, 10, "a");
    expect(alice, "'re':10|'t':'sent'");
    term = home_of(conv)->row.term;
    talk_fault = fault_append;
    fault_happens = happens;
    fault_count = 1;
    send_text(alice, 11, "b");
    expect(alice, "'re':11|'code':'timeout'|'temp':true");
    /* nothing is assigned before a fresh term is there */
    send_text(alice, 12, "c");
    expect(alice, "'re':12|'t':'sent'");
    ck_assert_int_gt(home_of(conv)->row.term, term);
    /* the same cid again: one entry, one seq */
    send_text(alice, 13, "b");
    expect(alice, happens ? "'re':13|'seq':3|'dup':true" : "'re':13|'seq':4");
    rig_run(rig, 3000);
    ck_assert_int_eq(seat_count(bob, "\"text\":\"b\""), 1);
    ck_assert_int_eq(seat_count(bob, "\"text\":\"c\""), 1);
    ck_assert_str_eq(seat_log(bob, conv), "1 2 3 4");
    end();
}

START_TEST(unknown_that_happened)
{
    unknown(true);
}
END_TEST

START_TEST(unknown_that_did_not)
{
    unknown(false);
}
END_TEST

static int open_faults;

static int fault_open(enum store_verb verb, bool *happens)
{
    if (verb == STORE_OPEN && open_faults > 0) {
        open_faults--;
        *happens = false;
        return -CF_UNAVAILABLE;
    }
    return fault_append(verb, happens);
}

/* The store fails again while the home looks: it looks until it knows. */
START_TEST(unknown_is_looked_for_again)
{
    begin(1);
    send_text(alice, 10, "a");
    expect(alice, "'re':10|'t':'sent'");
    expect(bob, "'text':'a'");
    talk_fault = fault_open;
    fault_happens = true;
    fault_count = 1;
    open_faults = 3;
    send_text(alice, 11, "b");
    expect(alice, "'re':11|'code':'timeout'");
    expect(bob, "'text':'b'"); /* though nobody asks again */
    ck_assert_int_eq(open_faults, 0);
    end();
}
END_TEST

/* An unknown removal that did happen: its member gets nothing any more. */
START_TEST(unknown_removal_is_told)
{
    begin(1);
    say(alice, "{'t':'conv.create','n':5,'title':'t','users':['u102']}");
    conv = conv_in(expect(alice, "'re':5|'t':'ok'"));
    rig_run(rig, 200);
    talk_fault = fault_append;
    fault_happens = true;
    fault_count = 1;
    say(alice,
        "{'t':'conv.remove','n':6,'conv':'c%llu','user':'u102',"
        "'cid':'r'}",
        conv);
    expect(alice, "'re':6|'code':'timeout'");
    send_text(alice, 7, "after");
    expect(alice, "'re':7|'t':'sent'");
    rig_run(rig, 3000);
    ck_assert_int_eq(seat_count(bob, "\"op\":\"remove\""), 1);
    ck_assert_int_eq(seat_count(bob, "after"), 0);
    end();
}
END_TEST

/* ---- another node has taken it ---- */

START_TEST(old_term_is_refused_and_tried_again)
{
    struct store_op op;

    begin(1);
    send_text(alice, 10, "a");
    expect(alice, "'re':10|'t':'sent'");
    /* somebody else opens it behind our back */
    store_op_init(&op, STORE_OPEN, NULL, NULL);
    op.conv = conv;
    talk_store(&op);
    store_op_release(&op);
    send_text(alice, 11, "b");
    send_text(alice, 12, "c");
    send_text(alice, 13, "d");
    expect(alice, "'re':11|'t':'sent'|'seq':3");
    expect(alice, "'re':12|'t':'sent'|'seq':4");
    expect(alice, "'re':13|'t':'sent'|'seq':5");
    end();
}
END_TEST

/* ---- what changes the roster stalls what follows ---- */

START_TEST(change_stalls_the_queue)
{
    begin(1);
    say(alice, "{'t':'conv.create','n':5,'title':'t','users':['u102']}");
    conv = conv_in(expect(alice, "'re':5|'t':'ok'"));
    rig_run(rig, 500);
    rig->write_ms = 50;
    say(alice, "{'t':'conv.remove','n':6,'conv':'c%llu','user':'u102'}", conv);
    rig_run(rig, 1);
    ck_assert_int_eq(home_of(conv)->state, HOME_CHANGING);
    send_text(bob, 7, "late");
    expect(alice, "'re':6|'t':'ok'");
    expect(bob, "'re':7|'code':'not_found'");
    ck_assert_int_eq(home_of(conv)->state, HOME_READY);
    ck_assert_int_eq(seat_count(alice, "late"), 0);
    end();
}
END_TEST

/* ---- the store says no ---- */

static int fault_code;

static int fault_with(enum store_verb verb, bool *happens)
{
    *happens = false;
    return verb == STORE_APPEND ? fault_code : 0;
}

START_TEST(store_errors_are_named)
{
    static const struct {
        int rc;
        const char *what;
    } rows[] = {{-CF_FULL, "'re':10|'code':'store_full'|'temp':true"},
                {-CF_BUSY, "'re':10|'code':'busy'|'temp':true"},
                {-CF_TIMEOUT, "'re':10|'code':'timeout'|'temp':true"},
                {-CF_UNAVAILABLE, "'re':10|'code':'unavailable'|'temp':true"}};

    begin(1);
    talk_fault = fault_with;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *line;

        fault_code = rows[i].rc;
        send_text(alice, 10, "x");
        line = expect(alice, rows[i].what);
        ck_assert_int_ge(number_in(line, "retry"), 200);
        ck_assert_int_le(number_in(line, "retry"), 1000);
    }
    talk_fault = NULL;
    send_text(alice, 10, "x");
    expect(alice, "'re':10|'t':'sent'|'seq':2");
    end();
}
END_TEST

/* ---- a place in the queue outlives the home ---- */

static void leaves(struct seat *from, struct seat *to, struct node *home)
{
    rig->read_ms = 40;
    send_text(from, 10, "first"); /* what stands between the two is read */
    rig_run(rig, 1);
    ck_assert_int_eq(home_of(conv)->state, HOME_CHANGING);
    send_text(from, 11, "second"); /* waits behind it */
    node_drain(home, 60000);
    rig_run(rig, 10);
    ck_assert_ptr_ne(node_of(conv), home);
    send_text(from, 12, "third"); /* is for the new home */
    expect(to, "'seq':2|'text':'first'");
    expect(to, "'seq':3|'text':'second'");
    expect(to, "'seq':4|'text':'third'");
}

START_TEST(a_home_that_leaves_keeps_the_order)
{
    struct node *home;

    begin(2);
    home = node_of(conv);
    if (home == rig->nodes[0])
        leaves(alice, bob, home);
    else
        leaves(bob, alice, home);
    end();
}
END_TEST

/* The same when it stays, and takes a fresh term meanwhile. */
START_TEST(a_takeover_keeps_the_order)
{
    begin(1);
    rig->read_ms = 200;
    send_text(alice, 10, "first");
    rig_run(rig, 1);
    ck_assert_int_eq(home_of(conv)->state, HOME_CHANGING);
    rig->read_ms = 1;
    home_reload(home_of(conv));
    rig_run(rig, 50);
    ck_assert_int_eq(home_of(conv)->state, HOME_READY);
    send_text(bob, 11, "other"); /* bob's pair is not known either */
    send_text(alice, 12, "second");
    expect(alice, "'re':10|'t':'sent'|'seq':2");
    expect(alice, "'re':12|'t':'sent'|'seq':4");
    ck_assert_str_eq(seat_log(bob, conv), "1 2 3 4");
    end();
}
END_TEST

/* The sender is elsewhere, and knows of the new home before the old one has
 * done with what came first. */
START_TEST(what_was_sent_to_the_old_home_comes_first)
{
    struct node *home;
    struct seat *from;

    begin(3);
    home = node_of(conv);
    from = home == rig->nodes[0] ? bob : alice;
    rig->read_ms = 40;
    send_text(from, 10, "first");
    rig_run(rig, 5);
    ck_assert_int_eq(home_of(conv)->state, HOME_CHANGING);
    node_drain(home, 60000);
    rig_run(rig, 10);
    ck_assert_ptr_ne(node_of(conv), home);
    rig->read_ms = 1;
    send_text(from, 11, "second");
    send_text(from, 12, "third");
    expect(from, "'re':10|'t':'sent'|'seq':2");
    expect(from, "'re':11|'t':'sent'|'seq':3");
    expect(from, "'re':12|'t':'sent'|'seq':4");
    end();
}
END_TEST

/* Somebody whose node is not the home, with one request under way to it. */
static struct seat *asks_elsewhere(struct node **of, int64_t read_ms)
{
    struct seat *from;

    begin(2);
    from = node_of(conv) == rig->nodes[0] ? bob : alice;
    *of = from == bob ? rig->nodes[1] : rig->nodes[0];
    rig->read_ms = read_ms;
    send_text(from, 10, "first");
    rig_run(rig, 5);
    ck_assert_uint_eq(side_of(*of)->away.len, 1);
    return from;
}

/* The home was away between the two and may have passed the first one on. */
START_TEST(a_home_that_is_back_is_not_asked_at_once)
{
    struct node *n;
    struct seat *from = asks_elsewhere(&n, 40);

    home_ring_changed(n);
    send_text(from, 11, "second");
    rig_run(rig, 5);
    ck_assert_uint_eq(side_of(n)->away.len, 1);
    expect(from, "'re':10|'t':'sent'|'seq':2");
    expect(from, "'re':11|'t':'sent'|'seq':3");
    end();
}
END_TEST

/* One that the home could not take went back to its node: the next one must
 * not be taken before it comes again, though the home is home again. */
START_TEST(what_follows_one_that_went_back_goes_back)
{
    struct node *n, *home;
    struct seat *from;
    uint16_t other;

    begin(2);
    home = node_of(conv);
    from = home == rig->nodes[0] ? bob : alice;
    n = from == bob ? rig->nodes[1] : rig->nodes[0];
    other = (uint16_t)n->env.number;
    ring_set(&home->ring, &other, 1);
    home_ring_changed(home);
    send_text(from, 10, "first");
    send_text(from, 11, "second");
    for (int i = 0; i < 50 && side_of(home)->bounced.len == 0; i++)
        rig_run(rig, 1);
    ck_assert_uint_eq(side_of(home)->bounced.len, 1);
    ring_set(&home->ring, home->nodes, home->node_count);
    home_ring_changed(home);
    send_text(from, 12, "third");
    expect(from, "'re':10|'t':'sent'|'seq':2");
    expect(from, "'re':11|'t':'sent'|'seq':3");
    expect(from, "'re':12|'t':'sent'|'seq':4");
    end();
}
END_TEST

/* A home that died is not waited for. */
START_TEST(what_a_dead_home_owes_is_asked_again_soon)
{
    struct node *n;
    struct seat *from = asks_elsewhere(&n, 60000);
    uint16_t self = (uint16_t)n->env.number;

    n->nodes[0] = self;
    n->node_count = 1;
    ring_set(&n->ring, &self, 1);
    home_ring_changed(n);
    rig_run(rig, 3000);
    ck_assert_ptr_nonnull(seat_last(from, "\"re\":10,\"code\":\"timeout\""));
    end();
}
END_TEST

START_TEST(an_answer_for_another_connection_is_none)
{
    struct node *n;
    struct seat *from = asks_elsewhere(&n, 40);
    uint64_t rid = side_of(n)->away.entries[0].key;

    ck_assert_uint_gt(rid, 1000); /* a former life had other numbers */
    route_answer(n, rid, 7, SPAN("{\"t\":\"ok\",\"re\":99}"));
    ck_assert_uint_eq(side_of(n)->away.len, 1);
    expect(from, "'re':10|'t':'sent'|'seq':2");
    ck_assert_int_eq(seat_count(from, "\"re\":99"), 0);
    end();
}
END_TEST

TALK_MAIN("home", loading_queues_and_answers, unknown_conversation_is_not_found,
          nobody_answers_what_is_not_there, new_home_has_higher_term,
          unknown_that_happened, unknown_that_did_not,
          unknown_is_looked_for_again, unknown_removal_is_told,
          old_term_is_refused_and_tried_again, change_stalls_the_queue,
          store_errors_are_named, a_home_that_leaves_keeps_the_order,
          a_takeover_keeps_the_order, what_was_sent_to_the_old_home_comes_first,
          a_home_that_is_back_is_not_asked_at_once,
          what_follows_one_that_went_back_goes_back,
          what_a_dead_home_owes_is_asked_again_soon,
          an_answer_for_another_connection_is_none)
