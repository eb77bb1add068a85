#include "base/mem.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/list.h"
#include "unit/base/suite.h"

START_TEST(zeroed_and_copied)
{
    char *p = mem_alloc(100), *text;
    int *numbers = mem_array(10, sizeof(int));

    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(p[i], 0);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(numbers[i], 0);
    numbers = mem_grow(numbers, 1000, sizeof(int));
    ck_assert_int_eq(numbers[9], 0);
    free(numbers);
    free(p);
    text = mem_text_n("abcdef", 3);
    ck_assert_str_eq(text, "abc");
    free(text);
    text = mem_text("");
    ck_assert_str_eq(text, "");
    free(text);
    p = mem_copy("xyz", 3);
    ck_assert_mem_eq(p, "xyz", 3);
    free(p);
    free(mem_copy(NULL, 0));
    free(mem_alloc(0));
}
END_TEST

START_TEST(overflow_ends_the_process)
{
    int status, null;
    pid_t pid = fork();

    if (pid == 0) {
        null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        mem_array(SIZE_MAX / 2, 4);
        _exit(0);
    }
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
}
END_TEST

struct item {
    int number;
    struct link link;
};

START_TEST(lists_keep_order_and_forgive_two_removals)
{
    struct item items[5] = {0};
    struct link head;
    int seen = 0;

    list_init(&head);
    ck_assert(list_empty(&head));
    for (int i = 0; i < 5; i++) {
        items[i].number = i;
        list_push(&head, &items[i].link);
    }
    list_remove(&items[2].link);
    list_remove(&items[2].link);
    list_each (&head, l, next) {
        struct item *it = container_of(l, struct item, link);

        ck_assert_int_ne(it->number, 2);
        seen = seen * 10 + it->number;
        list_remove(l);
    }
    ck_assert_int_eq(seen, 134);
    ck_assert_ptr_null(list_pop(&head));
}
END_TEST

SUITE("mem", zeroed_and_copied, overflow_ends_the_process,
      lists_keep_order_and_forgive_two_removals)
