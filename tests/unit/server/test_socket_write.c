/* What goes out of a connection, write by write: each send() is a packet of a
 * SOCK_SEQPACKET pair. The rest of the connection is played here. */
#include "socket_inside.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "unit/base/suite.h"

/* ---- the files around socket_write.c ---- */

static struct span queued; /* what the conn has: one object */
static int user;

struct socket *socket_of(struct peer *p)
{
    return container_of(p, struct socket, peer);
}

void socket_end(struct socket *s, enum socket_end how)
{
    s->state = ENDED;
    s->how = (uint8_t)how;
}

void socket_hurry(struct socket *s)
{
}

void socket_watch(struct socket *s, int verb)
{
    ck_assert_int_eq(verb, EPOLL_CTL_MOD);
}

void socket_drop_buf(struct buf **b)
{
    if (*b != NULL)
        buf_release(*b);
    free(*b);
    *b = NULL;
}

size_t conn_pull(struct conn *c, char *out, size_t max)
{
    size_t n = queued.n;

    if (n > max)
        return 0;
    memcpy(out, queued.p, n);
    queued.n = 0;
    return n;
}

uint64_t conn_user(const struct conn *c)
{
    return (uint64_t)user;
}

bool claim_is_waiting(struct claim c)
{
    return c.tagged & 1;
}

void claim_release(struct claim *c)
{
    c->tagged = 0;
}

/* ---- one connection ---- */

struct set {
    struct shard shard;
    struct socket s;
    int far;
};

static void begin(struct set *t)
{
    int pair[2];

    *t = (struct set){0};
    ck_assert_int_eq(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
    t->shard.sockets = mem_alloc(sizeof(struct sockets));
    t->shard.out = mem_alloc(SHARD_OUT);
    t->s.peer.shard = &t->shard;
    t->s.peer.conn = (struct conn *)t; /* somebody */
    t->s.state = OPEN;
    t->s.fd = pair[0];
    t->far = pair[1];
    queued = (struct span){0};
    user = 0;
}

static void end(struct set *t)
{
    socket_drop_buf(&t->s.rest);
    close(t->s.fd);
    close(t->far);
    free(t->shard.out);
    free(t->shard.sockets);
}

/* One write, or -1. */
static ssize_t next_write(struct set *t, char *out, size_t size)
{
    return recv(t->far, out, size, 0);
}

/* The kernel takes no more: something waits. */
static void stuff(struct set *t)
{
    static char much[4096];

    while (t->s.rest == NULL)
        socket_put(&t->s, much, sizeof(much));
}

static void ping(struct set *t, int count, size_t n)
{
    char bytes[WEBSOCKET_CONTROL] = {0};

    for (int i = 0; i < count; i++) {
        bytes[0] = (char)i;
        bytes[1] = (char)(i >> 8);
        socket_gather_pong(&t->s, bytes, n);
    }
    socket_put_pongs(&t->s);
}

/* ---- pongs ---- */

START_TEST(pongs_go_together)
{
    struct set t;
    char out[2 * PONG_BYTES];
    ssize_t n;
    int writes = 0, pongs = 0;

    begin(&t);
    ping(&t, 10000, 2);
    while ((n = next_write(&t, out, sizeof(out))) > 0) {
        writes++;
        for (ssize_t at = 0; at < n; at += 4, pongs++) {
            char want[] = {(char)0x8a, 2, (char)pongs, (char)(pongs >> 8)};

            ck_assert_mem_eq(out + at, want, sizeof(want));
        }
    }
    ck_assert_int_eq(pongs, 10000);
    ck_assert_int_le(writes, 10000 * 4 / (PONG_BYTES - WEBSOCKET_HEAD - 4) + 1);
    end(&t);
}
END_TEST

START_TEST(pongs_of_every_length)
{
    struct set t;
    char out[2 * PONG_BYTES];

    begin(&t);
    for (size_t n = 0; n <= WEBSOCKET_CONTROL; n++) {
        ping(&t, 1, n);
        ck_assert_int_eq(next_write(&t, out, sizeof(out)), (ssize_t)n + 2);
        ck_assert_int_eq(out[1], (int)n);
    }
    ping(&t, 0, 0);
    ck_assert_int_eq(next_write(&t, out, sizeof(out)), -1);
    end(&t);
}
END_TEST

/* A slow reader is answered; one that only pings costs a bounded memory. */
START_TEST(pongs_behind_what_waits)
{
    struct set t;
    size_t before;

    begin(&t);
    stuff(&t);
    before = t.s.rest->len;
    ping(&t, 1, 4);
    ck_assert_uint_eq(t.s.rest->len, before + 6);
    ping(&t, 100000, 125);
    ck_assert_uint_gt(t.s.rest->len, before + PONG_BYTES / 2);
    ck_assert_uint_le(t.s.rest->len, before + PONG_BYTES);
    ck_assert_int_eq(t.s.state, OPEN);
    end(&t);
}
END_TEST

START_TEST(nothing_for_a_connection_that_ended)
{
    struct set t;
    char out[PONG_BYTES];

    begin(&t);
    socket_gather_pong(&t.s, "x", 1);
    socket_end(&t.s, END_CUT);
    socket_put_pongs(&t.s);
    ck_assert_int_eq(next_write(&t, out, sizeof(out)), -1);
    /* And the next connection does not get its pongs. */
    t.s.state = OPEN;
    ping(&t, 0, 0);
    ck_assert_int_eq(next_write(&t, out, sizeof(out)), -1);
    end(&t);
}
END_TEST

/* ---- the largest that may wait ---- */

START_TEST(all_that_may_wait_has_room)
{
    static char large[SHARD_OUT - WEBSOCKET_HEAD];
    struct set t;

    begin(&t);
    stuff(&t);
    socket_drop_buf(&t.s.rest); /* the kernel's own buffer stays full */
    queued = span_make(large, sizeof(large));
    socket_flush(&t.s.peer);
    ck_assert_uint_eq(t.s.rest->len, SHARD_OUT);
    ping(&t, 100000, 125);
    t.s.peer.close_code = 4002;
    socket_put_goodbye(&t.s, 4002, "x");
    ck_assert_int_eq(t.s.state, OPEN);
    ck_assert_uint_gt(t.s.rest->len, SHARD_OUT + PONG_BYTES / 2);
    end(&t);
}
END_TEST

SUITE("socket_write", pongs_go_together, pongs_of_every_length,
      pongs_behind_what_waits, nothing_for_a_connection_that_ended,
      all_that_may_wait_has_room)
