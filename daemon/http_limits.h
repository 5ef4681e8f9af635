/* What the HTTP client allows a reply and itself. Not for the configuration:
 * a struct only so that tests need not wait for whole minutes. */
#ifndef DAEMON_HTTP_LIMITS_H
#define DAEMON_HTTP_LIMITS_H

struct http_limits {
	long timeout_ms;	/* an exchange, all in all */
	long connect_ms;	/* name, connection and TLS */
	long slow_bytes, slow_s;	/* fewer bytes a second for so long */
	long patient_s;			/* instead of slow_s */
	long cpu_ms;		/* of ours, that one exchange may cost */
	unsigned running;	/* exchanges at once */
	unsigned per_origin;	/* of them to one host and port, HTTP/2 */
	unsigned connections;	/* to one host and port */
};
extern struct http_limits http_limits;
#endif
