/* chat_record.h - `confab chat --record FILE`: what this prompt does and sees,
 * as a conversation script (proto/story.h). The person at the prompt is alice;
 * what others say is said again by bob and carol. */
#ifndef CLI_CHAT_RECORD_H
#define CLI_CHAT_RECORD_H

#include "client/client.h"

struct recording;

/* -CF_EXISTS: there is such a file; -CF_IO. The client may come later. */
int recording_new(struct recording **out, const char *path, struct error *err);
void recording_free(struct recording **slot);
/* Everything that the client says, in order. */
void recording_event(struct recording *r, struct client *client,
                     const struct client_event *ev);
/* The person saw all up to seq. */
void recording_read(struct recording *r, struct client *client, uint64_t conv,
                    int64_t seq);
/* 0, or why the recording ended early. */
int recording_state(const struct recording *r);

#endif
