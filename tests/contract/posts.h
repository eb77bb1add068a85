/* posts.h - a queue that stands in for a node's loop: what was posted runs
 * when the test says so. Safe to post to from any thread. */
#ifndef TESTS_POSTS_H
#define TESTS_POSTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct post_item {
    void (*fn)(void *);
    void *arg;
    struct post_item *next;
};

struct posts {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct post_item *first, **last;
    int count; /* posts there ever were */
};

static inline void posts_init(struct posts *q)
{
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->more, NULL);
    q->first = NULL;
    q->last = &q->first;
    q->count = 0;
}

static inline void posts_add(void *ctx, void (*fn)(void *), void *arg)
{
    struct posts *q = ctx;
    struct post_item *item = malloc(sizeof(*item));

    *item = (struct post_item){fn, arg, NULL};
    pthread_mutex_lock(&q->lock);
    *q->last = item;
    q->last = &item->next;
    q->count++;
    pthread_cond_signal(&q->more);
    pthread_mutex_unlock(&q->lock);
}

/* Run the next one; wait: until there is one. False: there was none. */
static inline bool posts_step(struct posts *q, bool wait)
{
    struct post_item *item;

    pthread_mutex_lock(&q->lock);
    while (wait && q->first == NULL)
        pthread_cond_wait(&q->more, &q->lock);
    item = q->first;
    if (item != NULL) {
        q->first = item->next;
        if (q->first == NULL)
            q->last = &q->first;
    }
    pthread_mutex_unlock(&q->lock);
    if (item == NULL)
        return false;
    item->fn(item->arg);
    free(item);
    return true;
}

static inline void posts_run(struct posts *q)
{
    while (posts_step(q, false))
        ;
}

static inline void posts_release(struct posts *q)
{
    posts_run(q);
    pthread_cond_destroy(&q->more);
    pthread_mutex_destroy(&q->lock);
}

#endif
