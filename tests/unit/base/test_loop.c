#include "base/loop.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "unit/base/suite.h"

#define THREADS 4
#define POSTS 2000

static struct loop *loop;
static char trace[64];
static size_t trace_len;

/* An argument for note(). */
static void *letter(char c)
{
    static char all[128];

    all[(int)c] = c;
    return &all[(int)c];
}

static void note(void *arg)
{
    trace[trace_len++] = *(const char *)arg;
    trace[trace_len] = '\0';
}

static void stop(void *arg)
{
    loop_stop(loop);
}

static void begin(void)
{
    loop = loop_new();
    trace_len = 0;
    trace[0] = '\0';
}

START_TEST(posts_run_in_order)
{
    begin();
    loop_post(loop, note, letter('a'));
    loop_post(loop, note, letter('b'));
    loop_post(loop, note, letter('c'));
    ck_assert_str_eq(trace, ""); /* never inside the call */
    loop_post(loop, stop, NULL);
    loop_run(loop);
    ck_assert_str_eq(trace, "abc");
    loop_free(&loop);
    ck_assert_ptr_null(loop);
    loop_free(&loop);
}
END_TEST

static void post_more(void *arg)
{
    note(arg);
    loop_post(loop, note, letter('2'));
    loop_post(loop, note, letter('3'));
    ck_assert_str_eq(trace, "1");
    loop_post(loop, stop, NULL);
}

/* From a timer, when no wake-up of another thread is under way. */
START_TEST(posts_of_the_own_thread_wake_it)
{
    struct loop_timer *later, *never;

    begin();
    later = loop_timer_new(loop, post_more, letter('1'));
    never = loop_timer_new(loop, stop, NULL);
    loop_timer_set(later, 1);
    loop_timer_set(never, 60000);
    loop_run(loop);
    ck_assert_str_eq(trace, "123");
    loop_free(&loop);
}
END_TEST

static int last[THREADS], total;

struct numbered {
    int thread, number;
};

static void count(void *arg)
{
    struct numbered *n = arg;

    ck_assert_int_eq(n->number, last[n->thread] + 1);
    last[n->thread] = n->number;
    free(n);
    if (++total == THREADS * POSTS)
        loop_stop(loop);
}

static void *poster(void *arg)
{
    struct numbered *n;

    for (int i = 1; i <= POSTS; i++) {
        n = malloc(sizeof(*n));
        *n = (struct numbered){(int)(intptr_t)arg, i};
        loop_post(loop, count, n);
    }
    return NULL;
}

START_TEST(posts_come_from_other_threads)
{
    pthread_t threads[THREADS];

    begin();
    total = 0;
    for (intptr_t i = 0; i < THREADS; i++) {
        last[i] = 0;
        pthread_create(&threads[i], NULL, poster, (void *)i);
    }
    loop_run(loop);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(last[i], POSTS);
    }
    loop_free(&loop);
}
END_TEST

START_TEST(unrun_posts_are_freed)
{
    begin();
    loop_post(loop, note, letter('x'));
    loop_free(&loop);
    ck_assert_str_eq(trace, "");
}
END_TEST

START_TEST(timers_fire_in_order)
{
    struct loop_timer *a, *b, *c, *end;

    begin();
    a = loop_timer_new(loop, note, letter('a'));
    b = loop_timer_new(loop, note, letter('b'));
    c = loop_timer_new(loop, note, letter('c'));
    end = loop_timer_new(loop, stop, NULL);
    loop_timer_set(a, 30);
    loop_timer_set(b, 1);
    loop_timer_set(c, 2);
    loop_timer_set(end, 60);
    loop_timer_set(a, 10); /* moved */
    loop_timer_cancel(c);
    loop_run(loop);
    ck_assert_str_eq(trace, "ba");
    loop_timer_set(a, 100000);
    loop_timer_free(&a);
    ck_assert_ptr_null(a);
    loop_timer_free(&a);
    loop_timer_free(&b);
    loop_timer_free(&end);
    loop_free(&loop); /* c was left open */
}
END_TEST

