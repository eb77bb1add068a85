/* Power cuts: a process that sends through the store on a disk that loses what
 * was not synced (shim/lossy_vfs.h) is killed in the middle, again and again.
 * Whatever it acknowledged must be there. With the sync taken out the same
 * check must find losses, or it would prove nothing. */
#include "contract/store_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/rng.h"
#include "shim/lossy_vfs.h"

#define IN_FLIGHT 64
#define ROUNDS 25
#define ACKS_MAX 100000

/* What the child says through the pipe for each acknowledged send. */
struct ack {
    uint64_t id;
    int64_t seq;
};

struct child {
    struct kit *k;
    struct store_op ops[IN_FLIGHT];
    int pipe;
    uint64_t next_id;
};

static void child_sent(struct store_op *op);

static void child_send(struct child *c, struct store_op *op)
{
    store_op_init(op, STORE_APPEND, child_sent, c);
    op->conv = 50;
    op->term = 1;
    op->entry =
        (struct entry){.id = ++c->next_id,
                       .kind = ENTRY_MSG,
                       .from = 1,
                       .body = SPAN("{\"text\":\"a body of some length, "
                                    "to fill pages\"}")};
    store_submit(c->k->port, op);
}

static void child_sent(struct store_op *op)
{
    struct child *c = op->ctx;
    struct ack a = {op->entry.id, op->entry.seq};

    if (op->rc == 0 && write(c->pipe, &a, sizeof(a)) != sizeof(a))
        _exit(1);
    child_send(c, op);
}

/* Never comes back: it is killed. */
static void child_run(struct kit *k, int fd, uint64_t first_id)
{
    struct store_config cfg = {
        .backend = "sqlite", .dir = k->dir, .clock = &k->clock.base};
    struct child *c = mem_alloc(sizeof(*c));
    struct error err = {0};

    c->k = k;
    c->pipe = fd;
    c->next_id = first_id;
    if (store_open(&k->store, &cfg, &err) < 0)
        _exit(2);
    k->port = store_port_new(k->store, kit_post, &k->queue);
    for (int i = 0; i < IN_FLIGHT; i++)
        child_send(c, &c->ops[i]);
    for (;;)
        kit_queue_run(&k->queue, true);
}

/* Read acks until there are `wanted` more, kill, read the rest. */
static int collect(pid_t pid, int fd, int wanted, struct ack *acks, int have)
{
    int n = have, status;
    bool killed = false;

    while (n < ACKS_MAX && read(fd, &acks[n], sizeof(*acks)) == sizeof(*acks)) {
        n++;
        if (!killed && n - have >= wanted) {
            kill(pid, SIGKILL);
            killed = true;
        }
    }
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status), "the child ended by itself: %d",
                  WEXITSTATUS(status));
    return n;
}

static int one_cut(struct kit *k, int wanted, uint64_t first_id,
                   struct ack *acks, int have)
{
    int fds[2];
    pid_t pid;

    ck_assert_int_eq(pipe(fds), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        close(fds[0]);
        child_run(k, fds[1], first_id);
    }
    close(fds[1]);
    have = collect(pid, fds[0], wanted, acks, have);
    close(fds[0]);
    return have;
}

/* How many of the acks are not what is stored. */
static int count_lost(struct kit *k, const struct ack *acks, int n)
{
    int lost = 0;

    for (int i = 0; i < n; i++) {
        struct store_op op;

        store_op_init(&op, STORE_ENTRY, kit_done, NULL);
        op.conv = 50;
        op.entry.seq = acks[i].seq;
        lost += kit_run(k, &op) != 0 || op.entry.id != acks[i].id;
        store_op_release(&op);
    }
    return lost;
}

static int head_of(struct kit *k)
{
    struct store_op op;

    store_op_init(&op, STORE_CONV, kit_done, NULL);
    op.conv = 50;
    return kit_run(k, &op) == 0 ? (int)op.row.head : 0;
}

/* Entries 1..head are all there. */
static void check_dense(struct kit *k)
{
    int head = head_of(k);

    for (int64_t after = 0; after < head;) {
        struct store_op op;

        ck_assert_int_eq(kit_page(k, &op, 50, after, 0, 200, true), 0);
        ck_assert_int_gt(op.entry_count, 0);
        for (int i = 0; i < op.entry_count; i++)
            ck_assert_int_eq(op.entries[i].seq, after + i + 1);
        after += op.entry_count;
        store_op_release(&op);
    }
}

static int play(int rounds, bool nosync)
{
    struct kit *k = kit_open("sqlite");
    struct ack *acks = mem_array(ACKS_MAX, sizeof(*acks));
    struct rng rng;
    int n = 0, lost = 0;

    rng_init_seeded(&rng, 7);
    kit_people(k);
    for (int i = 0; i < rounds && lost == 0; i++) {
        uint64_t first = (uint64_t)(i + 1) * 1000000;
        int wanted = 1 + (int)rng_below(&rng, 600);

        kit_stop(k);
        lossy_install_with(nosync, 8);
        n = one_cut(k, wanted, first, acks, n);
        kit_start(k); /* recovery; it must be whole */
        lost = count_lost(k, acks, n);
        check_dense(k);
    }
    kit_close(k);
    free(acks);
    return lost;
}

START_TEST(power_cuts_lose_nothing_acknowledged)
{
    ck_assert_int_eq(play(ROUNDS, false), 0);
}
END_TEST

START_TEST(without_the_sync_the_loss_is_found)
{
    ck_assert_int_gt(play(3, true), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store and power cuts");
    TCase *t = tcase_create("power");

    log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    lossy_install_with(false, 8);
    tcase_set_timeout(t, 300);
    tcase_add_test(t, power_cuts_lose_nothing_acknowledged);
    tcase_add_test(t, without_the_sync_the_loss_is_found);
    suite_add_tcase(s, t);
    return kit_check_main(s);
}
