/* SPDX-License-Identifier: Apache-2.0 */
/* Tables from csv: how files are written, what newcomers get wrong, and rows against a reader made here. */
#include "base/alloc.h"
#include "base/rng.h"
#include "locales.h"
#include "table/csv_parse.h"
#include "table_text.h"

/* ---- what is read ---- */

TEST(notations) {
    static const struct {
        const char *what, *text, *types, *shown;
    } cases[] = {
        {"comma", "a,b\n1,2\n3,4\n", "nn", "a,b / 1|2 / 3|4"},
        {"semicolon", "a;b\n1;2\n3;4\n", "nn", "a,b / 1|2 / 3|4"},
        {"tab", "a\tb\n1\t2\n3\t4\n", "nn", "a,b / 1|2 / 3|4"},
        {"bar", "a|b\n1|2\n3|4\n", "nn", "a,b / 1|2 / 3|4"},
        {"runs of blanks", " 0.5   2\n 10    4 \n", "nn", "x1,x2 / 0.5|2 / 10|4"},
        {"blanks and a header", "a b\n1  2\n3 4\n", "nn", "a,b / 1|2 / 3|4"},
        {"blanks in texts do not separate", "name,v\na b,1\nc d,2\n", "cn", "name,v / a b|1 / c d|2"},
        {"one column", "a\n1\n2\n", "n", "a / 1 / 2"},
        {"no line end at the end", "a,b\n1,2", "nn", "a,b / 1|2"},
        {"no cell and no line end at the end", "a,b\n1,", "nn", "a,b / 1|"},
        {"CR LF", "a,b\r\n1,2\r\n3,4\r\n", "nn", "a,b / 1|2 / 3|4"},
        {"CR alone", "a,b\r1,2\r3,4\r", "nn", "a,b / 1|2 / 3|4"},
        {"blank lines", "\na,b\n\n1,2\n\r\n3,4\n\n", "nn", "a,b / 1|2 / 3|4"},
        {"byte order mark",
         "\xef\xbb\xbf"
         "a,b\n1,2\n",
         "nn", "a,b / 1|2"},
        {"Excel's separator line", "sep=;\r\na;b\r\n1,5;2\r\n", "nn", "a,b / 1.5|2"},
        {"quotes", "\"a\",\"b,c\"\n\"1\",\"x\"\"y\"\n2,\"\"\n", "nc", "a,b,c / 1|x\"y / 2|"},
        {"a line end in quotes", "a,b\n1,\"x\ny\"\n2,z\n", "nc", "a,b / 1|x\ny / 2|z"},
        {"blanks around cells", "a , b\n 1 , x \n2,\" y \"\n", "nc", "a,b / 1|x / 2| y "},
        {"no header", "1,2\n3,4\n", "nn", "x1,x2 / 1|2 / 3|4"},
        {"no header, texts that repeat", "p,x,s\ne,x,t\np,y,s\ne,y,s\n", "ccc",
         "x1,x2,x3 / p|x|s / e|x|t / p|y|s / e|y|s"},
        {"a header of texts", "colour,size\nred,big\nblue,small\n", "cc", "colour,size / red|big / blue|small"},
        {"decimal comma", "a;b\n1,5;2\n-0,25;4\n", "nn", "a,b / 1.5|2 / -0.25|4"},
        {"decimal comma, no header", "1,5;2,5\n3,25;4,5\n", "nn", "x1,x2 / 1.5|2.5 / 3.25|4.5"},
        {"decimal comma by tabs", "a\tb\n1,5\t2\n3,5\t4\n", "nn", "a,b / 1.5|2 / 3.5|4"},
        {"semicolon and point", "a;b\n1.5;2\n0.25;4\n", "nn", "a,b / 1.5|2 / 0.25|4"},
        {"missing", "a,b\n,x\nNA,?\nNaN,null\nnan,NULL\nN/A,y\n1,\n", "nc", "a,b / |x / | / | / | / |y / 1|"},
        {"sodium is not missing", "a,b\nNa,1\nnull1,2\n", "cn", "a,b / Na|1 / null1|2"},
        {"exponents and signs", "a,b\n1e3,+5\n-2.5E-2,.5\n5.,1e0\n", "nn", "a,b / 1000|5 / -0.025|0.5 / 5|1"},
        {"nothing in a column", "a,b\n1,\n2,\n", "nn", "a,b / 1| / 2|"},
        {"dates", "d,v\n2024-03-01,1\n2024-03-02,2\n", "dn", "d,v / 2024-03-01|1 / 2024-03-02|2"},
        {"times", "t,v\n10:15,1\n11:30:05,2\n", "dn", "t,v / 10:15|1 / 11:30:05|2"},
        {"other dates", "a,b,c\n1.3.2024,Mar 1 2024,3/1/24\n2.3.2024,1-Mar-2024,2024-03-01T10:00:00Z\n", "ddd",
         "a,b,c / 1.3.2024|Mar 1 2024|3/1/24 / 2.3.2024|1-Mar-2024|2024-03-01T10:00:00Z"},
        {"versions and addresses are no dates", "a,v\n1.2.3,1\n1.10.4,2\n", "cn", "a,v / 1.2.3|1 / 1.10.4|2"},
        {"letters beyond ASCII", "größe,v\nгруппа,1\n組,2\n", "cn", "größe,v / группа|1 / 組|2"},
        {"numbers and words by halves", "a,b\n1,1\nx,2\n2,3\ny,4\n", "cn", "a,b / 1|1 / x|2 / 2|3 / y|4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        T_NOTE("%s", cases[i].what);
        goss_table *t = table_of(cases[i].text);
        T_STR(table_types(t), cases[i].types);
        if (strcmp(cases[i].what, "quotes") == 0) T_STR(goss_table_name(t, 1), "b,c");
        T_STR(table_shown(t), cases[i].shown);
        goss_table_close(t);
    }
}

/* What a name ends in says what texts with commas are divided by. */
TEST(files_named_for_tabs) {
    static const char *const cases[][3] = {
        {"t.tsv", "text\nhello, you\nbye\n", "text / hello, you / bye"},
        {"t.TAB", "text\nhello, you\nbye, you\n", "text / hello, you / bye, you"},
        {"t.tsv", "a, b\t1\nc, d\t2\n", "x1,x2 / a, b|1 / c, d|2"},
        {"t.tsv", "a,b\n1,2\n3,4\n", "a,b / 1|2 / 3|4"}, /* named wrongly */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_table *t;
        T_NOTE("%s", cases[i][1]);
        T_OK(goss_table_read(cases[i][1], strlen(cases[i][1]), cases[i][0], NULL, &t, &err));
        T_STR(table_shown(t), cases[i][2]);
        goss_table_close(t);
    }
}

/* ---- what is refused ---- */

#define BYTES(text) text, sizeof text - 1

TEST(mistakes) {
    static const goss_table_options by_comma = {.separator = ','}, header = {.header = GOSS_HEADER_YES},
                                    bare = {.header = GOSS_HEADER_NO}, categorical = {.categorical = "Age"},
                                    unknown_list = {.ignore = "a,\"b"},
                                    both_commas = {.separator = ',', .decimal = ','}, twice = {.ignore = "a, a"},
                                    far = {.categorical = "qwertyuiop"};
    static const struct {
        const char *what, *text;
        size_t size;
        const goss_table_options *options;
        goss_status status;
        const char *says;
    } cases[] = {
        {"a cell too few", BYTES("a,b,c\n1,2,3\n4,5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:3:c: the row ends after 2 of 3 cells"},
        {"a cell too many", BYTES("a,b\n1,2\n3,4,5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:3:b: 3 cells, but the header has 2; a text that contains the separator must be quoted"},
        {"row names of R", BYTES("a,b\n1,2,3\n2,4,5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:2:b: 3 cells, but the header has 2; row names of R? Write with row.names=FALSE"},
        {"no header, ragged", BYTES("1,2\n3,4\n5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:3:x2: the row ends after 1 of 2 cells"},
        {"a quote that is not closed", BYTES("a,b\n1,\"x\n2,y\n3,z\n"), NULL, GOSS_E_FORMAT,
         "t.csv:2:b: the quote that opens here is not closed before the end of the file"},
        {"a quote in a text", BYTES("a,b\n1,5\" disk\n"), NULL, GOSS_E_FORMAT,
         "t.csv:2:b: a quote inside a cell that does not begin with one"},
        {"text behind a quote", BYTES("a,b\n1,\"x\"y\n"), NULL, GOSS_E_FORMAT, "t.csv:2:b: text after a closing quote"},
        {"backslash for a quote", BYTES("a,b\n1,\"x \\\"y\\\" z\"\n"), NULL, GOSS_E_FORMAT,
         "doubled (\"\"), not escaped by a backslash"},
        {"a zero byte",
         BYTES("a,b\n1,2\n3,\0"
               "4\n"),
         NULL, GOSS_E_FORMAT, "t.csv:3: a zero byte"},
        {"UTF-16",
         BYTES("\xff\xfe"
               "a\0,\0b\0\n\0"
               "1\0,\0"
               "2\0\n\0"),
         NULL, GOSS_E_FORMAT, "t.csv:1: the text is in UTF-16; save it as UTF-8"},
        {"UTF-16 without a mark",
         BYTES("a\0,\0b\0\n\0"
               "1\0,\0"
               "2\0\n\0"),
         NULL, GOSS_E_FORMAT, "UTF-16"},
        {"Latin-1", BYTES("name,v\nM\xfcller,1\n"), NULL, GOSS_E_FORMAT,
         "t.csv:2:name: the text is not UTF-8 (a byte FC)"},
        {"Latin-1 in a name",
         BYTES("gr\xf6\xdf"
               "e,v\n1,2\n"),
         NULL, GOSS_E_FORMAT, "t.csv:1:column 1: the text is not UTF-8 (a byte F6)"},
        {"a name twice", BYTES("a,b,a\n1,2,3\n"), NULL, GOSS_E_FORMAT,
         "t.csv:1:a: the header names this column twice: as column 1 and 3"},
        {"a name missing", BYTES("a,,c\n1,2,3\n"), NULL, GOSS_E_FORMAT,
         "t.csv:1:column 2: the header has no name for it"},
        {"the index of pandas", BYTES(",a,b\n0,1,2\n1,3,4\n"), NULL, GOSS_E_FORMAT,
         "t.csv:1:column 1: the header has no name for it; give it one (pandas"},
        {"a separator at the end of each row", BYTES("a,b,\n1,2,\n"), NULL, GOSS_E_FORMAT,
         "t.csv:1:column 3: the header has no name for it; give it one, or remove the separator"},
        {"an empty file", BYTES(""), NULL, GOSS_E_FORMAT, "t.csv: the file is empty"},
        {"blank lines only", BYTES("\n \n\r\n"), NULL, GOSS_E_FORMAT, "t.csv: the file is empty"},
        {"a header only", BYTES("a,b\n"), NULL, GOSS_E_FORMAT, "t.csv:1: a header and no row below it"},
        {"a decimal comma in quotes", BYTES("a,b\n\"12,5\",1\n\"13,5\",2\n"), NULL, GOSS_E_FORMAT,
         "t.csv:2:a: \"12,5\" is not a number: a decimal comma?"},
        {"one decimal comma", BYTES("a;b\n1.5;1\n2.5;2\n\"3,5\";3\n4.5;4\n5.5;5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:4:a: \"3,5\" is not a number: a decimal comma?"},
        {"one decimal point", BYTES("a;b\n1,5;1\n2,5;2\n3.5;3\n4,5;4\n5,5;5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:4:a: \"3.5\" is not a number: a decimal point, but the file's decimal sign is the comma"},
        {"thousands", BYTES("a,b\n\"1,234\",1\n\"2,500\",2\n"), NULL, GOSS_E_FORMAT,
         "t.csv:2:a: \"1,234\" is not a number: a thousands separator?"},
        {"thousands with points", BYTES("a;b\n1.234,5;1\n2.500,0;2\n3,5;3\n"), NULL, GOSS_E_FORMAT,
         "t.csv:2:a: \"1.234,5\" is not a number: a thousands separator?"},
        {"a bad cell", BYTES("a,b\n1,1\n2,2\nthree,3\n4,4\n5,5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:4:a: \"three\" is not a number: correct the cell; or declare the word as missing"},
        {"a word for missing", BYTES("a,b\n1,1\n2,2\nunknown,3\n4,4\n5,5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:4:a: \"unknown\" is not a number"},
        {"a percent sign", BYTES("a,b\n5%,1\n7%,2\n"), NULL, GOSS_E_FORMAT,
         "t.csv:2:a: \"5%\" is not a number: write the number without the percent sign"},
        {"a currency", BYTES("a,b\n$5,1\n$7.50,2\n"), NULL, GOSS_E_FORMAT,
         "t.csv:2:a: \"$5\" is not a number: write the number without the currency"},
        {"infinity", BYTES("a,b\n1,1\n2,2\ninf,3\n4,4\n5,5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:4:a: \"inf\" is not a number: numbers must be finite"},
        {"beyond single precision", BYTES("a,b\n1,1\n2,2\n-1e300,3\n4,4\n5,5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:4:a: \"-1e300\" is not a number: beyond the range"},
        {"beyond a double", BYTES("a,b\n1,1\n2,2\n1e999,3\n4,4\n5,5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:4:a: \"1e999\" is not a number: beyond the range"},
        {"a date among numbers", BYTES("a,b\n1,1\n2,2\n2024-01-05,3\n4,4\n5,5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:4:a: \"2024-01-05\" is not a number: a date?"},
        {"a line end in quotes counts", BYTES("a,b\n\"x\ny\",1\nz,2\nw\n"), NULL, GOSS_E_FORMAT,
         "t.csv:5:b: the row ends after 1 of 2"},
        {"a name with colons", BYTES("Jitter:RAP,b\n1,1\n2,2\nx,3\n4,4\n5,5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:4:\"Jitter:RAP\": \"x\" is not a number"},
        {"a header with a missing value", BYTES("id,NaN,y\n1,2,3\n2,3,4\n3,4,5\n4,5,5\n"), NULL, GOSS_E_FORMAT,
         "t.csv:1:x1: \"id\" is not a number: if this line is the header, one of its names is a number or a missing"},
        {"a header with a number", BYTES("id,5,y\n1,2,3\n2,3,4\n3,4,5\n4,5,5\n"), NULL, GOSS_E_FORMAT,
         "which made it a row: rename that column"},
        {"no header, said of a file with one", BYTES("id,a,y\n1,2,3\n2,3,4\n3,4,5\n4,5,5\n"), &bare, GOSS_E_FORMAT,
         "t.csv:1:x1: \"id\" is not a number: if this line is the header, do not say that there is none"},
        {"a bad cell below no header", BYTES("1,2\nx,3\n2,3\n3,4\n4,4\n"), NULL, GOSS_E_FORMAT,
         "t.csv:2:x1: \"x\" is not a number: correct the cell"},
        {"another separator declared", BYTES("a;b\n1;2\n"), &by_comma, GOSS_OK, ""},
        {"numbers for names", BYTES("1,1\n2,3\n"), &header, GOSS_E_FORMAT,
         "t.csv:1:1: the header names this column twice"},
        {"capitals", BYTES("age,b\n1,2\n"), &categorical, GOSS_E_ARGUMENT,
         "categorical: there is no column \"Age\" (nearest: \"age\")"},
        {"no such column", BYTES("age,b\n1,2\n"), &far, GOSS_E_ARGUMENT,
         "categorical: there is no column \"qwertyuiop\"; the columns are age, b"},
        {"a list with a quote open", BYTES("a,b\n1,2\n"), &unknown_list, GOSS_E_ARGUMENT,
         "ignore: the quote in front of b is not closed"},
        {"a column twice in a list", BYTES("a,b\n1,2\n"), &twice, GOSS_E_ARGUMENT, "ignore: column \"a\" is repeated"},
        {"the comma for everything", BYTES("a,b\n1,2\n"), &both_commas, GOSS_E_ARGUMENT,
         "the comma is the separator and the decimal sign"},
        {"Parquet", BYTES("PAR1\x15\x04"), NULL, GOSS_E_FORMAT,
         "t.csv: is a Parquet file, not a table; write the table as csv"},
        {"gzip", BYTES("\x1f\x8b\x08"), NULL, GOSS_E_FORMAT, "unpack it first: gunzip"},
        {"columns called like files", BYTES("PAR1,BZh,GGUF\n1,2,3\n"), NULL, GOSS_OK, ""},
        {"JSON", BYTES("[{\"a\": 1}]\n"), NULL, GOSS_E_FORMAT, "is a JSON text, not a table; write the table as csv"},
        {"a web page", BYTES("<!DOCTYPE html>\n<p>"), NULL, GOSS_E_FORMAT, "a web page"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_table *t = NULL;
        T_NOTE("%s", cases[i].what);
        if (cases[i].status == GOSS_OK)
            T_OK(goss_table_read(cases[i].text, cases[i].size, "t.csv", cases[i].options, &t, &err));
        else
            T_ERR(goss_table_read(cases[i].text, cases[i].size, "t.csv", cases[i].options, &t, &err), cases[i].status,
                  cases[i].says);
        T_CHECK((t != NULL) == (cases[i].status == GOSS_OK));
        goss_table_close(t);
    }
}

TEST(what_is_declared_holds) {
    goss_table_options o = {.missing = "-99, unknown", .categorical = "zip, \"b,c\"", .ignore = "note"};
    const char *text = "zip,\"b,c\",v,note\n01234,1,-99,1\n1234,2,5,2\n01234,1,unknown,3\nNA,3,6,x\n7,7,7,5\n";
    goss_table *t = table_bytes(text, strlen(text), &o);
    T_STR(table_types(t), "ccnc");
    T_EQ(goss_table_categories(t, 0), 4); /* 01234 and 1234 are two, NA is a text here */
    T_CHECK(goss_table_missing(t, 2, 0) && goss_table_missing(t, 2, 2));
    T_STR(goss_table_category(t, 1, 0), "1");
    T_EQ(goss_table_category_find(t, 1, "3"), 2);
    T_EQ(goss_table_category_find(t, 1, "4"), -1);
    goss_table_close(t);
    o = (goss_table_options){.separator = ';', .header = GOSS_HEADER_NO, .decimal = ','};
    t = table_bytes("a;1\nb;2,5\n", 10, &o);
    T_STR(table_shown(t), "x1,x2 / a|1 / b|2.5");
    goss_table_close(t);
}

TEST(rows_know_their_lines) {
    goss_table *t = table_of("a,b\r\n\r\n1,x\r\n2,\"y\r\nz\"\r\n3,w\r\n");
    const int64_t lines[] = {3, 4, 6};
    for (int r = 0; r < 3; r++) {
        int file;
        int64_t line;
        goss_table_origin(t, r, &file, &line);
        T_EQ(file, 0);
        T_EQ(line, lines[r]);
    }
    T_STR(goss_table_format(t), "csv, separator ',', decimal point, header");
    goss_table_close(t);
}

TEST(categories_are_sorted_by_value_or_bytes) {
    goss_table *t = table_of("a,b\nz,1\nm,x\nz,2\na,y\n");
    T_STR(goss_table_category(t, 0, 0), "a");
    T_STR(goss_table_category(t, 0, 2), "z");
    T_EQ(goss_table_code(t, 0, 0), 2);
    T_EQ(goss_table_code(t, 0, 3), 0);
    T_NEAR(goss_table_number(t, 0, 3), 0, 0);
    goss_table_close(t);
    goss_table_options o = {.categorical = "a"};
    t = table_bytes("a,b\n10,1\n9,1\n-1,1\n", 18, &o);
    T_STR(goss_table_category(t, 0, 0), "-1");
    T_STR(goss_table_category(t, 0, 2), "10");
    goss_table_close(t);
}

TEST(a_huge_cell_and_a_quote_open_for_long) {
    const size_t size = (size_t)18 << 20;
    char *text = malloc(size + 20);
    goss_table *t;
    T_CHECK(text != NULL);
    memcpy(text, "a,b\n1,\"", 7);
    memset(text + 7, 'x', size);
    for (size_t i = 100; i < size; i += 100) text[i] = '\n';
    T_ERR(goss_table_read(text, size, "t.csv", NULL, &t, &err), GOSS_E_FORMAT,
          "t.csv:2:b: the quote that opens here is not closed before 16 MiB later");
    memcpy(text + ((size_t)1 << 20), "\"\n2,y\n", 6);
    t = table_bytes(text, ((size_t)1 << 20) + 6, NULL);
    T_EQ(goss_table_rows(t), 2);
    T_EQ(goss_table_type(t, 1), GOSS_COLUMN_TEXT);
    goss_table_close(t);
    free(text);
}

TEST(numbers_do_not_follow_the_locale) {
    for (int i = 0; i < TEST_LOCALES; i++) {
        if (!test_locale_set(i)) T_SKIP("no localedef or no sources of locales (Debian: locales)");
        goss_table *t = table_of("a,b\n1.5,2\n0.25,3\n");
        double v = goss_table_number(t, 0, 1);
        bool same = v == 0.25 && goss_table_number(t, 0, 0) == 1.5;
        goss_table_close(t);
        test_locale_reset();
        T_CHECK(same);
    }
}

/* ---- against a reader made here ---- */

typedef struct oracle {
    char row[400][40];
    size_t line[400];
    int rows;
    bool bad;
} oracle;

/* Strict csv with commas: a cell is in quotes as a whole or not at all; blank lines are no rows. Cells end in '|'. */
static void oracle_read(const char *p, size_t size, oracle *o) {
    size_t line = 1, at = 0;
    *o = (oracle){0};
    while (at < size) {
        char *out = o->row[o->rows];
        size_t n = 0, start = line;
        bool cells = false, more = true;
        while (more) {
            if (at < size && p[at] == '"') {
                cells = true;
                for (at++;; at++) {
                    if (at >= size) {
                        o->bad = true;
                        return;
                    }
                    if (p[at] == '"' && (at + 1 >= size || p[at + 1] != '"')) break;
                    if (p[at] == '"') at++;
                    if (p[at] == '\n' || (p[at] == '\r' && !(at + 1 < size && p[at + 1] == '\n'))) line++;
                    out[n++] = p[at];
                }
                at++;
                if (at < size && !strchr(",\r\n", p[at])) o->bad = true;
            } else {
                for (; at < size && !strchr(",\r\n", p[at]); at++) {
                    if (p[at] == '"') o->bad = true;
                    out[n++] = p[at], cells = true;
                }
            }
            if (o->bad) return;
            out[n++] = '|';
            more = at < size && p[at] == ',';
            if (more) at++, cells = true;
        }
        if (at < size) {
            at += p[at] == '\r' && at + 1 < size && p[at + 1] == '\n' ? 2 : 1;
            line++;
        }
        o->line[o->rows] = start;
        if (cells)
            o->rows++;
        else
            memset(out, 0, n);
    }
}

static oracle got;

static goss_status keep_row(void *context, size_t line, const char *const *cells, int n, goss_error *e) {
    (void)context, (void)e;
    size_t at = 0;
    for (int i = 0; i < n; i++) at += (size_t)snprintf(got.row[got.rows] + at, sizeof got.row[0] - at, "%s|", cells[i]);
    got.line[got.rows++] = line;
    return GOSS_OK;
}

TEST(rows_equal_those_of_another_reader) {
    goss__rng rng = goss__rng_make(31, 7);
    static const char letters[] = "aab1,,,\"\"\"\"\n\n\r";
    static oracle want;
    int good = 0, bad = 0;
    for (int trial = 0; trial < 40000; trial++) {
        char text[24];
        size_t size = goss__rng_below(&rng, 22);
        for (size_t i = 0; i < size; i++) text[i] = letters[goss__rng_below(&rng, sizeof letters - 1)];
        text[size] = 0;
        oracle_read(text, size, &want);
        memset(&got, 0, sizeof got);
        const goss__csv_input in = {.name = "t",
                                    .data = (const uint8_t *)text,
                                    .size = size,
                                    .first_line = 1,
                                    .separator = ',',
                                    .row = keep_row};
        goss_status s = goss__csv_run(&in, &err);
        T_NOTE("trial %d: %s", trial, text);
        if (s == GOSS_E_UNSUPPORTED) T_OK(s);
        T_EQ(s != GOSS_OK, want.bad);
        bad += want.bad, good += !want.bad && want.rows > 0;
        for (int r = 0; !want.bad && r < want.rows; r++) {
            T_STR(got.row[r], want.row[r]);
            T_EQ(got.line[r], want.line[r]);
        }
        if (!want.bad) T_EQ(got.rows, want.rows);
    }
    T_CHECK(good > 5000 && bad > 5000);
}

/* ---- round trips ---- */

static double random_number(goss__rng *rng) {
    uint64_t bits = (uint64_t)goss__rng_u32(rng) << 32 | goss__rng_u32(rng);
    double v;
    if (goss__rng_below(rng, 3) == 0) return (double)(int32_t)goss__rng_u32(rng) / (1 << goss__rng_below(rng, 8));
    memcpy(&v, &bits, sizeof v);
    return fabs(v) <= 1e30 ? v : 0.1; /* NaN is not */
}

static int put(void *context, const void *data, size_t size) {
    goss__str_addn(context, data, size);
    return 0;
}

TEST(what_is_written_reads_back) {
    static const char *const words[] = {"plain",    "with,comma", "with \"quotes\"", "two\nlines",
                                        " blanks ", "semi;colon", "größe",           "\"",
                                        "a\r\nb",   "tab\there"};
    goss__rng rng = goss__rng_make(5, 3);
    for (int trial = 0; trial < 50; trial++) {
        double number[20];
        int word[20];
        goss__str text = {0};
        goss_csv *c;
        T_OK(goss_csv_create_to(put, &text, &c, &err));
        goss_csv_text(c, "number, with comma"), goss_csv_text(c, "word"), goss_csv_row(c);
        for (int r = 0; r < 20; r++) {
            number[r] = goss__rng_below(&rng, 5) ? random_number(&rng) : (double)NAN;
            word[r] = goss__rng_below(&rng, 10) ? (int)goss__rng_below(&rng, 10) : -1;
            goss_csv_number(c, number[r]), goss_csv_text(c, word[r] < 0 ? "" : words[word[r]]), goss_csv_row(c);
        }
        T_OK(goss_csv_close(c, &err));
        goss_table_options o = {.header = GOSS_HEADER_YES, .separator = ',', .decimal = '.'};
        goss_table *t = table_bytes(text.data, text.size, &o);
        T_STR(goss_table_name(t, 0), "number, with comma");
        T_EQ(goss_table_rows(t), 20);
        for (int r = 0; r < 20; r++) {
            char buffer[GOSS_CELL_TEXT];
            double v = goss_table_number(t, 0, r);
            T_CHECK(isnan(number[r]) ? isnan(v) : v == number[r]);
            T_STR(goss_table_text(t, 1, r, buffer), word[r] < 0 ? "" : words[word[r]]);
        }
        goss_table_close(t);
        goss__str_free(&text);
    }
}

TEST(a_column_of_empty_cells_keeps_its_rows) {
    goss__str text = {0};
    goss_csv *c;
    T_OK(goss_csv_create_to(put, &text, &c, &err));
    goss_csv_text(c, "a"), goss_csv_row(c);
    for (int r = 0; r < 3; r++) goss_csv_number(c, r == 1 ? 2 : NAN), goss_csv_row(c);
    T_OK(goss_csv_close(c, &err));
    goss_table *t = table_bytes(text.data, text.size, NULL);
    T_STR(table_shown(t), "a /  / 2 / ");
    goss_table_close(t);
    goss__str_free(&text);
}

static int refuse(void *context, const void *data, size_t size) {
    (void)context, (void)data, (void)size;
    return 1;
}

TEST(writing_tells_what_went_wrong) {
    goss_csv *c;
    goss__str text = {0};
    T_OK(goss_csv_create_to(put, &text, &c, &err));
    goss_csv_text(c, "a"), goss_csv_text(c, "b"), goss_csv_row(c), goss_csv_text(c, "c"), goss_csv_row(c);
    T_ERR(goss_csv_close(c, &err), GOSS_E_SHAPE, "row 2 has 1 cells, the first has 2");
    T_OK(goss_csv_create_to(refuse, NULL, &c, &err));
    goss_csv_text(c, "a"), goss_csv_row(c);
    T_ERR(goss_csv_close(c, &err), GOSS_E_IO, "could not be written");
    T_ERR(goss_csv_create("/nowhere/at/all.csv", &c, &err), GOSS_E_IO, "/nowhere/at/all.csv");
    goss_csv_abandon(NULL);
    goss__str_free(&text);
}

/* ---- faults ---- */

TEST(every_allocation_that_fails) {
    const char *text = "a,b,c,d\n1,x,2024-01-01,long text\n2,y,2024-01-02,\"another, one\"\n,z,,\n";
    const goss_table_options o = {.categorical = "a", .ignore = "c"};
    uint64_t before = goss__alloc_count();
    goss_table *t = table_bytes(text, strlen(text), &o);
    const int allocations = (int)(goss__alloc_count() - before);
    goss_table_close(t);
    int failed = 0;
    for (int n = 1; n <= allocations; n++) {
        goss__alloc_fail_at((uint64_t)n);
        goss_status s = goss_table_read(text, strlen(text), "t.csv", &o, &t, &err);
        goss__alloc_fail_at(0);
        T_NOTE("allocation %d of %d", n, allocations);
        if (s == GOSS_OK) { /* libcsv asks again for less; a block that could not shrink stays */
            T_EQ(goss_table_rows(t), 3);
            goss_table_close(t);
            continue;
        }
        T_EQ(s, GOSS_E_NOMEM);
        T_CHECK(t == NULL);
        failed++;
    }
    T_CHECK(failed > 30);
}

/* Whatever a table is made of: it is read, or refused with the file's name. */
TEST(any_text) {
    static const char *const pieces[] = {"a",        "1",    "2.5", "x",  ",",  ",",  ";",          "\n",
                                         "\n",       "\r\n", "\t",  " ",  "\"", "NA", "2024-01-01", "1,5",
                                         "\xc3\xa4", "\xe4", "-",   "e5", "$",  "%"};
    goss__rng rng = goss__rng_make(77, 1);
    int read = 0;
    for (int trial = 0; trial < 20000; trial++) {
        goss__str s = {0};
        for (int n = (int)goss__rng_below(&rng, 30); n > 0; n--)
            goss__str_add(&s, pieces[goss__rng_below(&rng, sizeof pieces / sizeof *pieces)]);
        goss_table *t = NULL;
        T_NOTE("%s", s.data ? s.data : "");
        if (goss_table_read(s.data, s.size, "t.csv", NULL, &t, &err) == GOSS_OK) {
            goss_roles r;
            T_OK(goss_table_roles(t, NULL, &r, &err));
            goss_roles_free(&r);
            T_CHECK(table_shown(t) != NULL);
            read++;
        } else {
            t_lacks(err.text);
            T_CHECK(strncmp(err.text, "t.csv:", 6) == 0);
        }
        goss_table_close(t);
        goss__str_free(&s);
    }
    T_CHECK(read > 1000);
}

TEST(cut_off_anywhere) {
    const char *text = "a,b,c\r\n1.5,\"x \"\"y\"\"\",2024-01-01\r\n-2e3,\"z\n\",2024-01-02\r\n3,w,2024-01-03\r\n";
    for (size_t n = 0; n <= strlen(text); n++) {
        goss_table *t;
        char *copy = malloc(n + 1); /* its own block, so that a sanitizer sees what is read beyond it */
        memcpy(copy, text, n);
        if (goss_table_read(copy, n, "t.csv", NULL, &t, &err) == GOSS_OK)
            goss_table_close(t);
        else
            t_lacks(err.text);
        free(copy);
    }
}

TEST_MAIN()
