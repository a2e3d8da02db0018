# The page's script, on a document of paper. Node.js: tools/dev deps clients.
add_test(NAME unit/webui/page
         COMMAND ${CMAKE_SOURCE_DIR}/tests/unit/webui/run ${CMAKE_SOURCE_DIR})
set_tests_properties(unit/webui/page PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 120)
