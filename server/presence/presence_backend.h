/* presence_backend.h - for the files of presence/ only. */
#ifndef PRESENCE_PRESENCE_BACKEND_H
#define PRESENCE_PRESENCE_BACKEND_H

#include <pthread.h>

#include "base/map.h"
#include "presence/presence.h"

struct presence {
    const struct presence_backend *backend;
    const struct clock *clock;
    int64_t ttl_ms;
    void *priv; /* the backend's */
    pthread_mutex_t lock;
    struct presence_port *all; /* every port there ever was */
};

struct presence_news {
    uint64_t user;
    int64_t last;
    enum presence_state state;
};

/* Ports live until presence is closed: what was posted for a closed one may
 * still run, and finds it closed. */
struct presence_port {
    struct presence *presence;
    int node;
    void (*post)(void *ctx, void (*fn)(void *), void *arg);
    void *post_ctx;
    presence_change_fn *change;
    void *ctx;
    struct presence_port *older;
    /* Under the lock. */
    pthread_mutex_t lock;
    struct map watched; /* user -> count */
    struct presence_news *news;
    int news_count, news_cap;
    bool closed, posted;
};

struct presence_backend {
    const char *name;
    int (*open)(struct presence *p, const struct presence_config *cfg,
                struct error *err);
    void (*close)(struct presence *p);
    void (*beat)(struct presence_port *p, uint64_t user, bool act);
    void (*leave)(struct presence_port *p, uint64_t user);
    /* Call presence_watch_add() and presence_answer() in one step that no
     * change of the user comes between. */
    void (*watch)(struct presence_port *p, uint64_t user);
    void (*tick)(struct presence_port *p);
};

void presence_watch_add(struct presence_port *p, uint64_t user);
/* Tell port p; from any thread. */
void presence_answer(struct presence_port *p, const struct presence_news *n);
/* Tell every port that watches the user; from any thread. */
void presence_tell(struct presence *p, const struct presence_news *n);

extern const struct presence_backend presence_local;

#endif
