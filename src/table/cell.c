/* SPDX-License-Identifier: Apache-2.0 */
/* cell.c: classifying texts of cells. Only decimal notation is a number (base/number.h); other common notations are
 * recognised in order to refuse them with advice, since a guess between "1,234" and "1.234" would silently corrupt
 * data. */
#include "table/cell.h"

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/str.h"

static bool digit(char c) { return c >= '0' && c <= '9'; }
static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* Independent of the locale: in a Turkish one strcasecmp does not match "I" and "i". */
static bool same_letters(const char *a, const char *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (goss__ascii_lower(a[i]) != goss__ascii_lower(b[i])) return false;
    return true;
}

/* ---- missing ---- */

bool goss__missing_words_set(goss__missing_words *m, const char *list) {
    size_t at = 0;
    *m = (goss__missing_words){0};
    if (!list) list = "NA,N/A,NaN,nan,?,null,NULL";
    while (*list) {
        list += strspn(list, " ,");
        size_t n = strcspn(list, ","), end = n;
        while (end && blank(list[end - 1])) end--;
        if (at + end + 2 > sizeof m->words) return false;
        memcpy(m->words + at, list, end);
        if (end) at += end + 1;
        if (end > m->longest) m->longest = end;
        list += n;
    }
    return true;
}

static bool is_missing(const char *text, size_t n, const goss__missing_words *m) {
    if (n == 0) return true;
    if (n > m->longest) return false;
    for (const char *w = m->words; *w; w += strlen(w) + 1)
        if (strlen(w) == n && memcmp(w, text, n) == 0) return true;
    return false;
}

/* ---- dates ---- */

/* Parses `least` to `most` digits; NULL: no match. */
static const char *digits(const char *p, int least, int most) {
    int n = 0;
    while (p && n < most && digit(p[n])) n++;
    return p && n >= least ? p + n : NULL;
}

/* The name of a month, of three letters or more. */
static const char *month(const char *p) {
    static const char names[] =
        "january\0february\0march\0april\0may\0june\0july\0august\0september\0october\0november\0december\0";
    size_t n = 0;
    while (goss__ascii_lower(p[n]) >= 'a' && goss__ascii_lower(p[n]) <= 'z') n++;
    for (const char *m = names; n >= 3 && *m; m += strlen(m) + 1)
        if (n <= strlen(m) && same_letters(m, p, n)) return p + n;
    return NULL;
}

static const char *time_of_day(const char *p) {
    if (!(p = digits(p, 1, 2)) || *p != ':' || !(p = digits(p + 1, 2, 2))) return NULL;
    if (*p == ':' && !(p = digits(p + 1, 2, 2))) return NULL;
    if ((*p == '.' || *p == ',') && !(p = digits(p + 1, 1, 9))) return NULL;
    if (*p == ' ' && strchr("apAP", p[1]) && p[1] && strchr("mM", p[2]) && p[2]) return p + 3;
    if (*p == 'Z') return p + 1;
    if (*p == '+' || *p == '-') {
        if (!(p = digits(p + 1, 2, 2))) return NULL;
        return digits(*p == ':' ? p + 1 : p, 2, 2);
    }
    return p;
}

/* 2024-03-01, 1.3.2024, 3/1/24, 1-Mar-2024, 1 March 2024, Mar 1, 2024. */
static const char *day(const char *p) {
    const char *year = digits(p, 4, 4), *q = digits(p, 1, 2), *m;
    if (year && *year && strchr("-/.", *year)) {
        const char *next = digits(year + 1, 1, 2);
        return next && *next == *year ? digits(next + 1, 1, 2) : NULL;
    }
    if (!q && (m = month(p)) != NULL && *m == ' ' && (q = digits(m + 1, 1, 2)) != NULL)
        return digits(q + strspn(q, ", "), 4, 4);
    if (!q || !*q || !strchr("-/. ", *q)) return NULL;
    if ((m = month(q + 1)) != NULL) return *m == *q ? digits(m + 1, digits(m + 1, 4, 4) ? 4 : 2, 4) : NULL;
    char between = *q;
    if (between == ' ' || !(q = digits(q + 1, 1, 2)) || *q != between) return NULL;
    return digits(q + 1, digits(q + 1, 4, 4) ? 4 : 2, digits(q + 1, 4, 4) ? 4 : 2);
}

bool goss__cell_is_date(const char *text) {
    const char *p = day(text), *t;
    if (!p) return (p = time_of_day(text)) != NULL && *p == 0;
    if (*p == 0) return true;
    return (*p == ' ' || *p == 'T') && (t = time_of_day(p + 1)) != NULL && *t == 0;
}

/* ---- numbers in other notations ---- */

typedef enum notation { PLAIN, COMMA, POINT, THOUSANDS, PERCENT, CURRENCY, HUGE_NUMBER, INFINITE } notation;

