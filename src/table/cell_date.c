/* SPDX-License-Identifier: Apache-2.0 */
/* cell_date.c: dates as seconds, by which rows are ordered. Only what is read in one way: the year first, or the month
 * by its name. 3/4/2024 is in March for some and in April for others. */
#include <string.h>

#include "base/str.h"
#include "table/cell.h"

/* A number of `least` to `most` digits; NULL: no match, or p is. */
static const char *number(const char *p, int least, int most, int *out) {
    int n = 0;
    *out = 0;
    for (; p && n < most && p[n] >= '0' && p[n] <= '9'; n++) *out = 10 * *out + (p[n] - '0');
    return p && n >= least ? p + n : NULL;
}

static const char *expect(const char *p, char c) { return p && *p == c ? p + 1 : NULL; }

/* The name of a month, of three letters or more. */
static const char *month_name(const char *p, int *out) {
    static const char *const names[] = {"january", "february", "march",     "april",   "may",      "june",
                                        "july",    "august",   "september", "october", "november", "december"};
    size_t n = 0;
    while (goss__ascii_lower(p[n]) >= 'a' && goss__ascii_lower(p[n]) <= 'z') n++;
    for (int m = 0; n >= 3 && m < 12; m++) {
        size_t k = 0;
        while (k < n && names[m][k] && goss__ascii_lower(p[k]) == names[m][k]) k++;
        if (k == n) return *out = m + 1, p + n;
    }
    return NULL;
}

/* The basic form of ISO 8601, 20240301, of years in which eight digits are hardly anything else. */
static const char *compact_day(const char *p, int *y, int *m, int *d) {
    p = number(number(number(p, 4, 4, y), 2, 2, m), 2, 2, d);
    return p && *y >= 1800 && *y <= 2200 && !(*p >= '0' && *p <= '9') ? p : NULL;
}

/* 2024-03-01, 2024/3/1, 1 March 2024, 1-Mar-2024, Mar 1, 2024, 20240301. */
static const char *day(const char *p, int *y, int *m, int *d) {
    const char *whole = compact_day(p, y, m, d);
    if (whole) return whole;
    const char *q = number(p, 4, 4, y);
    if (q && *q && strchr("-/.", *q)) return number(expect(number(q + 1, 1, 2, m), *q), 1, 2, d);
    if ((q = number(p, 1, 2, d)) && *q && strchr("- ", *q)) {
        const char between = *q;
        q = month_name(q + 1, m);
        return number(expect(q, between), 4, 4, y);
    }
    if (!(q = month_name(p, m)) || *q != ' ' || !(q = number(q + 1, 1, 2, d))) return NULL;
    return number(q + strspn(q, ", "), 4, 4, y);
}

/* 10:30, 10:30:15.25, 9:05 pm, 10:30Z, 10:30+02:00. */
static const char *time_of_day(const char *p, double *seconds) {
    int hour, minute, second = 0, zone_hour, zone_minute = 0;
    double part = 0, unit = 1;
    if (!(p = number(expect(number(p, 1, 2, &hour), ':'), 2, 2, &minute))) return NULL;
    if (*p == ':' && !(p = number(p + 1, 2, 2, &second))) return NULL;
    if (*p == '.' || *p == ',')
        for (p++; *p >= '0' && *p <= '9'; p++) part += (*p - '0') * (unit /= 10);
    if (*p == ' ' && p[1] && strchr("apAP", p[1]) && p[2] && strchr("mM", p[2])) {
        if (hour < 1 || hour > 12) return NULL;
        hour = hour % 12 + (goss__ascii_lower(p[1]) == 'p' ? 12 : 0), p += 3;
    }
    if (hour > 23 || minute > 59 || second > 60) return NULL;
    *seconds += 3600.0 * hour + 60.0 * minute + second + part;
    if (*p == 'Z') return p + 1;
    if (*p != '+' && *p != '-') return p;
    const double sign = *p == '+' ? -1 : 1;
    if (!(p = number(p + 1, 2, 2, &zone_hour))) return NULL;
    if (*p && !(p = number(*p == ':' ? p + 1 : p, 2, 2, &zone_minute))) return NULL;
    if (zone_hour > 23 || zone_minute > 59) return NULL;
    *seconds += sign * (3600.0 * zone_hour + 60.0 * zone_minute);
    return p;
}

/* Days since 1970-01-01 of the Gregorian calendar, of years from 1. Years begin in March, so that a leap day is their
 * last. */
static double days_since_1970(int y, int m, int d) {
    y -= m <= 2;
    const int era = y / 400, of_era = y - 400 * era, of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return 146097.0 * era + 365.0 * of_era + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_of(int y, int m) {
    const bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return m == 2 ? 28 + leap : 30 + (m + m / 8) % 2;
}

bool goss__cell_date_seconds(const char *text, double *out) {
    int y, m, d;
    text += strspn(text, " \t\r\n");
    const char *p = day(text, &y, &m, &d);
    if (!p || y < 1 || m < 1 || m > 12 || d < 1 || d > days_of(y, m)) return false;
    *out = 86400 * days_since_1970(y, m, d);
    if ((*p == ' ' || *p == 'T') && p[1 + strspn(p + 1, " \t\r\n")]) p = time_of_day(p + 1, out);
    return p && !p[strspn(p, " \t\r\n")];
}
