#include "script/fixture_priv.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "client/client.h"
#include "unit/base/suite.h"

/* Fails the test with the reason. */
#define OK(call)                                                        \
    do {                                                                \
        int ok_rc = (call);                                             \
                                                                        \
        ck_assert_msg(ok_rc >= 0, "%s: %d %s", #call, ok_rc, err.text); \
    } while (0)

static struct error err;

static struct fixture *begin(const struct fixture_config *cfg)
{
    struct fixture *f = NULL;

    memset(&err, 0, sizeof(err));
    OK(fixture_start(&f, cfg, &err));
    ck_assert(fixture_running(f));
    return f;
}

static bool alive(pid_t pid)
{
    return kill(pid, 0) == 0 || errno == EPERM;
}

/* A descriptor that is readable once the process has ended. */
static int watch(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static void wait_gone(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    ck_assert_int_eq(poll(&p, 1, 60000), 1);
    close(fd);
}

/* The pid that the server's ready file, beside its log, tells. */
static pid_t server_pid(const struct fixture *f)
{
    char path[4096];
    json_t *j;
    pid_t pid;

    snprintf(path, sizeof(path), "%s", fixture_log(f));
    snprintf(strrchr(path, '/'), 20, "/ready.json");
    j = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(j);
    pid = (pid_t)json_integer_value(json_object_get(j, "pid"));
    json_decref(j);
    return pid;
}

START_TEST(starts_and_leaves_nothing)
{
    struct fixture *f = begin(&(struct fixture_config){.nodes = 2});
    char dir[4096];
    struct stat st;
    pid_t pid = server_pid(f);

    ck_assert_ptr_nonnull(strstr(fixture_url(f), "ws://127.0.0.1:"));
    ck_assert(fixture_owned(f));
    ck_assert_int_eq(stat(fixture_admin(f), &st), 0);
    snprintf(dir, sizeof(dir), "%s", fixture_log(f));
    *strrchr(dir, '/') = '\0';
    fixture_free(&f);
    ck_assert_ptr_null(f);
    ck_assert_int_eq(stat(dir, &st), -1);
    ck_assert(!alive(pid));
}
END_TEST

START_TEST(makes_a_thousand_accounts)
{
    static struct account out[1000];
    static char names[1000][16];
    const char *actors[1000];
    struct fixture *f = begin(&(struct fixture_config){0});

    for (int i = 0; i < 1000; i++) {
        snprintf(names[i], sizeof(names[i]), "Bob%d", i);
        actors[i] = names[i];
    }
    OK(fixture_accounts(f, actors, 1000, "42-7", out, &err));
    ck_assert_str_eq(out[0].name, "bob0-42-7");
    for (int i = 0; i < 1000; i++) {
        ck_assert_uint_ne(out[i].user, 0);
        ck_assert_uint_ne(out[i].dev, 0);
        ck_assert(i == 0 || out[i].user != out[i - 1].user);
        ck_assert(strncmp(out[i].token, "cfb_", 4) == 0);
    }
    /* The same names again are taken. */
    ck_assert_int_eq(fixture_accounts(f, actors, 2, "42-7", out, &err),
                     -CF_EXISTS);
    fixture_free(&f);
}
END_TEST

START_TEST(cuts_long_names_apart)
{
    const char *actors[] = {"the_observer_of_everything_that_is_one",
                            "the_observer_of_everything_that_is_two"};
    struct account out[2];
    struct fixture *f = begin(&(struct fixture_config){0});

    OK(fixture_accounts(f, actors, 2, "18446744073709551615-10", out, &err));
    ck_assert_str_ne(out[0].name, out[1].name);
    ck_assert_uint_le(strlen(out[0].name), 32);
    fixture_free(&f);
}
END_TEST

START_TEST(gives_an_account_a_second_device)
{
    const char *actors[] = {"alice"};
    struct account one, two;
    struct fixture *f = begin(&(struct fixture_config){0});

    OK(fixture_accounts(f, actors, 1, "1-1", &one, &err));
    OK(fixture_device(f, &one, &two, &err));
    ck_assert_str_eq(one.name, two.name);
    ck_assert_uint_eq(one.user, two.user);
    ck_assert_uint_ne(one.dev, two.dev);
    ck_assert_str_ne(one.token, two.token);
    fixture_free(&f);
}
END_TEST

START_TEST(stops_and_comes_back_where_it_was)
{
    const char *actors[] = {"alice"};
    struct account a, b;
    struct fixture *f = begin(&(struct fixture_config){0});
    char url[512];

    snprintf(url, sizeof(url), "%s", fixture_url(f));
    OK(fixture_accounts(f, actors, 1, "1-1", &a, &err));
    OK(fixture_fault(f, FAULT_STOP, &err));
    ck_assert(!fixture_running(f));
    ck_assert_int_eq(fixture_accounts(f, actors, 1, "1-2", &b, &err),
                     -CF_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.text, "exit status 0"));
    OK(fixture_fault(f, FAULT_STOP, &err));
    OK(fixture_fault(f, FAULT_START, &err));
    ck_assert_str_eq(url, fixture_url(f));
    ck_assert_int_eq(fixture_fault(f, FAULT_START, &err), -CF_EXISTS);
    OK(fixture_fault(f, FAULT_KILL, &err));
    ck_assert(!fixture_running(f));
    OK(fixture_fault(f, FAULT_RESTART, &err));
    ck_assert_str_eq(url, fixture_url(f));
    OK(fixture_device(f, &a, &b, &err)); /* the account is still there */
    fixture_free(&f);
}
END_TEST

START_TEST(notices_that_the_server_died)
{
    struct fixture *f = begin(&(struct fixture_config){0});

    int fd = watch(server_pid(f));

    kill(server_pid(f), SIGSEGV);
    wait_gone(fd);
    ck_assert_int_eq(fixture_check(f, &err), -CF_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.text, "the server ended"));
    ck_assert_int_eq(fixture_clock(f, 1000, false, &err), -CF_UNAVAILABLE);
    fixture_free(&f);
}
END_TEST

