#include "address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

/* Connections before login from one address; shared by all of them. */
struct address {
    int waiting; /* not logged in yet */
    int refs;    /* sockets that point here */
    bool exempt; /* loopback with --dev, or a trusted proxy */
    bool proxy;
    char text[INET6_ADDRSTRLEN + 8];
};

/* An IPv4 address that came over an IPv6 socket ("::ffff:10.0.0.1", RFC 4291,
 * 2.5.5.2) is an IPv4 address. */
static void unmap(struct sockaddr_storage *at)
{
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)at;
    struct sockaddr_in in = {.sin_family = AF_INET};

    if (at->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
        return;
    memcpy(&in.sin_addr, in6->sin6_addr.s6_addr + 12, sizeof(in.sin_addr));
    in.sin_port = in6->sin6_port;
    memcpy(at, &in, sizeof(in));
}

static bool parse_address(const char *text, struct sockaddr_storage *at)
{
    memset(at, 0, sizeof(*at));
    if (inet_pton(AF_INET, text, &((struct sockaddr_in *)at)->sin_addr) == 1)
        at->ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text,
                       &((struct sockaddr_in6 *)at)->sin6_addr) == 1)
        at->ss_family = AF_INET6;
    else
        return false;
    unmap(at);
    return true;
}

bool address_is_valid(const char *text)
{
    struct sockaddr_storage at;

    return parse_address(text, &at);
}

/* Both families in one form, to compare by. */
static struct in6_addr as_ipv6(const struct sockaddr_storage *at)
{
    struct in6_addr out = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    if (at->ss_family == AF_INET6)
        return ((const struct sockaddr_in6 *)at)->sin6_addr;
    memcpy(out.s6_addr + 12, &((const struct sockaddr_in *)at)->sin_addr, 4);
    return out;
}

static bool is_proxy(struct shard *sh, const struct sockaddr_storage *from)
{
    const struct option_list *list = &sh->server->settings.trusted_proxies;
    struct in6_addr client = as_ipv6(from), proxy;
    struct sockaddr_storage at;

    for (int i = 0; i < list->count; i++) {
        if (!parse_address(list->items[i], &at))
            continue;
        proxy = as_ipv6(&at);
        if (IN6_ARE_ADDR_EQUAL(&client, &proxy))
            return true;
    }
    return false;
}

/* One text per limit: an IPv4 address, or the /64 of an IPv6 one. A proxy is
 * not its neighbours: it has a whole address. */
static void address_key(const struct sockaddr_storage *from, bool proxy,
                        char *out, size_t size)
{
    char text[INET6_ADDRSTRLEN] = "?";

    if (from->ss_family == AF_INET6) {
        struct in6_addr net = ((const struct sockaddr_in6 *)from)->sin6_addr;

        if (!proxy)
            memset(net.s6_addr + 8, 0, 8);
        inet_ntop(AF_INET6, &net, text, sizeof(text));
        snprintf(out, size, proxy ? "%s" : "%s/64", text);
    } else {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)from)->sin_addr, text,
                  sizeof(text));
        snprintf(out, size, "%s", text);
    }
}

static bool is_loopback(const char *text)
{
    return strncmp(text, "127.", 4) == 0 || strcmp(text, "::/64") == 0;
}

static struct address *address_get(struct shard *sh,
                                   struct sockaddr_storage *from)
{
    char text[INET6_ADDRSTRLEN + 8];
    struct address *a;
    bool proxy;

    unmap(from);
    proxy = is_proxy(sh, from);
    address_key(from, proxy, text, sizeof(text));
    a = strmap_get(&sh->addresses, span_of(text));
    if (a != NULL)
        return a;
    a = mem_alloc(sizeof(*a));
    snprintf(a->text, sizeof(a->text), "%s", text);
    a->proxy = proxy;
    a->exempt = proxy || (sh->server->settings.dev && is_loopback(text));
    strmap_put(&sh->addresses, span_of(text), a);
    return a;
}

static void address_unref(struct shard *sh, struct address *a)
{
    if (--a->refs > 0)
        return;
    strmap_remove(&sh->addresses, span_of(a->text));
    free(a);
}

/* Room for one more before login? Between half the limit and the limit the
 * chance to be refused rises from 0 to 1 (the shape of OpenSSH's
 * MaxStartups): a crowd is thinned before it locks everybody out. */
static bool address_admit(struct shard *sh, struct address *a)
{
    int limit = (int)sh->server->settings.per_address;
    int half = limit / 2;

    if (a->exempt || a->waiting < half)
        return true;
    if (a->waiting >= limit)
        return false;
    return (int)rng_below(&sh->rng, (uint64_t)(limit - half)) >=
           a->waiting - half;
}

static struct address *address_of(struct claim c)
{
    return (struct address *)(c.tagged & ~(uintptr_t)1);
}

bool claim_is_waiting(struct claim c)
{
    return c.tagged & 1;
}

static struct claim hold(struct address *a)
{
    a->refs++;
    a->waiting++;
    return (struct claim){(uintptr_t)a | 1};
}

/* a was just looked up or made: with no socket it is not kept. */
static bool admit(struct shard *sh, struct address *a, struct claim *out)
{
    static struct log_gate gate;

    if (address_admit(sh, a)) {
        *out = hold(a);
        return true;
    }
    if (log_gate(&gate, 10000))
        log_warn("too many connections before login from %s", a->text);
    if (a->refs == 0) {
        a->refs = 1;
        address_unref(sh, a);
    }
    return false;
}

bool claim_take(struct shard *sh, struct sockaddr_storage *from,
                struct claim *out)
{
    return admit(sh, address_get(sh, from), out);
}

void claim_release(struct claim *c)
{
    if (!claim_is_waiting(*c))
        return;
    address_of(*c)->waiting--;
    c->tagged &= ~(uintptr_t)1;
}

void claim_drop(struct shard *sh, struct claim *c)
{
    if (c->tagged == 0)
        return;
    claim_release(c);
    address_unref(sh, address_of(*c));
    c->tagged = 0;
}

bool claim_is_proxy(struct claim c)
{
    return c.tagged != 0 && address_of(c)->proxy;
}

const char *claim_text(struct claim c)
{
    return c.tagged != 0 ? address_of(c)->text : "?";
}

int claim_forward(struct shard *sh, struct claim *c, const char *client)
{
    struct sockaddr_storage at;
    struct claim forwarded;

    if (!parse_address(client, &at))
        return -CF_INVALID;
    if (!admit(sh, address_get(sh, &at), &forwarded))
        return -CF_LIMIT;
    claim_drop(sh, c);
    *c = forwarded;
    return 0;
}
