/*
 * Which domain may do what.  Rights are flags of the domain, never its number.
 */
#ifndef DOMAIN_RIGHTS_H
#define DOMAIN_RIGHTS_H

#include "domain/domain.h"

/* May d use domctl, sysctl, platform_op, console_io, foreign mappings? */
static inline bool may_control(const struct domain *d)
{
    return d->privileged;
}

/* May d act on target: itself, or any when it may control? */
static inline bool may_manage(const struct domain *d,
                              const struct domain *target)
{
    return d == target || d->privileged;
}

#endif
