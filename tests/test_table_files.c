/* SPDX-License-Identifier: Apache-2.0 */
/* Tables from ARFF, .npy and .npz, folders and .zip files; damaged ones; the shared ARFF sets, where they are at
 * hand. */
#include "base/alloc.h"
#include "base/os.h"
#include "base/rng.h"
#include "scratch.h"
#include "table_text.h"

/* ---- ARFF ---- */

static goss_table *arff(const char *text) {
    goss_table *t = NULL;
    T_OK(goss_table_read(text, strlen(text), "t.arff", NULL, &t, &err));
    return t;
}

TEST(arff_is_read) {
    static const struct {
        const char *what, *text, *types, *shown;
    } cases[] = {
        {"plain", "@relation r\n@attribute a numeric\n@attribute b {x, y}\n@data\n1.5,x\n?,y\n2,?\n", "nc",
         "a,b / 1.5|x / |y / 2|"},
        {"capitals, comments, CR LF, blank lines",
         "% about it\r\n%\r\n@RELATION 'a b'\r\n\r\n@ATTRIBUTE A REAL\r\n@Attribute B Integer\r\n@DATA\r\n% rows\r\n1 "
         ", 2\r\n\r\n3,4\r\n",
         "nn", "A,B / 1|2 / 3|4"},
        {"quotes",
         "@relation r\n@attribute 'a b' {'x y', \"it's\", 'it\\'s not', plain}\n@attribute \"c,d\" string\n@data\n'x "
         "y','a, b'\n\"it's\",c\n'it\\'s not',?\nplain,'?'\n",
         "ct", "a b,c,d / x y|a, b / it's|c / it's not| / plain|?"},
        {"a list that touches its name", "@relation r\n@attribute a{1,2}\n@attribute b real [0,5]\n@data\n2,1\n1,2\n",
         "cn", "a,b / 2|1 / 1|2"},
        {"tabs between values", "@relation r\n@attribute a real\n@attribute b {u,v}\n@data\n1\tu\n2\tv\n", "nc",
         "a,b / 1|u / 2|v"},
        {"sparse",
         "@relation r\n@attribute a numeric\n@attribute b {x,y}\n@attribute c numeric\n@data\n{0 1.5, 2 -2}\n{1 y}\n{ "
         "}\n{1 ?, 2 7}\n",
         "ncn", "a,b,c / 1.5|x|-2 / 0|y|0 / 0|x|0 / 0||7"},
        {"a date",
         "@relation r\n@attribute a date 'yyyy-MM-dd'\n@attribute b numeric\n@data\n2024-01-02,1\n'2024-01-03',2\n",
         "dn", "a,b / 2024-01-02|1 / 2024-01-03|2"},
        {"no line end, a comma at the end", "@relation r\n@attribute a numeric\n@attribute b numeric\n@data\n1,2,\n3,4",
         "nn", "a,b / 1|2 / 3|4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        T_NOTE("%s", cases[i].what);
        goss_table *t = arff(cases[i].text);
        T_STR(table_types(t), cases[i].types);
        T_STR(table_shown(t), cases[i].shown);
        T_STR(goss_table_format(t), "ARFF");
        goss_table_close(t);
    }
}

TEST(arff_keeps_the_order_of_declared_values) {
    goss_table *t = arff("@relation r\n@attribute a {small,large,huge}\n@data\nlarge\nsmall\n");
    T_EQ(goss_table_categories(t, 0), 3);
    T_EQ(goss_table_code(t, 0, 0), 1);
    T_STR(goss_table_category(t, 0, 2), "huge");
    goss_table_close(t);
}

#define HEAD "@relation r\n@attribute a numeric\n@attribute b {x,y}\n"

TEST(arff_mistakes) {
    static const struct {
        const char *text, *says;
    } cases[] = {
        {HEAD "@data\n1,x\n2,z\n", "t.arff:6:b: \"z\" is not among the 2 values that the header declares"},
        {HEAD "@data\n1,x\nx,y\n", "t.arff:6:a: \"x\" is not a number"},
        {HEAD "@data\n1,x\n1\n", "t.arff:6:b: the row ends after 1 of 2 values"},
        {HEAD "@data\n1,x,3\n", "t.arff:5: more than 2 values"},
        {HEAD "@data\n1,x,{5}\n", "t.arff:5: a row's weight in braces; weights are not supported"},
        {HEAD "@data\n,x\n", "t.arff:5:a: an empty value; a missing one is written ?"},
        {HEAD "@data\n1,'x\n", "t.arff:5:b: a quote is not closed"},
        {HEAD "@data\n{0 1, 0 2}\n", "t.arff:5:a: the row gives this column twice"},
        {HEAD "@data\n{2 1}\n", "t.arff:5: \"2\" is no column's number (0 to 1)"},
        {HEAD "@data\n{0 1\n", "t.arff:5:a: the sparse row does not end with }"},
        {HEAD "@data\n{0}\n", "t.arff:5: a sparse row consists of pairs"},
        {HEAD "@data\n{0 1} 5\n", "t.arff:5: text after the }"},
        {HEAD "@data\n% nothing\n", "t.arff:5: no row below @data"},
        {HEAD, "t.arff:3: the file ends before @data"},
        {HEAD "@attribute a real\n@data\n", "t.arff:4: attribute \"a\" was declared before"},
        {HEAD "@attribute c relational\n@data\n", "relations within a table are not read"},
        {HEAD "@attribute c nominal\n@data\n", "t.arff:4: \"nominal\" is not a type of an attribute"},
        {HEAD "@attribute c {x,y\n@data\n", "t.arff:4: the list of values does not end with }"},
        {HEAD "@attribute c {x,,y}\n@data\n", "t.arff:4: an empty value in the list"},
        {HEAD "@inputs a\n@data\n", "t.arff:4: \"@inputs a\": the header has @relation, @attribute and @data only"},
        {HEAD "@data\n1,\xe9\n", "t.arff:5: the text is not UTF-8"},
        {"@relation r\n@data\n1\n", "t.arff:2: @data, but no @attribute before it"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        goss_table *t;
        T_NOTE("%s", cases[i].text);
        T_ERR(goss_table_read(cases[i].text, strlen(cases[i].text), "t.arff", NULL, &t, &err), GOSS_E_FORMAT,
              cases[i].says);
    }
}

/* ---- NumPy ---- */

typedef struct bytes {
    uint8_t at[4096];
    size_t size;
} bytes;

static void add(bytes *b, const void *data, size_t size) {
    T_CHECK(b->size + size <= sizeof b->at);
    if (size) memcpy(b->at + b->size, data, size);
    b->size += size;
}

static bytes npy(const char *header, const void *data, size_t size) {
    bytes b = {.size = 0};
    uint8_t length[2] = {(uint8_t)strlen(header), (uint8_t)(strlen(header) >> 8)};
    add(&b, "\x93NUMPY\1\0", 8), add(&b, length, 2), add(&b, header, strlen(header)), add(&b, data, size);
    return b;
}

#define NPY(type, order, shape) "{'descr': '" type "', 'fortran_order': " order ", 'shape': " shape ", }  \n"

TEST(npy_types_and_orders) {
    const double d[] = {1.5, -2, 3, 4.25, (double)NAN, 6};
    const int16_t i[] = {-1, 2, 300, 4};
    const uint8_t big[] = {0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0}; /* 1, -2.5 */
    const uint8_t half[] = {0, 0x3c, 0, 0xc1, 1, 0}, truth[] = {1, 0};
    const uint32_t u[] = {'a', 0, 0xe9, 0x7d44, 0, 0}; /* "a", "é組", missing */
    const int64_t l[] = {-9007199254740992, 5};
    const struct {
        bytes b;
        const char *types, *shown;
    } cases[] = {
        {npy(NPY("<f8", "False", "(2, 3)"), d, sizeof d), "nnn", "x_0,x_1,x_2 / 1.5|-2|3 / 4.25||6"},
        {npy(NPY("<f8", "True", "(2, 3)"), d, sizeof d), "nnn", "x_0,x_1,x_2 / 1.5|3| / -2|4.25|6"},
        {npy(NPY("<i2", "False", "(4,)"), i, sizeof i), "n", "x / -1 / 2 / 300 / 4"},
        {npy(NPY(">f4", "False", "(2,)"), big, sizeof big), "n", "x / 1 / -2.5"},
        {npy(NPY("<f2", "False", "(3,)"), half, sizeof half), "n", "x / 1 / -2.5 / 5.9604644775390625e-08"},
        {npy(NPY("|b1", "False", "(2,)"), truth, sizeof truth), "n", "x / 1 / 0"},
        {npy(NPY("|u1", "False", "(2,1)"), truth, sizeof truth), "n", "x_0 / 1 / 0"},
        {npy(NPY("<i8", "False", "(2,)"), l, sizeof l), "n", "x / -9007199254740992 / 5"},
        {npy(NPY("<U2", "False", "(3,)"), u, sizeof u), "c", "x / a / é組 / "},
        {npy(NPY("|S2", "False", "(2,)"), "abc\0", 4), "c", "x / ab / c"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        goss_table *t = NULL;
        T_NOTE("case %zu", k);
        T_OK(goss_table_read(cases[k].b.at, cases[k].b.size, "t.npy", NULL, &t, &err));
        T_STR(table_types(t), cases[k].types);
        T_STR(table_shown(t), cases[k].shown);
        goss_table_close(t);
    }
}

TEST(npy_mistakes) {
    const double d[] = {1, (double)INFINITY};
    const int64_t large[] = {1, 9007199254740993};
    const double beyond[] = {-1e300, 1};
    const struct {
        bytes b;
        goss_status status;
        const char *says;
    } cases[] = {
        {npy(NPY("|O", "False", "(2,)"), d, 16), GOSS_E_UNSUPPORTED,
         "an array of Python objects, which are never unpickled"},
        {npy(NPY("<M8[D]", "False", "(2,)"), d, 16), GOSS_E_UNSUPPORTED, "dates (<M8[D]); convert them to numbers"},
        {npy(NPY("<c16", "False", "(1,)"), d, 16), GOSS_E_UNSUPPORTED, "complex numbers"},
        {npy(NPY("<f16", "False", "(1,)"), d, 16), GOSS_E_UNSUPPORTED, "elements of type <f16 are not supported"},
        {npy(NPY("<f8", "False", "(1, 1, 2)"), d, 16), GOSS_E_UNSUPPORTED,
         "the array has 3 axes, and a table rows and columns"},
        {npy(NPY("<f8", "False", "()"), d, 8), GOSS_E_UNSUPPORTED, "the array has 0 axes"},
        {npy(NPY("<f8", "False", "(3,)"), d, 16), GOSS_E_FORMAT,
         "truncated or damaged: 16 bytes after the header, which states 3 x 1"},
        {npy(NPY("<f8", "False", "(18446744073709551615, 2)"), d, 16), GOSS_E_FORMAT, "truncated or damaged"},
        {npy(NPY("<f8", "False", "(0,)"), d, 0), GOSS_E_FORMAT, "the array is empty"},
        {npy(NPY("<f8", "False", "(2,)"), d, 16), GOSS_E_FORMAT, "t.npy:2:x: an infinity"},
        {npy(NPY("<f8", "False", "(2,)"), beyond, 16), GOSS_E_FORMAT, "t.npy:1:x: -1e+300 is beyond 1e30"},
        {npy(NPY("<i8", "False", "(2,)"), large, 16), GOSS_E_FORMAT,
         "t.npy:2:x: an integer that a double cannot represent"},
        {npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,), }", d, 16), GOSS_E_UNSUPPORTED,
         "a structured array"},
        {npy("{'descr': '<f8', 'fortran_order': False}", d, 16), GOSS_E_FORMAT, "the header is not as numpy writes it"},
        {npy("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", d, 16), GOSS_E_FORMAT,
         "not as numpy writes it"},
        {npy("__import__('os')", d, 16), GOSS_E_FORMAT, "not as numpy writes it"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        goss_table *t;
        T_NOTE("case %zu", k);
        T_ERR(goss_table_read(cases[k].b.at, cases[k].b.size, "t.npy", NULL, &t, &err), cases[k].status, cases[k].says);
    }
}

/* ---- .zip, stored ---- */

static uint32_t crc32_of(const uint8_t *p, size_t n) {
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++) c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
    }
    return ~c;
}

