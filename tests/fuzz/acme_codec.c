/* Every object that a CA may send; the first byte chooses. */
#include <config.h>
#include <stddef.h>
#include <stdint.h>
#include "acme/codec.h"

#define ORIGIN "https://ca.example"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data + 1;
	enum account_status account;
	struct order_object order;
	struct authz_object authz;
	struct directory dir;
	struct err err;

	if (len < 1)
		return 0;
	len--;
	switch (data[0]) {
	case 'd':
		if (codec_directory(&dir, text, len, ORIGIN, &err) == 0)
			directory_free(&dir);
		break;
	case 'a':
		codec_account(&account, text, len, &err);
		break;
	case 'o':
		if (codec_order(&order, text, len, ORIGIN, &err) == 0)
			order_object_free(&order);
		break;
	default:
		if (codec_authz(&authz, text, len, ORIGIN, &err) == 0)
			authz_object_free(&authz);
		break;
	}
	return 0;
}
