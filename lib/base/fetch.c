#include "base/fetch.h"

#include <string.h>

#include <curl/curl.h>

#define TIMEOUT_MS 30000
#define ANSWER_MAX (1024 * 1024)

void fetch_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct transfer {
    struct fetch *f;
    CURL *curl;
};

static size_t on_bytes(char *bytes, size_t one, size_t n, void *arg)
{
    const struct transfer *t = arg;
    struct fetch *f = t->f;
    long status = 0;

    if (f->sink != NULL)
        curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return f->sink(f->sink_ctx, span_make(bytes, one * n)) >= 0 ? n : 0;
    return buf_append(&f->answer, bytes, one * n) == 0 ? n : 0;
}

static int code_of(CURLcode rc)
{
    switch (rc) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return CF_NOT_FOUND;
    case CURLE_COULDNT_CONNECT:
        return CF_UNAVAILABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return CF_DENIED;
    case CURLE_OPERATION_TIMEDOUT:
        return CF_TIMEOUT;
    case CURLE_WRITE_ERROR: /* only on_bytes() refuses */
    case CURLE_FILESIZE_EXCEEDED:
        return CF_TOO_BIG;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return CF_INVALID;
    default:
        return CF_IO;
    }
}

/* One more header; a line break in the value would make two of it. */
static int add_header(struct curl_slist **headers, const char *name,
                      const char *value)
{
    struct curl_slist *longer;
    struct buf line;

    if (strpbrk(value, "\r\n") != NULL)
        return -CF_INVALID;
    buf_init(&line, 16 * 1024);
    if (buf_printf(&line, "%s%s", name, value) < 0 || buf_cstr(&line) == NULL) {
        buf_release(&line);
        return -CF_TOO_BIG;
    }
    longer = curl_slist_append(*headers, line.data);
    buf_release(&line);
    if (longer == NULL)
        return -CF_NOMEM;
    *headers = longer;
    return 0;
}

static int make_headers(const struct fetch *f, struct curl_slist **headers)
{
    int rc = add_header(headers, "Expect:", ""); /* no 100-continue */

    if (rc == 0 && f->body.p != NULL)
        rc = add_header(headers, "Content-Type: ",
                        f->content_type != NULL ? f->content_type
                                                : "application/json");
    if (rc == 0 && f->bearer != NULL)
        rc = add_header(headers, "Authorization: Bearer ", f->bearer);
    return rc;
}

static void set_request(CURL *curl, const struct fetch *f)
{
    curl_easy_setopt(curl, CURLOPT_URL, f->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (f->unix_socket != NULL) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, f->unix_socket);
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    }
    if (f->ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, f->ca_file);
    if (f->body.p != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)f->body.n);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, f->body.p);
    }
    if (f->method != NULL && strcmp(f->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (f->method != NULL)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, f->method);
}

static void set_manners(CURL *curl, struct transfer *t, char *why)
{
    const struct fetch *f = t->f;
    long timeout = f->timeout_ms > 0 ? (long)f->timeout_ms : TIMEOUT_MS;

    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* there are threads */
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "confab/" CONFAB_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
}

int fetch_run(struct fetch *f, struct error *err)
{
    char why[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL;
    CURLcode done;
    struct transfer t = {.f = f};
    CURL *curl;
    int rc;

    buf_init(&f->answer, f->max > 0 ? f->max : ANSWER_MAX);
    f->status = 0;
    rc = make_headers(f, &headers);
    curl = rc == 0 ? curl_easy_init() : NULL;
    if (curl == NULL) {
        curl_slist_free_all(headers);
        return error_set(err, rc < 0 ? rc : CF_NOMEM,
                         "%s: the request cannot be made", f->url);
    }
    t.curl = curl;
    set_request(curl, f);
    set_manners(curl, &t, why);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    done = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &f->status);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (done == CURLE_OK)
        return 0;
    rc = code_of(done);
    if (rc == CF_TOO_BIG)
        return error_set(err, rc, "%s: the answer is over %zu bytes", f->url,
                         f->answer.max);
    return error_set(err, rc, "%s: %s", f->url,
                     why[0] != '\0' ? why : curl_easy_strerror(done));
}
