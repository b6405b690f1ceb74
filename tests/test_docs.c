/* SPDX-License-Identifier: Apache-2.0 */
/* test_docs.c: what documentation shows of the sources is what stands there.
 *
 * A fenced block that names a file, "```c src/ops/layout.c", must be in that file line by line; "..." as a line of its
 * own leaves out what is between. Blanks and a continuation's backslash at the end of a line do not count. */
#include <dirent.h>

#include "test.h"

typedef struct text {
    char **line;
    int n;
} text;

static char *trimmed(char *line) {
    size_t n = strlen(line);
    while (n > 0 && strchr(" \t\r\n\\", line[n - 1])) line[--n] = 0;
    return line;
}

static bool read_text(const char *path, text *t) {
    char buf[4096];
    FILE *f = fopen(path, "r");
    *t = (text){0};
    if (!f) return false;
    while (fgets(buf, sizeof buf, f)) {
        t->line = realloc(t->line, (size_t)(t->n + 1) * sizeof *t->line);
        t->line[t->n++] = strdup(trimmed(buf));
    }
    fclose(f);
    return true;
}

static void free_text(text *t) {
    for (int i = 0; i < t->n; i++) free(t->line[i]);
    free(t->line);
}

/* The line of `in` from which lines [from, to) of t stand there, at or behind `at`; -1: nowhere. */
static int find(const text *t, int from, int to, const text *in, int at) {
    for (; at + to - from <= in->n; at++) {
        int same = 0;
        while (same < to - from && strcmp(t->line[from + same], in->line[at + same]) == 0) same++;
        if (same == to - from) return at;
    }
    return -1;
}

/* Lines [from, to) of the page, a block of the file at `path`. */
static void check_block(const char *page, const text *t, int from, int to, const char *path) {
    text source;
    int at = 0;
    if (!read_text(path, &source)) T_FAIL("%s:%d: there is no file %s", page, from, path);
    if (from == to) T_FAIL("%s:%d: the block is empty", page, from);
    while (from < to) {
        int end = from;
        while (end < to && strcmp(t->line[end], "...") != 0) end++;
        at = find(t, from, end, &source, at);
        if (at < 0) T_FAIL("%s:%d: these lines are not in %s:\n    %s", page, from + 1, path, t->line[from]);
        at += end - from, from = end + 1;
    }
    free_text(&source);
}

/* How many blocks of a page name a file. */
static int check_page(const char *page) {
    text t;
    int blocks = 0;
    T_CHECK(read_text(page, &t));
    for (int i = 0; i < t.n; i++) {
        if (strncmp(t.line[i], "```", 3) != 0) continue;
        const char *path = strchr(t.line[i], ' ');
        int end = i + 1;
        while (end < t.n && strcmp(t.line[end], "```") != 0) end++;
        if (end == t.n) T_FAIL("%s:%d: the block does not end", page, i + 1);
        if (path) check_block(page, &t, i + 1, end, path + 1), blocks++;
        i = end;
    }
    free_text(&t);
    return blocks;
}

TEST(blocks_that_name_a_file_are_in_it) {
    DIR *d = opendir("docs");
    T_CHECK(d != NULL);
    for (struct dirent *e; (e = readdir(d));) {
        char page[512];
        const char *dot = strrchr(e->d_name, '.');
        if (!dot || strcmp(dot, ".md") != 0) continue;
        snprintf(page, sizeof page, "docs/%s", e->d_name);
        check_page(page);
    }
    closedir(d);
}

/* The walk-through of an operation is made of such blocks. */
TEST(the_example_of_an_operation_is_the_librarys) { T_CHECK(check_page("docs/adding-an-op.md") >= 10); }

TEST_MAIN()
