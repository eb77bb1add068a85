/* What this machine says about its limits. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "doctor.h"

/* The n-th number (from 0) of a file of /proc; -1 when there is none. */
static int64_t number_in(const char *path, int n)
{
    char text[256], *p = text, *end;
    FILE *f = fopen(path, "re");
    long long v = -1;
    size_t len;

    if (f == NULL)
        return -1;
    len = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[len] = '\0';
    for (int i = 0; i <= n; i++) {
        v = strtoll(p, &end, 10);
        if (end == p)
            return -1;
        p = end;
    }
    return v;
}

/* The number behind a word of a file: "TCP: inuse 5 ... mem 3". */
static int64_t after_word(const char *path, const char *line, const char *word)
{
    char text[256], *p;
    FILE *f = fopen(path, "re");
    int64_t v = -1;

    if (f == NULL)
        return -1;
    while (v < 0 && fgets(text, sizeof(text), f) != NULL) {
        if (strncmp(text, line, strlen(line)) != 0)
            continue;
        p = strstr(text, word);
        if (p != NULL)
            v = strtoll(p + strlen(word), NULL, 10);
    }
    fclose(f);
    return v;
}

static void *try_unshare(void *well)
{
    *(bool *)well = unshare(CLONE_FILES) == 0;
    return NULL;
}

/* Asked for in a thread that ends at once, so that nothing changes here. */
static bool can_unshare(void)
{
    pthread_t thread;
    bool well = false;

    if (pthread_create(&thread, NULL, try_unshare, &well) != 0)
        return false;
    pthread_join(thread, NULL);
    return well;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return b >= 0 && b < a ? b : a;
}

/* What may be taken: of the machine and of our control group. */
static int64_t memory_free(void)
{
    int64_t most = after_word("/proc/meminfo", "MemAvailable:", ":") * 1024;
    int64_t limit = number_in("/sys/fs/cgroup/memory.max", 0);
    int64_t used = number_in("/sys/fs/cgroup/memory.current", 0);

    if (limit > 0 && used >= 0)
        most = smaller(most, limit > used ? limit - used : 0);
    return most;
}

void doctor_read(struct doctor_facts *f, const char *network, bool server_here)
{
    static const char range[] = "/proc/sys/net/ipv4/ip_local_port_range";
    struct rlimit fds = {.rlim_max = 1024};

    memset(f, 0, sizeof(*f));
    getrlimit(RLIMIT_NOFILE, &fds);
    f->cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    f->fd_limit = (int64_t)fds.rlim_max;
    f->own_tables = can_unshare();
    f->files = number_in("/proc/sys/fs/file-nr", 0);
    f->file_max = number_in("/proc/sys/fs/file-nr", 2);
    f->ports = number_in(range, 1) - number_in(range, 0) + 1;
    f->sources = doctor_sources(network);
    f->watches = number_in("/proc/sys/fs/epoll/max_user_watches", 0);
    f->tracked_max = number_in("/proc/sys/net/netfilter/nf_conntrack_max", 0);
    f->tracked = number_in("/proc/sys/net/netfilter/nf_conntrack_count", 0);
    f->tcp_pages = number_in("/proc/sys/net/ipv4/tcp_mem", 2);
    f->tcp_in_use = after_word("/proc/net/sockstat", "TCP:", "mem ");
    f->page = sysconf(_SC_PAGESIZE);
    f->memory = memory_free();
    f->server_here = server_here;
}
