/*
 * Credit the kernel's random pool from the time stamp counter.
 *
 * For test machines only: a bare system under emulation has no entropy for
 * minutes, and whatever waits for it would make every figure meaningless.
 */
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <x86intrin.h>

int main(void)
{
    struct {
        struct rand_pool_info info;
        unsigned char data[64];
    } pool;
    unsigned long long mix = 0;
    int fd = open("/dev/urandom", O_WRONLY);

    memset(&pool, 0, sizeof(pool));
    for (unsigned int i = 0; i < sizeof(pool.data); i++) {
        mix = mix * 6364136223846793005ull + __rdtsc();
        pool.data[i] = mix >> 56;
    }
    pool.info.entropy_count = sizeof(pool.data) * 8;
    pool.info.buf_size = sizeof(pool.data);
    if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool.info) < 0) {
        perror("seed");
        return 1;
    }
    return 0;
}
