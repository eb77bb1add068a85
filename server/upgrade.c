#include "upgrade.h"

#include <stdio.h>
#include <string.h>

#include <libwebsockets.h>

#include "base/mem.h"

size_t upgrade_answer(const struct handshake *h, char out[UPGRADE_ANSWER])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20];
    char text[HANDSHAKE_KEY + sizeof(guid)], accept[32];

    memcpy(text, h->key, HANDSHAKE_KEY);
    memcpy(text + HANDSHAKE_KEY, guid, sizeof(guid));
    lws_SHA1((const unsigned char *)text, sizeof(text) - 1, digest);
    lws_b64_encode_string((const char *)digest, sizeof(digest), accept,
                          sizeof(accept));
    return (size_t)snprintf(out, UPGRADE_ANSWER,
                            "HTTP/1.1 101 Switching Protocols\r\n"
                            "Upgrade: websocket\r\n"
                            "Connection: Upgrade\r\n"
                            "Sec-WebSocket-Accept: %s\r\n"
                            "Sec-WebSocket-Protocol: confab.v1\r\n\r\n",
                            accept);
}

/* The phrase of a status, and the headers that it must have. */
static const struct refusal {
    int status;
    const char *phrase, *headers;
} refusals[] = {
    {400, "Bad Request", ""},
    {403, "Forbidden", ""},
    {405, "Method Not Allowed", "Allow: GET\r\n"},
    {414, "URI Too Long", ""},
    {417, "Expectation Failed", ""},
    {426, "Upgrade Required",
     "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"},
    {429, "Too Many Requests", ""},
    {431, "Request Header Fields Too Large", ""},
};

size_t upgrade_refusal(int status, const char *why, char out[UPGRADE_REFUSAL])
{
    const struct refusal *r = &refusals[0];

    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        if (refusals[i].status == status)
            r = &refusals[i];
    return (size_t)snprintf(out, UPGRADE_REFUSAL,
                            "HTTP/1.1 %d %s\r\n%s"
                            "Connection: %sclose\r\n"
                            "Content-Type: text/plain\r\n"
                            "X-Content-Type-Options: nosniff\r\n"
                            "Cache-Control: no-store\r\n"
                            "Content-Length: %zu\r\n\r\n%.127s\n",
                            r->status, r->phrase, r->headers,
                            status == 426 ? "Upgrade, " : "",
                            strnlen(why, 127) + 1, why);
}
