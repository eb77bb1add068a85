/* floor.h - the yardsticks of every ratio: what the kernel and the disk of
 * this machine take for the least that a chat server must do. */
#ifndef LOAD_FLOOR_H
#define LOAD_FLOOR_H

#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

#define FLOOR_FIGURES 24

enum floor_unit { FLOOR_NS, FLOOR_BYTES, FLOOR_RATE };

struct floor_figure {
    char key[32];  /* "send_64": in JSON */
    char what[64]; /* for people */
    enum floor_unit unit;
    double value;  /* ns, bytes, or a second; of the middle run */
    double p99;    /* ns; 0: there is none */
    char note[80]; /* why it is missing, when value < 0; or "" */
};

struct floor {
    struct floor_figure figures[FLOOR_FIGURES];
    int n;
    /* Told before each step; NULL: nobody. */
    void (*progress)(const char *what);
};

/* Measure everything, about 10 s. dir: of the disk figure; NULL: the data
 * directory's usual place, TMPDIR. Steps that cannot be done here have
 * value -1 and a note. */
void floor_measure(struct floor *f, const char *dir);
/* The value of a key; -1: unknown. */
double floor_value(const struct floor *f, const char *key);
json_t *floor_json(const struct floor *f);

/* Parts, between floor*.c. A figure is added and returned. */
struct floor_figure *floor_add(struct floor *f, const char *key,
                               enum floor_unit unit, double value,
                               const char *what);
void floor_missing(struct floor *f, const char *key, enum floor_unit unit,
                   const char *what, const char *why);
void floor_calls(struct floor *f);  /* syscall, send, recv */
void floor_echoes(struct floor *f); /* epoll, io_uring, relay */
void floor_memory(struct floor *f); /* kernel bytes of a socket */
void floor_disk(struct floor *f, const char *dir);

/* A connected pair of TCP sockets over loopback, blocking, TCP_NODELAY. */
int floor_pair(int fds[2]);
/* CPU time of this thread, ns. */
uint64_t floor_cpu_ns(void);
/* Echo n messages of size bytes for each of pairs sockets with io_uring;
 * fds: the server's ends. Returns when a socket is closed. -CF_*: no
 * io_uring. */
int floor_uring_echo(const int *fds, int count, int size, uint64_t *cpu_ns);

#endif
