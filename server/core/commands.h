/* commands.h - the handlers behind the rows of dispatch.c, one declaration per
 * command. cmd_*: at the node of the connection; each ends in conn_answer(),
 * conn_error() or node_answer(), at once or later (those marked "-" have no
 * answer). home_*: at the home of the request's conversation; each ends in
 * request_answer() or request_error().
 *
 * A row may have both: cmd_* then runs first and itself calls route_request()
 * when the rest has to be done at a home; whoever receives a request looks up
 * home_* by its frame's kind. */
#ifndef CORE_COMMANDS_H
#define CORE_COMMANDS_H

#include "core/core.h"

/* ---- connection side ---- */
void cmd_hello(struct conn *c, const struct frame *f);
void cmd_hb(struct conn *c, const struct frame *f);
void cmd_ack(struct conn *c, const struct frame *f);    /* - */
void cmd_read(struct conn *c, const struct frame *f);   /* - */
void cmd_typing(struct conn *c, const struct frame *f); /* - */
void cmd_view(struct conn *c, const struct frame *f);
void cmd_history(struct conn *c, const struct frame *f);
void cmd_state(struct conn *c, const struct frame *f);
void cmd_fence(struct conn *c, const struct frame *f);
void cmd_bye(struct conn *c, const struct frame *f); /* - */

/* ---- home side, at the connection's node ---- */
void cmd_conv_open(struct conn *c, const struct frame *f);
void cmd_conv_create(struct conn *c, const struct frame *f);
void cmd_conv_list(struct conn *c, const struct frame *f);
void cmd_conv_info(struct conn *c, const struct frame *f);
void cmd_conv_members(struct conn *c, const struct frame *f);
void cmd_user_find(struct conn *c, const struct frame *f);
void cmd_user_info(struct conn *c, const struct frame *f);
void cmd_user_set(struct conn *c, const struct frame *f);
void cmd_user_block(struct conn *c, const struct frame *f);
void cmd_user_blocks(struct conn *c, const struct frame *f);
void cmd_user_devices(struct conn *c, const struct frame *f);
void cmd_user_device(struct conn *c, const struct frame *f);
void cmd_user_revoke(struct conn *c, const struct frame *f);
void cmd_user_delete(struct conn *c, const struct frame *f);
void cmd_user_export(struct conn *c, const struct frame *f);

/* ---- home side, at the home ---- */
void home_send(struct home *h, struct request *rq);
void home_edit(struct home *h, struct request *rq);
void home_delete(struct home *h, struct request *rq);
void home_react(struct home *h, struct request *rq);
void home_conv_add(struct home *h, struct request *rq);
void home_conv_remove(struct home *h, struct request *rq);
void home_conv_leave(struct home *h, struct request *rq);
void home_conv_role(struct home *h, struct request *rq);
void home_conv_rename(struct home *h, struct request *rq);

#endif
