#include "client/share.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/link.h"
#include "proto/encode.h"

static char dir[256];
static struct loop *loop;
static struct rng rng;
static struct loop_timer *tick; /* a turn comes to its end in any case */

static void on_tick(void *arg)
{
    loop_timer_set(tick, 5);
}

static void set_up(void)
{
    snprintf(dir, sizeof(dir), "/tmp/confab-share-%d", (int)getpid());
    mkdir(dir, 0700);
    loop = loop_new();
    rng_init_seeded(&rng, 7);
    tick = loop_timer_new(loop, on_tick, NULL);
    loop_timer_set(tick, 5);
}

static void remove_all(const char *in)
{
    static const char *const names[] = {"archive.db", "archive.db-wal",
                                        "archive.db-shm", "lock", "owner.sock"};
    char path[512];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", in, names[i]);
        unlink(path);
    }
    rmdir(in);
}

static void tear_down(void)
{
    loop_timer_free(&tick);
    loop_free(&loop);
    remove_all(dir);
}

/* ---- two clients, and a server that is played ---- */

struct person {
    struct client *client;
    struct link_stand_in instead;
    char said[64][200]; /* what went to the server */
    int said_count;
    int messages, synced, sent, ended;
    int64_t seqs[64];
    char code[16];
    int answers, lost, slow;
};

static void said(void *ctx, struct span object)
{
    struct person *p = ctx;

    ck_assert_int_lt(p->said_count, 64);
    snprintf(p->said[p->said_count++], 200, "%.*s", (int)object.n, object.p);
}

static void closed(void *ctx, int code)
{
}

static void on_event(void *ctx, const struct client_event *ev)
{
    struct person *p = ctx;

    if (ev->kind == EV_MESSAGE)
        p->seqs[p->messages++ % 64] = ev->seq;
    p->synced += ev->kind == EV_SYNCED;
    p->sent += ev->kind == EV_SENT;
    p->slow += ev->kind == EV_ERROR && strcmp(ev->code, "slow") == 0;
    if (ev->kind != EV_LINK || ev->link != LINK_ENDED)
        return;
    p->ended++;
    snprintf(p->code, sizeof(p->code), "%s", ev->code != NULL ? ev->code : "");
}

static void enter(struct person *p)
{
    struct error err = {0};
    struct client_config cfg = {.loop = loop,
                                .clock = clock_system(),
                                .rng = &rng,
                                .server = "ws://played",
                                .dir = dir,
                                .token = "t",
                                .dev = 1,
                                .user = 7,
                                .ua = "test",
                                .event = on_event,
                                .ctx = p,
                                .instead = &p->instead,
                                .share = true};

    memset(p, 0, sizeof(*p));
    p->instead = (struct link_stand_in){said, closed, p};
    ck_assert_int_eq(client_new(&p->client, &cfg, &err), 0);
    client_start(p->client);
}

static void turns(int n)
{
    for (int i = 0; i < n; i++)
        loop_run_once(loop, false);
}

/* Has it said something with this in it? */
static bool has_said(const struct person *p, const char *what)
{
    for (int i = 0; i < p->said_count; i++)
        if (strstr(p->said[i], what) != NULL)
            return true;
    return false;
}

static void until_said(const struct person *p, const char *what)
{
    for (int i = 0; i < 2000 && !has_said(p, what); i++)
        loop_run_once(loop, true);
    ck_assert_msg(has_said(p, what), "%s", what);
}

/* The number of the last request of this kind. */
static int64_t number_of(const struct person *p, const char *kind)
{
    for (int i = p->said_count - 1; i >= 0; i--) {
        const char *n = strstr(p->said[i], "\"n\":");

        if (strstr(p->said[i], kind) != NULL && n != NULL)
            return strtoll(n + 4, NULL, 10);
    }
    ck_abort_msg("no %s", kind);
}

static void feed(struct person *p, const char *text)
{
    client_feed(p->client, span_of(text));
}

static void feed_buf(struct person *p, struct buf *b)
{
    client_feed(p->client, buf_span(b));
    buf_release(b);
}

static void welcome(struct person *p)
{
    struct welcome w = {.user = 7,
                        .dev = 1,
                        .node = 1,
                        .store = "s",
                        .lease = 1,
                        .now = 1,
                        .durability = "local"};
    struct buf b;

    buf_init(&b, 4096);
    ck_assert_int_eq(enc_welcome(&b, 1, &w), 0);
    feed_buf(p, &b);
    ck_assert_int_eq(enc_synced(&b, NULL, 0), 0);
    feed_buf(p, &b);
}

