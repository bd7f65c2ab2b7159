#include "drivers/console.h"
#include "lib/cmdline.h"
#include "lib/string.h"
#include "x86/cpu.h"
#include "x86/io.h"
#include "x86/irq.h"

#define UART_CLOCK   115200          /* 1.8432 MHz / 16 */
#define TX_FIFO      16

/* Registers, and the bits that are used (National's data sheet). */
enum {
    REG_DATA, REG_IER, REG_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR,
    IER_RX = 0x01,
    FCR_ENABLE_CLEAR = 0x07,
    LCR_8N1 = 0x03, LCR_DLAB = 0x80,
    MCR_DTR_RTS_OUT2 = 0x0b,
    LSR_DATA = 0x01, LSR_THR_EMPTY = 0x20,
};

/* (c) after init */
static struct {
    bool present;
    uint16_t port;
    unsigned int irq;
    void (*rx)(char c);
} uart = { .port = 0x3f8, .irq = 4 };

static uint8_t uart_in(unsigned int reg)
{
    return inb(uart.port + reg);
}

static void uart_out(unsigned int reg, uint8_t v)
{
    outb(uart.port + reg, v);
}

/* RATE,8n1,PORT,IRQ: the rate; where the device is. */
static uint64_t parse_config(const char *s)
{
    uint64_t baud = 0, n;

    parse_number(s, &s, &baud);
    if (!strncmp(s, ",8n1", 4))
        s += 4;
    if (*s == ',' && parse_number(s + 1, &s, &n))
        uart.port = n;
    if (*s == ',' && parse_number(s + 1, &s, &n))
        uart.irq = n;
    if (*s)
        printk(LOG_WARN, "com1: not understood from \"%s\"\n", s);
    return baud;
}

bool ns16550_init(const char *config)
{
    uint64_t baud = parse_config(config);

    uart_out(REG_SCR, 0x5a);
    if (uart_in(REG_SCR) != 0x5a)
        return false;
    uart_out(REG_IER, 0);
    if (baud && baud <= UART_CLOCK) {
        unsigned int divisor = UART_CLOCK / baud;

        uart_out(REG_LCR, LCR_8N1 | LCR_DLAB);
        uart_out(REG_DATA, divisor);
        uart_out(REG_IER, divisor >> 8);
    }
    uart_out(REG_LCR, LCR_8N1);
    uart_out(REG_FCR, FCR_ENABLE_CLEAR);
    uart_out(REG_MCR, MCR_DTR_RTS_OUT2);
    uart.present = true;
    return true;
}

bool ns16550_owns_port(uint16_t port)
{
    return uart.present && port >= uart.port && port < uart.port + 8;
}

void ns16550_write(const char *s, size_t n)
{
    static bool stuck;               /* one CPU at a time is in here */
    unsigned int room = 0;

    if (!uart.present)
        return;
    for (; n; n--, room--) {
        /* A line that takes nothing for this long is not there any more, until
         * it takes something. */
        for (unsigned int i = 0; !room && i < (stuck ? 1 : 1000000); i++) {
            if (uart_in(REG_LSR) & LSR_THR_EMPTY)
                room = TX_FIFO;
            else
                cpu_relax();
        }
        stuck = !room;
        if (stuck)
            return;
        uart_out(REG_DATA, *s++);
    }
}

static void uart_irq(void *data, unsigned int irq)
{
    (void)data;
    (void)irq;
    while (uart_in(REG_LSR) & LSR_DATA)
        uart.rx(uart_in(REG_DATA));
}

void ns16550_init_irq(void (*rx)(char c))
{
    if (!uart.present)
        return;
    uart.rx = rx;
    irq_setup_gsi(uart.irq, false, false);   /* done already, mostly */
    if (irq_bind(uart.irq, uart_irq, NULL)) {
        printk(LOG_WARN, "com1: irq %u is not available, no input\n",
               uart.irq);
        return;
    }
    uart_out(REG_IER, IER_RX);
}
