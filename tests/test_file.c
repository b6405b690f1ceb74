/* SPDX-License-Identifier: Apache-2.0 */
/* How files are written (gossamer/file.h), what is refused before the work, and how files are recognised by content. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/os.h"
#include "base/rng.h"
#include "scratch.h"
#include "test.h"

static goss_error err;

static void put(const char *path, const char *text) {
    if (goss__write_file(path, text, strlen(text), &err) != GOSS_OK) {
        printf("%s\n", err.text);
        exit(2);
    }
}

static int holds(const char *path, const char *text) {
    char *data;
    size_t n;
    if (goss__read_file(path, 1 << 20, &data, &n, &err) != GOSS_OK) return 0;
    int same = n == strlen(text) && memcmp(data, text, n) == 0;
    goss__free(data);
    return same;
}

static mode_t mode_of(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

/* The temporary file of a writer at work, in a folder; NULL: none. */
static const char *temporary_in(const char *folder) {
    static char path[512];
    DIR *d = opendir(folder);
    path[0] = 0;
    for (struct dirent *e; d && (e = readdir(d));)
        if (strstr(e->d_name, ".gossamer-")) snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    if (d) closedir(d);
    return path[0] ? path : NULL;
}

/* ---- what is kept ---- */

TEST(a_file_keeps_its_mode_and_a_new_one_has_the_users) {
    goss__writer *w;
    mode_t old = umask(027);
    put(scratch("new"), "1");
    umask(old);
    T_EQ(mode_of(scratch("new")), 0640);
    static const mode_t modes[] = {0600, 0644, 0666, 0755, 0700};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        T_EQ(chmod(scratch("new"), modes[i]), 0);
        T_OK(goss__writer_open(scratch("new"), &w, &err));
        const char *temporary = temporary_in(scratch_folder);
        T_CHECK(temporary);
        T_EQ(mode_of(temporary), modes[i]);
        T_OK(goss__writer_put(w, "2", 1, &err));
        T_OK(goss__writer_commit(w, &err));
        T_EQ(mode_of(scratch("new")), modes[i]);
    }
    T_EQ(scratch_count(), 1);
    scratch_empty();
}

TEST(links_are_followed_and_stay) {
    T_EQ(mkdir(scratch("sub"), 0700), 0);
    put(scratch("sub/real"), "old");
    T_EQ(symlink("sub/real", scratch("near")), 0);
    T_EQ(symlink("near", scratch("far")), 0);
    put(scratch("far"), "new");
    T_CHECK(holds(scratch("sub/real"), "new"));
    struct stat st;
    T_CHECK(lstat(scratch("far"), &st) == 0 && S_ISLNK(st.st_mode));
    T_CHECK(lstat(scratch("near"), &st) == 0 && S_ISLNK(st.st_mode));
    T_EQ(symlink("sub/later", scratch("dangling")), 0); /* what it leads to is made */
    put(scratch("dangling"), "made");
    T_CHECK(holds(scratch("sub/later"), "made"));
    T_EQ(symlink("sub", scratch("folder")), 0); /* in the middle of a path */
    put(scratch("folder/real"), "third");
    T_CHECK(holds(scratch("sub/real"), "third"));
    T_EQ(symlink("circle", scratch("circle")), 0);
    char circle[80]; /* libraries word it differently */
    snprintf(circle, sizeof circle, "circle: cannot write: %s", strerror(ELOOP));
    T_ERR(goss__write_file(scratch("circle"), "x", 1, &err), GOSS_E_IO, circle);
    T_EQ(symlink("no/such", scratch("lost")), 0);
    T_ERR(goss__write_file(scratch("lost"), "x", 1, &err), GOSS_E_IO, "lost: cannot write: No such file");
    T_ERR(goss__write_file(scratch("folder"), "x", 1, &err), GOSS_E_IO, "folder: is a folder");
    unlink(scratch("sub/real")), unlink(scratch("sub/later"));
    scratch_empty();
}

TEST(other_hard_links_keep_the_old_content) {
    put(scratch("a"), "old");
    T_EQ(link(scratch("a"), scratch("b")), 0);
    put(scratch("a"), "new");
    T_CHECK(holds(scratch("a"), "new") && holds(scratch("b"), "old"));
    scratch_empty();
}

/* ---- what is no regular file ---- */

