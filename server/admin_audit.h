/* admin_audit.h - the audit log: who had what done to what. */
#ifndef SERVER_ADMIN_AUDIT_H
#define SERVER_ADMIN_AUDIT_H

#include "admin_cmd.h"

/* Store that cmd, of this name, is carried out: never the secrets among its
 * arguments. */
void admin_audit_write(struct admin_cmd *cmd, const char *name);
/* `ctl audit`: the last 100 lines. */
void admin_audit(struct admin_cmd *cmd);

#endif
