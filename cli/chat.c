#include "chat.h"

int chat_main(struct cli *c, int argc, char **argv)
{
    return cli_fail(c, EXIT_USAGE, "confab help chat", "chat needs a terminal");
}
