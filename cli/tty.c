#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"

static bool colours, terminal;

static bool set(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0';
}

void tty_init(enum colour_when when)
{
    const char *term = getenv("TERM");

    terminal = isatty(STDOUT_FILENO) == 1;
    if (when != COLOUR_AUTO)
        colours = when == COLOUR_ALWAYS;
    else if (set("NO_COLOR"))
        colours = false;
    else if (set("CLICOLOR_FORCE"))
        colours = true;
    else
        colours = terminal && term != NULL && strcmp(term, "dumb") != 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
}

bool tty_colours(void)
{
    return colours;
}

bool tty_is_terminal(void)
{
    return terminal;
}

int tty_columns(void)
{
    struct winsize size;
    const char *text = getenv("COLUMNS");
    long n = text != NULL ? strtol(text, NULL, 10) : 0;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return n > 0 && n < 10000 ? (int)n : 80;
}

void tty_put_untrusted(struct buf *out, enum text_kind kind, struct span s,
                       int indent)
{
    static const char *const reverse[2] = {"\033[7m", "\033[27m"};

    text_sanitise(out, kind, s, indent, colours ? reverse : NULL);
}

void tty_style(struct buf *out, enum tty_style style)
{
    static const char *const codes[] = {
        [STYLE_PLAIN] = "",         [STYLE_DIM] = "\033[2m",
        [STYLE_BOLD] = "\033[1m",   [STYLE_RED] = "\033[31m",
        [STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m",
        [STYLE_BLUE] = "\033[34m",  [STYLE_CYAN] = "\033[36m",
    };

    if (colours)
        buf_append_text(out, codes[style]);
}

void tty_style_end(struct buf *out)
{
    if (colours)
        buf_append_text(out, "\033[0m");
}

int tty_flush(struct buf *out, FILE *to)
{
    size_t n = out->len;
    size_t wrote = n > 0 ? fwrite(out->data, 1, n, to) : 0;

    buf_clear(out);
    return wrote == n && fflush(to) == 0 ? 0 : -CF_IO;
}

static int read_line(int fd, char *out, size_t size)
{
    size_t n = 0;
    char c;

    while (read(fd, &c, 1) == 1 && c != '\n') {
        if (n + 1 >= size)
            return -CF_TOO_BIG;
        out[n++] = c;
    }
    out[n] = '\0';
    return 0;
}

int tty_password(const char *prompt, char *out, size_t size)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    struct termios before, quiet;
    int rc;

    if (fd < 0 || tcgetattr(fd, &before) < 0) {
        if (fd >= 0)
            close(fd);
        return -CF_NOT_FOUND;
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(fd, TCSAFLUSH, &quiet);
    dprintf(fd, "%s", prompt);
    rc = read_line(fd, out, size);
    dprintf(fd, "\n");
    tcsetattr(fd, TCSAFLUSH, &before);
    close(fd);
    return rc;
}
