#ifndef STARTUP_H
#define STARTUP_H

#include <stdint.h>

/* To the debugger's console. */
void print(const char *text);
void print_number(int32_t value);

/* Ends the program; QEMU ends with this status. */
_Noreturn void leave(int32_t status);

#endif
