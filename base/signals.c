/* Default signals between fork and exec. */
#include <config.h>
#include <signal.h>
#include <stddef.h>
#include "base/signals.h"

void
signals_reset(void)
{
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
