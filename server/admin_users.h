/* admin_users.h - the commands of `confabd ctl` about users and tokens. */
#ifndef SERVER_ADMIN_USERS_H
#define SERVER_ADMIN_USERS_H

#include "admin_cmd.h"

void admin_user_add(struct admin_cmd *cmd);     /* name; "password" in stdin */
void admin_user_bulk(struct admin_cmd *cmd);    /* prefix, count */
void admin_user_many(struct admin_cmd *cmd);    /* names */
void admin_user_remove(struct admin_cmd *cmd);  /* name */
void admin_user_passwd(struct admin_cmd *cmd);  /* name; "password" */
void admin_token_add(struct admin_cmd *cmd);    /* name: a further device */
void admin_token_revoke(struct admin_cmd *cmd); /* name, device or none: all */
void admin_invite(struct admin_cmd *cmd);       /* days (default 7) */

/* For the commands: 1 to 32 of a-z 0-9 _ . - */
bool admin_name_ok(const char *name);
/* done gets count fresh ids of a node (it frees them); zeros: no lease. */
void admin_make_ids(struct admin_cmd *cmd, int count,
                    void (*done)(void *arg, uint64_t *ids), void *arg);

#endif
