/* number.h: numbers as text, in the C locale whatever the host program has set. */
#ifndef GOSS_IO_NUMBER_H
#define GOSS_IO_NUMBER_H

#include <stdbool.h>

#define GOSS__NUMBER_TEXT 32

/* Decimal notation only, finite, nothing before or behind it. */
bool goss__number_parse(const char *text, double *out);
/* The shortest notation that reads back as the same double; integers up to 15 digits without exponent. */
void goss__number_print(double value, char text[GOSS__NUMBER_TEXT]);
#endif
