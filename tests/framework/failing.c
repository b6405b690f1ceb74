/* SPDX-License-Identifier: Apache-2.0 */
/* failing.c: a test program that fails in every way that the framework knows. test_framework.c runs it and looks at
 * what it says. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../test.h"

static int deep_helper(int n) {
    T_CHECK(n > 0);
    return n;
}
static void helper(int n) {
    if (deep_helper(n) != n) T_FAIL("%d is another number", n);
    printf("  the helper went on\n");
}

TEST(passes) { helper(1); }
TEST(fails_in_a_helper) {
    T_NOTE("at place %d", 17);
    helper(0);
    printf("  the test went on\n");
}
TEST(fails_itself) { T_EQ(1 + 1, 3); }
TEST(fails_by_a_text) {
    const char *none = NULL;
    T_STR(none, "text");
}

static void needs_something(void) { T_SKIP("there is no %s here", "something"); }
TEST(is_skipped_by_a_helper) {
    needs_something();
    printf("  the test went on\n");
}

TEST(fails_in_a_child) {
    pid_t child = fork();
    if (child == 0) helper(0); /* must not come back and run the tests that follow once more */
    int status = 0;
    T_CHECK(child > 0 && waitpid(child, &status, 0) == child);
    T_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 99);
}

static void *on_a_thread(void *unused) {
    helper(0);
    return unused;
}
TEST(fails_on_a_thread) {
    if (!getenv("FAILING_THREAD")) T_SKIP("only when asked for");
    pthread_t thread;
    T_CHECK(pthread_create(&thread, NULL, on_a_thread, NULL) == 0);
    pthread_join(thread, NULL);
}

TEST(meets_a_signal) {
    if (!getenv("FAILING_SIGNAL")) T_SKIP("only when asked for");
    raise(SIGSEGV);
    printf("  the test went on\n");
}
TEST(passes_at_the_end) { helper(2); }

TEST_MAIN()
