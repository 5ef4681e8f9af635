/* Scripted DNS: records that a test wrote, and the answer that a good server
 * would make of them. A name with SOA is the top of a zone. */
#ifndef TESTS_SIM_ZONES_H
#define TESTS_SIM_ZONES_H
#include "daemon/dns.h"

void zones_reset(void);
/* "NAME TYPE VALUE", for CAA "NAME CAA FLAGS TAG VALUE". False if it is
 * none. */
bool zones_add(const char *line);
/* Takes out all of this name and type with that value (NULL: any). */
void zones_remove(const char *name, enum dns_type type, const char *value);
size_t zones_count(enum dns_type type, const char *value);	/* NULL: any */
/* Whoever asks for this name, or one below it, gets that. */
void zones_fail(const char *name, enum dns_rcode rcode);
/* A resolver's answer, CNAMEs followed; or that of one of the zone's own
 * servers. */
void zones_answer(struct dns_answer *out, const char *name,
    enum dns_type type, bool authoritative);
enum dns_type zones_type(const char *word);	/* 0 if it is none */
#endif