static void number(bytes *b, uint32_t v, int size) {
    for (int i = 0; i < size; i++) add(b, &(uint8_t){(uint8_t)(v >> 8 * i)}, 1);
}

/* What the local header (first) and the directory share. */
static void entry_fields(bytes *b, const char *name, const bytes *data) {
    number(b, 20, 2), number(b, 0, 2), number(b, 0, 2), number(b, 0x21, 4);
    number(b, crc32_of(data->at, data->size), 4), number(b, (uint32_t)data->size, 4),
        number(b, (uint32_t)data->size, 4);
    number(b, (uint32_t)strlen(name), 2), number(b, 0, 2);
}

static bytes zip(const char *const *names, const bytes *data, int n) {
    bytes b = {.size = 0}, directory = {.size = 0};
    for (int i = 0; i < n; i++) {
        uint32_t at = (uint32_t)b.size;
        number(&b, 0x04034b50, 4), entry_fields(&b, names[i], &data[i]), add(&b, names[i], strlen(names[i]));
        add(&b, data[i].at, data[i].size);
        number(&directory, 0x02014b50, 4), number(&directory, 20, 2), entry_fields(&directory, names[i], &data[i]);
        number(&directory, 0, 2), number(&directory, 0, 2), number(&directory, 0, 2), number(&directory, 0, 4);
        number(&directory, at, 4), add(&directory, names[i], strlen(names[i]));
    }
    uint32_t at = (uint32_t)b.size;
    add(&b, directory.at, directory.size);
    number(&b, 0x06054b50, 4), number(&b, 0, 4), number(&b, (uint32_t)n, 2), number(&b, (uint32_t)n, 2);
    number(&b, (uint32_t)directory.size, 4), number(&b, at, 4), number(&b, 0, 2);
    return b;
}

