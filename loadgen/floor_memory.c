/* What the kernel keeps for idle sockets, and what the disk takes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "floor.h"
#include "hist.h"

#define MOST_PAIRS 4000
#define BATCHES 100
#define ROWS 64
#define ROW 256 /* bytes: a short message with its indexes */
#define PAGE 4096
#define PAGE_READS 100000

/* ---- sockets ---- */

static int64_t slab_bytes(void)
{
    char line[128];
    int64_t kb = -1;
    FILE *f = fopen("/proc/meminfo", "re");

    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, "Slab:", 5) == 0)
            kb = strtoll(line + 5, NULL, 10);
    if (f != NULL)
        fclose(f);
    return kb < 0 ? -1 : kb * 1024;
}

static int pairs_that_fit(void)
{
    struct rlimit l = {.rlim_cur = 1024};
    rlim_t n;

    getrlimit(RLIMIT_NOFILE, &l);
    l.rlim_cur = l.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
    n = l.rlim_cur > 128 ? (l.rlim_cur - 128) / 2 : 0;
    return n < MOST_PAIRS ? (int)n : MOST_PAIRS;
}

/* Growth of the slab while n pairs are open, by socket. Others on the machine
 * disturb it: the middle of three. */
static double bytes_each(int n)
{
    int *fds = mem_array((size_t)n, 2 * sizeof(int)), made = 0;
    int64_t before = slab_bytes(), after;

    while (made < n && floor_pair(fds + 2 * (size_t)made) == 0)
        made++;
    after = slab_bytes();
    for (int i = 0; i < 2 * made; i++)
        close(fds[i]);
    free(fds);
    return made > 0 ? (double)(after - before) / (2.0 * made) : -1;
}

void floor_memory(struct floor *f)
{
    static const char what[] = "kernel memory of an idle socket, each end";
    int n = pairs_that_fit();
    double a, b, c, least, most;

    if (n < 100 || slab_bytes() < 0) {
        floor_missing(f, "socket", FLOOR_BYTES, what,
                      "too few descriptors, or no /proc/meminfo");
        return;
    }
    a = bytes_each(n);
    b = bytes_each(n);
    c = bytes_each(n);
    least = a < b ? a : b;
    most = a < b ? b : a;
    floor_add(f, "socket", FLOOR_BYTES,
              c < least  ? least
              : c > most ? most
                         : c,
              what);
}

/* ---- disk ---- */

static const char *kind_of(const char *dir)
{
    struct statfs s;

    if (statfs(dir, &s) < 0)
        return "";
    return s.f_type == 0x01021994 ? "on tmpfs: no disk at all" : "";
}

static bool write_batches(int fd, struct hist *h)
{
    static char batch[ROWS * ROW];

    for (int i = 0; i < BATCHES; i++) {
        uint64_t start = clock_ns();

        batch[0] = (char)i;
        if (write(fd, batch, sizeof(batch)) != (ssize_t)sizeof(batch) ||
            fdatasync(fd) < 0)
            return false;
        hist_add(h, clock_ns() - start);
    }
    return true;
}

/* A page of the database, taken from the kernel's cache of the file. */
static void page_reads(struct floor *f, int fd)
{
    static char page[PAGE];
    off_t pages = (off_t)BATCHES * ROWS * ROW / PAGE;
    uint64_t start = clock_ns();

    for (int i = 0; i < PAGE_READS; i++)
        if (pread(fd, page, PAGE, i * 7 % pages * PAGE) != PAGE)
            return;
    floor_add(f, "page", FLOOR_NS, (double)(clock_ns() - start) / PAGE_READS,
              "a page of 4 KiB read from the cache");
}

/* An append of 64 rows and an fdatasync, as a write-ahead log does it. */
void floor_disk(struct floor *f, const char *dir)
{
    const char *tmp = getenv("TMPDIR");
    struct floor_figure *g;
    char path[4096];
    struct hist h;
    int fd;

    if (dir == NULL)
        dir = tmp != NULL && *tmp == '/' ? tmp : "/tmp";
    snprintf(path, sizeof(path), "%s/confab-floor-XXXXXX", dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0) {
        floor_missing(f, "sync", FLOOR_NS, "64 rows synced to disk",
                      strerror(errno));
        return;
    }
    unlink(path);
    hist_init(&h, 1000, UINT64_C(60000000000), 3);
    if (write_batches(fd, &h)) {
        g = floor_add(f, "sync", FLOOR_NS, (double)hist_at(&h, 0.5),
                      "64 rows of 256 bytes synced to disk");
        g->p99 = (double)hist_at(&h, 0.99);
        snprintf(g->note, sizeof(g->note), "%s", kind_of(dir));
        floor_add(f, "row", FLOOR_NS, (double)hist_at(&h, 0.5) / ROWS,
                  "a durable row, in batches of 64");
        page_reads(f, fd);
    } else {
        floor_missing(f, "sync", FLOOR_NS, "64 rows synced to disk",
                      strerror(errno));
    }
    hist_release(&h);
    close(fd);
}
