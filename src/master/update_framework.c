/* UPDATE_FRAMEWORK: a framework changes what the master knows of it, without subscribing again. */
#include "master/calls.h"
#include "master/master_state.h"
#include "master/validate.h"
#include "master/wants.h"
#include "wire/message.h"

int master_update_framework(struct master *master, struct framework *framework,
                            const Pb__Scheduler__Call__UpdateFramework *call, struct err *err)
{
    const Pb__FrameworkInfo *info = call->framework_info;
    if (master_validate_framework(master, info, err) != 0) {
        return err_wrap(err, VALIDATE_E, "Supplied FrameworkInfo is not valid");
    }
    if (master_validate_framework_update(framework, info, err) != 0) {
        return err_wrap(err, VALIDATE_E, "FrameworkInfo update is not valid");
    }
    CLEANUP(framework_wants_deinit) struct framework_wants wants = {0};
    struct framework_wants_given given = {
        .suppressed = call->suppressed_roles,
        .suppressed_count = call->n_suppressed_roles,
        .constraints = call->offer_constraints,
    };
    if (framework_wants_init(&wants, master, info, &given, err) != 0) {
        return err_wrap(err, VALIDATE_E, "'UpdateFramework' call is not valid");
    }
    struct blob *before = blob_ref(framework->info);
    master_framework_update(master, framework, info, &wants);
    bool changed = !slice_equal(blob_slice(before), blob_slice(framework->info));
    blob_unref(before);
    if (changed) {
        master_framework_broadcast(master, framework);
    }
    return 0;
}
