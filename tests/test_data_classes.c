/* SPDX-License-Identifier: Apache-2.0 */
/* Class lists: files of names with their mistakes, and seeded splits. */
#include "base/os.h"
#include "data/picture.h"
#include "gossamer/data.h"
#include "test.h"

static goss_error err;
static char top[] = P_tmpdir "/gossamer-test-XXXXXX";
static goss_images *set; /* 6 alphabets of 5 classes of 1 image */

/* Before each test: makes the set where it is not there. */
static void need_set(void) {
    if (set) return;
    for (int i = 0; i < 30; i++) {
        char path[200];
        uint8_t pixels[4] = {(uint8_t)(8 * i)};
        snprintf(path, sizeof path, "%s/tree/alphabet%d/character%02d", top, i / 5, i % 5);
        T_OK(goss__mkdirs(path, &err));
        snprintf(path, sizeof path, "%s/tree/alphabet%d/character%02d/1.png", top, i / 5, i % 5);
        T_OK(goss__png_write_grey(path, pixels, 2, 2, &err));
    }
    char path[100];
    snprintf(path, sizeof path, "%s/tree", top);
    T_OK(goss_images_open(path, NULL, &set, &err));
}

static const char *list_file(const char *text) {
    static char path[200];
    snprintf(path, sizeof path, "%s/list.txt", top);
    T_OK(goss__write_file(path, text, strlen(text), &err));
    return path;
}

TEST(reads_names_comments_and_blank_lines) {
    need_set();
    goss_class_list list;
    T_OK(goss_class_list_read(
        set, list_file("# the classes\r\n\n  alphabet3/character04 # last\r\nalphabet0/character01"), &list, &err));
    T_EQ(list.count, 2);
    T_EQ(list.ids[0], 1);
    T_EQ(list.ids[1], 19);
    goss_class_list_free(&list);
}

TEST(mistakes_are_named_with_line_and_suggestion) {
    need_set();
    goss_class_list list;
    T_ERR(goss_class_list_read(set, list_file("\nalphabet0/character01\nalphabet4/charakter03\n"), &list, &err),
          GOSS_E_FORMAT,
          "list.txt: 3: the data has no class \"alphabet4/charakter03\" (nearest: \"alphabet4/character03\")");
    T_ERR(goss_class_list_read(set, list_file("alphabet0/character01\n#\nalphabet0/character01\n"), &list, &err),
          GOSS_E_FORMAT, "3: class \"alphabet0/character01\" came before, in line 1");
    T_ERR(goss_class_list_read(set, list_file("# nothing\n"), &list, &err), GOSS_E_FORMAT, "names no class");
    T_ERR(goss_class_list_read(set, "nowhere.txt", &list, &err), GOSS_E_IO, "nowhere.txt");
    T_CHECK(list.ids == NULL);
}

/* A set with classes of names that are hard to write. */
static goss_images *odd_set(void) {
    static const char *const names[] = {"#1", "\"q\"", "C", "C#", "a #b", "back\\slash", "end ", "\xc3\xa9"};
    goss_images *odd;
    char path[300];
    for (int i = 0; i < 8; i++) {
        uint8_t pixels[4] = {(uint8_t)(20 * i)};
        snprintf(path, sizeof path, "%s/odd/%s", top, names[i]);
        T_OK(goss__mkdirs(path, &err));
        snprintf(path, sizeof path, "%s/odd/%s/1.png", top, names[i]);
        T_OK(goss__png_write_grey(path, pixels, 2, 2, &err));
    }
    snprintf(path, sizeof path, "%s/odd", top);
    T_OK(goss_images_open(path, NULL, &odd, &err));
    return odd;
}

/* Reads a list of n bytes and compares the names that it chose, with a '|' behind each. */
static void check_odd(const goss_images *odd, const char *bytes, size_t n, const char *wanted) {
    goss_class_list list;
    char path[200], got[300] = "";
    snprintf(path, sizeof path, "%s/odd.txt", top);
    T_OK(goss__write_file(path, bytes, n, &err));
    T_OK(goss_class_list_read(odd, path, &list, &err));
    for (int i = 0; i < list.count; i++) {
        strcat(got, goss_images_class_name(odd, list.ids[i]));
        strcat(got, "|");
    }
    T_STR(got, wanted);
    goss_class_list_free(&list);
}

#define ODD(text, wanted) check_odd(odd, text, sizeof text - 1, wanted)

TEST(names_that_are_hard_to_write) {
    goss_images *odd = odd_set();
    ODD("C#\n", "C#|");
    ODD("C #not Sharp\n\xc3\xa9\t# e\n", "C|\xc3\xa9|");
    ODD("#1\n\"#1\"\n", "#1|");
    ODD(" \"a #b\" # quoted\r\n\"end \"\r\n", "a #b|end |");
    ODD("\"\\\"q\\\"\"\nback\\slash", "\"q\"|back\\slash|");
    ODD("\"back\\\\slash\"", "back\\slash|");
    ODD("\xef\xbb\xbf"
        "C#\n",
        "C#|");
    goss_images_close(odd);
}

