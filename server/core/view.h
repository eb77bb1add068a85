/* view.h - for view.c and cmd_view.c. */
#ifndef CORE_VIEW_H
#define CORE_VIEW_H

#include "core/conn.h"

/* Replace c's view by v, which is c's now. An older one's snapshot that is
 * still owed is answered as far as it is known. */
void view_set(struct conn *c, struct view *v);
/* v->visible is filled in: look at those users. */
void view_watch(struct conn *c);
/* Answer with the snapshot when all states are known. */
void view_answer(struct conn *c);

#endif
