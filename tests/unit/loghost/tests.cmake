tepui_test(loghost log_api)
set_tests_properties(unit/loghost/log_api PROPERTIES LABELS threads)

# The tools and the example, as processes.
add_test(NAME integration/log
  COMMAND /usr/bin/python3 -m pytest -q -p no:cacheprovider
          ${CMAKE_SOURCE_DIR}/tests/integration/test_log.py)
set_tests_properties(integration/log PROPERTIES
  ENVIRONMENT "TEPUI_BIN=${CMAKE_BINARY_DIR}/bin;PYTHONDONTWRITEBYTECODE=1" TIMEOUT 300)
