#include "master/wants.h"

#include "master/master_state.h"
#include "master/validate.h"

int framework_wants_init(struct framework_wants *wants, const struct master *master,
                         const Pb__FrameworkInfo *info, const struct framework_wants_given *given,
                         struct err *err)
{
    *wants = (struct framework_wants){
        .suppressed = given->suppressed,
        .suppressed_count = given->suppressed_count,
    };
    int r = master_validate_framework_roles(info, given->suppressed, given->suppressed_count,
                                            given->constraints, err);
    if (r == 0 && offer_constraints_new(given->constraints, &master->options.constraint_limits,
                                        &wants->constraints, err) != 0) {
        r = VALIDATE_E;
    }
    return r;
}

void framework_wants_deinit(struct framework_wants *wants)
{
    wants->constraints = offer_constraints_unref(wants->constraints);
}
