#include "replay_people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- finding them ---- */

static int user_of(struct replay_people *p, const char *id)
{
    for (int i = 0; i < p->user_count; i++)
        if (strcmp(p->users[i].id, id) == 0)
            return i;
    if (p->user_count == REPLAY_PEOPLE_MAX || strlen(id) >= 32)
        return -1;
    p->users = mem_grow(p->users, (size_t)p->user_count + 1, sizeof(*p->users));
    memset(&p->users[p->user_count], 0, sizeof(*p->users));
    snprintf(p->users[p->user_count].id, 32, "%s", id);
    snprintf(p->users[p->user_count].name, 40, "%s", id);
    return p->user_count++;
}

/* Users anywhere in a frame, and rows that tell their names. */
static void find_users(struct replay_people *p, const json_t *j)
{
    const char *user = json_string_value(json_object_get(j, "user"));
    const char *name = json_string_value(json_object_get(j, "name"));
    const char *key;
    json_t *value;
    size_t i;
    int at;

    if (json_is_string(j) && replay_id_kind(json_string_value(j)) == 'u')
        (void)user_of(p, json_string_value(j));
    if (user != NULL && name != NULL && replay_id_kind(user) == 'u' &&
        (at = user_of(p, user)) >= 0)
        snprintf(p->users[at].name, sizeof(p->users[at].name), "%s", name);
    if (json_is_array(j))
        json_array_foreach(j, i, value) find_users(p, value);
    json_object_foreach((json_t *)(uintptr_t)j, key, value)
    {
        if (strcmp(key, "body") != 0 || json_object_get(value, "op") != NULL)
            find_users(p, value);
    }
}

/* The user that a connection of the log was welcomed as. */
static int welcomed(struct replay_people *p, const struct wire_log *log,
                    int conn)
{
    for (int i = 0; i < log->count; i++) {
        const struct wire_line *l = &log->lines[i];
        const char *t, *user;

        if (l->conn != conn || l->kind != WIRE_DOWN)
            continue;
        t = json_string_value(json_object_get(l->what, "t"));
        user = json_string_value(json_object_get(l->what, "user"));
        if (t != NULL && strcmp(t, "welcome") == 0 && user != NULL)
            return user_of(p, user);
    }
    return -1;
}

static int device_for(struct replay_people *p, const char *label, int user)
{
    struct replay_device *d;

    for (int i = 0; i < p->device_count; i++)
        if (strcmp(p->devices[i].label, label) == 0)
            return i;
    p->devices =
        mem_grow(p->devices, (size_t)p->device_count + 1, sizeof(*p->devices));
    d = &p->devices[p->device_count];
    memset(d, 0, sizeof(*d));
    snprintf(d->label, sizeof(d->label), "%s", label);
    d->user = user;
    return p->device_count++;
}

static void find_all(struct replay_people *p, const struct wire_log *log)
{
    p->conns = log->conns;
    p->device_of = mem_array((size_t)log->conns + 1, sizeof(*p->device_of));
    for (int i = 0; i <= log->conns; i++)
        p->device_of[i] = -1;
    for (int i = 0; i < log->count; i++) {
        const struct wire_line *l = &log->lines[i];
        const char *token =
            json_string_value(json_object_get(l->what, "token"));

        if (l->kind == WIRE_EVENT || l->what == NULL)
            continue;
        find_users(p, l->what);
        if (l->kind == WIRE_UP && token != NULL && p->device_of[l->conn] < 0)
            p->device_of[l->conn] =
                device_for(p, token, welcomed(p, log, l->conn));
    }
}

/* ---- making them ---- */

static int make_users(struct replay_people *p, struct fixture *f,
                      const char *prefix, struct error *err)
{
    const char **names;
    struct account *accounts;
    int rc;

    if (p->user_count == 0)
        return 0;
    names = mem_array((size_t)p->user_count, sizeof(*names));
    accounts = mem_array((size_t)p->user_count, sizeof(*accounts));
    for (int i = 0; i < p->user_count; i++)
        names[i] = p->users[i].name;
    rc = fixture_accounts(f, names, p->user_count, prefix, accounts, err);
    for (int i = 0; i < p->user_count; i++)
        p->users[i].account = accounts[i];
    explicit_bzero(accounts, (size_t)p->user_count * sizeof(*accounts));
    free(accounts);
    free(names);
    return rc;
}

/* The first device of a user is the one its account came with. */
static int make_devices(struct replay_people *p, struct fixture *f,
                        struct error *err)
{
    int rc = 0;

    for (int i = 0; i < p->device_count && rc == 0; i++) {
        struct replay_device *d = &p->devices[i];
        bool first = true;

        if (d->user < 0)
            continue;
        for (int k = 0; k < i; k++)
            first = first && p->devices[k].user != d->user;
        if (first)
            d->account = p->users[d->user].account;
        else
            rc =
                fixture_device(f, &p->users[d->user].account, &d->account, err);
    }
    return rc;
}

static void bind_all(struct replay_people *p, struct replay_ids *ids)
{
    for (int i = 0; i < p->user_count; i++) {
        const struct replay_user *u = &p->users[i];
        char id[32];

        snprintf(id, sizeof(id), "u%llu", (unsigned long long)u->account.user);
        if (u->account.user != 0)
            (void)replay_ids_bind(ids, u->id, id);
        if (strcmp(u->name, u->id) != 0)
            (void)replay_ids_bind(ids, u->name, u->account.name);
        id[0] = 'c'; /* the conversation with the server has its number */
        if (u->account.user != 0) {
            char self[33];

            snprintf(self, sizeof(self), "c%s", u->id + 1);
            (void)replay_ids_bind(ids, self, id);
        }
    }
}

int replay_people_make(struct replay_people *p, const struct wire_log *log,
                       struct fixture *f, const char *prefix,
                       struct replay_ids *ids, struct error *err)
{
    int rc;

    *p = (struct replay_people){0};
    find_all(p, log);
    rc = make_users(p, f, prefix, err);
    if (rc == 0)
        rc = make_devices(p, f, err);
    if (rc == 0)
        bind_all(p, ids);
    return rc;
}

void replay_people_release(struct replay_people *p)
{
    if (p->users != NULL)
        explicit_bzero(p->users, (size_t)p->user_count * sizeof(*p->users));
    if (p->devices != NULL)
        explicit_bzero(p->devices,
                       (size_t)p->device_count * sizeof(*p->devices));
    free(p->users);
    free(p->devices);
    free(p->device_of);
    *p = (struct replay_people){0};
}

void replay_people_hello(const struct replay_people *p, int conn, json_t *hello)
{
    int at = conn <= p->conns ? p->device_of[conn] : -1;
    const struct account *a;

    if (at < 0 || p->devices[at].user < 0)
        return; /* it is to be refused again */
    a = &p->devices[at].account;
    json_object_set_new(hello, "token", json_string(a->token));
    json_object_del(hello, "dev");
}
