/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read a core dump of a domain, as a debugger does: find the sections, and
 * follow vcpu 0's page tables from its cr3 to its instruction, by machine
 * frames alone.  Prints "vcpus=N pages=N" if all of that is there.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <xen/xen.h>

static const char *file;
static const Elf64_Shdr *sections;

static void fail(const char *why, uint64_t number)
{
    printf("%s (%#llx)\n", why, (unsigned long long)number);
    exit(1);
}

static const Elf64_Shdr *section(const char *name)
{
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)file;
    const char *names = file + sections[e->e_shstrndx].sh_offset;

    for (int i = 1; i < e->e_shnum; i++)
        if (!strcmp(names + sections[i].sh_name, name))
            return &sections[i];
    fail(name, 0);
    return NULL;
}

/* The page of a machine frame. */
static const uint64_t *page(uint64_t mfn)
{
    const Elf64_Shdr *p2m = section(".xen_p2m"), *pages = section(".xen_pages");
    const uint64_t *row = (const uint64_t *)(file + p2m->sh_offset);

    for (uint64_t i = 0; i < p2m->sh_size / 16; i++)
        if (row[2 * i + 1] == mfn)
            return (const uint64_t *)(file + pages->sh_offset + i * 4096);
    fail("a frame is not there", mfn);
    return NULL;
}

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    const struct vcpu_guest_context *v;
    uint64_t vcpus, mfn, e;
    struct stat st;

    if (fd < 0 || fstat(fd, &st))
        fail("no file", 0);
    file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (file == MAP_FAILED || memcmp(file, ELFMAG, 4) ||
        ((const Elf64_Ehdr *)file)->e_type != ET_CORE)
        fail("no ELF core", 0);
    sections = (const Elf64_Shdr *)(file +
                                    ((const Elf64_Ehdr *)file)->e_shoff);
    v = (const void *)(file + section(".xen_prstatus")->sh_offset);
    vcpus = section(".xen_prstatus")->sh_size / sizeof(*v);
    mfn = xen_cr3_to_pfn(v->ctrlreg[3]);
    for (int shift = 39; shift >= 12; shift -= 9) {
        e = page(mfn)[v->user_regs.rip >> shift & 511];
        if (!(e & 1))
            fail("rip is not mapped", v->user_regs.rip);
        mfn = (e & 0xffffffffff000) >> 12;
    }
    page(mfn);
    printf("vcpus=%llu pages=%llu\n", (unsigned long long)vcpus,
           (unsigned long long)section(".xen_p2m")->sh_size / 16);
    return 0;
}