static bytes text_bytes(const char *text) {
    bytes b = {.size = 0};
    add(&b, text, strlen(text));
    return b;
}

static const double xs[] = {1, 2, 3, 4, 5, 6}, ys[] = {0, 1, 0};

static bytes some_npz(void) {
    const char *const names[] = {"X.npy", "y.npy"};
    const bytes data[] = {npy(NPY("<f8", "False", "(3, 2)"), xs, sizeof xs),
                          npy(NPY("<f8", "False", "(3,)"), ys, sizeof ys)};
    return zip(names, data, 2);
}

TEST(the_target_of_arrays_is_one_of_their_own) {
    static const double x[] = {.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5}, kind[] = {0, 1, 0, 1}, who[] = {1, 1, 2, 2};
    const char *const names[] = {"X.npy", "kind.npy", "who.npy"};
    const bytes data[] = {npy(NPY("<f8", "False", "(4, 2)"), x, sizeof x),
                          npy(NPY("<f8", "False", "(4,)"), kind, sizeof kind),
                          npy(NPY("<f8", "False", "(4,)"), who, sizeof who)};
    const goss_roles_declared declared = {.task = "who"};
    goss_roles roles;
    goss_table *t;
    bytes b = zip(names, data, 3);
    T_OK(goss_table_read(b.at, b.size, "t.npz", NULL, &t, &err));
    T_OK(goss_table_roles(t, &declared, &roles, &err));
    T_STR(goss_table_name(t, roles.target), "kind"); /* not the last column with fractions, which is an input */
    T_STR(roles.reason[roles.target], "guessed: an array of one column, beside a matrix of inputs");
    goss_roles_free(&roles);
    goss_table_close(t);
}

