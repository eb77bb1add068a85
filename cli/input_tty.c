/* input_tty.c - the terminal as it was found, and what the system does to it
 * meanwhile: stops, the background, other sizes. */
#include "input_priv.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <readline/readline.h>

#include "base/mem.h"

#define FOREGROUND_MS 500

/* ---- the terminal as it was ---- */

static struct termios before;
static volatile sig_atomic_t dirty;

void tty_restore(void)
{
    static const char off[] = "\033[?2004l";

    if (!dirty)
        return;
    dirty = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    if (write(STDOUT_FILENO, off, sizeof(off) - 1) < 0)
        return;
}

static void fatal(int signo)
{
    tty_restore();
    signal(signo, SIG_DFL);
    raise(signo);
}

void tty_remember(void)
{
    static const int signals[] = {SIGQUIT, SIGILL, SIGABRT,
                                  SIGBUS,  SIGFPE, SIGSEGV};
    struct sigaction act = {.sa_handler = fatal, .sa_flags = SA_RESETHAND};

    tcgetattr(STDIN_FILENO, &before);
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        sigaction(signals[i], &act, NULL);
    atexit(tty_restore);
}

/* Ctrl-C is a key here (it drops the line), not a signal. */
void tty_prepare(int meta)
{
    struct termios now;

    dirty = 1;
    rl_prep_terminal(meta);
    if (tcgetattr(STDIN_FILENO, &now) < 0)
        return;
    now.c_cc[VINTR] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
}

/* ---- stopped, resized ---- */

static bool in_foreground(void)
{
    pid_t group = tcgetpgrp(STDIN_FILENO);

    return group < 0 || group == getpgrp();
}

void input_come_back(void *arg)
{
    struct input *in = arg;

    if (in->closed)
        return;
    if (!in_foreground()) {
        loop_timer_set(in->resume, FOREGROUND_MS);
        return;
    }
    loop_timer_cancel(in->resume);
    rl_deprep_terminal(); /* nothing if we gave it back ourselves */
    tty_prepare(1);
    rl_resize_terminal();
    in->stopped = false;
    pump_pause(in->pump, false);
    if (in->pending.len > 0)
        input_write_pending(in);
    rl_on_new_line();
    rl_redisplay();
    fflush(rl_outstream);
    input_flush_soon(in);
}

static void on_continue(void *arg, int signo)
{
    struct input *in = the_input;

    if (in == NULL || in->closed)
        return;
    in->stopped = true;
    input_come_back(in);
}

static void on_stop(void *arg, int signo)
{
    struct input *in = the_input;

    if (in == NULL || in->closed || in->stopped)
        return;
    in->stopped = true;
    pump_pause(in->pump, true);
    rl_clear_visible_line();
    fflush(rl_outstream);
    rl_deprep_terminal();
    tty_restore();
    kill(getpid(), SIGSTOP);
}

static void on_resize(void *arg, int signo)
{
    struct input *in = the_input;

    if (in == NULL || in->closed || in->stopped)
        return;
    rl_resize_terminal();
    fflush(rl_outstream);
}

void input_watch_signals(struct input *in)
{
    in->resume = loop_timer_new(in->loop, input_come_back, in);
    loop_on_signal(in->loop, SIGWINCH, on_resize, in);
    loop_on_signal(in->loop, SIGTSTP, on_stop, in);
    loop_on_signal(in->loop, SIGCONT, on_continue, in);
}