static void bring_up(struct person *p)
{
    char text[200];

    until_said(p, "\"hello\"");
    welcome(p);
    until_said(p, "conv.list");
    snprintf(text, sizeof(text),
             "{\"t\":\"ok\",\"re\":%lld,\"convs\":[{\"conv\":\"c5\",\"kind\":"
             "\"direct\",\"user\":\"u8\"}],\"more\":false}",
             (long long)number_of(p, "conv.list"));
    archive_user_put(client_archive(p->client), 8, "bob", NULL);
    feed(p, text);
    ck_assert_int_eq(p->synced, 1);
}

static void feed_entry(struct person *p, int64_t seq)
{
    struct entry e = {.conv = 5,
                      .seq = seq,
                      .id = 900 + (uint64_t)seq,
                      .ts = 5,
                      .kind = ENTRY_MSG,
                      .from = 8,
                      .dev = 9,
                      .body = SPAN("{\"text\":\"x\"}")};
    struct buf b;

    buf_init(&b, 4096);
    ck_assert_int_eq(enc_entry(&b, &e, false), 0);
    feed_buf(p, &b);
}

static void until(const int *count, int is)
{
    for (int i = 0; i < 2000 && *count < is; i++)
        loop_run_once(loop, true);
    ck_assert_int_eq(*count, is);
}

static struct person one, two, three;

static void answered(void *ctx, const struct frame *f)
{
    struct person *p = ctx;

    p->answers += f != NULL;
    p->lost += f == NULL;
}

static void two_of_them(void)
{
    enter(&one);
    bring_up(&one);
    enter(&two);
    until(&two.synced, 1);
}

static void both_leave(void)
{
    client_free(&one.client);
    client_free(&two.client);
}

START_TEST(a_guest_works_through_the_owner)
{
    char text[100];

    two_of_them();
    ck_assert_int_eq(two.said_count, 0);
    feed_entry(&one, 1);
    feed_entry(&one, 2);
    until(&two.messages, 2);
    ck_assert(two.seqs[0] == 1 && two.seqs[1] == 2 && one.messages == 2);
    client_request(two.client, FRAME_CONV_INFO, SPAN("\"conv\":\"c5\""),
                   answered, &two);
    until_said(&one, "conv.info");
    ck_assert(has_said(&one, "\"conv\":\"c5\""));
    snprintf(text, sizeof(text), "{\"t\":\"ok\",\"re\":%lld}",
             (long long)number_of(&one, "conv.info"));
    feed(&one, text);
    until(&two.answers, 1);
    client_read(two.client, 5, 2);
    until_said(&one, "\"read\"");
    both_leave();
}
END_TEST

START_TEST(a_send_of_a_guest_is_sent_once)
{
    struct client_send s = {
        .conv = 5, .cid = "k1", .body = SPAN("{\"text\":\"hi\"}")};
    struct buf b;

    two_of_them();
    ck_assert_int_eq(client_send(two.client, &s, NULL), 0);
    until_said(&one, "\"k1\"");
    buf_init(&b, 1024);
    enc_sent(&b, number_of(&one, "\"k1\""), 5, SPAN("k1"), 1, 901, 5, false);
    feed_buf(&one, &b);
    until(&two.sent, 1);
    ck_assert_int_eq(one.sent, 1);
    ck_assert(client_outbox_empty(two.client));
    both_leave();
}
END_TEST

START_TEST(views_and_presence_add_up)
{
    const uint64_t a[] = {5, 6}, b[] = {6, 9};

    two_of_them();
    client_view(one.client, a, 2, NULL, 0);
    client_view(two.client, b, 2, NULL, 0);
    until_said(&one, "[\"c5\",\"c6\",\"c9\"]");
    client_active(one.client, false);
    until_said(&one, "\"act\":false");
    one.said_count = 0;
    client_active(two.client, true);
    until_said(&one, "\"act\":true");
    one.said_count = 0;
    client_free(&two.client);
    until_said(&one, "\"act\":false");
    ck_assert(has_said(&one, "[\"c5\",\"c6\"]"));
    client_free(&one.client);
}
END_TEST

/* What the owner had stored, acknowledged, but told nobody. */
static void store_behind(struct person *p, int64_t seq)
{
    struct archive *a = client_archive(p->client);
    struct archive_conv row;
    struct entry e = {.conv = 5,
                      .seq = seq,
                      .id = 900 + (uint64_t)seq,
                      .ts = 5,
                      .kind = ENTRY_MSG,
                      .from = 8,
                      .body = SPAN("{}")};

    ck_assert_int_eq(archive_put(a, &e), 1);
    ck_assert_int_eq(archive_conv_get(a, 5, &row), 0);
    row.acked = row.head = seq;
    archive_conv_put(a, &row);
}

