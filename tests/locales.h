/* SPDX-License-Identifier: Apache-2.0 */
/* locales.h: locales for tests, compiled from the C library's sources (Debian: locales) into a folder beside the test
 * programs: no root, nothing installed. */
#ifndef GOSS_TEST_LOCALES_H
#define GOSS_TEST_LOCALES_H

#include <libgen.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A decimal comma; letters whose case maps otherwise than in English ('I' is no capital 'i'), in two encodings. */
static const struct {
    const char *name, *source, *charmap;
} test_locales[] = {
    {"de_DE.UTF-8", "de_DE", "UTF-8"}, {"tr_TR.UTF-8", "tr_TR", "UTF-8"}, {"tr_TR.ISO-8859-9", "tr_TR", "ISO-8859-9"}};
enum { TEST_LOCALES = sizeof test_locales / sizeof *test_locales };

/* Makes locale i the process's, compiling it first where it must be; false: there is no localedef, no source,
 * or the C library has no locales. */
static inline int test_locale_set(int i) {
    char self[400] = "", line[2000];
#ifndef __GLIBC__
    return 0; /* others (musl) have the C locale under every name */
#endif
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) return 0;
    const char *folder = dirname(self), *name = test_locales[i].name;
    snprintf(line, sizeof line, "%s/locales", folder);
    setenv("LOCPATH", line, 1);
    snprintf(line, sizeof line, "%s/locales/%s/LC_NUMERIC", folder, name);
    /* Not to be tried before it is there: the C library remembers what it has not found. */
    if (access(line, F_OK) == 0) return setlocale(LC_ALL, name) != NULL;
    /* To a name of its own first: several test programs may be at it. localedef's warnings give status 1. */
    snprintf(line, sizeof line,
             "mkdir -p %s/locales && localedef -c --no-archive -i %s -f %s %s/locales/%s.%ld >/dev/null 2>&1; "
             "mv -T %s/locales/%s.%ld %s/locales/%s 2>/dev/null; rm -rf %s/locales/%s.%ld",
             folder, test_locales[i].source, test_locales[i].charmap, folder, name, (long)getpid(), folder, name,
             (long)getpid(), folder, name, folder, name, (long)getpid());
    if (system(line) != 0) return 0;
    return setlocale(LC_ALL, name) != NULL;
}

static inline void test_locale_reset(void) {
    setlocale(LC_ALL, "C");
    unsetenv("LOCPATH");
}
#endif
