/* SPDX-License-Identifier: Apache-2.0 */
/* The test framework itself: framework/failing.c fails in every way that it knows, and must be seen to fail. */
#include <libgen.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static char text[20000];

/* Runs the failing program with these words into `text`; its exit status. */
static int run(const char *environment, const char *words) {
    char self[512] = "", line[1000];
    T_CHECK(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    snprintf(line, sizeof line, "%s '%s/framework/failing' %s 2>&1", environment, dirname(self), words);
    FILE *out = popen(line, "r");
    T_CHECK(out);
    text[fread(text, 1, sizeof text - 1, out)] = 0;
    int status = pclose(out);
    T_CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int times(const char *part) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)); at += strlen(part)) n++;
    return n;
}

static void closes_with(const char *line) {
    size_t n = strlen(text), m = strlen(line);
    if (n < m || strcmp(text + n - m, line) != 0) T_FAIL("\"%s\" is not how it closes: %s", line, text);
}

TEST(a_failed_check_in_a_helper_ends_its_test_and_is_counted) {
    T_EQ(run("", ""), 1);
    closes_with("\n3 passed, 3 failed, 3 skipped\n");
    T_EQ(times("the helper went on"), 2); /* of the two tests that pass */
    T_EQ(times("the test went on"), 0);
    T_EQ(times("failing.c:12: n > 0 (at place 17)"), 1);
    T_EQ(times("1 + 1 is 2, not 3 = 3"), 1);
    T_EQ(times("none is \"(NULL)\", not \"text\""), 1);
    T_EQ(times("  skipped: there is no something here\n"), 1);
    T_EQ(times("not in a test of this process"), 1); /* the child */
}

TEST(parts_of_names_choose) {
    T_EQ(run("", "passes_at is_skipped"), 0);
    closes_with("\n1 passed, 0 failed, 1 skipped\n");
    T_EQ(run("", "itself"), 1);
    closes_with("\n0 passed, 1 failed, 0 skipped\n");
    T_EQ(run("", "no_such_name"), 1);
    closes_with("\n0 passed, 1 failed, 0 skipped\n");
}

TEST(a_failed_check_elsewhere_ends_the_process) {
    T_EQ(run("FAILING_THREAD=1", "on_a_thread passes_at_the_end"), 99);
    T_EQ(times("passed"), 0);
}

TEST(a_signal_fails_its_test) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    T_SKIP("the sanitizer ends the program");
#endif
    T_EQ(run("FAILING_SIGNAL=1", "meets_a_signal passes_at_the_end"), 1);
    closes_with("\n1 passed, 1 failed, 0 skipped\n");
    T_EQ(times("the test went on"), 0);
}

TEST_MAIN()
