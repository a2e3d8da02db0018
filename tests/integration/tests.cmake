# Real containers, as root; skipped elsewhere.
add_executable(test_containers_linux ${CMAKE_SOURCE_DIR}/tests/integration/test_containers_linux.c
               ${CMAKE_SOURCE_DIR}/tests/integration/container_kit.c)
set_target_properties(test_containers_linux PROPERTIES
                      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_compile_definitions(test_containers_linux PRIVATE _GNU_SOURCE
                           PROGRAMS_DIR="${CMAKE_BINARY_DIR}/bin")
target_compile_options(test_containers_linux PRIVATE ${TEPUI_WARNINGS})
target_link_libraries(test_containers_linux PRIVATE tepui_container PkgConfig::CMOCKA)
add_dependencies(test_containers_linux tepui-containerizer tepui-fetcher)
add_test(NAME integration/containers_linux COMMAND test_containers_linux)
set_tests_properties(integration/containers_linux PROPERTIES TIMEOUT 600 RESOURCE_LOCK host)
