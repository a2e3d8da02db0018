# Real containers, as root; skipped elsewhere.
foreach(name containers_linux container_isolation_linux)
  add_executable(test_${name} ${CMAKE_SOURCE_DIR}/tests/integration/test_${name}.c
                 ${CMAKE_SOURCE_DIR}/tests/integration/container_kit.c)
  set_target_properties(test_${name} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_definitions(test_${name} PRIVATE _GNU_SOURCE
                             PROGRAMS_DIR="${CMAKE_BINARY_DIR}/bin")
  target_compile_options(test_${name} PRIVATE ${TEPUI_WARNINGS})
  target_link_libraries(test_${name} PRIVATE tepui_container PkgConfig::CMOCKA)
  add_dependencies(test_${name} tepui-containerizer tepui-fetcher)
  add_test(NAME integration/${name} COMMAND test_${name})
  set_tests_properties(integration/${name} PROPERTIES TIMEOUT 600 RESOURCE_LOCK host)
endforeach()

# Real processes, driven from Python: pytest files beside this one.
set(bin ${CMAKE_BINARY_DIR}/bin)
set(clients ${CMAKE_BINARY_DIR}/clients)
foreach(name clients install kill local peers registry registry_group rough)
  add_test(NAME integration/${name}
    COMMAND /usr/bin/python3 -m pytest -q -p no:cacheprovider
            ${CMAKE_SOURCE_DIR}/tests/integration/test_${name}.py)
  set_tests_properties(integration/${name} PROPERTIES
    ENVIRONMENT "TEPUI_BIN=${bin};TEPUI_CLIENTS=${clients};PYTHONDONTWRITEBYTECODE=1"
    SKIP_RETURN_CODE 77 TIMEOUT 600 RESOURCE_LOCK host)
endforeach()

# Faults, in networks of their own (tools/dev deps partitions), and what judges the outcome.
foreach(name linear registry_model)
  add_test(NAME integration/${name}
    COMMAND /usr/bin/python3 -B -m pytest -q -p no:cacheprovider
            ${CMAKE_SOURCE_DIR}/tests/integration/test_${name}.py)
  set_tests_properties(integration/${name} PROPERTIES TIMEOUT 120)
endforeach()
add_test(NAME integration/partitions
  COMMAND ${CMAKE_SOURCE_DIR}/tests/integration/apart /usr/bin/python3 -B -m pytest -q -rP
          -p no:cacheprovider ${CMAKE_SOURCE_DIR}/tests/integration/test_partitions.py)
set_tests_properties(integration/partitions PROPERTIES ENVIRONMENT "TEPUI_BIN=${bin}"
                     SKIP_RETURN_CODE 77 TIMEOUT 600 RESOURCE_LOCK host)

# Elections in a real ZooKeeper (tools/dev deps zookeeper).
tepui_program(zk_member ${CMAKE_SOURCE_DIR}/tests/integration/zk_member.c LIBS tepui_coord)
add_executable(test_zookeeper ${CMAKE_SOURCE_DIR}/tests/integration/test_zookeeper.c
               ${CMAKE_SOURCE_DIR}/tests/integration/zookeeper_kit.c)
set_target_properties(test_zookeeper zk_member PROPERTIES
                      RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
target_compile_definitions(test_zookeeper PRIVATE _GNU_SOURCE
                           ZK_MEMBER="${CMAKE_BINARY_DIR}/tests/zk_member")
target_compile_options(test_zookeeper PRIVATE ${TEPUI_WARNINGS})
target_include_directories(test_zookeeper PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(test_zookeeper PRIVATE zookeeper_mt tepui_common PkgConfig::CMOCKA)
add_dependencies(test_zookeeper zk_member)
add_test(NAME integration/zookeeper COMMAND test_zookeeper)
set_tests_properties(integration/zookeeper PROPERTIES TIMEOUT 600)
