#include "base/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"

struct job {
    struct link link;
    void (*work)(void *arg);
    void (*done)(void *arg);
    struct loop *loop;
    void *arg;
};

struct worker_pool {
    pthread_mutex_t lock;
    pthread_cond_t news;
    struct link queue;
    int waiting, bound;
    bool ending;
    int count;
    char name[12];
    pthread_t threads[];
};

static struct job *next_job(struct worker_pool *p)
{
    struct link *l;

    pthread_mutex_lock(&p->lock);
    while (list_empty(&p->queue) && !p->ending)
        pthread_cond_wait(&p->news, &p->lock);
    l = list_pop(&p->queue);
    if (l != NULL)
        p->waiting--;
    pthread_mutex_unlock(&p->lock);
    return l != NULL ? container_of(l, struct job, link) : NULL;
}

static void *run(void *arg)
{
    struct worker_pool *p = arg;
    struct job *j;

    pthread_setname_np(pthread_self(), p->name);
    while ((j = next_job(p)) != NULL) {
        j->work(j->arg);
        if (j->done != NULL)
            loop_post(j->loop, j->done, j->arg);
        free(j);
    }
    return NULL;
}

struct worker_pool *worker_pool_new(const char *name, int threads, int queue)
{
    struct worker_pool *p =
        mem_alloc(sizeof(*p) + (size_t)threads * sizeof(p->threads[0]));
    sigset_t all, old;

    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->news, NULL);
    list_init(&p->queue);
    p->bound = queue;
    snprintf(p->name, sizeof(p->name), "%s", name);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&p->threads[p->count], NULL, run, p) == 0)
            p->count++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (p->count == 0) {
        fputs("no thread for a worker\n", stderr);
        abort();
    }
    return p;
}

void worker_pool_free(struct worker_pool **pp)
{
    struct worker_pool *p = *pp;

    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->news);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->count; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->news);
    pthread_mutex_destroy(&p->lock);
    free(p);
    *pp = NULL;
}

int worker_submit(struct worker_pool *p, void (*work)(void *arg),
                  struct loop *loop, void (*done)(void *arg), void *arg)
{
    struct job *j = mem_alloc(sizeof(*j));

    *j = (struct job){.work = work, .done = done, .loop = loop, .arg = arg};
    pthread_mutex_lock(&p->lock);
    if (p->waiting >= p->bound) {
        pthread_mutex_unlock(&p->lock);
        free(j);
        return -CF_BUSY;
    }
    p->waiting++;
    list_push(&p->queue, &j->link);
    pthread_cond_signal(&p->news);
    pthread_mutex_unlock(&p->lock);
    return 0;
}
