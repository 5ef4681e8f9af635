/* Times as text: RFC 3339, HTTP-date, lengths of time. No clock is read. */
#include <config.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "base/text.h"

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* Eras of 400 years (146097 days) that start on 1 March, so that the leap day
 * is the last of its year; 719468 days lie between 0000-03-01 and 1970. */
int64_t
text_days(int64_t y, int m, int d)
{
	int64_t era, yoe, doy;

	assert(m >= 1 && m <= 12 && d >= 1 && d <= 31);
	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* The way back. */
static void
civil(int64_t days, int64_t *y, int *m, int *d)
{
	int64_t z = days + 719468, era, doe, yoe, doy, mp;

	era = (z >= 0 ? z : z - 146096) / 146097;
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = yoe + era * 400 + (*m <= 2);
	assert(text_days(*y, *m, *d) == days);
}

void
text_rfc3339(char out[TEXT_TIME], int64_t ms)
{
	int64_t days, rest, y;
	int m, d;

	/* What RFC 3339 can say: year 0 to 9999. */
	if (ms < -62167219200000LL)
		ms = -62167219200000LL;
	if (ms > 253402300799999LL)
		ms = 253402300799999LL;
	days = (ms >= 0 ? ms : ms - (DAY - 1)) / DAY;
	rest = (ms - days * DAY) / SECOND;
	civil(days, &y, &m, &d);
	assert(y >= 0 && y <= 9999 && rest >= 0 && rest < DAY / SECOND);
	snprintf(out, TEXT_TIME, "%04u-%02u-%02uT%02u:%02u:%02uZ",
	    (unsigned int)y % 10000, (unsigned int)m % 100,
	    (unsigned int)d % 100, (unsigned int)(rest / 3600) % 100,
	    (unsigned int)(rest / 60 % 60), (unsigned int)(rest % 60));
}

/* Exactly n digits at *s; moves *s on. */
static bool
digits(const char **s, int n, int *v)
{
	assert(n > 0 && n <= 4);
	for (*v = 0; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*v = *v * 10 + (**s - '0');
	}
	return true;
}

static bool
literal(const char **s, char c)
{
	return *(*s)++ == c;
}

static bool
day_exists(int y, int m, int d)
{
	static const int last[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};
	bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);

	return m >= 1 && m <= 12 && d >= 1 &&
	    d <= last[m - 1] + (m == 2 && leap);
}

/* 60: a leap second (RFC 3339 section 5.6). */
static bool
clock_exists(int h, int mi, int s)
{
	return h <= 23 && mi <= 59 && s <= 60;
}

static bool
zone(const char *s, int64_t *offset)
{
	int h, m, sign = *s == '-' ? -1 : 1;

	*offset = 0;
	if ((*s == 'Z' || *s == 'z') && s[1] == '\0')
		return true;
	if (*s != '+' && *s != '-')
		return false;
	s++;
	if (!digits(&s, 2, &h) || *s++ != ':' || !digits(&s, 2, &m) ||
	    h > 23 || m > 59)
		return false;
	*offset = sign * (h * HOUR + m * MINUTE);
	assert(*offset > -DAY && *offset < DAY);
	return *s == '\0';
}

bool
text_unrfc3339(int64_t *ms, const char *s)
{
	int y, mo, d, h, mi, sec, frac = 0, n;
	int64_t offset;

	assert(ms != NULL && s != NULL);
	if (!digits(&s, 4, &y) || !literal(&s, '-') || !digits(&s, 2, &mo) ||
	    !literal(&s, '-') || !digits(&s, 2, &d) || !day_exists(y, mo, d))
		return false;
	if (*s != 'T' && *s != 't' && *s != ' ')
		return false;
	s++;
	if (!digits(&s, 2, &h) || !literal(&s, ':') || !digits(&s, 2, &mi) ||
	    !literal(&s, ':') || !digits(&s, 2, &sec) ||
	    !clock_exists(h, mi, sec))
		return false;
	if (*s == '.') {
		for (s++, n = 0; *s >= '0' && *s <= '9'; s++, n++)
			if (n < 3)
				frac = frac * 10 + (*s - '0');
		if (n < 1 || n > 9)
			return false;
		for (; n < 3; n++)
			frac *= 10;
	}
	assert(frac >= 0 && frac < 1000);
	if (!zone(s, &offset))
		return false;
	*ms = text_days(y, mo, d) * DAY + h * HOUR + mi * MINUTE +
	    sec * SECOND + frac - offset;
	return true;
}

static int
month(const char *s)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int i;

	for (i = 0; i < 12; i++)
		if (strncasecmp(names + 3 * i, s, 3) == 0)
			return i + 1;
	return 0;
}

bool
text_http_date(int64_t *ms, const char *s)
{
	char mon[4], rest[8];
	int y, d, h, mi, sec;

	/* Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT;
	 * Sun Nov  6 08:49:37 1994. */
	if (strlen(s) > 40)
		return false;
	if (sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %7s", &d,
	    mon, &y, &h, &mi, &sec, rest) == 7) {
		if (strcasecmp(rest, "GMT") != 0)
			return false;
	} else if (sscanf(s, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d %7s",
	    &d, mon, &y, &h, &mi, &sec, rest) == 7) {
		if (strcasecmp(rest, "GMT") != 0)
			return false;
		/* RFC 850's two digits. */
		y += y < 70 ? 2000 : 1900;
	} else if (sscanf(s, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d %7s",
	    mon, &d, &h, &mi, &sec, &y, rest) != 6)
		return false;
	if (y < 0 || h < 0 || mi < 0 || sec < 0 ||
	    !day_exists(y, month(mon), d) || !clock_exists(h, mi, sec))
		return false;
	*ms = text_days(y, month(mon), d) * DAY + h * HOUR + mi * MINUTE +
	    sec * SECOND;
	return true;
}

void
text_local(char out[TEXT_TIME], int64_t ms)
{
	time_t t = (time_t)(ms / SECOND);
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(out, TEXT_TIME, "%Y-%m-%d %H:%M", &tm) == 0)
		snprintf(out, TEXT_TIME, "?");
}

bool
text_duration(int64_t *ms, const char *s)
{
	int64_t unit, v = 0;
	const char *p = s;

	for (; isdigit((unsigned char)*p); p++) {
		v = v * 10 + (*p - '0');
		if (v > 1000000000)
			return false;
	}
	if (p == s || p[0] == '\0' || p[1] != '\0')
		return false;
	switch (*p) {
	case 's': unit = SECOND; break;
	case 'm': unit = MINUTE; break;
	case 'h': unit = HOUR; break;
	case 'd': unit = DAY; break;
	default: return false;
	}
	assert(v >= 0 && v <= 1000000000);
	/* A century: more is a mistake, and sums with it stay in int64. */
	if (v * unit > 36525 * DAY)
		return false;
	*ms = v * unit;
	assert(*ms >= 0);
	return true;
}

void
text_span(char out[32], int64_t ms)
{
	static const struct {
		int64_t unit, from;
		const char *name;
	} units[] = {
		{ DAY, 2 * DAY, "day" }, { HOUR, 2 * HOUR, "hour" },
		{ MINUTE, 2 * MINUTE, "minute" }, { SECOND, 0, "second" }
	};
	size_t i = 0;
	long long n;

	if (ms < 0)
		ms = 0;
	while (ms < units[i].from)
		i++;
	assert(i < sizeof(units) / sizeof(units[0]));
	n = ms / units[i].unit;
	snprintf(out, 32, "%lld %s%s", n, units[i].name, n == 1 ? "" : "s");
}

int64_t
text_add_sat(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}
