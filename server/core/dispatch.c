/* dispatch.c - the table of commands: what is allowed when, at which price,
 * and who does it. */
#include <stdint.h>

#include "base/clock.h"
#include "core/commands.h"
#include "core/conn.h"

enum { FREE, SENDS, CONTROL, HISTORY };
#define USED (IN(CONN_SYNC) | IN(CONN_READY))

/* clang-format off */
static const struct command commands[] = {
    {FRAME_HELLO,        cmd_hello,        NULL,       IN(CONN_NEW), FREE},
    {FRAME_HB,           cmd_hb,           NULL,             USED, FREE},
    {FRAME_SEND,         NULL,             home_send,        USED, SENDS},
    {FRAME_EDIT,         NULL,             home_edit,        USED, SENDS},
    {FRAME_DELETE,       NULL,             home_delete,      USED, SENDS},
    {FRAME_REACT,        NULL,             home_react,       USED, SENDS},
    {FRAME_ACK,          cmd_ack,          NULL,             USED, FREE},
    {FRAME_READ,         cmd_read,         NULL,             USED, FREE},
    {FRAME_TYPING,       cmd_typing,       NULL,             USED, CONTROL},
    {FRAME_VIEW,         cmd_view,         NULL,             USED, CONTROL},
    {FRAME_HISTORY,      cmd_history,      NULL,             USED, HISTORY},
    {FRAME_STATE,        cmd_state,        NULL,             USED, CONTROL},
    {FRAME_CONV_OPEN,    cmd_conv_open,    NULL,             USED, CONTROL},
    {FRAME_CONV_CREATE,  cmd_conv_create,  NULL,             USED, CONTROL},
    {FRAME_CONV_LIST,    cmd_conv_list,    NULL,             USED, HISTORY},
    {FRAME_CONV_INFO,    cmd_conv_info,    NULL,             USED, HISTORY},
    {FRAME_CONV_MEMBERS, cmd_conv_members, NULL,             USED, HISTORY},
    {FRAME_CONV_ADD,     NULL,             home_conv_add,    USED, CONTROL},
    {FRAME_CONV_REMOVE,  NULL,             home_conv_remove, USED, CONTROL},
    {FRAME_CONV_LEAVE,   NULL,             home_conv_leave,  USED, CONTROL},
    {FRAME_CONV_ROLE,    NULL,             home_conv_role,   USED, CONTROL},
    {FRAME_CONV_RENAME,  NULL,             home_conv_rename, USED, CONTROL},
    {FRAME_USER_FIND,    cmd_user_find,    NULL,             USED, CONTROL},
    {FRAME_USER_INFO,    cmd_user_info,    NULL,             USED, HISTORY},
    {FRAME_USER_SET,     cmd_user_set,     NULL,             USED, CONTROL},
    {FRAME_USER_BLOCK,   cmd_user_block,   NULL,             USED, CONTROL},
    {FRAME_USER_BLOCKS,  cmd_user_blocks,  NULL,             USED, CONTROL},
    {FRAME_USER_DEVICES, cmd_user_devices, NULL,             USED, CONTROL},
    {FRAME_USER_DEVICE,  cmd_user_device,  NULL,             USED, CONTROL},
    {FRAME_USER_REVOKE,  cmd_user_revoke,  NULL,             USED, CONTROL},
    {FRAME_USER_DELETE,  cmd_user_delete,  NULL,             USED, CONTROL},
    {FRAME_USER_EXPORT,  cmd_user_export,  NULL,             USED, HISTORY},
    {FRAME_FENCE,        cmd_fence,        NULL,             USED, CONTROL},
    {FRAME_BYE,          cmd_bye,          NULL,             USED, FREE},
};
/* clang-format on */

const struct command *command_of(enum frame_kind k)
{
    static int8_t index[FRAME_KINDS]; /* position + 1 */

    if (index[FRAME_HELLO] == 0) {
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
            index[commands[i].kind] = (int8_t)(i + 1);
    }
    return index[k] > 0 ? &commands[index[k] - 1] : NULL;
}

static bool is_answered(enum frame_kind k)
{
    return k != FRAME_ACK && k != FRAME_READ && k != FRAME_TYPING &&
           k != FRAME_BYE;
}

static bool take_budget(struct conn *c, unsigned budget)
{
    const struct node_config *cfg = &c->node->config;
    struct user *u = c->user;

    switch (budget) {
    case SENDS:
        return bucket_take(c->node, &u->sends, cfg->sends_rate,
                           cfg->sends_burst);
    case CONTROL:
        return bucket_take(c->node, &u->control, cfg->control_rate,
                           cfg->control_burst);
    case HISTORY:
        return bucket_take(c->node, &u->history, LIMIT_HISTORY_RATE,
                           LIMIT_HISTORY_BURST);
    default:
        return true;
    }
}

static int rate_of(const struct conn *c, unsigned budget)
{
    const struct node_config *cfg = &c->node->config;

    return budget == SENDS     ? cfg->sends_rate
           : budget == CONTROL ? cfg->control_rate
                               : LIMIT_HISTORY_RATE;
}

/* A send goes to its home even over budget: a duplicate is answered (R2). */
static void to_home(struct conn *c, const struct frame *f, bool over)
{
    struct request *rq = request_new(c, f, f->conv, over);

    route_request(c->node, rq);
}

static void run(struct conn *c, const struct command *cmd,
                const struct frame *f)
{
    bool over = !take_budget(c, cmd->budget);

    if (is_answered(f->kind))
        c->pending++;
    conn_pressure(c);
    if (cmd->home != NULL && cmd->local == NULL && cmd->budget == SENDS) {
        to_home(c, f, over);
    } else if (over) {
        int rate = rate_of(c, cmd->budget);

        conn_error(c, f->n, "rate", rate > 0 ? 1000 / rate : 1000,
                   "over budget");
    } else if (cmd->local != NULL) {
        cmd->local(c, f);
    } else {
        to_home(c, f, false);
    }
    if (over && c->state != CONN_CLOSED)
        conn_over_budget(c);
}

/* Only a `send` with `enc` may be larger than an ordinary object. */
static bool size_is_right(const struct frame *f, size_t n)
{
    return n <= LIMIT_OBJECT || (f->kind == FRAME_SEND && f->body.p != NULL &&
                                 json_member(f->body, "enc").p != NULL);
}

static void error_unknown(struct conn *c, const struct frame *f)
{
    conn_bad_frame(c, f->n, "unknown_kind", "this server does not know it");
}

void dispatch(struct conn *c, struct span object)
{
    struct frame f;
    struct frame_error err;
    const struct command *cmd;
    size_t most = c->state == CONN_NEW ? LIMIT_OBJECT_NEW : LIMIT_OBJECT_ENC;

    metrics_add(&c->node->metrics, NM_FRAMES_IN, 1);
    if (frame_decode(&f, object, FROM_CLIENT, most, c->strict, &err) < 0) {
        conn_bad_frame(c, err.n, err.code, err.text);
        return;
    }
    cmd = command_of(f.kind);
    if (!size_is_right(&f, object.n)) {
        conn_bad_frame(c, f.n, "too_big", "the object is too big");
    } else if (cmd == NULL) {
        error_unknown(c, &f);
    } else if (!(cmd->states & IN(c->state))) {
        conn_bad_frame(c, f.n, "bad_state",
                       c->state == CONN_NEW ? "say hello first"
                                            : "not allowed now");
    } else {
        if (c->user != NULL && c->type == CONN_SOCKET && f.kind != FRAME_HB &&
            f.kind != FRAME_BYE)
            conn_beat(c, c->user->act);
        run(c, cmd, &f);
    }
}