TEST(npz_is_one_table) {
    bytes b = some_npz();
    goss_table *t = NULL;
    T_OK(goss_table_read(b.at, b.size, "t.npz", NULL, &t, &err));
    T_STR(table_shown(t), "X_0,X_1,y / 1|2|0 / 3|4|1 / 5|6|0");
    T_EQ(goss_table_file_column(t), -1);
    goss_table_close(t);
    const char *const names[] = {"X.npy", "y.npy"};
    const bytes data[] = {npy(NPY("<f8", "False", "(2, 3)"), xs, sizeof xs),
                          npy(NPY("<f8", "False", "(3,)"), ys, sizeof ys)};
    b = zip(names, data, 2);
    T_ERR(goss_table_read(b.at, b.size, "t.npz", NULL, &t, &err), GOSS_E_FORMAT, "array X has 2 rows and y 3");
    const char *const same[] = {"X.npy", "X_1.npy"};
    const bytes both[] = {npy(NPY("<f8", "False", "(3, 2)"), xs, sizeof xs),
                          npy(NPY("<f8", "False", "(3,)"), ys, sizeof ys)};
    b = zip(same, both, 2);
    T_ERR(goss_table_read(b.at, b.size, "t.npz", NULL, &t, &err), GOSS_E_FORMAT, "t.npz: two columns are called X_1");
}

