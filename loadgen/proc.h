/* proc.h - figures of processes and of the machine, from /proc. */
#ifndef LOAD_PROC_H
#define LOAD_PROC_H

#include <stdbool.h>
#include <stdint.h>

struct proc_figures {
    double cpu;  /* seconds of user and system time */
    int64_t rss; /* bytes; -1: unknown, as are the following */
    int64_t fds; /* of all its descriptor tables */
};

/* 0, or -CF_NOT_FOUND: no such process (all unknown). pid 0: this one. */
int proc_read(int pid, struct proc_figures *f);

/* Seconds that all processors together were busy since the machine started;
 * -1: unknown. */
double proc_machine_busy(void);

/* Bytes that TCP holds in the kernel, from sockstat; -1: unknown. */
int64_t proc_kernel_tcp(void);

#endif
