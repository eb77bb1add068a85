#include "base/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "unit/base/suite.h"

static struct loop *loop;
static pthread_t main_thread;
static atomic_int worked;
static int done_count, done_stop;

/* A gate that jobs wait at, so that a queue can be filled for certain. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int inside;
static bool gate_open;

static void work(void *arg)
{
    ck_assert(!pthread_equal(pthread_self(), main_thread));
    atomic_fetch_add(&worked, 1);
}

static void gated_work(void *arg)
{
    pthread_mutex_lock(&lock);
    inside++;
    pthread_cond_broadcast(&changed);
    while (!gate_open)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    atomic_fetch_add(&worked, 1);
}

static void done(void *arg)
{
    ck_assert(pthread_equal(pthread_self(), main_thread));
    if (++done_count == done_stop)
        loop_stop(loop);
}

static void begin(int stop)
{
    main_thread = pthread_self();
    loop = loop_new();
    atomic_store(&worked, 0);
    done_count = inside = 0;
    done_stop = stop;
    gate_open = false;
}

static void open_gate(void)
{
    pthread_mutex_lock(&lock);
    gate_open = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_inside(int n)
{
    pthread_mutex_lock(&lock);
    while (inside < n)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

START_TEST(work_there_done_here)
{
    struct worker_pool *p = worker_pool_new("test", 3, 1000);

    begin(1000);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(worker_submit(p, work, loop, done, NULL), 0);
    loop_run(loop);
    ck_assert_int_eq(atomic_load(&worked), 1000);
    ck_assert_int_eq(done_count, 1000);
    worker_pool_free(&p);
    ck_assert_ptr_null(p);
    worker_pool_free(&p);
    loop_free(&loop);
}
END_TEST

START_TEST(the_queue_is_bounded)
{
    struct worker_pool *p = worker_pool_new("test", 2, 5);

    begin(7);
    ck_assert_int_eq(worker_submit(p, gated_work, loop, done, NULL), 0);
    ck_assert_int_eq(worker_submit(p, gated_work, loop, done, NULL), 0);
    wait_inside(2); /* both threads are busy, the queue is empty */
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(worker_submit(p, gated_work, loop, done, NULL), 0);
    ck_assert_int_eq(worker_submit(p, gated_work, loop, done, NULL), -CF_BUSY);
    ck_assert_int_eq(worker_submit(p, gated_work, loop, done, NULL), -CF_BUSY);
    open_gate();
    loop_run(loop);
    ck_assert_int_eq(atomic_load(&worked), 7);
    ck_assert_int_eq(worker_submit(p, gated_work, loop, done, NULL), 0);
    worker_pool_free(&p);
    loop_free(&loop);
}
END_TEST

START_TEST(free_finishes_what_is_queued)
{
    struct worker_pool *p = worker_pool_new("test", 1, 100);

    begin(0);
    ck_assert_int_eq(worker_submit(p, gated_work, NULL, NULL, NULL), 0);
    wait_inside(1);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(worker_submit(p, work, NULL, NULL, NULL), 0);
    ck_assert_int_eq(atomic_load(&worked), 0);
    open_gate();
    worker_pool_free(&p);
    ck_assert_int_eq(atomic_load(&worked), 51);
    loop_free(&loop);
}
END_TEST

static void look_at_mask(void *arg)
{
    sigset_t now;

    pthread_sigmask(SIG_SETMASK, NULL, &now);
    *(int *)arg = sigismember(&now, SIGTERM) && sigismember(&now, SIGUSR1);
}

START_TEST(workers_take_no_signals)
{
    struct worker_pool *p = worker_pool_new("test", 1, 1);
    int blocked = 0;
    sigset_t now;

    begin(0);
    ck_assert_int_eq(worker_submit(p, look_at_mask, NULL, NULL, &blocked), 0);
    worker_pool_free(&p);
    ck_assert_int_eq(blocked, 1);
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    ck_assert_int_eq(sigismember(&now, SIGUSR1), 0); /* ours as before */
    loop_free(&loop);
}
END_TEST

SUITE("worker", work_there_done_here, the_queue_is_bounded,
      free_finishes_what_is_queued, workers_take_no_signals)
