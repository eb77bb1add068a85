/* record.h - `confabd --record DIR`: each conversation that begins is written
 * as a conversation script, DIR/conversation-N.confab, as it goes on
 * (proto/story.h). What people said is in there: for tests, and for reporting
 * a fault. A conversation that was there before is not written. */
#ifndef SERVER_RECORD_H
#define SERVER_RECORD_H

#include "store/store.h"

struct record;

/* Record what is written to the store from now on. -CF_IO: the directory
 * cannot be made. */
int record_start(struct record **out, struct store *store, const char *dir,
                 struct error *err);
void record_free(struct record **slot); /* after store_close() */

#endif
