foreach(module macro arena buf blob slice duration err list timers prng uuid sm cow storeio
        flags json_wellformed log metrics map pattern)
  tepui_test(common ${module})
endforeach()
# What workers share with the loop, for the thread sanitizer.
set_tests_properties(unit/common/blob unit/common/cow unit/common/log PROPERTIES LABELS threads)
