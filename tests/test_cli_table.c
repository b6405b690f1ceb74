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
    SAYS(out_text, "when holds dates, which are not used");
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
    SAYS(out_text, "3 of 6 rows repeat another one");
}

TEST(inspect_tells_mistakes) {
    put("bad.csv", "age,height\n1,2\n3\n");
    RUN(1, "inspect bad.csv");
    SAYS(err_text, "gossamer: bad.csv:3:height: the row ends after 1 of 2 cells");
    put("age.csv", "age,height\n1,2\n3,4\n");
    RUN(1, "inspect age.csv --target hight");
    SAYS(err_text, "target: there is no column \"hight\" (nearest: \"height\")");
    RUN(1, "inspect age.csv --ignore Age");
    SAYS(err_text, "ignore: there is no column \"Age\" (nearest: \"age\")");
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

TEST_MAIN()
