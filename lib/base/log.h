/* log.h - one line per event on stderr, as text or JSON. No content of
 * messages, no key, no token ever comes here. Thread-safe; one write(2) a
 * line. Text from outside is escaped. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Called once before threads start; program is the first word of a line. */
void log_init(const char *program, enum log_level level, enum log_format f);
void log_set_level(enum log_level level); /* any thread, any time */
void log_set_fd(int fd);                  /* where to (default 2) */
bool log_enabled(enum log_level level);
/* 0 or -CF_INVALID. */
int log_parse_level(const char *text, enum log_level *level);

void log_at(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                      \
    do {                                    \
        if (log_enabled(LOG_DEBUG))         \
            log_at(LOG_DEBUG, __VA_ARGS__); \
    } while (0)

/* True at most once per interval for one gate: bounds lines that a peer can
 * provoke. `static struct log_gate g; if (log_gate(&g, 10000)) log_warn()`. */
struct log_gate {
    _Atomic int64_t next_ms;
    _Atomic unsigned suppressed;
};
bool log_gate(struct log_gate *g, int64_t interval_ms);

#endif