static void write_bytes(const char *path, const bytes *b) { T_OK(goss__write_file(path, b->at, b->size, &err)); }

TEST(zip_of_csv_files) {
    const char *const names[] = {"b.csv", "sub/a.csv", "readme.md", "__MACOSX/._b.csv"};
    const bytes data[] = {text_bytes("x,y\n1,2\n"), text_bytes("y,x\n4,3\n6,5\n"), text_bytes("about"),
                          text_bytes("junk")};
    const bytes b = zip(names, data, 4);
    const char *path = scratch("t.zip");
    write_bytes(path, &b);
    goss_table *t = NULL;
    T_OK(goss_table_open(path, NULL, &t, &err));
    T_CHECK(goss_table_is(path));
    T_STR(table_shown(t), "file,x,y / b|1|2 / sub/a|3|4 / sub/a|5|6");
    T_EQ(goss_table_files(t), 2);
    goss_table_close(t);
    bytes odd = zip(names, data, 1); /* packed by no method that is known */
    odd.at[8] = 77, odd.at[odd.size - 22 - 46 - strlen(names[0]) + 10] = 77;
    write_bytes(path, &odd);
    T_ERR(goss_table_open(path, NULL, &t, &err), GOSS_E_UNSUPPORTED, "b.csv: packed by a method that is not read");
    odd = zip(names, data, 1); /* encrypted */
    odd.at[6] |= 1, odd.at[odd.size - 22 - 46 - strlen(names[0]) + 8] |= 1;
    write_bytes(path, &odd);
    T_ERR(goss_table_open(path, NULL, &t, &err), GOSS_E_UNSUPPORTED, "b.csv: encrypted: unpack it with its password");
    odd = zip(names, data, 1); /* a byte of the content */
    odd.at[30 + strlen(names[0])] ^= 1;
    write_bytes(path, &odd);
    T_ERR(goss_table_open(path, NULL, &t, &err), GOSS_E_FORMAT, "b.csv: damaged in the .zip: CRC error");
    const char *const book[] = {"[Content_Types].xml", "xl/workbook.xml"};
    const bytes sheets = zip(book, data, 2);
    write_bytes(path, &sheets);
    T_ERR(goss_table_open(path, NULL, &t, &err), GOSS_E_UNSUPPORTED, "t.zip: a spreadsheet; save its sheet as csv");
    const bytes nothing = zip(names + 2, data + 2, 1);
    write_bytes(path, &nothing);
    T_ERR(goss_table_open(path, NULL, &t, &err), GOSS_E_FORMAT,
          "no table in it (.csv, .tsv, .tab, .arff, .npy, .npz), nor texts alone (CLASS/NAME.txt), but 1 other files");
    T_CHECK(!goss_table_is(path));
    scratch_empty();
}

/* ---- folders ---- */

static void put_text(const char *name, const char *text) {
    const bytes b = text_bytes(text);
    write_bytes(scratch(name), &b);
}

