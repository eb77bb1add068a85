/* out.h - what commands print: events and rows in the three formats. Data
 * goes to standard output, talk to standard error. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include "cli.h"

/* Print one event as a line (human, --plain, --json). False: this kind is not
 * printed in this format. Flushed when it returns. */
bool out_event(struct cli *c, const struct client_event *ev);

/* The text of a message for people: body.text, or "(media)", "(deleted)"... ;
 * appended without escapes resolved away: raw JSON text is decoded. 0. */
int out_body_text(struct buf *out, const struct entry *e);

/* Word of an event for --types and wait: message sent receipt presence typing
 * member link error gap. */
const char *out_event_name(const struct client_event *ev);

/* Names for people: the archive's, or the id. out[LIMIT_NAME + 1]. */
void out_user_name(struct cli *c, uint64_t user, char *out);
/* Title of a group, name of the other one of a direct. Appended raw. */
void out_conv_name(struct cli *c, uint64_t conv, struct buf *out);

/* Start and end a JSON line {"v":1,"event":...; members are put between with
 * proto/encode.h. */
void out_json_begin(struct buf *b, const char *event, int64_t ts);
void out_json_end(struct cli *c, struct buf *b);

/* JSON members of one entry (conv, id, seq, from, text ...). */
void out_json_entry(struct cli *c, struct buf *b, const struct entry *e);

/* "14:02" in the local time zone. */
void out_clock(int64_t ts, char out[8]);

#endif