static int ends[2];
static struct loop_fd *watch;

static void readable(void *arg, int events)
{
    char byte;

    ck_assert_int_eq(events, LOOP_READ);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    note(&byte);
    if (byte == 'z') {
        loop_fd_free(&watch); /* from inside its own call */
        loop_stop(loop);
    }
}

static void write_rest(void *arg)
{
    ck_assert_str_eq(trace, ""); /* paused */
    loop_fd_events(watch, LOOP_READ);
}

START_TEST(descriptors_are_watched)
{
    begin();
    ck_assert_int_eq(pipe(ends), 0);
    watch = loop_fd_new(loop, ends[0], readable, NULL);
    ck_assert_ptr_nonnull(watch);
    loop_fd_events(watch, LOOP_READ);
    loop_fd_events(watch, 0);
    ck_assert_int_eq(write(ends[1], "xyz", 3), 3);
    loop_run_once(loop, false);
    loop_post(loop, write_rest, NULL);
    loop_run(loop);
    ck_assert_str_eq(trace, "xyz");
    loop_free(&loop);
    ck_assert_int_eq(close(ends[0]), 0); /* still ours to close */
    close(ends[1]);
}
END_TEST

static void writable(void *arg, int events)
{
    ck_assert_int_eq(events, LOOP_WRITE);
    note(letter('w'));
    loop_fd_events(watch, 0);
    loop_stop(loop);
}

START_TEST(left_open_watchers_are_freed)
{
    begin();
    ck_assert_int_eq(pipe(ends), 0);
    watch = loop_fd_new(loop, ends[1], writable, NULL);
    loop_fd_events(watch, LOOP_WRITE);
    loop_run(loop);
    ck_assert_str_eq(trace, "w");
    loop_free(&loop);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

static void turn_end(void *arg)
{
    /* Everything posted before ran before. */
    if (trace_len > 0)
        note(letter('|'));
}

START_TEST(turns_end_after_their_work)
{
    begin();
    loop_on_turn_end(loop, turn_end, NULL);
    loop_post(loop, note, letter('a'));
    loop_post(loop, note, letter('b'));
    loop_run_once(loop, true);
    ck_assert_ptr_eq(strstr(trace, "ab|"), trace);
    loop_on_turn_end(loop, NULL, NULL);
    trace_len = 0;
    loop_post(loop, note, letter('c'));
    loop_run_once(loop, true);
    ck_assert_str_eq(trace, "c");
    loop_free(&loop);
}
END_TEST

START_TEST(the_last_turn_ends_too)
{
    begin();
    loop_on_turn_end(loop, turn_end, NULL);
    loop_post(loop, note, letter('a'));
    loop_post(loop, stop, NULL);
    loop_run(loop);
    ck_assert_ptr_eq(strstr(trace, "a|"), trace);
    loop_free(&loop);
}
END_TEST

static void on_signal(void *arg, int signo)
{
    ck_assert_int_eq(signo, SIGUSR1);
    note(arg);
    loop_stop(loop);
}

static void raise_it(void *arg)
{
    kill(getpid(), SIGUSR1);
}

START_TEST(signals_arrive_on_the_loop)
{
    begin();
    ck_assert_int_eq(loop_on_signal(loop, SIGUSR1, on_signal, letter('s')), 0);
    ck_assert_int_lt(loop_on_signal(loop, SIGKILL, on_signal, letter('k')), 0);
    loop_post(loop, raise_it, NULL);
    loop_run(loop);
    ck_assert_str_eq(trace, "s");
    loop_free(&loop);
}
END_TEST

SUITE("loop", posts_run_in_order, posts_of_the_own_thread_wake_it,
      posts_come_from_other_threads, unrun_posts_are_freed,
      timers_fire_in_order, descriptors_are_watched,
      left_open_watchers_are_freed, turns_end_after_their_work,
      the_last_turn_ends_too, signals_arrive_on_the_loop)
