#include "guard.h"

#include <strings.h>

#include <libwebsockets.h>

#include "net.h"

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

static bool origin_allowed(struct shard *sh, struct lws *wsi)
{
    const struct option_list *list = &sh->server->settings.origins;
    char origin[256];

    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0)
        return true; /* not a browser */
    if (!guard_header(wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin)))
        return false;
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->items[i], origin) == 0)
            return true;
    return false;
}

const char *guard_forwarded(struct shard *sh, struct lws *wsi, int *status)
{
    struct claim claim = net_claim(wsi);
    char chain[256];
    char *client;
    int rc;

    *status = HTTP_STATUS_BAD_REQUEST;
    if (!claim_is_proxy(claim) ||
        lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR) == 0)
        return NULL;
    if (!guard_header(wsi, WSI_TOKEN_X_FORWARDED_FOR, chain, sizeof(chain)))
        return "X-Forwarded-For is over 255 bytes";
    /* The last one is what the trusted proxy itself saw. */
    client = strrchr(chain, ',');
    client = client != NULL ? client + 1 : chain;
    while (*client == ' ')
        client++;
    rc = claim_forward(sh, &claim, client);
    net_set_claim(wsi, claim);
    switch (rc) {
    case 0:
        return NULL;
    case -CF_INVALID:
        return "X-Forwarded-For ends with no address";
    default:
        *status = 429;
        return "too many connections from this address";
    }
}

const char *guard_handshake(struct shard *sh, struct lws *wsi, int *status)
{
    char text[64];

    *status = HTTP_STATUS_BAD_REQUEST;
    if (!guard_header(wsi, WSI_TOKEN_GET_URI, text, sizeof(text)))
        return "an upgrade is a GET";
    if (strcmp(text, "/v1/chat") != 0) {
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
