/* doctor.h - how many connections fit: the arithmetic, apart from the reading
 * of this machine. Used by `doctor` and before each run. */
#ifndef LOAD_DOCTOR_H
#define LOAD_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

#define DOCTOR_SHARDS 256   /* threads with descriptors of their own, at most */
#define DOCTOR_SPARE_FDS 64 /* of each table: epoll, timer, files */
/* Kernel memory of an idle TCP socket (sock, inode, dentry, file, bucket):
 * slab growth over 100,000 pairs on Linux 6.x, for each end. */
#define DOCTOR_KERNEL_BYTES 4200
#define DOCTOR_CLIENT_BYTES 160  /* of ours, the most a client may take */
#define DOCTOR_SERVER_BYTES 2300 /* of confabd, BENCHMARKS.md */

struct doctor_facts {
    int cores;
    int64_t fd_limit;              /* hard limit of a process */
    bool own_tables;               /* unshare(CLONE_FILES) works */
    int64_t file_max, files;       /* open files of the system */
    int64_t ports;                 /* ephemeral, for each source address */
    int64_t sources;               /* addresses of users.source_ips */
    int64_t watches;               /* epoll watches of a user; -1 unknown */
    int64_t tracked_max, tracked;  /* nf_conntrack; -1 unknown */
    int64_t tcp_pages, tcp_in_use; /* tcp_mem's last number; sockstat */
    int64_t page;                  /* bytes */
    int64_t memory;                /* bytes free to use */
    bool server_here;              /* both ends on this machine */
};

enum doctor_bind {
    BIND_NONE, /* more than anybody asks for */
    BIND_FDS,
    BIND_FILE_MAX,
    BIND_PORTS,
    BIND_WATCHES,
    BIND_TRACKED,
    BIND_MEMORY,
    BIND_TCP_MEM, /* told, and does not bind: idle sockets take none */
    BINDS
};

struct doctor_line {
    int64_t fits; /* connections; -1: unknown */
    char have[96], lift[160];
};

struct doctor {
    int64_t conns; /* asked for */
    struct doctor_line lines[BINDS];
    int64_t fits;
    enum doctor_bind binds; /* what stops at `fits` */
    bool well;              /* conns fit */
    int shards;             /* of the generator for conns */
    int64_t addresses;      /* source addresses in use for conns */
    int64_t bytes;          /* of memory, all together */
};

const char *doctor_name(enum doctor_bind b);
/* Pure. */
void doctor_judge(struct doctor *d, const struct doctor_facts *f,
                  int64_t conns);
/* Addresses that "127.1.0.0/16" has; 0 when it is no network. */
int64_t doctor_sources(const char *network);
/* What this machine says. */
void doctor_read(struct doctor_facts *f, const char *network, bool server_here);
/* One sentence of what is too small and what to change; "" when well. */
void doctor_sentence(const struct doctor *d, char *out, size_t room);
json_t *doctor_json(const struct doctor *d);

#endif
