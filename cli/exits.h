/* exits.h - what confab ends with; see confab(1), EXIT STATUS. */
#ifndef CLI_EXITS_H
#define CLI_EXITS_H

enum exit_code {
    EXIT_DONE = 0,
    EXIT_NO = 1, /* the answer is "no" */
    EXIT_USAGE = 64,
    EXIT_DATA = 65,
    EXIT_NO_INPUT = 66, /* no such file */
    EXIT_NO_USER = 67,  /* no such user or conversation */
    EXIT_NO_HOST = 68,
    EXIT_UNREACHABLE = 69, /* the server */
    EXIT_BUG = 70,
    EXIT_CANT_CREATE = 73,
    EXIT_INPUT_OUTPUT = 74,
    EXIT_TRY_AGAIN = 75, /* rate, owner busy, queued but not accepted */
    EXIT_PROTOCOL = 76,
    EXIT_DENIED = 77, /* not allowed, login refused */
    EXIT_CONFIG = 78,
    EXIT_UNTRUSTED = 80, /* an identity key changed */
    EXIT_TIMEOUT = 124,
};

/* The exit code for a CF_* result. */
int exit_of(int cf);

#endif
