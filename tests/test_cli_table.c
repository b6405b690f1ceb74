/* SPDX-License-Identifier: Apache-2.0 */
/* gossamer inspect DATA.csv, as a user meets it. */
#include <sys/stat.h>

#include "cli_run.h"

static void put(const char *name, const char *text) { write_file(name, text, strlen(text)); }

static void sleep_table(void) {
    char text[6000];
    int n = snprintf(text, sizeof text, "rownames,Reaction,Days,Subject,when\n");
    for (int r = 0; r < 60; r++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%d,%d.%d,%d,s%d,2024-01-%02d\n", r + 1, 200 + (r * 37) % 90,
                      r % 9 + 1, r % 6, r / 6, r % 28 + 1);
    put("sleep.csv", text);
}

TEST(inspect_shows_columns_roles_and_findings) {
    sleep_table();
    RUN(0, "inspect sleep.csv");
    SAYS(out_text, "sleep.csv: csv, separator ',', decimal point, header; 60 rows, 5 columns");
    SAYS(out_text, "rownames number   id ");
    SAYS(out_text, "counts the rows");
    SAYS(out_text, "Subject  category task ");
    SAYS(out_text, "target: Reaction (guessed");
    SAYS(out_text, "task: Subject (guessed");
    SAYS(out_text, "when has dates, which may order rows");
    RUN(0, "inspect sleep.csv --target Days --task ''");
    SAYS(out_text, "target: Days (declared)");
    SAYS(out_text, "task: none found; name it with --task COLUMN");
}

TEST(inspect_as_json) {
    sleep_table();
    RUN(0, "inspect sleep.csv --json --ignore when,rownames --categorical Days");
    SAYS(out_text, "{\"kind\": \"table\", \"format\": \"csv, separator ',', decimal point, header\", \"rows\": 60, "
                   "\"files\": 1, ");
    SAYS(out_text, "\"target\": {\"column\": \"Reaction\", \"guessed\": true}");
    SAYS(out_text, "{\"name\": \"rownames\", \"type\": \"number\", ");
    SAYS(out_text, "\"role\": \"ignored\", \"role_reason\": \"declared\", \"missing\": 0, \"distinct\": 60, \"min\": "
                   "1, \"max\": 60, \"mean\": 30.5, ");
    SAYS(out_text, "\"categories\": [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\"]");
    SAYS(out_text, "\"findings\": []}");
}

TEST(inspect_of_a_folder) {
    T_CHECK(mkdir(tiny_path("people"), 0777) == 0);
    put("people/a.csv", "x,y\n1,2\n2,3\n3,5\n");
    put("people/b.csv", "x,y\n1,2\n2,3\n3,5\n");
    RUN(0, "inspect people");
    SAYS(out_text, "people: csv, separator ',', decimal point, header; 6 rows, 3 columns, 2 files");
    SAYS(out_text, "task: file (guessed: the file a row comes from");
    SAYS(out_text, "3 of 6 rows are duplicates: 1 file has the rows of another one, which is another task (b those of "
                   "a)");
}

TEST(inspect_tells_mistakes) {
    put("bad.csv", "age,height\n1,2\n3\n");
    RUN(1, "inspect bad.csv");
    SAYS(err_text, "gossamer: bad.csv:3:height: the row ends after 1 of 2 cells");
    put("age.csv", "age,height\n1,2\n3,4\n");
    RUN(1, "inspect age.csv --target hight");
    SAYS(err_text, "gossamer: --target: there is no column \"hight\" (nearest: \"height\")");
    RUN(1, "inspect age.csv --ignore Age");
    SAYS(err_text, "gossamer: --ignore: there is no column \"Age\" (nearest: \"age\")");
}

TEST(inspect_takes_the_notation) {
    put("odd.csv", "a;b\n1,5;x\n");
    RUN(0, "inspect odd.csv --separator ';' --decimal , --header no --categorical x1");
    SAYS(out_text, "csv, separator ';', decimal comma, no header; 2 rows, 2 columns");
    RUN(0, "inspect odd.csv --header yes --json");
    SAYS(out_text, "\"rows\": 1");
    RUN(1, "inspect odd.csv --separator :");
    SAYS(err_text, "--separator :: one of , ; | tab and blank");
    RUN(1, "inspect odd.csv --decimal x");
    SAYS(err_text, "--decimal x: . or ,");
    RUN(1, "inspect odd.csv --header perhaps");
    SAYS(err_text, "--header perhaps: yes, no or auto");
}

/* Names of columns, categories, the file itself, and findings that name them. */
TEST(inspect_shows_names_that_steer_nothing) {
    char text[4000];
    int n = snprintf(text, sizeof text, "\"a\x1b[2J\",\"b\nb\",\"c\xe2\x80\xae\\\",when\x07\n");
    for (int r = 0; r < 40; r++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%d,\"x\ty%d\x1b]0;t\x07\",%d,2024-01-%02d\n", r, r % 3,
                      r * 7 % 11, r % 28 + 1);
    put("steer\x1b[31m.csv", text);
    const char *const lines[] = {"inspect steer*.csv", "inspect steer*.csv --target 'c\xe2\x80\xae\\'",
                                 "inspect --json steer*.csv", "inspect steer*.csv --target none"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        RUN(i == 3, lines[i]);
        for (const char *c = i == 3 ? err_text : out_text; *c; c++)
            if (((unsigned char)*c < 0x20 && *c != '\n') || *c == 0x7f || (unsigned char)*c >= 0x80)
                T_FAIL("%s: \"%.60s\"", lines[i], c);
        if (i >= 2) continue;
        SAYS(out_text, "steer\\x1B[31m.csv: csv");
        SAYS(out_text, "\na\\x1B[2J ");
        SAYS(out_text, "\nb\\nb ");
        SAYS(out_text, "x\\ty0\\x1B]0;t\\x07, ");
        SAYS(out_text, "target: c\\xE2\\x80\\xAE\\\\ (");
    }
}

TEST_MAIN()
