#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/share.h"

static char dir[256];
static struct loop *loop;

static void set_up(void)
{
    snprintf(dir, sizeof(dir), "/tmp/confab-share-%d", (int)getpid());
    mkdir(dir, 0700);
    loop = loop_new();
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
    loop_free(&loop);
    remove_all(dir);
}

/* ---- events as lines ---- */

static bool read_back(struct client_event *out, const char *text, json_t **j)
{
    struct error err;

    *j = json_parse(span_of(text), &err);
    ck_assert_ptr_nonnull(*j);
    return share_event_read(out, *j);
}

START_TEST(an_event_goes_through)
{
    struct client_event out, in = {.kind = EV_RECEIPT,
                                   .link = LINK_UP,
                                   .delay_ms = 2,
                                   .attempt = 3,
                                   .code = "4401",
                                   .text = "a \"b\"\n",
                                   .conv = 5,
                                   .user = INT64_MAX,
                                   .fresh = true,
                                   .on = true,
                                   .cid = "k",
                                   .seq = 6,
                                   .ts = 7,
                                   .from = 8,
                                   .to = 9,
                                   .delivered = 10,
                                   .read = 11,
                                   .delivered_n = 12,
                                   .read_n = 13,
                                   .last = 14,
                                   .id = 1ull << 62,
                                   .replayed = 16};
    struct buf b;
    json_t *j;

    buf_init(&b, 4096);
    share_event_write(&b, &in);
    ck_assert(memchr(b.data, '\n', b.len) == NULL);
    ck_assert(read_back(&out, buf_cstr(&b), &j));
    ck_assert(out.kind == in.kind && out.link == in.link && out.delay_ms == 2 &&
              out.attempt == 3 && out.conv == 5);
    ck_assert(out.user == in.user && out.fresh && !out.dup && out.on);
    ck_assert(out.seq == 6 && out.ts == 7 && out.from == 8 && out.to == 9 &&
              out.delivered == 10 && out.read == 11);
    ck_assert(out.delivered_n == 12 && out.read_n == 13 && out.last == 14 &&
              out.id == in.id && out.replayed == 16);
    ck_assert_str_eq(out.code, "4401");
    ck_assert_str_eq(out.text, "a \"b\"\n");
    ck_assert_str_eq(out.cid, "k");
    json_decref(j);
    buf_release(&b);
}
END_TEST

START_TEST(what_is_no_event_is_refused)
{
    static const char *const bad[] = {
        "{\"t\":\"event\"}",
        "{\"t\":\"event\",\"v\":[1,2]}",
        "{\"t\":\"event\",\"v\":[99,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}",
        "{\"t\":\"event\",\"v\":[0,77,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}",
        "{\"t\":\"event\",\"v\":[-1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}",
    };
    struct client_event out;
    json_t *j;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!read_back(&out, bad[i], &j), "%s", bad[i]);
        json_decref(j);
    }
}
END_TEST

/* ---- the socket ---- */

START_TEST(one_has_the_lock)
{
    pid_t pid;
    int fd = share_lock(dir, &pid);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(share_lock(dir, &pid), -CF_BUSY);
    ck_assert_int_eq(pid, getpid());
    close(fd);
    fd = share_lock(dir, &pid);
    ck_assert_int_ge(fd, 0);
    close(fd);
}
END_TEST

START_TEST(a_long_directory_has_a_socket)
{
    char longer[512], path[600];
    struct stat st;
    int fd, other;

    snprintf(longer, sizeof(longer), "%s/%0150d", dir, 7);
    mkdir(longer, 0700);
    ck_assert_int_eq(share_connect(longer), -CF_UNAVAILABLE);
    fd = share_listen(longer);
    ck_assert_int_ge(fd, 0);
    snprintf(path, sizeof(path), "%s/owner.sock", longer);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    other = share_connect(longer);
    ck_assert_int_ge(other, 0);
    ck_assert_int_eq(share_peer(other), getpid());
    close(other);
    share_unlisten(longer);
    ck_assert_int_eq(share_connect(longer), -CF_UNAVAILABLE);
    close(fd);
    remove_all(longer);
}
END_TEST

struct heard {
    char text[64];
    int lines, ends;
};

static void got(void *ctx, struct span line)
{
    struct heard *h = ctx;

    h->lines++;
    snprintf(h->text, sizeof(h->text), "%.*s", (int)line.n, line.p);
}

static void ended(void *ctx)
{
    ((struct heard *)ctx)->ends++;
}

static struct share_line *line_pair(struct heard *h, int *other)
{
    struct share_events ev = {.got = got, .ended = ended, .ctx = h};
    int fds[2];

    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
        0);
    *other = fds[1];
    return share_line_new(loop, fds[0], &ev);
}

START_TEST(lines_come_whole)
{
    struct heard h = {.lines = 0};
    int other;
    struct share_line *l = line_pair(&h, &other);

    ck_assert_int_eq(write(other, "one\ntw", 6), 6);
    loop_run_once(loop, true);
    ck_assert_int_eq(h.lines, 1);
    ck_assert_str_eq(h.text, "one");
    ck_assert_int_eq(write(other, "o\n", 2), 2);
    loop_run_once(loop, true);
    ck_assert_str_eq(h.text, "two");
    close(other);
    loop_run_once(loop, true);
    ck_assert_int_eq(h.ends, 1);
    share_line_free(&l);
}
END_TEST

START_TEST(a_line_without_an_end_is_cut)
{
    static char much[65536];
    struct heard h = {.lines = 0};
    int other;
    struct share_line *l = line_pair(&h, &other);
    size_t sent = 0;

    memset(much, 'x', sizeof(much));
    while (h.ends == 0) {
        ssize_t n = write(other, much, sizeof(much));

        sent += n > 0 ? (size_t)n : 0;
        ck_assert_uint_le(sent, 3 * SHARE_LINE_MAX);
        loop_run_once(loop, false);
    }
    ck_assert_int_eq(h.lines, 0);
    share_line_free(&l);
    close(other);
}
END_TEST

START_TEST(who_does_not_read_is_noticed)
{
    static char much[65536];
    struct heard h = {.lines = 0};
    int other, rc = 0;
    struct share_line *l = line_pair(&h, &other);
    size_t sent = 0;

    memset(much, 'x', sizeof(much));
    while ((rc = share_line_send(l, span_make(much, sizeof(much)))) == 0) {
        sent += sizeof(much);
        ck_assert_uint_le(sent, 2 * SHARE_OUT_MAX);
    }
    ck_assert_int_eq(rc, -CF_FULL);
    share_line_free(&l);
    close(other);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("share_line");
    TCase *t = tcase_create("share");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_event_goes_through);
    tcase_add_test(t, what_is_no_event_is_refused);
    tcase_add_test(t, one_has_the_lock);
    tcase_add_test(t, a_long_directory_has_a_socket);
    tcase_add_test(t, lines_come_whole);
    tcase_add_test(t, a_line_without_an_end_is_cut);
    tcase_add_test(t, who_does_not_read_is_noticed);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed > 0 ? 1 : 0;
}