TEST(pipes_and_devices_are_written_to_not_replaced) {
    struct stat st;
    char got[16] = "";
    T_EQ(mkfifo(scratch("fifo"), 0600), 0);
    int in = open(scratch("fifo"), O_RDONLY | O_NONBLOCK);
    put(scratch("fifo"), "through");
    T_EQ(read(in, got, sizeof got - 1), 7);
    T_STR(got, "through");
    close(in);
    T_CHECK(lstat(scratch("fifo"), &st) == 0 && S_ISFIFO(st.st_mode));
    T_EQ(scratch_count(), 1);
    put("/dev/null", "away");
    T_CHECK(lstat("/dev/null", &st) == 0 && S_ISCHR(st.st_mode));
    T_ERR(goss__write_file("/dev/full", "x", 1, &err), GOSS_E_IO, "/dev/full: cannot write: No space");
    T_EQ(symlink("fifo", scratch("link")), 0);
    T_OK(goss_output_check(scratch("link"), GOSS_OUTPUT_MODEL, NULL, 0, &err));
    scratch_empty();
}

TEST(what_is_no_file_is_refused_by_name) {
    T_ERR(goss__write_file("", "x", 1, &err), GOSS_E_IO, "is empty");
    T_ERR(goss__write_file(scratch("name/"), "x", 1, &err), GOSS_E_IO, "name/ is the name of a folder");
    T_ERR(goss__write_file(scratch_folder, "x", 1, &err), GOSS_E_IO, "is a folder");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", scratch("socket"));
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    T_EQ(bind(s, (struct sockaddr *)&a, sizeof a), 0);
    T_ERR(goss__write_file(scratch("socket"), "x", 1, &err), GOSS_E_IO, "is a socket");
    close(s);
    put(scratch("file"), "x");
    T_ERR(goss__write_file(scratch("file/under"), "x", 1, &err), GOSS_E_IO, "file/under: cannot write: Not a dir");
    scratch_empty();
}

/* Root may write everything: the questions are asked by somebody else. Returns the number of the first one that went
 * wrong, 0 for none. */
static int ask_as_somebody(void) {
    enum { NOBODY = 65534 };
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) return 1;
    if (goss__write_file(scratch("theirs"), "x", 1, &err) != GOSS_E_IO) return 2;
    if (!strstr(err.text, "theirs: cannot write: Permission denied")) return 3;
    if (goss_output_check(scratch("theirs"), GOSS_OUTPUT_MODEL, NULL, 0, &err) != GOSS_E_IO) return 4;
    if (!strstr(err.text, "Permission denied")) return 5;
    if (goss_output_check(scratch("closed/x"), GOSS_OUTPUT_MODEL, NULL, 0, &err) != GOSS_E_IO) return 6;
    if (!strstr(err.text, "closed/x: ") || !strstr(err.text, "cannot create files in this folder")) return 7;
    return goss_output_check(scratch("new"), GOSS_OUTPUT_MODEL, NULL, 0, &err) == GOSS_OK ? 0 : 8;
}

TEST(permissions_are_asked_before_the_work) {
    put(scratch("theirs"), "old");
    T_EQ(chmod(scratch("theirs"), 0444), 0);
    T_EQ(mkdir(scratch("closed"), 0555), 0);
    T_EQ(chmod(scratch_folder, 0777), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) _exit(ask_as_somebody());
    int status;
    T_EQ(waitpid(child, &status, 0), child);
    T_CHECK(WIFEXITED(status));
    T_EQ(WEXITSTATUS(status), 0);
    T_CHECK(holds(scratch("theirs"), "old"));
    T_EQ(chmod(scratch_folder, 0700), 0);
    scratch_empty();
}