TEST(a_folder_of_files) {
    goss_table *t = NULL;
    put_text("p2.csv", "x;name\n1,5;u\n");
    put_text("p1.csv", "x,name\n1,v\n2,w\n");
    put_text("p3.arff", "@relation r\n@attribute name string\n@attribute x numeric\n@data\nz,9\n");
    put_text("notes.txt", "nothing");
    T_CHECK(goss_table_is(scratch_folder));
    T_OK(goss_table_open(scratch_folder, NULL, &t, &err));
    T_STR(table_shown(t), "file,x,name / p1|1|v / p1|2|w / p2|1.5|u / p3|9|z");
    int file;
    int64_t line;
    goss_table_origin(t, 2, &file, &line);
    T_STR(goss_table_file(t, file), "p2.csv");
    T_STR(goss_table_path(t), scratch_folder);
    T_EQ(line, 2);
    T_EQ(goss_table_file_column(t), 0);
    goss_table_close(t);

    put_text("p2.csv", "x,file\n1,u\n");
    T_ERR(goss_table_open(scratch_folder, NULL, &t, &err), GOSS_E_FORMAT,
          "p2.csv has; the files of a table have the same columns");
    T_CHECK(strstr(err.text, "p1.csv: there is no column file") != NULL);
    put_text("p2.csv", "x\n1\n2\n");
    T_ERR(goss_table_open(scratch_folder, NULL, &t, &err), GOSS_E_FORMAT,
          "p2.csv: there is no column name, which p1.csv has");
    put_text("p2.csv", "x,name\n1,u\n2,u\n3,u\n4,u\n5,u\n6,u\nx7,u\n");
    T_ERR(goss_table_open(scratch_folder, NULL, &t, &err), GOSS_E_FORMAT, "p2.csv:8:x: \"x7\" is not a number");
    put_text("p2.csv", "x,name\n");
    T_ERR(goss_table_open(scratch_folder, NULL, &t, &err), GOSS_E_FORMAT, "p2.csv:1: a header and no row below it");
    scratch_empty();

    put_text("a.csv", "file,x\nu,1\n");
    put_text("a.tsv", "file\tx\nv\t2\n");
    T_OK(goss_table_open(scratch_folder, NULL, &t, &err));
    T_STR(table_shown(t), "(file),file,x / a|u|1 / a.tsv|v|2");
    goss_table_close(t);
    put_text("picture.png", "x");
    T_CHECK(!goss_table_is(scratch_folder));
    scratch_empty();
    T_ERR(goss_table_open(scratch_folder, NULL, &t, &err), GOSS_E_FORMAT, "no table in it");
    T_ERR(goss_table_open("/nowhere/at/all.csv", NULL, &t, &err), GOSS_E_IO, "/nowhere/at/all.csv");
}

/* Files in byte order: bad/x/1.txt, good/1.txt, good/2.txt. */
TEST(texts_in_folders_of_classes) {
    const char *const names[] = {"good/2.txt", "bad/x/1.txt", "good/1.txt", "README.md", "good/sound.wav"};
    bytes data[] = {text_bytes("two\nlines, of \"it\"\n"), text_bytes("\xef\xbb\xbf  awful \r\n"), text_bytes(""),
                    text_bytes("about"), text_bytes("RIFF")};
    const char *path = scratch("t.zip");
    bytes b = zip(names, data, 4);
    write_bytes(path, &b);
    goss_table *t = NULL;
    T_CHECK(goss_table_is(path));
    T_OK(goss_table_open(path, NULL, &t, &err));
    T_STR(table_shown(t), "file,class,text / bad/x/1|bad/x|awful / good/1|good| / "
                          "good/2|good|two\nlines, of \"it\"");
    T_EQ(goss_table_type(t, 1), GOSS_COLUMN_CATEGORY);
    T_EQ(goss_table_type(t, 2), GOSS_COLUMN_TEXT);
    goss_table_close(t);
    b = zip(names, data, 5);
    write_bytes(path, &b);
    T_CHECK(!goss_table_is(path)); /* notes beside recordings are no texts to learn from */
    char many[21][20];
    const char *name[21];
    bytes content[21];
    for (int i = 0; i < 21; i++) {
        snprintf(many[i], sizeof many[i], i < 20 ? "c%d/%d.txt" : "c%d/x.png", i % 2, i);
        name[i] = many[i], content[i] = text_bytes("a text");
    }
    b = zip(name, content, 21);
    write_bytes(path, &b);
    T_CHECK(goss_table_is(path)); /* one picture among 20 texts was forgotten there */
    T_OK(goss_table_open(path, NULL, &t, &err));
    T_EQ(goss_table_rows(t), 20);
    goss_table_close(t);
    const char *const alone[] = {"b.txt", "a.txt", "train/x/a.txt"};
    b = zip(alone, data, 2);
    write_bytes(path, &b);
    T_OK(goss_table_open(path, NULL, &t, &err));
    T_STR(table_shown(t), "file,text / a|awful / b|two\nlines, of \"it\"");
    goss_table_close(t);
    b = zip(alone, data, 3);
    write_bytes(path, &b);
    T_ERR(goss_table_open(path, NULL, &t, &err), GOSS_E_ARGUMENT, "train in it is a part of the data and no class");
    data[0] = text_bytes("caf\xe9");
    b = zip(names, data, 1);
    write_bytes(path, &b);
    T_ERR(goss_table_open(path, NULL, &t, &err), GOSS_E_FORMAT, "t.zip/good/2.txt: the text is not UTF-8");
    data[0] = text_bytes("a");
    add(&data[0], "\0b", 2);
    b = zip(names, data, 1);
    write_bytes(path, &b);
    T_ERR(goss_table_open(path, NULL, &t, &err), GOSS_E_FORMAT, "t.zip/good/2.txt: a NUL byte");
    scratch_empty();
}

