/* replay_people.h - the users of a wire log, as accounts of another server. */
#ifndef SCRIPT_REPLAY_PEOPLE_H
#define SCRIPT_REPLAY_PEOPLE_H

#include "fixture.h"
#include "replay_ids.h"
#include "wire.h"

#define REPLAY_PEOPLE_MAX 1000

struct replay_user {
    char id[32];   /* in the log */
    char name[40]; /* in the log, or its id */
    struct account account;
};

/* One device: what has the same token in the log. */
struct replay_device {
    char label[136];
    struct account account;
    int user; /* index; -1: nobody, its hello was refused */
};

struct replay_people {
    struct replay_user *users;
    int user_count;
    struct replay_device *devices;
    int device_count;
    int *device_of; /* by connection; -1: none */
    int conns;
};

/* Find the users, make an account for each and a device for each token; ids
 * and names are bound. */
int replay_people_make(struct replay_people *p, const struct wire_log *log,
                       struct fixture *f, const char *prefix,
                       struct replay_ids *ids, struct error *err);
void replay_people_release(struct replay_people *p);
/* Put the real token into the hello of the connection. */
void replay_people_hello(const struct replay_people *p, int conn,
                         json_t *hello);

#endif