START_TEST(a_guest_takes_over_where_it_was)
{
    two_of_them();
    feed_entry(&one, 1);
    until(&two.messages, 1);
    client_request(two.client, FRAME_CONV_INFO, SPAN("\"conv\":\"c5\""),
                   answered, &two);
    client_request(two.client, FRAME_CONV_LEAVE, SPAN("\"conv\":\"c5\""),
                   answered, &two);
    until_said(&one, "conv.leave");
    store_behind(&one, 2);
    client_free(&one.client);
    until(&two.lost, 1); /* what may have happened is not asked again */
    two.synced = 0;
    bring_up(&two);
    ck_assert_int_eq(two.messages, 2);
    ck_assert_int_eq(two.seqs[1], 2);
    ck_assert(has_said(&two, "\"c5\":2"));
    ck_assert(has_said(&two, "conv.info"));
    ck_assert(!has_said(&two, "conv.leave"));
    feed_entry(&two, 3);
    ck_assert_int_eq(two.messages, 3);
    client_free(&two.client);
}
END_TEST

START_TEST(the_other_guest_goes_on_with_the_next_owner)
{
    struct person *next, *rest;

    two_of_them();
    enter(&three);
    until(&three.synced, 1);
    feed_entry(&one, 1);
    until(&two.messages, 1);
    until(&three.messages, 1);
    store_behind(&one, 2);
    two.synced = three.synced = 0;
    client_free(&one.client);
    for (int i = 0; i < 2000 && two.said_count + three.said_count == 0; i++)
        loop_run_once(loop, true);
    next = two.said_count > 0 ? &two : &three;
    rest = next == &two ? &three : &two;
    bring_up(next);
    until(&rest->synced, 1);
    until(&rest->messages, 2);
    feed_entry(next, 3);
    until(&rest->messages, 3);
    ck_assert_int_eq(rest->seqs[1], 2);
    ck_assert_int_eq(rest->seqs[2], 3);
    ck_assert_int_eq(rest->said_count, 0);
    client_free(&two.client);
    client_free(&three.client);
}
END_TEST

START_TEST(a_stop_of_a_guest_is_its_own)
{
    two_of_them();
    client_stop(two.client);
    ck_assert_int_eq(two.ended, 1);
    turns(20);
    ck_assert_int_eq(one.ended, 0);
    ck_assert(client_link_state(one.client) == LINK_UP);
    ck_assert(!has_said(&one, "\"bye\""));
    both_leave();
}
END_TEST

START_TEST(a_guest_that_does_not_read_is_let_go)
{
    static const char hi[] = "{\"t\":\"hi\",\"v\":1}\n";
    int fd;

    two_of_them();
    fd = share_connect(dir);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, hi, sizeof(hi) - 1), sizeof(hi) - 1);
    turns(20);
    for (int i = 0; i < 100000 && one.slow == 0; i++) {
        feed(&one, "{\"t\":\"typing\",\"conv\":\"c5\",\"user\":\"u8\","
                   "\"on\":true}");
        turns(1);
    }
    ck_assert_int_eq(one.slow, 1);
    feed_entry(&one, 1); /* the other guest is as before */
    until(&two.messages, 1);
    close(fd);
    both_leave();
}
END_TEST

START_TEST(nobody_who_answers_ends_with_busy)
{
    pid_t pid;
    int lock = share_lock(dir, &pid), fd = share_listen(dir);

    enter(&one);
    until(&one.ended, 1);
    ck_assert_str_eq(one.code, "busy");
    client_free(&one.client);
    close(fd);
    close(lock);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("share");
    TCase *t = tcase_create("share");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_guest_works_through_the_owner);
    tcase_add_test(t, a_send_of_a_guest_is_sent_once);
    tcase_add_test(t, views_and_presence_add_up);
    tcase_add_test(t, a_guest_takes_over_where_it_was);
    tcase_add_test(t, the_other_guest_goes_on_with_the_next_owner);
    tcase_add_test(t, a_stop_of_a_guest_is_its_own);
    tcase_add_test(t, a_guest_that_does_not_read_is_let_go);
    tcase_add_test(t, nobody_who_answers_ends_with_busy);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0 ? 1 : 0;
}