TEST(what_is_a_table) {
    put_text("data.txt", " 0.1  2.5\n 0.2  3.5\n");
    put_text("text.txt", "A text of several lines,\nwith commas here and there, or\nnot.\n");
    put_text("a.csv", "anything");
    goss_table *t = NULL;
    T_OK(goss_table_open(scratch("data.txt"), NULL, &t, &err)); /* skips the test where nothing reads it */
    goss_table_close(t);
    T_CHECK(goss_table_is(scratch("data.txt")));
    T_CHECK(!goss_table_is(scratch("text.txt")));
    T_CHECK(goss_table_is(scratch("a.csv")));
    T_CHECK(!goss_table_is(scratch("nothing.csv")));
    scratch_empty();
}

/* ---- damage ---- */

/* In a block of its own, so that a sanitizer sees what is read beyond it. */
static goss_status read_copy(const uint8_t *data, size_t size) {
    goss_table *t = NULL;
    uint8_t *copy = malloc(size + 1);
    T_CHECK(copy != NULL);
    memcpy(copy, data, size);
    err.text[0] = 0;
    goss_status s = goss_table_read(copy, size, "t", NULL, &t, &err);
    if (s != GOSS_OK && !err.text[0]) T_FAIL("failed without a word");
    goss_table_close(t);
    free(copy);
    return s;
}

TEST(cut_and_damaged_files) {
    const char *a = "% c\n@relation r\n@attribute 'a b' {'x y',z}\n@attribute c numeric\n@data\n'x y',1\n{0 z, 1 2}\n";
    const bytes whole[] = {npy(NPY("<f8", "False", "(3, 2)"), xs, sizeof xs), some_npz(), text_bytes(a)};
    goss__rng rng = goss__rng_make(11, 2);
    for (int k = 0; k < 3; k++) {
        int refused = 0;
        for (size_t n = 0; n < whole[k].size; n++) refused += read_copy(whole[k].at, n) != GOSS_OK;
        T_CHECK(refused > (int)whole[k].size / 2);
        for (int trial = 0; trial < 3000; trial++) {
            bytes b = whole[k];
            for (int i = 0; i < 2; i++) b.at[goss__rng_below(&rng, (uint32_t)b.size)] = (uint8_t)goss__rng_u32(&rng);
            (void)read_copy(b.at, b.size);
        }
    }
}

TEST(every_allocation_that_fails) {
    const char *a = "@relation r\n@attribute a {'x y',z}\n@attribute c numeric\n@attribute s string\n@data\n'x "
                    "y',1,q\n{0 z, 1 2, 2 w}\n";
    const bytes whole[] = {npy(NPY("<f8", "False", "(3, 2)"), xs, sizeof xs), some_npz(), text_bytes(a)};
    for (int k = 0; k < 3; k++) {
        uint64_t before = goss__alloc_count();
        goss_status s = read_copy(whole[k].at, whole[k].size);
        if (s != GOSS_OK) T_OK(s);
        const int allocations = (int)(goss__alloc_count() - before);
        for (int n = 1; n <= allocations; n++) {
            goss__alloc_fail_at((uint64_t)n);
            s = read_copy(whole[k].at, whole[k].size);
            goss__alloc_fail_at(0);
            T_NOTE("file %d, allocation %d of %d: %s", k, n, allocations, err.text);
            T_CHECK(s == GOSS_OK || s == GOSS_E_NOMEM);
        }
    }
}

/* ---- the shared sets ---- */

