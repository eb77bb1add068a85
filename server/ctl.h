/* ctl.h - `confabd ctl COMMAND ...`: says it to a running server over its
 * admin socket, and shows the answer. */
#ifndef SERVER_CTL_H
#define SERVER_CTL_H

/* argv[0] is "ctl". Returns the exit code. */
int ctl_main(int argc, char **argv);

#endif
