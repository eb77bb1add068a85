/* admin_cmd.h - the commands of `confabd ctl`, as the server carries them out.
 * A new command is one function and one row in the table. Main's thread. */
#ifndef SERVER_ADMIN_CMD_H
#define SERVER_ADMIN_CMD_H

#include "base/json.h"
#include "server.h"

/* One command under way. The request is {"cmd":"user add","args":[...]}, with
 * "password" where one is wanted; the answer goes to out as one JSON object, or
 * JSON lines. */
struct admin_cmd {
    struct server *server;
    char by[64]; /* who asks: of the operating system */
    json_t *request;
    int status; /* HTTP: 200, 400, 404, 409, 503 */
    struct buf out;
    bool running;                        /* between admin_cmd_run() and done */
    void (*done)(struct admin_cmd *cmd); /* runs once */
    /* A long answer leaves while it is made: admin_stream(). */
    void (*flush)(struct admin_cmd *cmd); /* some of it is in out */
    void (*more)(void *arg);              /* out has been written, or gone */
    void *more_arg;
    bool streaming;
    bool gone; /* nobody reads the answer any more */
};

/* Carry out the request in body; cmd->done runs now or later. */
void admin_cmd_run(struct admin_cmd *cmd, struct span body);
void admin_cmd_release(struct admin_cmd *cmd);

/* ---- for the commands ---- */

/* Exactly one of these ends a command. members: raw JSON to follow
 * "ok":true. */
void admin_answer(struct admin_cmd *cmd, struct span members);
void admin_fail(struct admin_cmd *cmd, int status, const char *msg);
void admin_fail_code(struct admin_cmd *cmd, int rc, const char *what);
/* ... or this, when cmd->out was filled by hand. */
void admin_done(struct admin_cmd *cmd);

/* Send what is in out, and what will be, before the command ends. A later
 * admin_fail() adds its object as the last line. */
void admin_stream(struct admin_cmd *cmd);
/* So much waits to be written that more has to wait: for cmd->more. */
bool admin_full(const struct admin_cmd *cmd);

/* Argument i as text, NULL when it is not there. Lives as long as cmd. */
const char *admin_arg(struct admin_cmd *cmd, int i);
/* Submit through main's port, with the time filled in. */
void admin_submit(struct admin_cmd *cmd, struct store_op *op);

#endif
