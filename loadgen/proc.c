#include "proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define TEXT 4096

/* A small file, NUL-terminated. False: it cannot be read. */
static bool slurp(const char *path, char out[TEXT])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return false;
    n = read(fd, out, TEXT - 1);
    close(fd);
    if (n <= 0)
        return false;
    out[n] = '\0';
    return true;
}

/* Since Linux 6.2 the size of a directory of descriptors is their number. */
static int64_t table_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

/* A thread with another number of descriptors than the first has a table of
 * its own; those that share one are not counted twice. */
static int64_t count_descriptors(int pid)
{
    char path[64];
    int64_t first, all;
    struct dirent *d;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    first = all = table_size(path);
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    dir = opendir(path);
    while (dir != NULL && (d = readdir(dir)) != NULL) {
        char own[96];
        int64_t n;

        if (d->d_name[0] == '.')
            continue;
        snprintf(own, sizeof(own), "/proc/%d/task/%.20s/fd", pid, d->d_name);
        n = table_size(own);
        if (n > 0 && n != first)
            all += n;
    }
    if (dir != NULL)
        closedir(dir);
    return all > 0 ? all : -1;
}

/* To the nanosecond, where /proc counts in hundredths of a second. -1: not
 * known. */
static double cpu_clock(int pid)
{
    struct timespec t;
    clockid_t id;

    if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &t) != 0)
        return -1;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int proc_read(int pid, struct proc_figures *f)
{
    char path[64], text[TEXT];
    const char *p;
    unsigned long long user = 0, system = 0;
    long pages = 0;

    *f = (struct proc_figures){.rss = -1, .fds = -1};
    if (pid == 0)
        pid = (int)getpid();
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (!slurp(path, text) || (p = strrchr(text, ')')) == NULL)
        return -CF_NOT_FOUND;
    /* state ppid pgrp session tty tpgid flags minflt cminflt majflt cmajflt */
    sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
           &user, &system);
    f->cpu = cpu_clock(pid);
    if (f->cpu < 0)
        f->cpu = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    snprintf(path, sizeof(path), "/proc/%d/statm", pid);
    if (slurp(path, text) && sscanf(text, "%*d %ld", &pages) == 1)
        f->rss = (int64_t)pages * sysconf(_SC_PAGESIZE);
    f->fds = count_descriptors(pid);
    return 0;
}

double proc_machine_busy(void)
{
    char text[TEXT];
    unsigned long long v[8] = {0}, busy;

    if (!slurp("/proc/stat", text) ||
        sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0],
               &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 7)
        return -1;
    busy = v[0] + v[1] + v[2] + v[5] + v[6] + v[7];
    return (double)busy / (double)sysconf(_SC_CLK_TCK);
}

int64_t proc_kernel_tcp(void)
{
    char text[TEXT];
    const char *p;
    long pages = 0;

    if (!slurp("/proc/net/sockstat", text) ||
        (p = strstr(text, "TCP:")) == NULL ||
        (p = strstr(p, " mem ")) == NULL || sscanf(p, " mem %ld", &pages) != 1)
        return -1;
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}
