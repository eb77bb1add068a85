#include "store/memory_data.h"

static bool room(const struct store_op *op, int lines)
{
    int limit = op->limit > 0 ? op->limit : STORE_LIST_DEFAULT;

    return lines < limit && op->out.len < EXPORT_PAGE_BYTES;
}

static int export_devices(struct store_op *op, const struct memory_user *u,
                          int *lines)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < u->device_count; i++, ++*lines) {
        if (!u->devices[i]->row.revoked)
            rc = store_export_device(&op->out, &u->devices[i]->row);
    }
    return rc;
}

static int export_members(struct memory *m, struct store_op *op,
                          const struct memory_user *u, struct export_cursor *at,
                          int *lines)
{
    int i = memory_search(u->convs, u->conv_count, at->conv + 1);
    int rc = 0;

    for (; rc == 0 && i < u->conv_count && room(op, *lines); i++, ++*lines) {
        struct memory_conv *c = map_get(&m->convs, u->convs[i]);
        struct membership mb = *memory_member(c, u->row.user);

        mb.c = c->row;
        at->conv = c->row.conv;
        rc = store_export_member(&op->out, &mb);
    }
    if (i == u->conv_count)
        *at = (struct export_cursor){.stage = 3};
    return rc;
}

/* Own entries of conversation at->conv above at->seq. */
static int export_entries(struct memory *m, struct store_op *op,
                          struct export_cursor *at, int *lines)
{
    struct memory_conv *c = map_get(&m->convs, at->conv);
    int rc = 0;

    for (; rc == 0 && at->seq < c->row.head && room(op, *lines); at->seq++) {
        const struct entry *e = &c->log[at->seq];

        if (e->from != op->user)
            continue;
        rc = store_export_entry(&op->out, e);
        ++*lines;
    }
    return rc;
}

static int export_logs(struct memory *m, struct store_op *op,
                       const struct memory_user *u, struct export_cursor *at,
                       int *lines)
{
    int i = memory_search(u->convs, u->conv_count, at->conv);
    int rc = 0;

    for (; rc == 0 && i < u->conv_count && room(op, *lines); i++) {
        struct memory_conv *c = map_get(&m->convs, u->convs[i]);

        if (c->row.conv != at->conv)
            *at = (struct export_cursor){.stage = 3, .conv = c->row.conv};
        rc = export_entries(m, op, at, lines);
        if (at->seq < c->row.head)
            return rc;
    }
    if (i == u->conv_count)
        at->stage = 4;
    return rc;
}

int memory_export(struct memory *m, struct store_op *op)
{
    struct memory_user *u = map_get(&m->users, op->user);
    struct export_cursor at;
    int lines = 0, rc = store_export_begin(op, &at);

    if (rc < 0)
        return rc;
    if (u == NULL)
        return -CF_NOT_FOUND;
    if (at.stage == 0) {
        rc = store_export_user(&op->out, &u->row);
        lines = 1;
        at.stage = 1;
    }
    if (rc == 0 && at.stage == 1) {
        rc = export_devices(op, u, &lines);
        at.stage = 2;
    }
    if (rc == 0 && at.stage == 2 && room(op, lines))
        rc = export_members(m, op, u, &at, &lines);
    if (rc == 0 && at.stage == 3 && room(op, lines))
        rc = export_logs(m, op, u, &at, &lines);
    return rc == 0 ? store_export_end(op, &at) : rc;
}
