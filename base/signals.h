/* Signals of a process that is about to become another program. */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H
/* Every signal does what it does by default and none is blocked: handlers end
 * at exec, but what is ignored or blocked is inherited. Async-signal-safe,
 * for the time between fork and exec. */
void signals_reset(void);
#endif
