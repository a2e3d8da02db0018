tepui_test(loghost log_api)
set_tests_properties(unit/loghost/log_api PROPERTIES LABELS threads)
