/* Internationalised names (IDNA 2008): from what people write to what is
 * stored, and back for people's eyes. Only programs that people talk to call
 * these, since they pull in libidn2; everything behind them knows A-labels. */
#ifndef BASE_IDN_H
#define BASE_IDN_H
#include "base/name.h"

enum { IDN_DISPLAY = 1024 };

/* name_parse() that also takes U-labels ("bücher.example", UTF-8) and checks
 * that A-labels are ones. */
int idn_parse(char out[256], enum name_kind *kind, const char *s,
    struct err *err);
/* The name as people read it, UTF-8. Stays as it is where a label would not
 * come back the same, mixes scripts as no language does, or could be taken for
 * Latin letters. name is canonical. */
void name_display(char out[IDN_DISPLAY], const char *name);
#endif
