#include "process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shard.h"

struct memory {
    long long virtual, resident; /* bytes */
};

static struct memory memory_used(void)
{
    long long pages[2] = {0, 0}, size = sysconf(_SC_PAGESIZE);
    FILE *f = fopen("/proc/self/statm", "re");

    if (f == NULL)
        return (struct memory){0};
    if (fscanf(f, "%lld %lld", &pages[0], &pages[1]) != 2)
        pages[0] = pages[1] = 0;
    fclose(f);
    return (struct memory){pages[0] * size, pages[1] * size};
}

static double cpu_seconds(void)
{
    struct rusage use = {0};

    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static long long names_in(const char *path)
{
    DIR *dir = opendir(path);
    long long count = -2; /* . and .. */

    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count > 0 ? count : 0;
}

/* Descriptors in the table of this thread. Linux says their number as the size
 * of the directory since 6.2; before, they are counted. */
static long long descriptors_of(pid_t thread)
{
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/self/task/%d/fd", (int)thread);
    if (stat(path, &st) < 0)
        return 0; /* it has ended */
    return st.st_size > 0 ? (long long)st.st_size : names_in(path);
}

static long long descriptors(const struct server *s)
{
    long long count = descriptors_of(getpid());

    for (int i = 0; i < s->shard_count; i++)
        if (s->shards[i]->own_table)
            count += descriptors_of(s->shards[i]->tid);
    return count;
}

static long long descriptors_max(const struct server *s)
{
    struct rlimit lim = {0};
    long long tables = 1;

    getrlimit(RLIMIT_NOFILE, &lim);
    for (int i = 0; i < s->shard_count; i++)
        tables += s->shards[i]->own_table;
    return (long long)lim.rlim_cur * tables;
}

static int put(struct buf *out, const char *name, const char *type,
               const char *help, double value)
{
    return buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help,
                      name, type, name, value);
}

int process_write(const struct server *s, struct buf *out)
{
    struct memory used = memory_used();
    const struct {
        const char *name, *type, *help;
        double value;
    } all[] = {
        {"process_cpu_seconds_total", "counter", "Processor time used.",
         cpu_seconds()},
        {"process_resident_memory_bytes", "gauge", "Memory that is resident.",
         (double)used.resident},
        {"process_virtual_memory_bytes", "gauge", "Address space in use.",
         (double)used.virtual},
        {"process_open_fds", "gauge", "Open descriptors, of all nodes.",
         (double)descriptors(s)},
        {"process_max_fds", "gauge", "Descriptors that all nodes may open.",
         (double)descriptors_max(s)},
        {"process_start_time_seconds", "gauge", "Start, seconds since 1970.",
         (double)s->started / 1000},
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof(all) / sizeof(all[0]); i++)
        rc = put(out, all[i].name, all[i].type, all[i].help, all[i].value);
    return rc;
}