/* The text that a user reads names what the user named. */
TEST(errors_never_name_the_temporary_file) {
    struct rlimit old, small;
    T_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old, small.rlim_cur = 100;
    signal(SIGXFSZ, SIG_IGN);
    T_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    static char block[300];
    goss_status s = goss__write_file(scratch("full"), block, sizeof block, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    T_EQ(s, GOSS_E_IO);
    T_CHECK(strstr(err.text, "/full: cannot write: File too large") && !strstr(err.text, ".gossamer-"));
    T_ERR(goss__write_file(scratch("no/such"), "x", 1, &err), GOSS_E_IO, "no/such: cannot write: No such file");
    T_CHECK(!strstr(err.text, ".gossamer-"));
    T_EQ(scratch_count(), 0);
}

TEST(names_up_to_the_longest_are_written) {
    char name[256], path[400];
    memset(name, 'n', 255), name[255] = 0;
    snprintf(path, sizeof path, "%s/%s", scratch(""), name);
    put(path, "long");
    T_CHECK(holds(path, "long"));
    T_EQ(scratch_count(), 1);
    scratch_empty();
}

/* ---- what killed writers leave ---- */

/* A child that is at work on `path`: with a temporary file and half of its content. */
static pid_t child_at_work(const char *path) {
    int ready[2];
    char c;
    if (pipe(ready) != 0) return -1;
    pid_t child = fork();
    if (child == 0) {
        goss__writer *w;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a check that fails leaves no child behind */
        close(ready[0]);
        if (goss__writer_open(path, &w, &err) != GOSS_OK || goss__writer_put(w, "half", 4, &err) != GOSS_OK) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    close(ready[1]);
    bool begun = read(ready[0], &c, 1) == 1;
    close(ready[0]);
    return begun ? child : -1;
}

TEST(the_next_write_removes_what_a_killed_one_left) {
    put(scratch("model"), "old");
    pid_t child = child_at_work(scratch("model"));
    T_CHECK(child > 0 && temporary_in(scratch_folder));
    put(scratch("other"), "x"); /* its writer lives: it stays */
    T_CHECK(temporary_in(scratch_folder));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    T_CHECK(temporary_in(scratch_folder)); /* the kill left it, and the target as it was */
    T_CHECK(holds(scratch("model"), "old"));
    put(scratch("model"), "new");
    T_CHECK(!temporary_in(scratch_folder) && holds(scratch("model"), "new"));
    T_EQ(scratch_count(), 2);
    scratch_empty();
}

TEST(nothing_else_is_removed) {
    static const char *const names[] = {".model.gossamer-0123456789abcde", "model.gossamer-0123456789abcdef",
                                        ".model.gossamer-0123456789ABCDEF", ".gossamer-0123456789abcdef",
                                        ".model.gossamer-0123456789abcdef.txt"};
    const int n = sizeof names / sizeof *names;
    for (int i = 0; i < n; i++) put(scratch(names[i]), "keep");
    T_EQ(mkdir(scratch(".d.gossamer-0123456789abcdef"), 0700), 0);
    put(scratch("kept"), "k");
    T_EQ(symlink("kept", scratch(".s.gossamer-0123456789abcdef")), 0);
    put(scratch(".m.gossamer-0123456789abcdef"), "a name of ours, and nobody holds it");
    put(scratch("model"), "x");
    T_EQ(scratch_count(), n + 4);
    T_CHECK(access(scratch(".m.gossamer-0123456789abcdef"), F_OK) != 0 && holds(scratch("kept"), "k"));
    scratch_empty();
}

/* Killed at any moment of it, a write leaves the old content or the new. */
TEST(a_kill_at_any_moment_leaves_a_whole_file) {
    enum { N = 20000 };
    static char block[2][N];
    memset(block[0], 'a', N), memset(block[1], 'b', N);
    T_OK(goss__write_file(scratch("m"), block[0], N, &err));
    for (int round = 0; round < 20; round++) {
        pid_t child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (int i = 0;; i++)
                if (goss__write_file(scratch("m"), block[i & 1], N, &err) != GOSS_OK) _exit(1);
        }
        usleep(300 + 731 * (unsigned)round);
        kill(child, SIGKILL);
        int status;
        T_EQ(waitpid(child, &status, 0), child);
        T_CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        char *data;
        size_t n;
        T_OK(goss__read_file(scratch("m"), N, &data, &n, &err));
        bool whole = n == N && (memcmp(data, block[0], N) == 0 || memcmp(data, block[1], N) == 0);
        goss__free(data);
        T_CHECK(whole);
    }
    T_OK(goss__write_file(scratch("m"), block[0], N, &err));
    T_EQ(scratch_count(), 1);
    scratch_empty();
}

TEST(many_small_files_are_written_the_same_way) {
    T_OK(goss__write_one_of_many(scratch("one"), "1", 1, &err));
    T_OK(goss__sync_many(scratch_folder, &err));
    T_CHECK(holds(scratch("one"), "1"));
    T_ERR(goss__sync_many(scratch("none"), &err), GOSS_E_IO, "none: cannot sync");
    scratch_empty();
}

/* ---- what is asked before the work ---- */

TEST(an_output_is_no_input_whatever_it_is_called) {
    char model[200], folder[200];
    snprintf(model, sizeof model, "%s", scratch("model")), snprintf(folder, sizeof folder, "%s", scratch("set"));
    const char *inputs[] = {model, NULL, folder};
    put(model, "\x02\0\0\0\0\0\0\0{}");
    T_EQ(mkdir(folder, 0700), 0);
    T_EQ(mkdir(scratch("set/a"), 0700), 0);
    T_EQ(symlink("model", scratch("soft")), 0);
    T_EQ(link(model, scratch("hard")), 0);
    T_EQ(symlink("set/a", scratch("into")), 0);
    T_EQ(symlink("set/new", scratch("lost")), 0);
    static const char *const destroys[] = {"model", "soft", "hard", "./model", "set/../model"};
    static const char *const inside[] = {"set/x", "set/a/x", "into/x", "lost"};
    for (size_t i = 0; i < sizeof destroys / sizeof *destroys; i++)
        T_ERR(goss_output_check(scratch(destroys[i]), GOSS_OUTPUT_MODEL, inputs, 3, &err), GOSS_E_ARGUMENT,
              "which writing would destroy");
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        T_ERR(goss_output_check(scratch(inside[i]), GOSS_OUTPUT_MODEL, inputs, 3, &err), GOSS_E_ARGUMENT,
              "is inside the input");
    T_OK(goss_output_check(scratch("new"), GOSS_OUTPUT_MODEL, inputs, 3, &err));
    T_OK(goss_output_check(scratch("model"), GOSS_OUTPUT_MODEL, inputs + 1, 2, &err));
    T_OK(goss_output_check("/dev/null", GOSS_OUTPUT_MODEL, inputs, 3, &err));
    T_ERR(goss_output_check(scratch("none/new"), GOSS_OUTPUT_MODEL, inputs, 3, &err), GOSS_E_IO, "there is no folder");
    T_ERR(goss_output_check(folder, GOSS_OUTPUT_MODEL, inputs, 3, &err), GOSS_E_IO, "is a folder");
    rmdir(scratch("set/a"));
    scratch_empty();
}

TEST(what_lies_in_a_folder) {
    char top[200];
    snprintf(top, sizeof top, "%s", scratch("top"));
    T_EQ(mkdir(top, 0700), 0);
    T_EQ(mkdir(scratch("top/in"), 0700), 0);
    T_EQ(symlink("top/in", scratch("link")), 0);
    T_CHECK(goss__lies_in(top, top) && goss__lies_in(scratch("top/in"), top) && goss__lies_in(scratch("link"), top));
    T_CHECK(goss__lies_in(scratch("top/in/not/yet/made"), top) && goss__lies_in(scratch("link/new"), top));
    T_CHECK(!goss__lies_in(scratch("top/.."), top) && !goss__lies_in(scratch("topmost/new"), top));
    T_CHECK(!goss__lies_in("/", top) && !goss__lies_in("/none/such", top) && !goss__lies_in(scratch("x"), top));
    T_CHECK(goss__lies_in("none/such", ".") && goss__lies_in("", ".") && goss__lies_in("x", ".") &&
            !goss__lies_in(top, "."));
    T_CHECK(!goss__lies_in(top, scratch("none")));
    rmdir(scratch("top/in"));
    scratch_empty();
}

TEST(what_is_something_else_is_not_written_over) {
    put(scratch("photo"), "\x89PNG\r\n\x1a\n....");
    T_ERR(goss_output_check(scratch("photo"), GOSS_OUTPUT_MODEL, NULL, 0, &err), GOSS_E_ARGUMENT,
          "photo exists and is a PNG image");
    put(scratch("notes"), "my notes\n");
    T_ERR(goss_output_check(scratch("notes"), GOSS_OUTPUT_MODEL, NULL, 0, &err), GOSS_E_ARGUMENT,
          "exists and is a text");
    put(scratch("empty"), ""); /* mktemp */
    T_OK(goss_output_check(scratch("empty"), GOSS_OUTPUT_MODEL, NULL, 0, &err));
    T_OK(goss_output_check(scratch("empty"), NULL, NULL, 0, &err));
    T_ERR(goss_output_check(scratch("empty"), ".csv", NULL, 0, &err), GOSS_E_ARGUMENT,
          "no earlier result of this kind");
    static const struct {
        const char *name, *text, *ending;
        bool earlier;
    } results[] = {
        {"a.csv", "x,y\n1,2\n", ".csv", true},
        {"a.csv", "\x89PNG\r\n\x1a\n....", ".csv", false},
        {"a.csv", "", ".csv", true},
        {"a.txt", "x,y\n1,2\n", ".csv", false},
        {"a.svg", "<svg xmlns=\"\">\n", ".svg", true},
        {"a.svg", "<?xml version=\"1\"?>\n", ".svg", true},
        {"a.csv", "<?xml version=\"1\"?>\n", ".csv", false},
        {"a.PNG", "\x89PNG\r\n\x1a\n....", ".png", true},
        {"a.png", "x,y\n1,2\n", ".png", false},
        {"a.txt", "x,y\n1,2\n", ".csv y", true},
        {"a.txt", "x\ty\r\n1\t2\r\n", ".csv z y", true},
        {"a.txt", "x,y,z\n", ".csv y", true},
        {"a", "x,yes\ny\n", ".csv y", false},
        {"a.txt", "y", ".csv y", false}, /* no line */
        {"a.csv", "x,yes\n", "y .csv", true},
        {"a.png", "\x89PNG\r\n\x1a\n,y,\n", ".csv y", false},
        {"a.txt", "my notes\n", "y", false},
    };
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) {
        put(scratch(results[i].name), results[i].text);
        const goss_status s = goss_output_check(scratch(results[i].name), results[i].ending, NULL, 0, &err);
        T_EQ(s, results[i].earlier ? GOSS_OK : GOSS_E_ARGUMENT);
        T_OK(goss_output_check(scratch(results[i].name), NULL, NULL, 0, &err));
    }
    T_OK(goss__write_file(scratch("model"), "\x08\0\0\0\0\0\0\0{}      ", 16, &err));
    T_OK(goss_output_check(scratch("model"), GOSS_OUTPUT_MODEL, NULL, 0, &err));
    scratch_empty();
}

