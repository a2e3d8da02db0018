# The rules of the house as tests: what tools/tidy and tools/purity find, and that they find it.
find_program(TEPUI_PYTHON NAMES python3 REQUIRED)
set(tepui_check_dir ${CMAKE_SOURCE_DIR}/tests/check)

add_test(NAME check/tidy COMMAND ${TEPUI_PYTHON} ${CMAKE_SOURCE_DIR}/tools/tidy)
add_test(NAME check/purity
         COMMAND ${TEPUI_PYTHON} ${CMAKE_SOURCE_DIR}/tools/purity --build ${CMAKE_BINARY_DIR})
add_test(NAME check/tools COMMAND ${TEPUI_PYTHON} -B ${tepui_check_dir}/test_tools.py)
set_tests_properties(check/tidy check/purity check/tools PROPERTIES TIMEOUT 300)
# The operator's manual says what the programs say.
add_test(NAME check/flag_docs COMMAND ${TEPUI_PYTHON} -B ${CMAKE_SOURCE_DIR}/tools/flag-docs --check
         ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
# All C files are as .clang-format has them (tools/dev format makes them so).
find_program(TEPUI_CLANG_FORMAT NAMES clang-format REQUIRED)
add_test(NAME check/format
         COMMAND sh -c "find include src tests examples -name '*.[ch]' -print0 | \
xargs -0 '${TEPUI_CLANG_FORMAT}' --dry-run -Werror"
         WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(check/format PROPERTIES TIMEOUT 300)