START_TEST(says_why_it_did_not_start)
{
    const char *const bad[] = {"confabd", "--no-such-option", NULL};
    const char *const none[] = {"/nowhere/confabd", NULL};
    const char *const other[] = {"false", NULL};
    struct fixture *f = NULL;

    ck_assert_int_eq(
        fixture_start(&f, &(struct fixture_config){.argv = bad}, &err),
        -CF_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.text, "exit status 64"));
    ck_assert_ptr_nonnull(strstr(err.text, "no-such-option"));
    ck_assert_ptr_null(f);
    ck_assert_int_eq(
        fixture_start(&f, &(struct fixture_config){.argv = none}, &err),
        -CF_NOT_FOUND);
    ck_assert_int_eq(
        fixture_start(&f, &(struct fixture_config){.argv = other}, &err),
        -CF_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(err.text, "false did not start"));
}
END_TEST

START_TEST(takes_other_programs)
{
    const char *const own_port[] = {"confabd", "--listen", "127.0.0.1:0",
                                    "--log-level=debug", NULL};
    const char *const other[] = {
        "sh", "-c",
        "printf '{\"url\":' > \"$CONFAB_READY_FILE\"\n"
        "printf '\"ws://%s\"}' \"$CONFAB_LISTEN\" >> \"$CONFAB_READY_FILE\"\n"
        "exec sleep 1000",
        NULL};
    struct fixture *f = begin(&(struct fixture_config){.argv = own_port});

    OK(fixture_fault(f, FAULT_RESTART, &err));
    ck_assert_ptr_nonnull(strstr(fixture_url(f), "ws://127.0.0.1:"));
    fixture_free(&f);
    f = begin(&(struct fixture_config){.argv = other});
    ck_assert_ptr_nonnull(strstr(fixture_url(f), "ws://127.0.0.1:"));
    ck_assert_ptr_null(fixture_admin(f));
    ck_assert_int_eq(fixture_clock(f, 1, false, &err), -CF_DENIED);
    OK(fixture_fault(f, FAULT_KILL, &err));
    fixture_free(&f);
}
END_TEST

/* Send one message over HTTP as the account: enough to put text in the
 * store. */
static void put_title(struct fixture *f, const char *name)
{
    struct account_answer got;

    /* The device's name is stored as it is. */
    OK(account_register(fixture_url(f), name, SPAN("password-1"),
                        "lips \"sealed\" \xc3\xa9t\xc3\xa9", NULL, NULL, &got,
                        &err));
}

