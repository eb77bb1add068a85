/* local.c - the bus between the threads of one process: for each port an
 * inbox under a mutex. A burst of messages costs the receiver one post, and it
 * takes all that is there in one go.
 *
 * Inboxes of closed ports stay allocated until the bus is closed: a sender or
 * a posted function may still hold one, and there are few. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bus/bus_backend.h"
#include "proto/ids.h"

#define LOST_MAX 8

struct message {
    struct message *next;
    int from;
    size_t len;
    char bytes[];
};

/* Senders whose messages found the queue full; any: too many to name. */
struct lost {
    int nodes[LOST_MAX];
    int count;
    bool any;
};

struct inbox {
    pthread_mutex_t lock;
    struct message *first, **last;
    size_t bytes;
    struct lost lost;
    bool posted;
    struct bus_port *port; /* NULL: closed. Written under the lock */
    struct inbox *older;   /* all there ever were */
};

struct local {
    pthread_mutex_t lock; /* of all */
    struct inbox *all;
    struct inbox *_Atomic nodes[ID_NODES];
};

static int local_open(struct bus *b, const struct bus_config *cfg,
                      struct error *err)
{
    struct local *l = mem_alloc(sizeof(*l));

    pthread_mutex_init(&l->lock, NULL);
    b->priv = l;
    return 0;
}

static void messages_free(struct message *m)
{
    while (m != NULL) {
        struct message *next = m->next;

        free(m);
        m = next;
    }
}

static void local_close(struct bus *b)
{
    struct local *l = b->priv;

    while (l->all != NULL) {
        struct inbox *in = l->all;

        l->all = in->older;
        messages_free(in->first);
        pthread_mutex_destroy(&in->lock);
        free(in);
    }
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void local_port_open(struct bus_port *p)
{
    struct local *l = p->bus->priv;
    struct inbox *in = mem_alloc(sizeof(*in));

    pthread_mutex_init(&in->lock, NULL);
    in->last = &in->first;
    in->port = p;
    p->priv = in;
    pthread_mutex_lock(&l->lock);
    in->older = l->all;
    l->all = in;
    pthread_mutex_unlock(&l->lock);
    atomic_store(&l->nodes[p->node], in);
}

static void local_port_close(struct bus_port *p)
{
    struct local *l = p->bus->priv;
    struct inbox *in = p->priv, *mine = in;
    struct message *left;

    atomic_compare_exchange_strong(&l->nodes[p->node], &mine, NULL);
    pthread_mutex_lock(&in->lock);
    in->port = NULL;
    left = in->first;
    in->first = NULL;
    in->last = &in->first;
    pthread_mutex_unlock(&in->lock);
    messages_free(left);
}

/* Hand over what was taken; the port may be closed by one of the events. */
static void hand_over(struct inbox *in, struct message *m)
{
    while (m != NULL) {
        struct message *next = m->next;
        struct bus_port *p = in->port;

        if (p != NULL)
            p->events.message(p->events.ctx, m->from,
                              span_make(m->bytes, m->len));
        free(m);
        m = next;
    }
}

static void tell_lost(struct inbox *in, const struct lost *lost)
{
    for (int i = 0; i < lost->count && !lost->any; i++) {
        if (in->port != NULL)
            in->port->events.gap(in->port->events.ctx, lost->nodes[i]);
    }
    if (lost->any && in->port != NULL)
        in->port->events.gap(in->port->events.ctx, -1);
}

/* On the port's thread, the only one that closes the port: in->port may be
 * read without the lock. */
static void drain(void *arg)
{
    struct inbox *in = arg;
    struct message *m;
    struct lost lost;

    pthread_mutex_lock(&in->lock);
    m = in->first;
    in->first = NULL;
    in->last = &in->first;
    in->bytes = 0;
    in->posted = false;
    lost = in->lost;
    in->lost = (struct lost){.count = 0};
    pthread_mutex_unlock(&in->lock);
    hand_over(in, m);
    tell_lost(in, &lost);
}

static void note_lost(struct lost *lost, int from)
{
    for (int i = 0; i < lost->count; i++) {
        if (lost->nodes[i] == from)
            return;
    }
    if (lost->count < LOST_MAX)
        lost->nodes[lost->count++] = from;
    else
        lost->any = true;
}

/* Put m into the inbox, under its lock. */
static int enqueue(struct inbox *in, struct message *m)
{
    if (in->port == NULL)
        return -CF_NOT_FOUND;
    if (in->bytes + m->len > BUS_QUEUE_MAX) {
        note_lost(&in->lost, m->from);
        return -CF_BUSY;
    }
    *in->last = m;
    in->last = &m->next;
    in->bytes += m->len;
    /* Under the lock, since the port must not go away before. */
    if (!in->posted)
        in->port->post(in->port->post_ctx, drain, in);
    in->posted = true;
    return 0;
}

static int local_send(struct bus_port *p, int to, struct span bytes)
{
    struct local *l = p->bus->priv;
    struct inbox *in = atomic_load(&l->nodes[to]);
    struct message *m;
    int rc;

    if (in == NULL)
        return -CF_NOT_FOUND;
    m = mem_alloc(sizeof(*m) + bytes.n);
    m->from = p->node;
    m->len = bytes.n;
    if (bytes.n > 0)
        memcpy(m->bytes, bytes.p, bytes.n);
    pthread_mutex_lock(&in->lock);
    rc = enqueue(in, m);
    pthread_mutex_unlock(&in->lock);
    if (rc < 0)
        free(m);
    return rc;
}

const struct bus_backend bus_local = {
    .name = "local",
    .open = local_open,
    .close = local_close,
    .port_open = local_port_open,
    .port_close = local_port_close,
    .send = local_send,
};
