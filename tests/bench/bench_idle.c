/* bench_idle - idle, authenticated, heartbeating connections: the server's own
 * memory and the kernel's for each, against a bare epoll server with the same
 * sockets in the same run. Clients are processes of their own, since a table
 * of descriptors holds 20,000. */
#include <sys/epoll.h>

#include "kit.h"

#define PER_PROCESS 15000
#define SETTLE_MS 3000

struct crowd {
    pid_t pids[16];
    int count;
};

/* One client process: connect n accounts, say so, beat until it is killed. */
static void client(int port, const struct kit_account *a, int n, int number,
                   int report)
{
    int *fds = mem_array((size_t)n, sizeof(*fds));
    char drop[4096];

    for (int i = 0; i < n; i++) {
        fds[i] = a != NULL ? kit_login(port, (unsigned)number * 2, &a[i])
                           : kit_connect(port, (unsigned)number * 2);
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
        if (i % 100 == 99)
            for (int k = 0; k < i; k += 500)
                while (read(fds[k], drop, sizeof(drop)) > 0)
                    ;
    }
    kit_write(report, "r", 1);
    if (a == NULL)
        for (;;)
            pause();
    for (int at = 0;; at = (at + 1) % n) {
        kit_send(fds[at], "{\"t\":\"hb\",\"n\":2,\"act\":true}");
        while (read(fds[at], drop, sizeof(drop)) > 0)
            ;
        poll(NULL, 0,
             n >= 10000 ? (at % (n / 10000) == 0 ? 3 : 0) : 30000 / n + 1);
    }
}

static void gather(struct crowd *c, int port, const struct kit_account *a,
                   int total)
{
    int ready[2];
    char byte;

    if (pipe(ready) < 0)
        kit_die("pipe");
    c->count = 0;
    for (int first = 0; first < total; first += PER_PROCESS) {
        int n = total - first < PER_PROCESS ? total - first : PER_PROCESS;
        pid_t pid = fork();

        if (pid == 0) {
            close(ready[0]);
            client(port, a != NULL ? a + first : NULL, n, c->count, ready[1]);
        }
        c->pids[c->count++] = pid;
    }
    close(ready[1]);
    for (int i = 0; i < c->count; i++)
        if (read(ready[0], &byte, 1) != 1)
            kit_die("a client ended");
    close(ready[0]);
    poll(NULL, 0, SETTLE_MS);
}

static void scatter(struct crowd *c)
{
    for (int i = 0; i < c->count; i++) {
        kill(c->pids[i], SIGKILL);
        waitpid(c->pids[i], NULL, 0);
    }
}

/* The yardstick: accept, epoll, one pointer per socket; several processes,
 * for the same reason as above. */
static void bare_server(int port, int report)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(0x7f000001u)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN};

    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        listen(fd, 4096) < 0)
        kit_die("bare server");
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
    kit_write(report, "r", 1);
    for (;;) {
        int s = accept4(fd, NULL, NULL, SOCK_NONBLOCK);

        ev.data.ptr = mem_alloc(16);
        if (s >= 0)
            epoll_ctl(epoll, EPOLL_CTL_ADD, s, &ev);
    }
}

static int start_bare(struct crowd *servers, int port, int total)
{
    int ready[2];
    char byte;

    if (pipe(ready) < 0)
        kit_die("pipe");
    servers->count = 0;
    for (int i = 0; i < total / 12000 + 1; i++) {
        pid_t pid = fork();

        if (pid == 0)
            bare_server(port, ready[1]);
        servers->pids[servers->count++] = pid;
    }
    for (int i = 0; i < servers->count; i++)
        if (read(ready[0], &byte, 1) != 1)
            kit_die("bare server");
    return 0;
}

static double bare_bytes(int total, int port)
{
    struct crowd servers, clients;
    uint64_t slab, user = 0, before = 0;

    start_bare(&servers, port, total);
    for (int i = 0; i < servers.count; i++)
        before += kit_memory(servers.pids[i]);
    slab = kit_slab();
    gather(&clients, port, NULL, total);
    slab = kit_slab() - slab;
    for (int i = 0; i < servers.count; i++)
        user += kit_memory(servers.pids[i]);
    scatter(&clients);
    scatter(&servers);
    return (double)(user - before + slab) / total;
}

static void measure(int total)
{
    char number[16];
    const char *extra[] = {"--connections", number, NULL};
    struct kit_server s;
    struct kit_account *a;
    struct crowd clients;
    uint64_t user, slab, cpu, ns;
    double mine, kernel, bare;

    snprintf(number, sizeof(number), "%d", total);
    kit_start(&s, extra);
    a = kit_accounts(&s, "idle", total);
    user = kit_memory(s.pid);
    slab = kit_slab();
    cpu = kit_cpu(s.pid);
    ns = clock_ns();
    gather(&clients, s.port, a, total);
    cpu = kit_cpu(s.pid) - cpu;
    ns = clock_ns() - ns;
    mine = (double)(kit_memory(s.pid) - user) / total;
    kernel = (double)(kit_slab() - slab) / total;
    scatter(&clients);
    kit_stop(&s);
    bare = bare_bytes(total, 20000 + (int)(getpid() % 10000));
    printf("| %d | %.0f | %.0f | %.0f | %.0f | %.2f | %.0f | %.1f |\n", total,
           mine, kernel, mine + kernel, bare, (mine + kernel) / bare,
           (double)cpu / total, (double)ns / 1e9);
    fflush(stdout);
    free(a);
}

int main(int argc, char **argv)
{
    bool quick = getenv("QUICK") != NULL;

    signal(SIGPIPE, SIG_IGN);
    fetch_init();
    printf("Idle, authenticated connections, a heartbeat every 30 s; bytes "
           "for each. User: private memory of the server's process. Kernel: "
           "growth of the machine's slab, both ends. Bare: an epoll server "
           "with 16 bytes a socket, user and kernel. CPU: of the server, for "
           "connect, upgrade, login and sync.\n\n"
           "| connections | user | kernel | total | bare | ratio | us CPU a "
           "connection | seconds to connect all |\n"
           "|---|---|---|---|---|---|---|---|\n");
    fflush(stdout);
    if (argc > 1) {
        measure((int)strtol(argv[1], NULL, 10));
        return 0;
    }
    measure(quick ? 2000 : 18000);
    if (!quick)
        measure(40000);
    return 0;
}
