/* child.h - a process of ours: started with its output in a file, watched,
 * ended for certain. It dies with the thread that started it
 * (PR_SET_PDEATHSIG), so start it in the main one; it has a process
 * group of its own, so that Ctrl-C reaches it only through us. */
#ifndef SCRIPT_CHILD_H
#define SCRIPT_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct child {
    pid_t pid;  /* 0: none */
    int watch;  /* pidfd: readable at its end */
    int status; /* of waitpid(), once it ended */
};

struct child_config {
    const char *const *argv; /* looked up in PATH */
    const char *const *env;  /* NAME=VALUE ..., added to ours; or NULL */
    const char *log_path;    /* stdout and stderr, appended */
    const char *cwd;         /* or NULL */
};

/* -CF_NOT_FOUND: no such program. -CF_IO: the system refused. */
int child_start(struct child *c, const struct child_config *cfg,
                struct error *err);
/* Has not ended; takes its status when it has. */
bool child_running(struct child *c);
/* Wait for its end, or for activity of fd (-1: none), at most until mono ms
 * deadline. 1: it ended, 2: fd is readable, 0: time is up. */
int child_wait(struct child *c, int fd, int64_t deadline);
/* SIGTERM, and SIGKILL when it is still there after patience ms; waits for the
 * end. patience 0: SIGKILL at once. True: it ended by itself or at SIGTERM. */
bool child_end(struct child *c, int64_t patience_ms);
/* "exit status 3", "signal 11 (Segmentation fault)". */
void child_describe(const struct child *c, char *out, size_t size);

#endif
