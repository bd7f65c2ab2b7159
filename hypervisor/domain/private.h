/*
 * Between the files of domain/.
 */
#ifndef DOMAIN_PRIVATE_H
#define DOMAIN_PRIVATE_H

#include "domain/domain.h"

/* Free the vcpu's structure; it never runs again. */
void vcpu_destroy(struct vcpu *v);
/* Give up the frames that the vcpu of a dying domain holds: -ERESTART. */
int vcpu_relinquish(struct vcpu *v);

#endif
