/* The built responder as a child, with the test as its master and engine. */
#ifndef TESTS_UNIT_RESPONDER_CHILD_H
#define TESTS_UNIT_RESPONDER_CHILD_H
#include <stdint.h>
#include <sys/types.h>

#define TOKEN "DGyRejmCefe7v4NfDGDKfA_-0123"
#define KEYAUTH TOKEN ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
#define PATH "/.well-known/acme-challenge/" TOKEN

struct responder {
	pid_t child;			/* 0 once it has been waited for */
	int master, engine;		/* our ends of its channels */
	uint16_t port, tls_port;	/* on 127.0.0.1, network order */
	char folder[64], socket[96];	/* http-01 on a Unix socket */
	uint32_t last_id;
};
extern struct responder responder;

/* For cmocka_run_group_tests: starts it, waits until it answers; ends it. */
int responder_start(void **state);
int responder_stop(void **state);

/* A new channel of an engine, in place of the one before. */
void responder_new_engine(void);
/* The kind of the answer to the last message; 0: the channel is closed. */
uint16_t responder_answer(void);
uint16_t responder_publish(const char *type, const char *token,
    const char *host, const char *keyauth);
uint16_t responder_withdraw(const char *type, const char *token,
    const char *host);
#endif
