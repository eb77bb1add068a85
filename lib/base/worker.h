/* worker.h - threads for what blocks (SQLite, Argon2id, files). A pool has a
 * bounded queue; results come back through loop_post(). Create pools in main
 * before any thread unshares its descriptor table. */
#ifndef BASE_WORKER_H
#define BASE_WORKER_H

#include "base/loop.h"

struct worker_pool;

/* threads >= 1; queue: how many jobs may wait. name shows in ps -L. */
struct worker_pool *worker_pool_new(const char *name, int threads, int queue);
/* Finishes what is queued, joins the threads. */
void worker_pool_free(struct worker_pool **p);

/* Run work(arg) on a thread, then done(arg) on loop (NULL: no done).
 * 0, or -CF_BUSY when the queue is full: neither will run. */
int worker_submit(struct worker_pool *p, void (*work)(void *arg),
                  struct loop *loop, void (*done)(void *arg), void *arg);

#endif
