#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "result.h"
#include "shard.h"

/* "model name : AMD EPYC" of /proc/cpuinfo; "" where there is none. */
static void read_cpu(char *out, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[256];
    const char *value;

    out[0] = '\0';
    while (f != NULL && out[0] == '\0' && fgets(line, sizeof(line), f)) {
        if (strncmp(line, "model name", 10) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        value = strchr(line, ':');
        if (value != NULL)
            snprintf(out, size, "%s", value + 1 + strspn(value + 1, " \t"));
    }
    if (f != NULL)
        (void)fclose(f);
}

void environment_read(struct environment *e)
{
    struct utsname name;
    struct rlimit files;
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

    *e = (struct environment){
        .cores = sysconf(_SC_NPROCESSORS_ONLN), .memory = -1, .fd_limit = -1};
    e->wake_slice_ns = shard_slice_ns();
    if (uname(&name) == 0)
        snprintf(e->kernel, sizeof(e->kernel), "%.20s %.40s %.20s",
                 name.sysname, name.release, name.machine);
    read_cpu(e->cpu, sizeof(e->cpu));
    if (pages > 0 && size > 0)
        e->memory = (int64_t)pages * size;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        e->fd_limit = (int64_t)files.rlim_max;
}
