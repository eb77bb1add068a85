/* bench_direct - one to one at light load: from the write of a persisted send
 * to the read of the recipient's entry, against a bare relay hop (client,
 * relay process, client on loopback) plus one group commit (a write and an
 * fdatasync of the same size), all in one run, alternating. */
#include "kit.h"

#define BODY 200

/* Relay: what comes on the first connection goes out on the second. */
static void relay(int listener)
{
    char bytes[65536];
    int a = accept(listener, NULL, NULL), b = accept(listener, NULL, NULL);
    ssize_t n;
    int one = 1;

    setsockopt(b, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    while ((n = read(a, bytes, sizeof(bytes))) > 0)
        kit_write(b, bytes, (size_t)n);
    exit(0);
}

static pid_t start_relay(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(0x7f000001u)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    pid_t pid;

    if (bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 4) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        kit_die("relay");
    *port = ntohs(at.sin_port);
    pid = fork();
    if (pid == 0)
        relay(fd);
    close(fd);
    return pid;
}

static uint64_t hop(int from, int to)
{
    char bytes[BODY + 150];
    uint64_t start = clock_ns();
    size_t got = 0;

    memset(bytes, 'x', sizeof(bytes));
    kit_write(from, bytes, sizeof(bytes));
    while (got < sizeof(bytes)) {
        ssize_t n = read(to, bytes, sizeof(bytes) - got);

        if (n <= 0)
            kit_die("relay");
        got += (size_t)n;
    }
    return clock_ns() - start;
}

static uint64_t commit(int fd)
{
    char bytes[4096];
    uint64_t start = clock_ns();

    memset(bytes, 'x', sizeof(bytes));
    kit_write(fd, bytes, sizeof(bytes));
    if (fdatasync(fd) < 0)
        kit_die("fdatasync");
    return clock_ns() - start;
}

static uint64_t message(int from, int to, const char *conv, int i)
{
    char text[BODY + 200], body[BODY + 1], cid[32];
    uint64_t start;

    memset(body, 'b', BODY);
    body[BODY] = '\0';
    snprintf(cid, sizeof(cid), "m%d", i);
    snprintf(text, sizeof(text),
             "{\"t\":\"send\",\"n\":%d,\"conv\":\"%s\",\"cid\":\"%s\","
             "\"body\":{\"text\":\"%s\"}}",
             i + 10, conv, cid, body);
    start = clock_ns();
    kit_send(from, text);
    kit_until(to, "bbbbbbbbbbbbbbbbbbbbbbbb\"}");
    start = clock_ns() - start;
    kit_until(from, "\"sent\"");
    return start;
}

static void acknowledge(int fd, const char *conv, int seq)
{
    char text[128];

    snprintf(text, sizeof(text), "{\"t\":\"ack\",\"at\":[[\"%s\",%d]]}", conv,
             seq);
    kit_send(fd, text);
}

static void row(const char *name, uint64_t *samples, int n)
{
    double half = (double)kit_quantile(samples, n, 0.5) / 1e6;
    double most = (double)kit_quantile(samples, n, 0.99) / 1e6;

    printf("| %s | %.3f | %.3f | %.3f |\n", name, half, most,
           (double)samples[n - 1] / 1e6);
}

int main(void)
{
    int n = getenv("QUICK") != NULL ? 300 : 5000;
    uint64_t *sends = mem_array((size_t)n, sizeof(*sends));
    uint64_t *hops = mem_array((size_t)n, sizeof(*hops));
    uint64_t *commits = mem_array((size_t)n, sizeof(*commits));
    struct kit_server s;
    struct kit_account *a;
    char answer[2048], request[128], conv[32], path[128];
    int alice, bob, port, in, out, log;
    pid_t pid;
    double floor;

    fetch_init();
    kit_start(&s, NULL);
    a = kit_accounts(&s, "direct", 2);
    snprintf(request, sizeof(request),
             "{\"t\":\"conv.open\",\"n\":1,\"user\":\"%s\"}", a[1].user);
    kit_request(&s, &a[0], request, answer, sizeof(answer));
    kit_member(answer, "conv", conv, sizeof(conv));
    alice = kit_login(s.port, 0, &a[0]);
    bob = kit_login(s.port, 1, &a[1]);
    pid = start_relay(&port);
    in = kit_connect(port, 0);
    out = kit_connect(port, 0);
    snprintf(path, sizeof(path), "%s/floor", s.dir);
    log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    for (int i = 0; i < n; i++) {
        sends[i] = message(alice, bob, conv, i);
        acknowledge(bob, conv, i + 2);
        acknowledge(alice, conv, i + 2);
        hops[i] = hop(in, out);
        commits[i] = commit(log);
    }
    printf("One sender, one recipient, one message of %d bytes at a time, %d "
           "of them; ms.\n\n| | p50 | p99 | max |\n|---|---|---|---|\n",
           BODY, n);
    row("send to entry, persisted", sends, n);
    row("bare relay hop", hops, n);
    row("write + fdatasync", commits, n);
    floor =
        (double)(kit_quantile(hops, n, 0.5) + kit_quantile(commits, n, 0.5));
    printf("\nRatio at p50 to a hop and a commit: %.2f.\n",
           (double)kit_quantile(sends, n, 0.5) / floor);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    kit_stop(&s);
    return 0;
}
