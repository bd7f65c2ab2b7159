/*
 * Two rings.  The log ring keeps the hypervisor's own lines for readers; the
 * output ring holds what the devices have not got yet.  Both are filled under
 * the lock, for short times; the slow devices are fed by whoever finds nobody
 * else doing it, without the lock and with interrupts as they were.
 */
#include "drivers/console.h"
#include "lib/string.h"
#include "x86/atomic.h"
#include "x86/cpu.h"
#include "x86/crash.h"
#include "x86/spinlock.h"

#define LOG_SIZE     (64 * 1024U)
#define OUTPUT_SIZE  (16 * 1024U)
#define INPUT_SIZE   256U
#define LINE_MAX     512
#define FEED_CHUNK   64
#define CTRL_A       1
#define SWITCHES     3               /* give the input to us, and back */

/* (l) lock  (a) atomic.  Positions count bytes since boot, modulo 2^32. */
static struct spinlock lock = SPINLOCK_INIT(LOCK_CONSOLE);
static char log_ring[LOG_SIZE];
static uint32_t log_start, log_end;              /* (l) */
static char output[OUTPUT_SIZE];
static uint32_t out_start, out_end;              /* (l) */
static char input[INPUT_SIZE];
static uint32_t in_start, in_end;                /* (l) */
static bool feeding;                             /* (a) */
static bool opened;                              /* (c) after console_init */
static void (*input_notify)(void);               /* (c) */
static void (*input_key)(char c);                /* (c) */

enum log_level console_level = LOG_INFO;

static unsigned long console_lock(void)
{
    return crashing ? 0 : spin_lock_irqsave(&lock);
}

static void console_unlock(unsigned long flags)
{
    if (!crashing)
        spin_unlock_irqrestore(&lock, flags);
}

/* Give the devices what is in the output ring. */
static void feed_devices(void)
{
    char chunk[FEED_CHUNK];
    unsigned int n;

    while (opened && READ_ONCE(out_start) != READ_ONCE(out_end)) {
        if (xchg(&feeding, true) && !crashing)
            return;
        do {
            unsigned long flags = console_lock();

            for (n = 0; n < FEED_CHUNK && out_start != out_end; n++)
                chunk[n] = output[out_start++ % OUTPUT_SIZE];
            console_unlock(flags);
            ns16550_write(chunk, n);
            vga_write(chunk, n);
        } while (n);
        __atomic_store_n(&feeding, false, __ATOMIC_SEQ_CST);
    }
}

/* Append; a newline becomes carriage return and newline. Returns how much of
 * s went in. */
static size_t output_add_locked(const char *s, size_t n)
{
    size_t i;

    for (i = 0; i < n && out_end - out_start < OUTPUT_SIZE - 1; i++) {
        if (s[i] == '\n')
            output[out_end++ % OUTPUT_SIZE] = '\r';
        output[out_end++ % OUTPUT_SIZE] = s[i];
    }
    return i;
}

static void log_add_locked(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        log_ring[log_end++ % LOG_SIZE] = s[i];
    if (log_end - log_start > LOG_SIZE)
        log_start = log_end - LOG_SIZE;
}

void console_write(const char *s, size_t n)
{
    while (n) {
        unsigned long flags = console_lock();
        size_t done = output_add_locked(s, n);

        console_unlock(flags);
        s += done;
        n -= done;
        feed_devices();
        /* We may have interrupted the one who empties the ring. */
        if (!done && !irqs_on())
            return;
    }
}

void printk(enum log_level level, const char *fmt, ...)
{
    static const char prefix[] = "(zazen) ";
    char line[LINE_MAX];
    unsigned long flags;
    size_t n = sizeof(prefix) - 1;
    va_list ap;

    memcpy(line, prefix, n);
    va_start(ap, fmt);
    n += vsnprintf(line + n, sizeof(line) - n, fmt, ap);
    va_end(ap);
    if (n >= sizeof(line)) {
        n = sizeof(line) - 1;
        line[n - 1] = '\n';
    }
    flags = console_lock();
    if (level != LOG_DEBUG || console_level >= LOG_DEBUG)
        log_add_locked(line, n);
    console_unlock(flags);
    if (level <= console_level || level == LOG_GUEST)
        console_write(line, n);
}

size_t console_ring_read(char *buf, size_t size, uint32_t *index,
                         bool incremental, bool clear)
{
    unsigned long flags = console_lock();
    uint32_t at = incremental ? *index : log_start;
    size_t n = 0;

    /* An index that is not in the ring: what it named has gone. */
    if (at - log_start > log_end - log_start)
        at = log_start;
    while (n < size && at != log_end)
        buf[n++] = log_ring[at++ % LOG_SIZE];
    if (clear)
        log_start = log_end;
    console_unlock(flags);
    *index = at;
    return n;
}

/* Is it for us?  One interrupt, so nobody else is in here. */
static bool is_key(char c)
{
    static unsigned int switches;    /* Ctrl-A in a row */
    static bool ours;

    switches = c == CTRL_A ? switches + 1 : 0;
    if (switches < SWITCHES && !ours)
        return false;
    if (switches == SWITCHES) {
        switches = 0;
        ours = !ours;
        printk(LOG_INFO, ours ? "Input is for the hypervisor: 'h' shows the "
               "keys, three Ctrl-A end it\n" : "Input is for dom0\n");
    } else if (!switches) {
        input_key(c);
    }
    return true;
}

static void console_input(char c)
{
    unsigned long flags;

    if (is_key(c))
        return;
    flags = console_lock();
    if (in_end - in_start < INPUT_SIZE)
        input[in_end++ % INPUT_SIZE] = c;
    console_unlock(flags);
    input_notify();
}

size_t console_read(char *buf, size_t n)
{
    unsigned long flags = console_lock();
    size_t i;

    for (i = 0; i < n && in_start != in_end; i++)
        buf[i] = input[in_start++ % INPUT_SIZE];
    console_unlock(flags);
    return i;
}

void console_init(const char *console, const char *com1, uint16_t *cells)
{
    for (const char *s = console; *s; s++) {
        if (s != console && s[-1] != ',')
            continue;
        if (!strncmp(s, "com1", 4) && !ns16550_init(com1))
            printk(LOG_WARN, "com1: no such device\n");
        else if (!strncmp(s, "vga", 3) && !cells)
            printk(LOG_WARN, "vga: the screen is not in text mode\n");
        else if (!strncmp(s, "vga", 3))
            vga_init(cells);
    }
    opened = true;
    feed_devices();
}

void console_release_screen(void)
{
    if (vga_release())
        printk(LOG_INFO, "The screen is dom0's from now on\n");
}

void console_init_irq(void (*notify)(void), void (*key)(char c))
{
    input_notify = notify;
    input_key = key;
    ns16550_init_irq(console_input);
}
