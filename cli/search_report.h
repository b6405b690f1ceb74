/* SPDX-License-Identifier: Apache-2.0 */
/* search_report.h: what came of a search, for people and as JSON. */
#ifndef GOSS_CLI_SEARCH_REPORT_H
#define GOSS_CLI_SEARCH_REPORT_H

#include "gossamer/search.h"

void search_print(const goss_search *s);
/* output: the configuration that was written, NULL: none. */
void search_json(const goss_search *s, const char *output);
#endif