START_TEST(looks_into_the_store)
{
    struct fixture *f = begin(&(struct fixture_config){0});

    put_title(f, "gardener");
    OK(fixture_store_has(f, "gardener", &err));
    ck_assert_int_eq(fixture_store_has(f, "gardener", &err), 1);
    ck_assert_int_eq(fixture_store_has(f, "\xc3\xa9t\xc3\xa9", &err), 1);
    ck_assert_int_eq(fixture_store_has(f, "lips \"sealed\"", &err), 1);
    ck_assert_int_eq(fixture_store_has(f, "password-1", &err), 0);
    ck_assert_int_eq(fixture_store_has(f, "nobody said this", &err), 0);
    OK(fixture_fault(f, FAULT_KILL, &err));
    ck_assert_int_eq(fixture_store_has(f, "gardener", &err), 1);
    ck_assert_int_eq(fixture_store_has(f, "nobody said this", &err), 0);
    ck_assert_int_eq(fixture_store_has(f, "", &err), -CF_INVALID);
    fixture_free(&f);
}
END_TEST

START_TEST(moves_the_clock)
{
    struct fixture *f = begin(&(struct fixture_config){.nodes = 2});

    OK(fixture_clock(f, INT64_C(365) * 86400 * 1000, false, &err));
    OK(fixture_clock(f, 1, false, &err));
    fixture_free(&f);
}
END_TEST

START_TEST(takes_a_foreign_server)
{
    const char *actors[] = {"alice", "bob"};
    struct fixture *own = begin(&(struct fixture_config){0});
    struct fixture *f =
        begin(&(struct fixture_config){.url = fixture_url(own)});
    struct account out[2], device;

    ck_assert(!fixture_owned(f));
    ck_assert_ptr_null(fixture_log(f));
    OK(account_register(fixture_url(own), "paul", SPAN("password-1"), "x", NULL,
                        NULL, &(struct account_answer){0}, &err));
    setenv("CONFAB_SECRET_bob", "paul:password-1", 1);
    OK(fixture_accounts(f, actors, 2, "9-9", out, &err));
    ck_assert_str_eq(out[0].name, "alice-9-9");
    ck_assert_str_eq(out[1].name, "paul");
    OK(fixture_device(f, &out[0], &device, &err));
    ck_assert_uint_ne(device.dev, out[0].dev);
    setenv("CONFAB_SECRET_bob", "paul:wrong-password", 1);
    ck_assert_int_eq(fixture_accounts(f, actors, 2, "9-8", out, &err),
                     -CF_DENIED);
    ck_assert_ptr_null(strstr(err.text, "wrong-password"));
    setenv("CONFAB_SECRET_bob", "paul:token:abc", 1);
    OK(fixture_accounts(f, actors + 1, 1, "9-8", out, &err));
    ck_assert_str_eq(out[0].token, "abc");
    unsetenv("CONFAB_SECRET_bob");
    ck_assert_int_eq(fixture_fault(f, FAULT_STOP, &err), -CF_DENIED);
    ck_assert_int_eq(fixture_store_has(f, "x", &err), -CF_DENIED);
    ck_assert_int_eq(fixture_clock(f, 1, false, &err), -CF_DENIED);
    fixture_free(&f);
    fixture_free(&own);
}
END_TEST

struct orphan {
    pid_t server;
    char dir[256];
};

static void be_killed(int out)
{
    struct fixture *f = begin(&(struct fixture_config){0});
    struct orphan o = {.server = server_pid(f)};

    snprintf(o.dir, sizeof(o.dir), "%s", fixture_log(f));
    *strrchr(o.dir, '/') = '\0';
    if (write(out, &o, sizeof(o)) < 0)
        _exit(1);
    pause();
}

/* A process that owns a server and is killed takes it along. */
START_TEST(leaves_no_orphan)
{
    struct orphan o = {0};
    int pipes[2], fd;
    pid_t pid;

    ck_assert_int_eq(pipe(pipes), 0);
    pid = fork();
    if (pid == 0)
        be_killed(pipes[1]);
    ck_assert_int_eq(read(pipes[0], &o, sizeof(o)), sizeof(o));
    fd = watch(o.server);
    kill(pid, SIGKILL);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    wait_gone(fd);
    fixture_remove(o.dir);
}
END_TEST

SUITE("fixture", starts_and_leaves_nothing, makes_a_thousand_accounts,
      cuts_long_names_apart, gives_an_account_a_second_device,
      stops_and_comes_back_where_it_was, notices_that_the_server_died,
      says_why_it_did_not_start, takes_other_programs, looks_into_the_store,
      moves_the_clock, takes_a_foreign_server, leaves_no_orphan)
