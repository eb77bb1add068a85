/* cmd_bye.c - `bye`: leaving on purpose, off at once. */
#include "base/mem.h"
#include "core/commands.h"
#include "core/conn.h"

static bool is_last_socket(const struct conn *c)
{
    list_each (&c->user->conns, k, next) {
        struct conn *other = container_of(k, struct conn, of_user);

        if (other != c && other->type == CONN_SOCKET)
            return false;
    }
    return true;
}

void cmd_bye(struct conn *c, const struct frame *f)
{
    if (c->type == CONN_SOCKET && is_last_socket(c))
        presence_leave(c->node->presence, c->user->id);
    conn_close(c, 1000, "bye");
}