TEST(lists_that_are_no_text) {
    goss_images *odd = odd_set();
    static const struct {
        const char *bytes, *says;
        size_t n;
    } rows[] = {{"C\nC#\0\n", "list.txt: 2: a zero byte", 6},
                {"\xff\xfe"
                 "C\0#\0\n\0",
                 "list.txt: the text is in UTF-16", 8},
                {"\xfe\xff\0C\0#\0\n", "list.txt: the text is in UTF-16", 8},
                {"C\0#\0\n\0", "list.txt: the text is in UTF-16", 6},
                {"C\n\"C#\n", "list.txt: 2: a quote that does not end", 6},
                {"\"C#\" C\n", "list.txt: 1: \"C\" stands behind the quoted name", 7}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[200];
        goss_class_list list;
        snprintf(path, sizeof path, "%s/list.txt", top);
        T_OK(goss__write_file(path, rows[i].bytes, rows[i].n, &err));
        T_ERR(goss_class_list_read(odd, path, &list, &err), GOSS_E_FORMAT, rows[i].says);
    }
    goss_images_close(odd);
}

TEST(small_classes_are_dropped) {
    need_set();
    goss_class_list list, dropped;
    T_OK(goss_class_list_all(set, &list, &err));
    T_OK(goss_class_list_drop_small(set, 1, &list, &dropped, &err));
    T_EQ(list.count, 30);
    T_EQ(dropped.count, 0);
    goss_class_list_free(&dropped);
    T_OK(goss_class_list_drop_small(set, 2, &list, &dropped, &err));
    T_EQ(list.count, 0);
    T_EQ(dropped.count, 30);
    T_EQ(dropped.ids[29], 29);
    goss_class_list_free(&dropped), goss_class_list_free(&list);
}

static bool disjoint_and_complete(const goss_class_list *a, const goss_class_list *b, int total) {
    int seen[30] = {0}, all = 0;
    for (int i = 0; i < a->count; i++) all += !seen[a->ids[i]]++;
    for (int i = 0; i < b->count; i++) all += !seen[b->ids[i]]++;
    for (int i = 1; i < a->count; i++)
        if (a->ids[i] <= a->ids[i - 1]) return false;
    return all == total && a->count + b->count == total;
}

TEST(random_split) {
    need_set();
    goss_class_list kept, held, again_kept, again, other_kept, other;
    T_OK(goss_class_list_split(set, NULL, 0.2, 5, &kept, &held, &err));
    T_OK(goss_class_list_split(set, NULL, 0.2, 5, &again_kept, &again, &err));
    T_OK(goss_class_list_split(set, NULL, 0.2, 6, &other_kept, &other, &err));
    T_EQ(held.count, 6);
    T_CHECK(disjoint_and_complete(&kept, &held, 30));
    T_EQ(memcmp(held.ids, again.ids, 6 * sizeof(int32_t)), 0);
    T_CHECK(memcmp(held.ids, other.ids, 6 * sizeof(int32_t)) != 0);
    goss_class_list_free(&kept), goss_class_list_free(&held), goss_class_list_free(&again_kept);
    goss_class_list_free(&again), goss_class_list_free(&other_kept), goss_class_list_free(&other);
    T_ERR(goss_class_list_split(set, NULL, 1, 5, &kept, &held, &err), GOSS_E_ARGUMENT, "fraction 1");
    int32_t one[] = {3};
    goss_class_list single = {one, 1};
    T_ERR(goss_class_list_split(set, &single, 0.5, 5, &kept, &held, &err), GOSS_E_ARGUMENT, "1 of 1 classes");
}

TEST(whole_alphabets_are_held_out) {
    need_set();
    goss_class_list from, kept, held;
    T_OK(goss_class_list_all(set, &from, &err));
    from.count = 23; /* alphabets 0 to 3 and a part of the fifth */
    T_OK(goss_class_list_hold_out(set, &from, 2, 11, &kept, &held, &err));
    T_CHECK(disjoint_and_complete(&kept, &held, 23));
    for (int i = 0; i < held.count; i++)
        for (int k = 0; k < kept.count; k++)
            T_CHECK(goss_images_class_alphabet(set, held.ids[i]) != goss_images_class_alphabet(set, kept.ids[k]));
    T_CHECK(held.count == 10 || held.count == 8);
    goss_class_list_free(&kept), goss_class_list_free(&held);
    T_ERR(goss_class_list_hold_out(set, &from, 5, 11, &kept, &held, &err), GOSS_E_ARGUMENT, "5 of 5 alphabets");
    T_ERR(goss_class_list_hold_out(set, &from, 0, 11, &kept, &held, &err), GOSS_E_ARGUMENT, "0 of 5 alphabets");
    goss_class_list_free(&from);
}

int main(int argc, char **argv) {
    if (!mkdtemp(top)) return 99;
    int failed = t_main(argc, argv);
    goss_images_close(set);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", top);
    return system(command) != 0 || failed;
}
