/* loop.h - the event loop (libuv behind one door). A loop belongs to one
 * thread; only loop_post() may be called from others. Create every loop in
 * main before threads with descriptor tables of their own start. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct loop;
struct loop_timer;
struct loop_fd;

struct loop *loop_new(void);
void loop_free(struct loop **l); /* closes what is left open; sets NULL */
void loop_run(struct loop *l);   /* until loop_stop() */
void loop_run_once(struct loop *l, bool wait);
void loop_stop(struct loop *l); /* from the loop's own thread */

/* Run fn(arg) on the loop's thread, in order of posting. Any thread. */
void loop_post(struct loop *l, void (*fn)(void *arg), void *arg);
/* From turn_end: there is more to do; look at the descriptors without waiting
 * and call it again. The loop's thread. */
void loop_again(struct loop *l);

/* Called once at the end of every turn that did anything (NULL: off). */
void loop_on_turn_end(struct loop *l, void (*fn)(void *arg), void *arg);

/* One-shot timers on the real monotonic clock. */
struct loop_timer *loop_timer_new(struct loop *l, void (*fn)(void *arg),
                                  void *arg);
void loop_timer_set(struct loop_timer *t, int64_t after_ms);
void loop_timer_cancel(struct loop_timer *t);
void loop_timer_free(struct loop_timer **t);
/* A clock was moved by ms (clock_shifted_advance): what is due within ms is
 * due now, the rest so much earlier. steady timers stay as they are. */
void loop_advance(struct loop *l, int64_t ms);
void loop_timer_steady(struct loop_timer *t);

/* Watch a descriptor. events is a mask of these. */
enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_fd *loop_fd_new(struct loop *l, int fd,
                            void (*fn)(void *arg, int events), void *arg);
void loop_fd_events(struct loop_fd *f, int events); /* 0: paused */
void loop_fd_free(struct loop_fd **f); /* does not close the descriptor */

/* Run fn on the loop's thread when the signal arrives. main's loop only. */
int loop_on_signal(struct loop *l, int signo, void (*fn)(void *arg, int signo),
                   void *arg);

/* The uv_loop_t, for libwebsockets' foreign_loops and nothing else. */
void *loop_native(struct loop *l);

#endif
