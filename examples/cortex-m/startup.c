/*
 * What runs before main on a Cortex-M: the vector table, memory as C wants it, the floating point unit. And two
 * functions that talk to a debugger or to QEMU (semihosting): a device without one has to do without them.
 */
#include "startup.h"

extern uint32_t stack_top, data_start, data_end, data_in_flash, bss_start, bss_end;

int main(void);
void reset(void);
void fault(void);

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
        &stack_top, (const void *)reset, (const void *)fault, (const void *)fault,
        (const void *)fault, (const void *)fault, (const void *)fault, (const void *)fault};

static int32_t semihosting(int32_t operation, const void *argument) {
    register int32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void print(const char *text) {
    semihosting(0x04, text);
}

void print_number(int32_t value) {
    char text[12];
    uint32_t rest = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    char *at = text + sizeof text - 1;
    *at = 0;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0) {
        *--at = '-';
    }
    print(at);
}

_Noreturn void leave(int32_t status) {
    const uint32_t stopped[2] = {0x20026, (uint32_t)status};
    for (;;) {
        semihosting(0x20, stopped);
    }
}

void fault(void) {
    print("fault\n");
    leave(1);
}

/* The address of a variable that a linker script defines; of no object that C knows. */
static uint32_t *place(uint32_t *symbol) {
    __asm__("" : "+r"(symbol));
    return symbol;
}

void reset(void) {
#if defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
    /* Coprocessors 10 and 11, the FPU and MVE where there are any, are off after a reset. */
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20;
    __asm__ volatile("dsb\n\tisb");
#endif
    uint32_t *from = place(&data_in_flash);
    for (uint32_t *to = place(&data_start); to < place(&data_end); to++) {
        *to = *from++;
    }
    for (uint32_t *to = place(&bss_start); to < place(&bss_end); to++) {
        *to = 0;
    }
    leave(main());
}
