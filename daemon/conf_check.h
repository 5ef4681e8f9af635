/* What makes a value good, and a whole configuration. */
#ifndef DAEMON_CONF_CHECK_H
#define DAEMON_CONF_CHECK_H
#include "daemon/conf.h"

/* For the table of keys: 0, or -1 and err begins with the value. */
int conf_check_email(const char *s, struct err *err);
int conf_check_listen(const char *s, struct err *err);
int conf_check_ascii(const char *s, struct err *err);
int conf_check_user(const char *s, struct err *err);
int conf_check_name(const char *s, struct err *err);
int conf_check_probe_name(const char *s, struct err *err);
int conf_check_resolver(const char *s, struct err *err);
int conf_check_server(const char *s, struct err *err);
int conf_check_proxy(const char *s, struct err *err);
int conf_check_folder(const char *s, struct err *err);
int conf_check_url(const char *s, struct err *err);
/* Of what is none of the choices; -1 without an error has no more to say. */
int conf_check_key_type(const char *s, struct err *err);
int conf_check_key_uri(const char *s, struct err *err);	/* conf_uri.c */

/* Canonicalises the names; -1 and err if one is none, or is there twice. */
int conf_names_check(struct strv *names, struct err *err);
/* conf_wish_check without the values of single keys, which a file's reader
 * has checked: names, and what a wish refers to. *key is the word of the key
 * at fault; err begins with the fault itself. */
int conf_wish_refers(const struct conf *c, struct conf_wish *w,
    const char **key, struct err *err);
/* The CA, the profile ("": none) and the services that a wish comes to. */
const char *conf_wish_ca(const struct conf *c, const struct conf_wish *w);
const char *conf_wish_profile(const struct conf *c, const struct conf_wish *w);
const struct strv *conf_wish_services(const struct conf *c,
    const struct conf_wish *w);
#endif
