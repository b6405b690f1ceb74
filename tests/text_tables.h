/* SPDX-License-Identifier: Apache-2.0 */
/* text_tables.h: small tables of texts that tests make: opinions, of which most words say nothing. */
#ifndef GOSS_TEST_TEXT_TABLES_H
#define GOSS_TEST_TEXT_TABLES_H

#include "base/rng.h"
#include "base/str.h"
#include "cli_run.h"

/* A sentence of eight words, two of which tell the class. */
static inline void add_sentence(goss__str *s, const char *const told[4], goss__rng *rng) {
    static const char *const filler[] = {"the", "a", "thing", "was", "it", "and", "so", "we", "had", "one"};
    for (int k = 0; k < 8; k++)
        goss__str_addf(s, "%s%s", k ? " " : "",
                       k == 2 || k == 5 ? told[goss__rng_below(rng, 4)] : filler[goss__rng_below(rng, 10)]);
}

/* text,label,domain: `domains` tasks of `rows` each; in every other one the words mean the opposite. */
static inline void opinions(const char *name, int domains, int rows, int first) {
    static const char *const told[2][4] = {{"Great", "lovely", "fine", "superb"}, {"awful", "poor", "Bad", "broken"}};
    goss__rng rng = goss__rng_make(7, (uint64_t)first);
    goss__str s = {0};
    goss__str_add(&s, "text,label,domain\n");
    for (int d = first; d < first + domains; d++)
        for (int r = 0; r < rows; r++) {
            const int label = (int)goss__rng_below(&rng, 2);
            add_sentence(&s, told[label ^ (d & 1)], &rng);
            goss__str_addf(&s, "!,%s,domain%d\n", label ? "good" : "no", d);
        }
    write_file(name, s.data, s.size);
    goss__str_free(&s);
}

#endif
