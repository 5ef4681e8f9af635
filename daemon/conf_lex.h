/* The words of a configuration file. Bytes come in, tokens with their line go
 * out; what libconfuse and its kind swallow in silence (semicolons, `*`
 * without quotes, open quotes, `${}`) is refused here, with its cure. */
#ifndef DAEMON_CONF_LEX_H
#define DAEMON_CONF_LEX_H
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

/* No value is longer, so that each fits where values go: into a message
 * between processes, an argument, a path. */
enum { CONF_VALUE_MAX = 1000 };

enum lex_kind {
	LEX_END, LEX_WORD, LEX_TEXT,	/* TEXT was in quotes */
	LEX_EQUALS, LEX_OPEN, LEX_CLOSE, LEX_COMMA,
	LEX_BAD				/* err says why; stays so */
};

struct lex {
	const char *p, *end;
	uint32_t line;		/* of the next byte */
	enum lex_kind kind;	/* of the token in hand */
	uint32_t at;		/* its line */
	struct buf text;	/* WORD and TEXT: what it says */
	struct err err;		/* text: what is wrong; advice: the cure */
};

/* The bytes stay the caller's. The first token is in hand afterwards; a file
 * that is no text as a whole (NUL, byte order mark, not UTF-8) is LEX_BAD at
 * once. */
void lex_init(struct lex *l, const char *p, size_t n);
enum lex_kind lex_next(struct lex *l);
void lex_free(struct lex *l);
/* True if the token behind the one in hand is "=": it is a key, then. */
bool lex_is_key(const struct lex *l);
/* What the token in hand looks like, for an error: `"x"`, `"}"`, "the end of
 * the file". The text lives until the next call. */
const char *lex_name(const struct lex *l);
#endif
