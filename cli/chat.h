/* chat.h - the prompt. */
#ifndef CLI_CHAT_H
#define CLI_CHAT_H

#include "cli.h"

/* `confab chat [CONV]`: chat at a prompt until /quit or end of input. */
int chat_main(struct cli *c, int argc, char **argv);

#endif
