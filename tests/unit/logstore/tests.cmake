tepui_test(logstore log_db)
tepui_test(logstore log_store)
set_tests_properties(unit/logstore/log_store PROPERTIES LABELS threads)
