#include "guard.h"

#include <strings.h>

#include <libwebsockets.h>

#include "net.h"

#define CHAIN 255 /* bytes of X-Forwarded-For */

bool guard_upgrade_name(const char *name)
{
    return name != NULL && strcasecmp(name, "websocket") == 0;
}

bool guard_header(struct lws *wsi, int token, char *out, size_t size)
{
    int n = lws_hdr_total_length(wsi, (enum lws_token_indexes)token);

    return n > 0 && (size_t)n < size &&
           lws_hdr_copy(wsi, out, (int)size, (enum lws_token_indexes)token) > 0;
}

bool guard_origin(const struct shard *sh, struct span origin)
{
    const struct option_list *list = &sh->server->settings.origins;

    for (int i = 0; i < list->count; i++)
        if (span_is(origin, list->items[i]))
            return true;
    return false;
}

static bool origin_allowed(struct shard *sh, struct lws *wsi)
{
    char origin[256];

    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0)
        return true; /* not a browser */
    return guard_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin)) &&
           guard_origin(sh, span_of(origin));
}

/* The last address of the chain is what the trusted proxy itself saw. */
static int forward(struct shard *sh, struct claim *c, struct span chain)
{
    const char *comma = memrchr(chain.p, ',', chain.n);
    const char *from = comma != NULL ? comma + 1 : chain.p;
    size_t n = (size_t)(chain.p + chain.n - from);
    char client[64];

    while (n > 0 && *from == ' ') {
        from++;
        n--;
    }
    if (n >= sizeof(client))
        return -CF_INVALID;
    memcpy(client, from, n);
    client[n] = '\0';
    return claim_forward(sh, c, client);
}

const char *guard_chain(struct shard *sh, struct claim *c, struct span chain,
                        int *status)
{
    *status = HTTP_STATUS_BAD_REQUEST;
    if (!claim_is_proxy(*c))
        return NULL;
    if (chain.n > CHAIN)
        return "X-Forwarded-For is over 255 bytes";
    switch (forward(sh, c, chain)) {
    case 0:
        return NULL;
    case -CF_INVALID:
        return "X-Forwarded-For ends with no address";
    default:
        *status = 429;
        return "too many connections from this address";
    }
}

const char *guard_forwarded(struct shard *sh, struct lws *wsi, int *status)
{
    struct claim claim = net_claim(wsi);
    char chain[CHAIN + 2] = "";
    int n = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR);
    const char *why;

    if (n == 0)
        return NULL;
    if (!guard_header(wsi, WSI_TOKEN_X_FORWARDED_FOR, chain, sizeof(chain)))
        n = sizeof(chain); /* over it */
    why = guard_chain(sh, &claim, span_make(chain, (size_t)n), status);
    net_set_claim(wsi, claim);
    return why;
}

const char *guard_handshake(struct shard *sh, struct lws *wsi, int *status)
{
    char text[64];

    *status = HTTP_STATUS_BAD_REQUEST;
    if (!guard_header(wsi, WSI_TOKEN_GET_URI, text, sizeof(text)))
        return "an upgrade is a GET";
    if (!lws_is_ssl(wsi) || strcmp(text, "/v1/chat") != 0) {
        *status = HTTP_STATUS_NOT_FOUND;
        return "chat is at /v1/chat";
    }
    if (!guard_header(wsi, WSI_TOKEN_VERSION, text, sizeof(text)) ||
        strcmp(text, "13") != 0)
        return "Sec-WebSocket-Version must be 13";
    if (!guard_header(wsi, WSI_TOKEN_KEY, text, sizeof(text)) ||
        strlen(text) != 24)
        return "Sec-WebSocket-Key must have 24 characters";
    if (!guard_header(wsi, WSI_TOKEN_PROTOCOL, text, sizeof(text)) ||
        strcmp(text, "confab.v1") != 0)
        return "Sec-WebSocket-Protocol must be confab.v1";
    if (!origin_allowed(sh, wsi)) {
        *status = HTTP_STATUS_FORBIDDEN;
        return "this Origin is not allowed here";
    }
    return guard_forwarded(sh, wsi, status);
}
