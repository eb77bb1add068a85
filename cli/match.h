/* match.h - does an event fit what a person asked for? Shared by tail and
 * wait. */
#ifndef CLI_MATCH_H
#define CLI_MATCH_H

#include <regex.h>

#include "cli.h"

struct match {
    const char *kinds; /* "message,receipt", NULL: any */
    const char *from;  /* a user's name */
    uint64_t *convs;   /* only these; count 0: any */
    int conv_count;
    const char *text; /* substring; "~re": POSIX extended expression */
    regex_t re;
    bool has_re;
};

/* Compile text. 0, or an exit code after a message. */
int match_compile(struct cli *c, struct match *m, const char *text);
void match_release(struct match *m);
bool match_event(struct cli *c, const struct match *m,
                 const struct client_event *ev);

#endif
