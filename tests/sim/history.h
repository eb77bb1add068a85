/* history.h - judge what really happened from the outside: the notes of
 * senders and readers of a real run, as JSON lines, one event each.
 *
 *   {"e":"acked","conv":"c5","cid":"x","seq":7}
 *       a sender was told `sent`
 *   {"e":"seen","who":"bob/d1","conv":"c5","seq":7,"id":"99","cid":"x"}
 *       a device rendered an entry; cid: of the message, if the writer put it
 *       into the text, so that loss and doubling can be told
 *   {"e":"mark","conv":"c5","user":"u3","delivered":7,"read":5}
 *       a receipt, in the order of one observer
 *   {"e":"member","who":"bob/d1","conv":"c5"}
 *       this device has to have seen everything acked in conv by the end
 *
 * Checked: nothing acknowledged is lost (for members), one cid has one seq,
 * nothing is rendered twice by one device, every device sees the same id
 * under a seq, each device sees seqs rise, marks only rise. */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include <stdio.h>

/* Print each broken rule and a closing line "history: N events, N broken" to
 * out. 0: nothing broken; 1: something; 2: the file cannot be read. */
int history_check_file(const char *path, FILE *out);

#endif
