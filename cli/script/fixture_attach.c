#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fetch.h"
#include "base/mem.h"
#include "fixture_priv.h"

int fixture_attach(struct fixture **out, const char *url, const char *admin,
                   struct error *err)
{
    struct fixture *f;

    *out = NULL;
    if (strlen(url) >= sizeof(f->url) ||
        (admin != NULL && strlen(admin) >= sizeof(f->admin)))
        return error_set(err, CF_TOO_BIG, "the address is too long");
    f = mem_alloc(sizeof(*f));
    f->hold = f->child.watch = -1;
    fetch_init();
    snprintf(f->url, sizeof(f->url), "%s", url);
    snprintf(f->admin, sizeof(f->admin), "%s", admin != NULL ? admin : "");
    *out = f;
    return 0;
}
