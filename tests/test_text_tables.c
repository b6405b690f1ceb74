/* SPDX-License-Identifier: Apache-2.0 */
/* tools/text-tables: collections as they are distributed become tables that are read as they were meant. */
#include <sys/stat.h>

#include "gossamer/table.h"
#include "scratch.h"
#include "test.h"

static goss_error err;

static void put(const char *name, const char *text) {
    FILE *f = fopen(scratch(name), "w");
    T_CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* Writes train.tsv and dev.tsv of that content and has them converted. */
static goss_table *converted(const char *format, const char *text) {
    char line[600];
    goss_table *t;
    mkdir(scratch("from"), 0777);
    put("from/train.tsv", text), put("from/dev.tsv", text), put("from/test.tsv", "index\tsentence\n0\tx\n");
    snprintf(line, sizeof line, "python3 tools/text-tables %s %s %s >/dev/null", format, scratch("from"),
             scratch("to"));
    T_EQ(system(line), 0);
    T_OK(goss_table_open(scratch("to/train.csv"), NULL, &t, &err));
    T_EQ(goss_table_columns(t), 3);
    return t;
}

static void has_row(const goss_table *t, int row, const char *text, const char *label) {
    char buffer[GOSS_CELL_TEXT];
    T_STR(goss_table_text(t, 0, row, buffer), text);
    T_STR(goss_table_text(t, 1, row, buffer), label);
}

/* Quotes mean nothing in these files; some begin with a byte order mark, some have no header. */
TEST(tsv_files_of_glue) {
    if (system("python3 -c '' 2>/dev/null") != 0) T_SKIP("no python3");
    goss_table *t = converted("glue", "sentence\tlabel\nhide \"new, secretions\t0\n\"it is good\t1\n");
    T_EQ(goss_table_rows(t), 2);
    has_row(t, 0, "hide \"new, secretions", "no");
    has_row(t, 1, "\"it is good", "yes");
    goss_table_close(t);
    t = converted("glue", "\xef\xbb\xbfQuality\t#1 ID\t#1 String\t#2 String\r\n1\t7\tone\ttwo\r\n0\t8\ta\tb\r\n");
    has_row(t, 0, "one ||| two", "yes");
    has_row(t, 1, "a ||| b", "no");
    goss_table_close(t);
    t = converted("cola", "gj04\t1\t\tThey drank \"it\".\ngj04\t0\t*\tThey drank the pub.\n");
    has_row(t, 0, "They drank \"it\".", "acceptable");
    has_row(t, 1, "They drank the pub.", "unacceptable");
    goss_table_close(t);
}

TEST_MAIN()
