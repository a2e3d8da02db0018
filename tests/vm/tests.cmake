find_program(TEPUI_PYTHON NAMES python3 REQUIRED)

# A machine of its own, in QEMU: cgroup v2 and systemd, with the programs of this build.
if(NOT TEPUI_SANITIZE)
  add_test(NAME vm/cgroup2
           COMMAND ${TEPUI_PYTHON} -B ${CMAKE_CURRENT_LIST_DIR}/machine.py
                   --build ${CMAKE_BINARY_DIR})
  # It takes longest, so it starts first.
  set_tests_properties(vm/cgroup2 PROPERTIES
    TIMEOUT 1200 COST 1000 SKIP_RETURN_CODE 77 LABELS vm)
endif()