/* Status of the check by another user than root, 99: not run. */
static int checked_by_nobody(const char *path) {
    pid_t child = fork();
    if (child == 0) _exit(seteuid(65534) != 0 ? 99 : (int)goss_output_check(path, GOSS_OUTPUT_MODEL, NULL, 0, NULL));
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

TEST(in_a_sticky_folder_files_of_others_are_no_targets) {
    if (geteuid() != 0) T_SKIP("only root can make files of two users");
    T_EQ(mkdir(scratch("sticky"), 0700), 0);
    T_EQ(chmod(scratch("sticky"), 01777), 0);
    T_EQ(chmod(scratch("."), 0755), 0);
    put(scratch("sticky/of_root"), ""), put(scratch("sticky/own"), "");
    T_EQ(chmod(scratch("sticky/of_root"), 0666), 0);
    T_EQ(chown(scratch("sticky/own"), 65534, 65534), 0);
    T_EQ(checked_by_nobody(scratch("sticky/own")), GOSS_OK);
    T_EQ(checked_by_nobody(scratch("sticky/new")), GOSS_OK);
    T_EQ(checked_by_nobody(scratch("sticky/of_root")), GOSS_E_IO);
    T_OK(goss_output_check(scratch("sticky/of_root"), GOSS_OUTPUT_MODEL, NULL, 0, &err)); /* root may */
    scratch_empty();
}

/* ---- recognising ---- */

typedef struct sample {
    const char *bytes;
    size_t n;
    const char *what;
} sample;
#define S(text, what)                                                                                                  \
    { text, sizeof text - 1, what }
#define ZIP(name) "PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" name

TEST(files_are_recognised_by_content) {
    static const sample samples[] = {
        S("", "empty"),
        S("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "Git LFS"),
        S("<!DOCTYPE html><html>", "web page"),
        S("\xef\xbb\xbf \r\n<HTML lang=en>", "web page"),
        S(ZIP("\x10\0\0\0archive/data.pkl"), "PyTorch"),
        S(ZIP("\x0a\0\0\0weight.npy"), "NumPy archive"),
        S(ZIP("\x09\0\0\0image.png"), ".zip"),
        S("PK\3\4", ".zip"),
        S("PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff", ".zip"),
        S("\x80\x02}q\0.", "pickle"),
        S("\x93NUMPY\1\0", "NumPy array"),
        S("\x89HDF\r\n\x1a\n", "HDF5"),
        S("GGUF\3\0\0\0", "GGUF"),
        S("/annex/objects/SHA256E-s9--00\n", "git-annex"),
        S(ZIP("\x13\0\0\0[Content_Types].xml"), "office"),
        S(ZIP("\x08\0\0\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet"), "office"),
        S("PAR1\x15\4\x15", "Parquet"),
        S("ARROW1\0\0", "Arrow"),
        S("MATLAB 5.0 MAT-file, Platform\0\1IM", "MATLAB"),
        S("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "Excel"),
        S("SQLite format 3\0\x10", "SQLite"),
        S("BZh91AY&SY\0\1", "bzip2"),
        S("PAR1,PAR2\n1,2\n", "a text"), /* columns may be called so */
        S("GGUF,BZh\n1,2\n", "a text"),
        S("BZh,GIF8\n1,2\n", "a text"),
        S("GIF8,b\n1,2\n", "a text"),
        S("ARROW1,b\n1,2\n", "a text"),
        S("abc,TFL3\n1,2\n", "a text"),
        S("{a},b\n1,2\n", "a text"),
        S("[{\"a\": 1}]", "JSON"),
        S("{}", "JSON"),
        S("\xff\xfe"
          "a\0,\0",
          "UTF-16"),
        S("\x1c\0\0\0TFL3", "TensorFlow Lite"),
        S("\x1f\x8b\x08\0\0\0\0\0\0\3", "gzip"),
        S("\x28\xb5\x2f\xfd....", "zstd"),
        S("\x89PNG\r\n\x1a\n", "PNG"),
        S("\xff\xd8\xff\xe0", "JPEG"),
        S("RIFF\x10\0\0\0WEBPVP8 ", "WebP"),
        S("\0\0\0\x18"
          "ftypheic",
          "HEIC"),
        S("\0\0\0\x18"
          "ftypavif",
          "AVIF"),
        S("BM\x46\0\0\0\0\0\0\0\x36\0\0\0", "BMP"),
        S("II*\0\x08\0\0\0", "TIFF"),
        S("\0\0\x08\3\0\0\0\1", "idx file of images"),
        S("\x08\x07\x12\x07pytorch", "ONNX"),
        S("%PDF-1.7\n", "PDF"),
        S("\x7f"
          "ELF\2\1\1",
          "program"),
        S("{\"model_type\": \"bert\"}", "JSON"),
        S("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "zeros"),
        S("[train]\nsteps = 3\n", "text"),
        S("caf\xe9\n", "text"),
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        /* On the heap at its size, so that a checker sees a read beyond it. */
        uint8_t *copy = goss__alloc(samples[i].n);
        memcpy(copy, samples[i].bytes, samples[i].n);
        const goss__known *known = goss__recognise(copy, samples[i].n);
        goss__free(copy);
        if (!known || !strstr(known->what, samples[i].what))
            T_FAIL("%s is taken for %s", samples[i].what, known ? known->what : "nothing");
    }
    T_CHECK(!goss__recognise("\x10\0\0\0\0\0\0\0{\"a\":0}", 15)); /* safetensors */
    T_CHECK(!goss__recognise("\xc3\x01\x02\x03\x04", 5));
    T_ERR(goss__not_a("m.pt", goss__recognise(samples[1].bytes, samples[1].n), GOSS__MODEL, &err), GOSS_E_FORMAT,
          "m.pt: is a Git LFS pointer instead of the file, not a safetensors file; run git lfs "
          "pull");
    const goss__known *array = goss__recognise("\x93NUMPY", 6);
    T_ERR(goss__not_a("x", array, GOSS__MODEL, &err), GOSS_E_FORMAT, "not a safetensors file; keep its arrays");
    T_ERR(goss__not_a("x", array, GOSS__IMAGES, &err), GOSS_E_FORMAT, "idx file of images; save each image as a PNG");
}

TEST(recognising_reads_nothing_beyond_the_end) {
    goss__rng r = goss__rng_make(5, 0);
    static const char *const starts[] = {"PK\3\4", "version https", "<", "RIFF", "ftyp", "BM", "\x08\1", "\x80\2", "{"};
    for (int k = 0; k < 20000; k++) {
        size_t n = goss__rng_below(&r, 64);
        uint8_t *bytes = goss__alloc(n);
        for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)goss__rng_below(&r, 256);
        const char *start = starts[goss__rng_below(&r, sizeof starts / sizeof *starts)];
        if (n > strlen(start)) memcpy(bytes, start, strlen(start));
        const goss__known *known = goss__recognise(bytes, n);
        goss__free(bytes);
        T_CHECK((n != 0 || known) && (!known || known->what));
    }
}

TEST_MAIN()