/* Rows, columns and missing cells as scipy.io.arff and liac-arff count them. */
static const struct {
    const char *name;
    int rows, columns, missing;
} known_sets[] = {
    {"anneal", 898, 39, 0},
    {"anneal.orig", 898, 39, 22175},
    {"arrhythmia", 452, 280, 408},
    {"audiology", 226, 70, 317},
    {"autos", 205, 26, 59},
    {"balance.scale", 625, 5, 0},
    {"breast.cancer", 286, 10, 9},
    {"breast.w", 699, 10, 16},
    {"bridges.version1", 107, 13, 73},
    {"bridges.version2", 107, 13, 73},
    {"car", 1728, 7, 0},
    {"cmc", 1473, 10, 0},
    {"colic", 368, 23, 1927},
    {"colic.orig", 368, 28, 1927},
    {"column2C", 310, 7, 0},
    {"column3C", 310, 7, 0},
    {"credit.a", 690, 16, 67},
    {"credit.g", 1000, 21, 0},
    {"cylinder.bands", 540, 40, 999},
    {"dermatology", 366, 35, 8},
    {"diabetes", 768, 9, 0},
    {"ecoli", 336, 8, 0},
    {"flags", 194, 30, 0},
    {"glass", 214, 10, 0},
    {"haberman", 306, 4, 0},
    {"heart.c", 303, 14, 7},
    {"heart.h", 294, 14, 782},
    {"heart.statlog", 270, 14, 0},
    {"hepatitis", 155, 20, 167},
    {"hypothyroid", 3772, 30, 6064},
    {"ionosphere", 351, 35, 0},
    {"iris", 150, 5, 0},
    {"kr.vs.kp", 3196, 37, 0},
    {"labor", 57, 17, 326},
    {"letter", 20000, 17, 0},
    {"lymph", 148, 19, 0},
    {"mushroom", 8124, 23, 2480},
    {"nursery", 12960, 9, 0},
    {"optdigits", 5620, 65, 0},
    {"page.blocks", 5473, 11, 0},
    {"pendigits", 10992, 17, 0},
    {"postoperative.patient.data", 90, 9, 3},
    {"primary.tumor", 339, 18, 225},
    {"segment", 2310, 20, 0},
    {"shuttle.landing.control", 15, 7, 26},
    {"sick", 3772, 30, 6064},
    {"solar.flare1", 323, 13, 0},
    {"solar.flare2", 1066, 13, 0},
    {"sonar", 208, 61, 0},
    {"soybean", 683, 36, 2337},
    {"spambase", 4601, 58, 0},
    {"spect.test", 187, 23, 0},
    {"spect.train", 80, 23, 0},
    {"spectf.test", 269, 45, 0},
    {"spectf.train", 80, 45, 0},
    {"spectrometer", 531, 103, 0},
    {"splice", 3190, 62, 0},
    {"sponge", 76, 46, 22},
    {"tae", 151, 6, 0},
    {"tic-tac-toe", 958, 10, 0},
    {"trains", 10, 33, 51},
    {"vehicle", 846, 19, 0},
    {"vote", 435, 17, 392},
    {"vowel", 990, 14, 0},
    {"waveform5000", 5000, 41, 0},
    {"wine", 178, 14, 0},
    {"zoo", 101, 18, 0},
};

static void read_sets(const char *folder) {
    for (size_t i = 0; i < sizeof known_sets / sizeof *known_sets; i++) {
        char path[300];
        goss_table *t = NULL;
        int missing = 0;
        snprintf(path, sizeof path, "%s/arff/classification/%s.arff", folder, known_sets[i].name);
        T_NOTE("%s", path);
        T_OK(goss_table_open(path, NULL, &t, &err));
        T_EQ(goss_table_rows(t), known_sets[i].rows);
        T_EQ(goss_table_columns(t), known_sets[i].columns);
        for (int c = 0; c < goss_table_columns(t); c++) {
            goss_column_stats s;
            T_OK(goss_table_stats(t, c, NULL, 0, &s, &err));
            missing += s.missing;
        }
        T_EQ(missing, known_sets[i].missing);
        goss_table_close(t);
    }
}

TEST(shared_arff_sets) {
    const char *data = getenv("GOSSAMER_DATA");
    char folder[] = P_tmpdir "/gossamer-arff-XXXXXX", archive[600], command[1000];
    snprintf(archive, sizeof archive, "%s/arff-classification/arff-classification.tar.xz",
             data ? data : "../shared/data");
    if (!goss__path_exists(archive)) T_SKIP("no %s", archive);
    T_CHECK(mkdtemp(folder) != NULL);
    snprintf(command, sizeof command, "tar -xJf '%s' -C %s 2>/dev/null", archive, folder);
    const bool unpacked = system(command) == 0;
    if (unpacked) read_sets(folder);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    T_CHECK(system(command) == 0);
    if (!unpacked) T_SKIP("tar does not unpack %s", archive);
}

TEST_MAIN()
