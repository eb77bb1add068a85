/* admin_server.h - the commands of `confabd ctl` about the server itself, and
 * what its nodes know. */
#ifndef SERVER_ADMIN_SERVER_H
#define SERVER_ADMIN_SERVER_H

#include "admin_cmd.h"

void admin_status(struct admin_cmd *cmd);
void admin_drain(struct admin_cmd *cmd);
void admin_log(struct admin_cmd *cmd);           /* level */
void admin_clock_advance(struct admin_cmd *cmd); /* duration; test clock */
void admin_backup(struct admin_cmd *cmd);        /* directory */
void admin_conv_show(struct admin_cmd *cmd);     /* conversation */

#endif
