/* One error for all to see, one notice, one work that others wait for. */
#include <config.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "daemon/loop.h"
#include "daemon/trouble.h"

static struct {
	bool is, blind;
	int64_t since_ms;
	struct err err;
} trouble;

static struct {
	bool is;
	int64_t since_ms;
	struct err err;
	void (*over)(void);
} busy;

static struct {
	bool is;
	struct err err;
	char *file;
	int64_t until_ms;
} notice;

bool
trouble_set(const struct err *err, bool blind)
{
	bool news = !trouble.is || strcmp(trouble.err.text, err->text) != 0;

	assert(err->text[0] != '\0');
	if (!trouble.is)
		trouble.since_ms = loop_now();
	trouble.is = true;
	trouble.blind = blind;
	trouble.err = *err;
	return news;
}

bool
trouble_clear(void)
{
	bool was = trouble.is;

	memset(&trouble, 0, sizeof(trouble));
	assert(trouble_now() == NULL);
	return was;
}

const struct err *
trouble_now(void)
{
	return trouble.is ? &trouble.err : NULL;
}

int64_t
trouble_since(void)
{
	assert(trouble.is || trouble.since_ms == 0);
	return trouble.since_ms;
}

bool
trouble_blind(void)
{
	return trouble.is && trouble.blind;
}

bool
busy_set(const struct err *err)
{
	bool news = !busy.is;

	assert(err->text[0] != '\0');
	if (news)
		busy.since_ms = loop_now();
	busy.is = true;
	busy.err = *err;
	return news;
}

void
busy_clear(void)
{
	bool was = busy.is;

	busy.is = false;
	busy.since_ms = 0;
	if (was && busy.over != NULL)
		busy.over();
}

const struct err *
busy_now(void)
{
	return busy.is ? &busy.err : NULL;
}

int64_t
busy_since(void)
{
	assert(busy.is || busy.since_ms == 0);
	return busy.since_ms;
}

void
busy_watch(void (*over)(void))
{
	assert(busy.over == NULL || over == NULL);
	busy.over = over;
}

/* One that names a file is over when somebody has removed it. */
void
notice_set(const struct err *err, const char *file, int64_t until_ms)
{
	free(notice.file);
	memset(&notice, 0, sizeof(notice));
	if (err == NULL)
		return;
	assert(err->text[0] != '\0');
	notice.is = true;
	notice.err = *err;
	notice.file = file != NULL ? xstrdup(file) : NULL;
	notice.until_ms = until_ms;
}

const struct err *
notice_now(void)
{
	if (!notice.is || (notice.file != NULL ?
	    access(notice.file, F_OK) != 0 : loop_now() > notice.until_ms))
		return NULL;
	return &notice.err;
}
