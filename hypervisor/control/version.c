/*
 * HYPERVISOR_xen_version.
 */
#include "control/control.h"
#include "domain/domain.h"
#include "lib/string.h"
#include "mm/guest_copy.h"
#include "x86/addrmap.h"
#include "x86/percpu.h"

#define MAJOR 4UL                    /* the ABI that we follow */
#define MINOR 17UL

#define FEATURES (BIT(XENFEAT_mmu_pt_update_preserve_ad) | \
                  BIT(XENFEAT_highmem_assist) | \
                  BIT(XENFEAT_gnttab_map_avail_bits) | \
                  BIT(XENFEAT_memory_op_vnode_supported) | \
                  BIT(XENFEAT_direct_mapped))
#define FEATURES_DOM0 (BIT(XENFEAT_pae_pgdir_above_4gb) | BIT(XENFEAT_dom0))

static char command_line[sizeof(xen_commandline_t)];     /* (c) after boot */

void version_set_cmdline(const char *cmdline)
{
    strlcpy(command_line, cmdline, sizeof(command_line));
}

/* A fixed array of n characters, all of it. */
static long give_text(void __guest *arg, const char *text, size_t n)
{
    size_t len = MIN(strlen(text), n - 1);

    return copy_to_guest(arg, text, len) ||
           clear_guest((char __guest *)arg + len, n - len) ? -EFAULT : 0;
}

static long compile_info(void __guest *arg)
{
    struct xen_compile_info info = { .compile_by = "", .compile_date = "" };

    strlcpy(info.compiler, __VERSION__, sizeof(info.compiler));
    return copy_to_guest(arg, &info, sizeof(info));
}

static long get_features(void __guest *arg)
{
    struct xen_feature_info f;

    if (copy_from_guest(&f, arg, sizeof(f)))
        return -EFAULT;
    if (f.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -EINVAL;
    f.submap = FEATURES | (current->domain->hardware ? FEATURES_DOM0 : 0);
    return copy_to_guest(arg, &f, sizeof(f));
}

long do_xen_version(int cmd, void __guest *arg)
{
    static const struct xen_platform_parameters platform = { HV_VIRT_START };
    const struct domain *d = current->domain;

    switch (cmd) {
    case XENVER_version:        return (MAJOR << 16) | MINOR;
    case XENVER_extraversion:
        return give_text(arg, ".zazen", XEN_EXTRAVERSION_LEN);
    case XENVER_compile_info:   return compile_info(arg);
    case XENVER_capabilities:
        return give_text(arg, "xen-3.0-x86_64", XEN_CAPABILITIES_INFO_LEN);
    case XENVER_changeset:
        return give_text(arg, "zazen " ZAZEN_VERSION, XEN_CHANGESET_INFO_LEN);
    case XENVER_platform_parameters:
        return copy_to_guest(arg, &platform, sizeof(platform));
    case XENVER_get_features:   return get_features(arg);
    case XENVER_pagesize:       return arg ? -EINVAL : (long)PAGE_SIZE;
    case XENVER_guest_handle:
        return copy_to_guest(arg, d->uuid, sizeof(d->uuid));
    case XENVER_commandline:
        return give_text(arg, d->privileged ? command_line : "",
                         sizeof(command_line));
    case XENVER_build_id:       return -ENODATA;
    default:                    return -ENOSYS;
    }
}