static bool currency(const char *p, size_t *n) {
    static const char *const signs[] = {"$", "\xe2\x82\xac", "\xc2\xa3", "\xc2\xa5"}; /* dollar, euro, pound, yen */
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strncmp(p, signs[i], *n = strlen(signs[i])) == 0) return true;
    return false;
}

/* Groups of three digits with one separator; *end is the rest. */
static bool grouped(const char *p, const char **end) {
    static const char *const signs[] = {",", ".", " ", "'", "\xc2\xa0", "\xe2\x80\xaf"};
    const char *q = digits(p, 1, 3);
    for (size_t i = 0; q && i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i]);
        const char *at = q;
        int groups = 0;
        for (const char *next; strncmp(at, signs[i], n) == 0 && (next = digits(at + n, 3, 3)) != NULL && !digit(*next);
             at = next)
            groups++;
        *end = at;
        if (groups > 0) return true;
    }
    return false;
}

static notation notation_of(const char *text, char decimal) {
    const char *p = text + strspn(text, "+- "), *end;
    size_t n;
    if ((strlen(p) == 3 && same_letters(p, "inf", 3)) || (strlen(p) == 8 && same_letters(p, "infinity", 8)))
        return INFINITE;
    if (currency(p, &n)) return digit(p[n + strspn(p + n, " -")]) ? CURRENCY : PLAIN;
    if (!digit(*p) && *p != '.' && *p != ',') return PLAIN;
    if (p[strspn(p, "0123456789eE+-.")] == 0 && strpbrk(p, "eE")) return HUGE_NUMBER;
    const char *rest = p + strspn(p, "0123456789.,' ");
    if (*rest == '%') return rest[1] == 0 ? PERCENT : PLAIN;
    if (*rest && currency(rest, &n)) return rest[n] == 0 ? CURRENCY : PLAIN;
    const char other = decimal == ',' ? '.' : ',';
    const char *sign = strchr(p, other);
    /* "12,5" has a decimal comma, "1,234" is ambiguous: the advice mentions the decimal sign where it may be meant. */
    if (grouped(p, &end) &&
        (*end == 0 || ((*end == '.' || *end == ',') && end[1 + strspn(end + 1, "0123456789")] == 0)))
        return THOUSANDS;
    if (sign && !strchr(sign + 1, other) && !strchr(p, decimal) && sign[1 + strspn(sign + 1, "0123456789eE+-")] == 0)
        return other == ',' ? COMMA : POINT;
    return PLAIN;
}

const char *goss__cell_advice(const char *text, char decimal) {
    static const char *const advice[] = {
        [PLAIN] = "correct the cell; or declare the word as missing, the column as a category, or ignore it",
        [COMMA] = "a decimal comma? Write a point, or declare the decimal sign ','",
        [POINT] =
            "a decimal point, but the file's decimal sign is the comma; declare the decimal sign '.' if that is wrong",
        [THOUSANDS] = "a thousands separator? Write the digits without it (or declare the decimal sign if it is that)",
        [PERCENT] = "write the number without the percent sign (5 % as 5 or .05, the same in all rows)",
        [CURRENCY] = "write the number without the currency",
        [HUGE_NUMBER] = "beyond the range of numbers (1e30), or truncated; use a larger unit, or the logarithm",
        [INFINITE] = "numbers must be finite; leave the cell empty if it is unknown",
    };
    if (goss__cell_is_date(text)) return "a date? The other cells of the column are numbers";
    return advice[notation_of(text, decimal)];
}

/* ---- all kinds ---- */

static bool parse_in_range(const char *text, double *value) {
    return goss__number_parse(text, value) && fabs(*value) <= GOSS__CELL_LARGEST;
}

static bool parse_number(const char *text, size_t n, char decimal, double *value) {
    char copy[400];
    if (n >= sizeof copy || !(digit(*text) || strchr("+-.,", *text))) return false;
    if (decimal == '.' && text[n] == 0) return parse_in_range(text, value);
    memcpy(copy, text, n);
    copy[n] = 0;
    if (decimal == ',') {
        char *comma = strchr(copy, ',');
        if (strchr(copy, '.')) return false;
        if (comma) *comma = '.';
    }
    return parse_in_range(copy, value);
}

goss__cell_class goss__cell_classify(const char *text, char decimal, const goss__missing_words *missing,
                                     double *value) {
    while (blank(*text)) text++;
    size_t n = strlen(text);
    while (n && blank(text[n - 1])) n--;
    if (is_missing(text, n, missing)) return GOSS__IS_MISSING;
    if (parse_number(text, n, decimal, value)) return GOSS__IS_NUMBER;
    char copy[64];
    if (n >= sizeof copy) return GOSS__IS_TEXT;
    memcpy(copy, text, n);
    copy[n] = 0;
    if (goss__cell_is_date(copy)) return GOSS__IS_DATE;
    return notation_of(copy, decimal) == PLAIN ? GOSS__IS_TEXT : GOSS__IS_LIKE;
}
