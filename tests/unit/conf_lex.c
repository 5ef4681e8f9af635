/* The words of configuration files: every token, and every refusal with its
 * line and its cure (security.md L7). */
#include <config.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/conf_lex.h"

static void
words(void **state)
{
	static const char text[] =
	    "# first\n"
	    "key = \"a \\\"b\\\" \\\\ ${HOME} #;*{}=\" # rest; of the line\r\n"
	    "l={a:80, /p/q # inside a list\n, '$x\\' }\n";
	static const struct {
		enum lex_kind kind;
		uint32_t line;
		const char *text;
	} want[] = {
		{ LEX_WORD, 2, "key" }, { LEX_EQUALS, 2, "" },
		{ LEX_TEXT, 2, "a \"b\" \\ ${HOME} #;*{}=" },
		{ LEX_WORD, 3, "l" }, { LEX_EQUALS, 3, "" },
		{ LEX_OPEN, 3, "" }, { LEX_WORD, 3, "a:80" },
		{ LEX_COMMA, 3, "" }, { LEX_WORD, 3, "/p/q" },
		{ LEX_COMMA, 4, "" }, { LEX_TEXT, 4, "$x\\" },
		{ LEX_CLOSE, 4, "" }, { LEX_END, 5, "" }, { LEX_END, 5, "" }
	};
	struct lex l;
	size_t i;

	(void)state;
	setenv("HOME", "/wrong", 1);
	lex_init(&l, text, sizeof(text) - 1);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(l.kind, want[i].kind);
		assert_int_equal(l.at, want[i].line);
		assert_string_equal(l.text.data, want[i].text);
		lex_next(&l);
	}
	lex_free(&l);
}

#define BYTES(s) s, sizeof(s) - 1

static void
refusals(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		uint32_t line;
		const char *what, *cure;
	} t[] = {
		{ BYTES("a = b\nc = d;\n"), 2, "this file has no semicolons",
		    "Remove the \";\"." },
		{ BYTES("\n\nn = {*.shop.example}"), 3,
		    "\"*.shop.example\" needs quotes", "" },
		{ BYTES("e = {*:443}"), 1, "\"*:443\" needs quotes", "" },
		{ BYTES("e = ${HOME}"), 1, "\"$\" needs quotes", "" },
		{ BYTES("n = b\xc3\xbc.example"), 1,
		    "\"b\xc3\xbc.example\" needs quotes", "" },
		{ BYTES("a = \"b\n\""), 1, "a quote opens here and is not "
		    "closed in this line",
		    "Close it with \"; a value has no line end." },
		{ BYTES("\na = 'b"), 2, "a quote opens here and is not "
		    "closed in this line",
		    "Close it with '; a value has no line end." },
		{ BYTES("a = \"b\\\n\""), 1, "a quote opens here and is not "
		    "closed in this line",
		    "Close it with \"; a value has no line end." },
		{ BYTES("a = \"b\\"), 1, "a quote opens here and is not "
		    "closed in this line",
		    "Close it with \"; a value has no line end." },
		{ BYTES("a = \"b\\nc\""), 1, "\"\\n\" means nothing in quotes",
		    "For one backslash write two." },
		{ BYTES("a = \"b\tc\""), 1,
		    "a control character (0x09) in a value", "" },
		{ BYTES("a = b\nc = \"\0\""), 2, "a NUL byte",
		    "Save the file as UTF-8 text." },
		{ BYTES("a = b\n\n# \xff"), 3, "byte 0xff is not UTF-8",
		    "Save the file as UTF-8 text." },
		{ BYTES("a = \xc3"), 1, "byte 0xc3 is not UTF-8",
		    "Save the file as UTF-8 text." },
		{ BYTES("\xef\xbb\xbf" "a = b"), 1,
		    "the file begins with a byte order mark",
		    "Save it as plain UTF-8, without a mark." },
		{ BYTES("\xff\xfe" "a\0"), 1, "the file is UTF-16",
		    "Save it as plain UTF-8, without a mark." },
		{ BYTES("\n/* old */"), 2, "\"/*\" begins no comment here",
		    "Begin it with \"#\"." },
		{ BYTES("// old"), 1, "\"//\" begins no comment here",
		    "Begin it with \"#\"." }
	};
	struct lex l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		lex_init(&l, t[i].text, t[i].n);
		while (l.kind != LEX_BAD && l.kind != LEX_END)
			lex_next(&l);
		assert_int_equal(l.kind, LEX_BAD);
		assert_string_equal(l.err.text, t[i].what);
		assert_string_equal(l.err.advice, t[i].cure);
		assert_int_equal(l.at, t[i].line);
		assert_int_equal(lex_next(&l), LEX_BAD);
		lex_free(&l);
	}
}

static void
long_values(void **state)
{
	char text[CONF_VALUE_MAX + 20];
	struct lex l;
	int quoted, more;

	(void)state;
	for (quoted = 0; quoted < 2; quoted++)
		for (more = 0; more < 2; more++) {
			size_t n = CONF_VALUE_MAX + (size_t)more;

			memset(text, 'a', sizeof(text));
			if (quoted) {
				text[0] = text[n + 1] = '"';
				n += 2;
			}
			lex_init(&l, text, n);
			assert_int_equal(l.kind, more ? LEX_BAD : quoted ?
			    LEX_TEXT : LEX_WORD);
			if (more)
				assert_string_equal(l.err.text,
				    "a value of more than 1000 bytes");
			else
				assert_int_equal(l.text.len, CONF_VALUE_MAX);
			lex_free(&l);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words), cmocka_unit_test(refusals),
		cmocka_unit_test(long_values)
	};

	return cmocka_run_group_tests_name("conf_lex", tests, NULL, NULL);
}
